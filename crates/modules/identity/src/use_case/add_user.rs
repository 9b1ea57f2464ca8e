use nmc_db::{Db, DbError, RouteKind, Tx};
use nmc_kernel::{Actor, Role, UserId};
use serde_json::{Value, json};

use crate::{AuditEntry, Person, User, model::user::role_word, store};

/// Why nobody was added.
#[derive(Debug, thiserror::Error)]
pub enum AddUserError {
    /// Only operators add people by hand; owners invite them.
    #[error("only an operator may add a user by hand")]
    Forbidden,
    /// There is no such tenant.
    #[error("there is no such business")]
    NotFound,
    /// The Clerk user belongs to another business, or is gone at Clerk.
    #[error("the Clerk user belongs to another business, or is gone at Clerk")]
    Elsewhere,
    /// The database did not do it.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// What adding a user by hand did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddedUser {
    /// They are one now.
    New(UserId),
    /// They were one before, perhaps with another role; nothing has changed.
    Already(UserId),
}

/// Makes a person who is known at Clerk one of the business's, without an invitation.
pub(crate) async fn add_user(db: &Db, actor: &Actor, person: Person, role: Role) -> Result<AddedUser, AddUserError> {
    if !matches!(actor, Actor::Operator { .. }) {
        return Err(AddUserError::Forbidden);
    }
    let clerk_user = person.clerk_user_id.clone();
    let mut tx = db.begin(actor.tenant()).await?;
    if !store::tenant::lock(&mut tx).await? {
        return Err(AddUserError::NotFound);
    }
    if let Some(user) = insert_user(&mut tx, person, role).await? {
        store::audit::append(&mut tx, actor, &joined(&user, "user.added")).await?;
        tx.commit().await?;
        return Ok(AddedUser::New(user.id));
    }
    let route = tx.route(RouteKind::ClerkUser, clerk_user.as_str()).await?;
    match route.filter(|route| route.tenant == actor.tenant()) {
        Some(route) => Ok(AddedUser::Already(route.ref_id.into())),
        None => Err(AddUserError::Elsewhere),
    }
}

/// Adds a user of the transaction's tenant with the route that leads to them; nothing where the Clerk user belongs to a
/// business already. Of two at once the later waits here for the earlier one's end.
pub(crate) async fn insert_user(tx: &mut Tx, person: Person, role: Role) -> Result<Option<User>, DbError> {
    let id: UserId = tx.ids().next();
    if !tx.add_route(RouteKind::ClerkUser, person.clerk_user_id.as_str(), id.as_uuid()).await? {
        return Ok(None);
    }
    let of = person.updated_at;
    let user = User::new(id, person, role, tx.now());
    store::user::insert(tx, &user, of).await?;
    Ok(Some(user))
}

/// What the log keeps of somebody new.
pub(crate) fn joined(user: &User, action: &'static str) -> AuditEntry {
    let after = json!({ "role": role_word(user.role), "active": user.is_active });
    AuditEntry { action, object: "user", object_id: user.id.as_uuid(), before: Value::Null, after }
}
