use nmc_db::{DbError, Tx};
use nmc_kernel::{Actor, InvitationId, UserId};
use serde_json::json;

use super::add_user::{insert_user, joined};
use crate::{AuditEntry, Person, store};

/// What coming with an invitation did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Joined {
    /// The person is a user now.
    New(UserId),
    /// The invitation is not of this business, or not open any more.
    NotOpen,
    /// The Clerk user belongs to a business already.
    Taken,
}

/// Makes a person one of the transaction's business by an invitation that is open.
pub(crate) async fn join(tx: &mut Tx, invitation: InvitationId, person: Person) -> Result<Joined, DbError> {
    let found = store::invitation::lock(tx, invitation).await?;
    let now = tx.now();
    let Some(invitation) = found.filter(|found| found.is_open(now)) else { return Ok(Joined::NotOpen) };
    let Some(user) = insert_user(tx, person, invitation.role).await? else { return Ok(Joined::Taken) };
    store::invitation::accept(tx, invitation.id, user.id).await?;
    let entry = AuditEntry {
        action: "invitation.accepted",
        object: "invitation",
        object_id: invitation.id.as_uuid(),
        before: json!({ "status": "open" }),
        after: json!({ "status": "accepted", "user_id": user.id }),
    };
    let actor = Actor::User { tenant: tx.tenant(), user: user.id, role: user.role };
    store::audit::append(tx, &actor, &entry).await?;
    store::audit::append(tx, &actor, &joined(&user, "user.joined")).await?;
    Ok(Joined::New(user.id))
}
