use chrono::Duration;
use nmc_db::{Db, DbError, Tx};
use nmc_effects::{Accepted, CallOutcome, Change, Check, EffectKind, Failed, Intent, Look};
use nmc_kernel::{InvitationId, TenantId};
use nmc_providers::clerk::{
    ClerkClient, ClientError, CreateInvitation, InvitationId as ClerkInvitationId, InvitationQuery,
    InvitationStatus as ClerkStatus, InviteOutcome, NotSent,
};

use super::{InvitationRequest, plan_revocation};
use crate::{
    Invitation, InvitationStatus,
    model::invitation::{invited_by_metadata, metadata},
    store,
};

/// Words for why an invitation could not be sent; stored, and shown to owners.
const ALREADY_INVITED: &str = "already-invited";
const ALREADY_REGISTERED: &str = "already-registered";
const REFUSED: &str = "refused";
const NOT_SENT_IN_TIME: &str = "not-sent-in-time";
const ERASED: &str = "erased";

/// The effect `clerk-invitation`: Clerk sends somebody the e-mail with the link by which they sign up. What becomes the
/// user's metadata names the invitation, and tells it from any other in Clerk's list.
#[derive(Clone, Debug)]
pub struct SendClerkInvitation {
    db: Db,
    clerk: ClerkClient,
}

impl SendClerkInvitation {
    pub(crate) fn new(db: Db, clerk: ClerkClient) -> Self {
        Self { db, clerk }
    }

    /// In a transaction of its own, which is over before Clerk is asked anything.
    async fn invitation(&self, tenant: TenantId, id: InvitationId) -> Result<Option<Invitation>, DbError> {
        let mut tx = self.db.read(tenant).await?;
        let invitation = store::invitation::find(&mut tx, id).await?;
        tx.finish().await?;
        Ok(invitation)
    }

    /// Looks for the invitation in Clerk's list of those to its address.
    async fn find(&self, tenant: TenantId, invitation: &Invitation) -> Result<Look, ClientError> {
        let query = InvitationQuery { email_address: Some(invitation.email.to_string()), status: None };
        let list = self.clerk.list_invitations(&query).await?;
        let ours = Some((tenant, invitation.id));
        if let Some(found) = list.items.iter().find(|item| invited_by_metadata(&item.public_metadata) == ours) {
            return Ok(Look::Accepted(Accepted { provider_ref: found.id.to_string() }));
        }
        // Another open invitation to the address stands in the way of ours, now and when it would be repeated.
        if list.items.iter().any(|item| item.status == ClerkStatus::Pending) {
            return Ok(Look::Failed(failed(ALREADY_INVITED)));
        }
        if list.complete { Ok(Look::Nothing) } else { Ok(Look::Unreachable { reason: "incomplete list".to_owned() }) }
    }
}

fn failed(reason: &str) -> Failed {
    Failed { code: None, reason: reason.to_owned() }
}

impl EffectKind for SendClerkInvitation {
    const KIND: &'static str = "clerk-invitation";
    type Request = InvitationRequest;

    async fn check(&self, tx: &mut Tx, intent: &Intent<InvitationRequest>) -> Result<Check, DbError> {
        let invitation = store::invitation::lock(tx, intent.request.invitation_id).await?;
        let is_open = invitation.is_some_and(|invitation| invitation.is_open(tx.now()));
        Ok(if is_open { Check::Go } else { Check::Cancel { reason: "not-open" } })
    }

    async fn call(&self, intent: &Intent<InvitationRequest>) -> CallOutcome {
        let id = intent.request.invitation_id;
        let not_sent = |answered, retry_after, reason| CallOutcome::NotSent { answered, retry_after, reason };
        let invitation = match self.invitation(intent.tenant, id).await {
            Ok(Some(invitation)) => invitation,
            Ok(None) => return CallOutcome::Failed(failed(ERASED)),
            Err(error) => return not_sent(false, None, error.to_string()),
        };
        let create = CreateInvitation {
            email_address: invitation.email.to_string(),
            public_metadata: metadata(intent.tenant, id),
            redirect_url: None,
        };
        match self.clerk.create_invitation(&create).await {
            InviteOutcome::Accepted(made) => CallOutcome::Accepted(Accepted { provider_ref: made.id.to_string() }),
            // Perhaps by an earlier attempt of this intent: the list tells.
            InviteOutcome::AlreadyInvited => CallOutcome::Unknown { reason: ALREADY_INVITED.to_owned() },
            InviteOutcome::AlreadyRegistered => CallOutcome::Failed(failed(ALREADY_REGISTERED)),
            InviteOutcome::NotSent { reason: NotSent::BadRequest, .. } => CallOutcome::Failed(failed(REFUSED)),
            InviteOutcome::NotSent { reason, retry_after } => {
                let retry_after = retry_after.and_then(|wait| Duration::from_std(wait).ok());
                not_sent(reason == NotSent::RateLimited, retry_after, format!("{reason:?}"))
            }
            InviteOutcome::Rejected { http_status, code } => {
                tracing::warn!(clerk.status = http_status, clerk.code = code, "Clerk refused an invitation");
                CallOutcome::Failed(Failed { code: Some(i32::from(http_status)), reason: REFUSED.to_owned() })
            }
            InviteOutcome::Unknown { reason } => CallOutcome::Unknown { reason: format!("{reason:?}") },
        }
    }

    async fn look(&self, intent: &Intent<InvitationRequest>) -> Look {
        let invitation = match self.invitation(intent.tenant, intent.request.invitation_id).await {
            Ok(Some(invitation)) => invitation,
            Ok(None) => return Look::Failed(failed(ERASED)),
            Err(error) => return Look::Unreachable { reason: error.to_string() },
        };
        match self.find(intent.tenant, &invitation).await {
            Ok(look) => look,
            Err(error) => Look::Unreachable { reason: error.to_string() },
        }
    }

    async fn apply(&self, tx: &mut Tx, intent: &Intent<InvitationRequest>, change: &Change) -> Result<(), DbError> {
        let id = intent.request.invitation_id;
        let Some(invitation) = store::invitation::lock(tx, id).await? else { return Ok(()) };
        let failure = match change {
            Change::Accepted(accepted) => {
                let Ok(clerk_id) = ClerkInvitationId::parse(&accepted.provider_ref) else { return Ok(()) };
                store::invitation::sent(tx, id, &clerk_id).await?;
                // Taken back while it was on its way: the link that is out is to lead nowhere.
                if invitation.status == InvitationStatus::Revoked {
                    plan_revocation(tx, id).await?;
                }
                return Ok(());
            }
            Change::Failed(failed) => failed.reason.as_str(),
            Change::Expired => NOT_SENT_IN_TIME,
            // It is not open any more: whoever ended it has said so.
            Change::Cancelled { .. } => return Ok(()),
        };
        store::invitation::end(tx, id, InvitationStatus::Failed, Some(failure)).await
    }
}
