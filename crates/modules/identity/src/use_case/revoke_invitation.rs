use nmc_db::{Db, DbError};
use nmc_kernel::{Actor, InvitationId};
use serde_json::json;

use crate::{
    AuditEntry, InvitationStatus,
    effects::{order_key, plan_revocation},
    model::user::runs_the_business,
    store,
};

/// Why an invitation was not taken back.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// Only owners of the business and operators may.
    #[error("only an owner of the business may take an invitation back")]
    Forbidden,
    /// The business has no such invitation.
    #[error("there is no such invitation")]
    NotFound,
    /// The person has joined: they are deactivated instead.
    #[error("the invitation has been accepted")]
    Accepted,
    /// The database did not do it.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Takes an invitation back; one that is over already stays as it is.
pub(crate) async fn revoke_invitation(db: &Db, actor: &Actor, id: InvitationId) -> Result<(), RevokeError> {
    if !runs_the_business(actor) {
        return Err(RevokeError::Forbidden);
    }
    let mut tx = db.begin(actor.tenant()).await?;
    let invitation = store::invitation::lock(&mut tx, id).await?.ok_or(RevokeError::NotFound)?;
    match invitation.status {
        InvitationStatus::Accepted => return Err(RevokeError::Accepted),
        InvitationStatus::Revoked | InvitationStatus::Failed | InvitationStatus::Expired => return Ok(()),
        InvitationStatus::Open => {}
    }
    store::invitation::end(&mut tx, id, InvitationStatus::Revoked, None).await?;
    nmc_effects::cancel_pending(&mut tx, &order_key(id), "revoked").await?;
    if invitation.clerk_invitation_id.is_some() {
        plan_revocation(&mut tx, id).await?;
    }
    let entry = AuditEntry {
        action: "invitation.revoked",
        object: "invitation",
        object_id: id.as_uuid(),
        before: json!({ "status": "open" }),
        after: json!({ "status": "revoked" }),
    };
    store::audit::append(&mut tx, actor, &entry).await?;
    tx.commit().await?;
    Ok(())
}
