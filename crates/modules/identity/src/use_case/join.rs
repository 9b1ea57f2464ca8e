use nmc_db::{DbError, Tx};
use nmc_kernel::{Actor, InvitationId, UserId};
use nmc_providers::clerk::ClerkUser;
use serde_json::json;

use super::{
    add_user::{insert_user, joined},
    sign_up::verified,
};
use crate::{AuditEntry, Email, store};

/// What coming with an invitation did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Joined {
    /// The person is a user now.
    New(UserId),
    /// The invitation is not of this business, not open any more, or not for this person.
    NotOpen,
    /// The Clerk user belongs to a business already, or is gone.
    Taken,
}

/// Makes a person one of the transaction's business by an invitation that is open and went to an address of theirs.
///
/// Clerk verifies the invitation's address when its link is followed, and copies the metadata to the user it makes
/// (<https://clerk.com/docs/guides/users/inviting>); that the user keeps
/// that address, it does not promise. An invitation is for whoever reads its address: so one of the user's verified
/// addresses has to be that one, the primary or another.
pub(crate) async fn join(tx: &mut Tx, invitation: InvitationId, user: &ClerkUser) -> Result<Joined, DbError> {
    let Some(person) = verified(user) else { return Ok(Joined::NotOpen) };
    let found = store::invitation::lock(tx, invitation).await?;
    let now = tx.now();
    let is_theirs = |email: &Email| user.verified_addresses.iter().any(|own| Email::parse(own).as_ref() == Ok(email));
    let open = found.filter(|found| found.is_open(now) && is_theirs(&found.email));
    let Some(invitation) = open else { return Ok(Joined::NotOpen) };
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
