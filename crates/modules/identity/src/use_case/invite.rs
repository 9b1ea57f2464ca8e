use chrono::TimeDelta;
use nmc_db::{Db, DbError, IdempotencyError, Tx};
use nmc_kernel::{Actor, IdempotencyKey, InvitationId, Role};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    AuditEntry, Email, Invitation, InvitationStatus,
    effects::plan_invitation,
    model::{
        invitation::OPEN_FOR,
        user::{role_word, runs_the_business},
    },
    store,
};

/// Each is an e-mail in the installation's name, and whoever signs up owns a business: more than this in 24 hours is no
/// small business's.
const MAX_PER_DAY: i64 = 50;

/// Why nobody was invited.
#[derive(Debug, thiserror::Error)]
pub enum InviteError {
    /// Only owners of the business and operators may.
    #[error("only an owner of the business may invite somebody")]
    Forbidden,
    /// Somebody with this address works in the business.
    #[error("somebody with this address works in the business already")]
    AlreadyMember,
    /// An open invitation to this address is for another role.
    #[error("an open invitation to this address is for another role")]
    OtherRole,
    /// The business has invited as many as it may in 24 hours, taken back or not.
    #[error("a business may invite {MAX_PER_DAY} people in 24 hours")]
    TooMany,
    /// The same key came with another request.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// The database did not do it.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// What inviting somebody did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Invited {
    /// They are invited now.
    New(InvitationId),
    /// They were invited before.
    Already(InvitationId),
}

/// Asks somebody to join the business. The invitation leaves by the effect `clerk-invitation`.
pub(crate) async fn invite(
    db: &Db,
    actor: &Actor,
    email: Email,
    role: Role,
    key: Option<&IdempotencyKey>,
) -> Result<(Invited, Invitation), InviteError> {
    if !runs_the_business(actor) {
        return Err(InviteError::Forbidden);
    }
    let mut tx = db.begin(actor.tenant()).await?;
    let invited = if let Some(first) = tx.first_answer::<Invited>(actor, key).await? {
        first
    } else {
        let invited = invite_once(&mut tx, actor, email, role).await?;
        tx.keep_answer(actor, key, &invited).await?;
        invited
    };
    let (Invited::New(id) | Invited::Already(id)) = invited;
    let invitation = store::invitation::find(&mut tx, id).await?;
    let invitation = invitation.ok_or_else(|| DbError::from(sqlx::Error::RowNotFound))?;
    tx.commit().await?;
    Ok((invited, invitation))
}

async fn invite_once(tx: &mut Tx, actor: &Actor, email: Email, role: Role) -> Result<Invited, InviteError> {
    // Two at once to one address are decided one after the other.
    store::tenant::lock(tx).await?;
    if store::user::has_email(tx, &email).await? {
        return Err(InviteError::AlreadyMember);
    }
    if let Some(open) = store::invitation::lock_open(tx, &email).await? {
        if open.is_open(tx.now()) {
            return if open.role == role { Ok(Invited::Already(open.id)) } else { Err(InviteError::OtherRole) };
        }
        store::invitation::end(tx, open.id, InvitationStatus::Expired, None).await?;
    }
    let now = tx.now();
    let newest = store::invitation::page(tx, None, MAX_PER_DAY).await?;
    let is_full = i64::try_from(newest.len()) == Ok(MAX_PER_DAY);
    if is_full && newest.last().is_some_and(|oldest| now - oldest.created_at < TimeDelta::days(1)) {
        return Err(InviteError::TooMany);
    }
    let invitation = Invitation {
        id: tx.ids().next(),
        email,
        role,
        status: InvitationStatus::Open,
        failure: None,
        invited_by: if let Actor::User { user, .. } = actor { Some(*user) } else { None },
        clerk_invitation_id: None,
        sent_at: None,
        expires_at: now + OPEN_FOR,
        created_at: now,
    };
    store::invitation::insert(tx, &invitation).await?;
    plan_invitation(tx, invitation.id).await?;
    let entry = AuditEntry {
        action: "invitation.created",
        object: "invitation",
        object_id: invitation.id.as_uuid(),
        before: Value::Null,
        after: json!({ "role": role_word(role) }),
    };
    store::audit::append(tx, actor, &entry).await?;
    Ok(Invited::New(invitation.id))
}
