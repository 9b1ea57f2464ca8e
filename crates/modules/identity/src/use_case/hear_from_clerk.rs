use nmc_db::{Db, DbError, RouteKind, Seen, Tx, WebhookProvider};
use nmc_kernel::{Actor, TenantId, UserId};
use nmc_providers::clerk::{ClerkEvent, ClerkEventKind, ClerkUser, ClerkUserId};
use serde_json::{Value, json};
use sqlx::types::Uuid;

use super::{
    change_user::{ChangeUserError, change_access},
    join::{Joined, join},
    sign_up::verified,
};
use crate::{AuditEntry, UserChange, model::invitation::invited_by_metadata, store};

/// Where the route of somebody leads who is gone at Clerk and was of no business.
fn no_business() -> TenantId {
    Uuid::nil().into()
}

/// What a webhook of Clerk's came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It was taken, with whatever followed from it.
    Taken,
    /// It was taken before.
    Again,
    /// It is about nobody of any business.
    Unknown,
    /// It is about nothing that matters here.
    Ignored,
}

/// Takes a webhook: one transaction of the business it is about.
pub(crate) async fn hear_from_clerk(db: &Db, event: &ClerkEvent) -> Result<Heard, DbError> {
    match &event.kind {
        ClerkEventKind::UserCreated(user) | ClerkEventKind::UserUpdated(user) => hear_of_user(db, event, user).await,
        ClerkEventKind::UserDeleted(user) => hear_of_end(db, event, user).await,
        ClerkEventKind::Other(_) => Ok(Heard::Ignored),
    }
}

/// Somebody known has a new address or number; somebody unknown with an invitation joins. An update is taken for a
/// creation that has not arrived.
async fn hear_of_user(db: &Db, event: &ClerkEvent, user: &ClerkUser) -> Result<Heard, DbError> {
    let person = verified(user);
    if let Some(route) = db.route(RouteKind::ClerkUser, user.id.as_str()).await? {
        if route.tenant == no_business() {
            return Ok(Heard::Unknown);
        }
        let mut tx = db.begin(route.tenant).await?;
        if record(&mut tx, event).await? != Seen::First {
            return Ok(Heard::Again);
        }
        if let Some(person) = person
            && let Some(update) = store::user::update_contact(&mut tx, route.ref_id.into(), &person).await?
        {
            let after = json!({ "email_changed": update.email_changed, "phone_changed": update.phone_changed });
            note(&mut tx, route.ref_id.into(), "user.contact-changed", after).await?;
        }
        tx.commit().await?;
        return Ok(Heard::Taken);
    }
    let Some((tenant, invitation)) = invited_by_metadata(&user.public_metadata) else { return Ok(Heard::Unknown) };
    let mut tx = db.begin(tenant).await?;
    if record(&mut tx, event).await? != Seen::First {
        return Ok(Heard::Again);
    }
    match join(&mut tx, invitation, user).await? {
        Joined::NotOpen => Ok(Heard::Unknown),
        Joined::New(_) | Joined::Taken => {
            tx.commit().await?;
            Ok(Heard::Taken)
        }
    }
}

/// Somebody is gone: whoever they were may do nothing any more. The last owner's row stays as it is, because a business
/// without an owner could never get one again; an operator has to see to it.
///
/// Who is of no business gets a route that leads to none: what Clerk tells of them late, or another request of theirs
/// that is under way, finds it taken and makes nobody of them.
async fn hear_of_end(db: &Db, event: &ClerkEvent, user: &ClerkUserId) -> Result<Heard, DbError> {
    let mut route = db.route(RouteKind::ClerkUser, user.as_str()).await?;
    if route.is_none() {
        let mut tx = db.begin(no_business()).await?;
        if tx.add_route(RouteKind::ClerkUser, user.as_str(), no_business().as_uuid()).await? {
            tx.commit().await?;
            return Ok(Heard::Unknown);
        }
        tx.roll_back().await?;
        // They have joined one meanwhile.
        route = db.route(RouteKind::ClerkUser, user.as_str()).await?;
    }
    let Some(route) = route.filter(|route| route.tenant != no_business()) else { return Ok(Heard::Unknown) };
    let id: UserId = route.ref_id.into();
    let mut tx = db.begin(route.tenant).await?;
    if record(&mut tx, event).await? != Seen::First {
        return Ok(Heard::Again);
    }
    let system = Actor::System { tenant: route.tenant };
    let inactive = UserChange { role: None, active: Some(false) };
    match change_access(&mut tx, &system, id, inactive).await {
        // Forbidden is told to people only.
        Ok(_) | Err(ChangeUserError::NotFound | ChangeUserError::Forbidden) => {}
        Err(ChangeUserError::LastOwner(_)) => {
            tracing::error!(tenant_id = %route.tenant, user.id = %id, "the last owner of a business is gone at Clerk");
            note(&mut tx, id, "user.gone-as-last-owner", json!({ "active": true })).await?;
        }
        Err(ChangeUserError::Database(error)) => return Err(error),
    }
    tx.commit().await?;
    Ok(Heard::Taken)
}

async fn record(tx: &mut Tx, event: &ClerkEvent) -> Result<Seen, DbError> {
    tx.record_webhook(WebhookProvider::Clerk, &event.id, event.payload_hash).await
}

async fn note(tx: &mut Tx, id: UserId, action: &'static str, after: Value) -> Result<(), DbError> {
    let entry = AuditEntry { action, object: "user", object_id: id.as_uuid(), before: Value::Null, after };
    let system = Actor::System { tenant: tx.tenant() };
    store::audit::append(tx, &system, &entry).await
}
