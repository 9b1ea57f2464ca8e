use chrono::Duration;
use nmc_db::{Db, DbError, Tx};
use nmc_effects::{Accepted, CallOutcome, Change, Check, EffectKind, Failed, Intent, Look};
use nmc_providers::clerk::{ClerkClient, ClientError, InvitationId as ClerkInvitationId};

use super::InvitationRequest;
use crate::{InvitationStatus, store};

/// The effect `clerk-invitation-revoke`: an invitation's link is to lead nowhere. Taking back what is taken back already
/// changes nothing, so it may be repeated; whoever was faster than it finds no open invitation here.
#[derive(Clone, Debug)]
pub struct RevokeClerkInvitation {
    db: Db,
    clerk: ClerkClient,
}

/// What became of one try.
enum Tried {
    /// It leads nowhere now.
    Done(ClerkInvitationId),
    /// It never will be tried again.
    Failed(Failed),
    /// Clerk could not do it, or not be asked.
    NotNow { answered: bool, retry_after: Option<Duration>, reason: String },
}

impl RevokeClerkInvitation {
    pub(crate) fn new(db: Db, clerk: ClerkClient) -> Self {
        Self { db, clerk }
    }

    async fn clerk_id(&self, intent: &Intent<InvitationRequest>) -> Result<Option<ClerkInvitationId>, DbError> {
        let mut tx = self.db.read(intent.tenant).await?;
        let invitation = store::invitation::find(&mut tx, intent.request.invitation_id).await?;
        tx.finish().await?;
        Ok(invitation.and_then(|invitation| invitation.clerk_invitation_id))
    }

    async fn revoke(&self, intent: &Intent<InvitationRequest>) -> Tried {
        let id = match self.clerk_id(intent).await {
            Ok(Some(id)) => id,
            Ok(None) => return Tried::Failed(Failed { code: None, reason: "never-sent".to_owned() }),
            Err(error) => return Tried::NotNow { answered: false, retry_after: None, reason: error.to_string() },
        };
        let error = match self.clerk.revoke_invitation(&id).await {
            // 400: it is not open any more, in whichever way
            // (<https://clerk.com/docs/reference/backend/invitations/revoke-invitation>).
            Ok(_) | Err(ClientError::NotFound | ClientError::Refused { http_status: 400, .. }) => {
                return Tried::Done(id);
            }
            Err(error) => error,
        };
        let reason = error.to_string();
        match error {
            error if !error.is_transient() => Tried::Failed(Failed { code: None, reason }),
            ClientError::Refused { retry_after, .. } => {
                let retry_after = retry_after.and_then(|wait| Duration::from_std(wait).ok());
                Tried::NotNow { answered: true, retry_after, reason }
            }
            _ => Tried::NotNow { answered: false, retry_after: None, reason },
        }
    }
}

impl EffectKind for RevokeClerkInvitation {
    const KIND: &'static str = "clerk-invitation-revoke";
    type Request = InvitationRequest;

    async fn check(&self, tx: &mut Tx, intent: &Intent<InvitationRequest>) -> Result<Check, DbError> {
        let invitation = store::invitation::lock(tx, intent.request.invitation_id).await?;
        let is_revoked = invitation.is_some_and(|invitation| invitation.status == InvitationStatus::Revoked);
        Ok(if is_revoked { Check::Go } else { Check::Cancel { reason: "not-revoked" } })
    }

    async fn call(&self, intent: &Intent<InvitationRequest>) -> CallOutcome {
        match self.revoke(intent).await {
            Tried::Done(id) => CallOutcome::Accepted(Accepted { provider_ref: id.to_string() }),
            Tried::Failed(failed) => CallOutcome::Failed(failed),
            Tried::NotNow { answered, retry_after, reason } => CallOutcome::NotSent { answered, retry_after, reason },
        }
    }

    async fn look(&self, intent: &Intent<InvitationRequest>) -> Look {
        match self.revoke(intent).await {
            Tried::Done(id) => Look::Accepted(Accepted { provider_ref: id.to_string() }),
            Tried::Failed(failed) => Look::Failed(failed),
            Tried::NotNow { reason, .. } => Look::Unreachable { reason },
        }
    }

    /// Here it was taken back before: nothing follows.
    async fn apply(&self, _: &mut Tx, _: &Intent<InvitationRequest>, _: &Change) -> Result<(), DbError> {
        Ok(())
    }
}
