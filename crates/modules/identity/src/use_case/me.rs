use nmc_db::{Db, DbError, ReadTx};
use nmc_kernel::{Actor, UserId};
use serde_json::{Value, json};

use crate::{AuditEntry, GateState, NotificationsChange, Tenant, User, model::gate::all_gates, store};

/// Who is signed in, and what they have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Me {
    /// The person.
    pub user: User,
    /// Their business.
    pub tenant: Tenant,
    /// What the business may use.
    pub gates: Vec<GateState>,
}

/// Nothing where the actor is no person of the business.
pub(crate) async fn me(db: &Db, actor: &Actor) -> Result<Option<Me>, DbError> {
    let Actor::User { user, .. } = actor else { return Ok(None) };
    let mut tx = db.read(actor.tenant()).await?;
    let me = find_me(&mut tx, *user).await?;
    tx.finish().await?;
    Ok(me)
}

pub(crate) async fn find_me(tx: &mut ReadTx, user: UserId) -> Result<Option<Me>, DbError> {
    let Some(user) = store::user::find(tx, user).await? else { return Ok(None) };
    let tenant = store::tenant::find(tx).await?;
    let gates = all_gates(&store::gate::find(tx).await?);
    Ok(Some(Me { user, tenant, gates }))
}

/// Changes of what the actor themself wants to hear.
pub(crate) async fn change_me(db: &Db, actor: &Actor, change: NotificationsChange) -> Result<Option<Me>, DbError> {
    let Actor::User { user, .. } = actor else { return Ok(None) };
    let mut tx = db.begin(actor.tenant()).await?;
    store::user::lock(&mut tx, *user).await?;
    let Some(before) = find_me(&mut tx, *user).await? else { return Ok(None) };
    let notifications = change.apply(before.user.notifications);
    if notifications == before.user.notifications {
        return Ok(Some(before));
    }
    store::user::update_notifications(&mut tx, *user, &notifications).await?;
    let words = |preferences| serde_json::to_value(preferences).unwrap_or(Value::Null);
    let entry = AuditEntry {
        action: "user.notifications-changed",
        object: "user",
        object_id: user.as_uuid(),
        before: json!({ "notifications": words(&before.user.notifications) }),
        after: json!({ "notifications": words(&notifications) }),
    };
    store::audit::append(&mut tx, actor, &entry).await?;
    tx.commit().await?;
    Ok(Some(Me { user: User { notifications, ..before.user }, ..before }))
}
