use nmc_db::{Db, DbError, Tx};
use nmc_kernel::{Actor, UserId};
use serde_json::{Value, json};

use crate::{
    AuditEntry, LastOwner, User, UserChange,
    model::user::{role_word, runs_the_business},
    store,
};

/// Why a user stayed as they were.
#[derive(Debug, thiserror::Error)]
pub enum ChangeUserError {
    /// Only owners of the business and operators may.
    #[error("only an owner of the business may change its people")]
    Forbidden,
    /// The business has no such user.
    #[error("there is no such user")]
    NotFound,
    /// Nobody would be left to run the business.
    #[error(transparent)]
    LastOwner(#[from] LastOwner),
    /// The database did not do it.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Changes what a user may do. A change that changes nothing is one as well.
pub(crate) async fn change_user(
    db: &Db,
    actor: &Actor,
    id: UserId,
    change: UserChange,
) -> Result<User, ChangeUserError> {
    if !runs_the_business(actor) {
        return Err(ChangeUserError::Forbidden);
    }
    let mut tx = db.begin(actor.tenant()).await?;
    let changed = change_access(&mut tx, actor, id, change).await?;
    tx.commit().await?;
    Ok(changed)
}

/// The same on a transaction that is open.
pub(crate) async fn change_access(
    tx: &mut Tx,
    actor: &Actor,
    id: UserId,
    change: UserChange,
) -> Result<User, ChangeUserError> {
    // The business before the user, always: two demotions at once are decided one after the other.
    store::tenant::lock(tx).await?;
    let before = store::user::find(tx, id).await?.ok_or(ChangeUserError::NotFound)?;
    let other_owners = store::user::other_owners(tx, id).await?;
    let after = change.apply(&before, other_owners)?;
    if after != before {
        store::user::update_access(tx, &after).await?;
        let entry = AuditEntry {
            action: "user.changed",
            object: "user",
            object_id: id.as_uuid(),
            before: access(&before),
            after: access(&after),
        };
        store::audit::append(tx, actor, &entry).await?;
    }
    Ok(after)
}

fn access(user: &User) -> Value {
    json!({ "role": role_word(user.role), "active": user.is_active })
}
