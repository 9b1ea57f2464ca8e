use nmc_db::{DbError, IdempotencyError, Tx};
use nmc_identity::AuditEntry;
use nmc_kernel::{Actor, IdempotencyKey, ResourceId};
use serde_json::{Value, json};

use super::release;
use crate::{NewResource, Resource, ResourceChange, ResourceFieldError, Scheduling, model::resource::audited, store};

/// A search looks at every resource a business has.
pub(crate) const RESOURCES_MAX: i64 = 50;

/// Why a resource stayed as it was, or never came to be.
#[derive(Debug, thiserror::Error)]
pub enum ResourceError {
    /// Fields have values that cannot be.
    #[error("a resource cannot be so")]
    Invalid(Vec<ResourceFieldError>),
    /// Another resource of the business has the name.
    #[error("another resource has the name")]
    NameTaken,
    /// The business has as many as it may.
    #[error("the business has {RESOURCES_MAX} resources already")]
    TooMany,
    /// The business has no such resource.
    #[error("there is no such resource")]
    NotFound,
    /// It has so many appointments that are still to come or under way.
    #[error("the resource has {0} appointments")]
    HasAppointments(i64),
    /// The request's key belongs to another request.
    #[error("the idempotency key belongs to another request")]
    KeyReused,
    /// The database did not do it.
    #[error(transparent)]
    Database(DbError),
}

impl From<DbError> for ResourceError {
    fn from(error: DbError) -> Self {
        if error.constraint() == Some("sched_resources_name") { Self::NameTaken } else { Self::Database(error) }
    }
}

impl From<IdempotencyError> for ResourceError {
    fn from(error: IdempotencyError) -> Self {
        match error {
            IdempotencyError::KeyReused => Self::KeyReused,
            IdempotencyError::Database(error) => Self::Database(error),
        }
    }
}

/// What becomes of the appointments of a resource that is deactivated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithAppointments {
    /// They are a reason not to.
    Refuse,
    /// They stay what they are.
    Keep,
}

/// Adds a resource.
pub(crate) async fn create(
    scheduling: &Scheduling,
    actor: &Actor,
    new: NewResource,
    key: Option<&IdempotencyKey>,
) -> Result<Resource, ResourceError> {
    let mut tx = scheduling.db.begin(actor.tenant()).await?;
    if let Some(first) = tx.first_answer(actor, key).await? {
        return Ok(first);
    }
    let business = scheduling.identity.tenant(&mut tx).await?;
    let resource = new.resource(tx.ids().next(), &business.settings.opening_hours, tx.now());
    check(&mut tx, scheduling, &resource, true).await?;
    if !store::resource::insert(&mut tx, &resource).await? {
        return Err(ResourceError::NameTaken);
    }
    audit(scheduling, &mut tx, actor, "resource.created", &resource, (Value::Null, Value::Null)).await?;
    // The log lets one add at a time: whoever was faster is counted.
    if store::resource::count(&mut tx).await? > RESOURCES_MAX {
        return Err(ResourceError::TooMany);
    }
    tx.keep_answer(actor, key, &resource).await?;
    tx.commit().await?;
    Ok(resource)
}

/// Changes the fields that are given.
pub(crate) async fn change(
    scheduling: &Scheduling,
    actor: &Actor,
    id: ResourceId,
    change: ResourceChange,
) -> Result<Resource, ResourceError> {
    let mut tx = scheduling.db.begin(actor.tenant()).await?;
    let before = store::resource::lock(&mut tx, &[id]).await?.pop().ok_or(ResourceError::NotFound)?;
    let after = change.apply(before.clone());
    if after == before {
        tx.commit().await?;
        return Ok(after);
    }
    check(&mut tx, scheduling, &after, after.skills != before.skills).await?;
    let action = match (before.is_active, after.is_active) {
        (true, false) => {
            empty(&mut tx, id, WithAppointments::Refuse).await?;
            "resource.deactivated"
        }
        (false, true) => "resource.reactivated",
        _ => "resource.changed",
    };
    store::resource::update(&mut tx, &after).await?;
    audit(scheduling, &mut tx, actor, action, &after, audited(&before, &after)).await?;
    tx.commit().await?;
    Ok(after)
}

/// Lets nobody book it any more; what it holds is given back. Doing it twice changes nothing.
pub(crate) async fn deactivate(
    scheduling: &Scheduling,
    actor: &Actor,
    id: ResourceId,
    appointments: WithAppointments,
) -> Result<(), ResourceError> {
    let mut tx = scheduling.db.begin(actor.tenant()).await?;
    let before = store::resource::lock(&mut tx, &[id]).await?.pop().ok_or(ResourceError::NotFound)?;
    if before.is_active {
        empty(&mut tx, id, appointments).await?;
        let after = Resource { is_active: false, ..before.clone() };
        store::resource::update(&mut tx, &after).await?;
        audit(scheduling, &mut tx, actor, "resource.deactivated", &after, audited(&before, &after)).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Looks whether it has appointments, and ends what it holds.
async fn empty(tx: &mut Tx, id: ResourceId, appointments: WithAppointments) -> Result<(), ResourceError> {
    let ahead = store::over::count_ahead(tx, id).await?;
    if ahead > 0 && appointments == WithAppointments::Refuse {
        return Err(ResourceError::HasAppointments(ahead));
    }
    release::end_all_of(tx, id).await?;
    Ok(())
}

/// Whether it can be so: of itself, and its skills by the catalog, where they are new.
async fn check(
    tx: &mut Tx,
    scheduling: &Scheduling,
    resource: &Resource,
    skills_too: bool,
) -> Result<(), ResourceError> {
    let mut errors = resource.errors();
    if let Some(skills) = resource.skills.as_ref().filter(|_| skills_too && errors.is_empty()) {
        let known = scheduling.catalog.names(tx, skills).await?;
        if skills.iter().any(|skill| !known.contains_key(skill)) {
            errors.push(ResourceFieldError::Skills);
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(ResourceError::Invalid(errors)) }
}

/// Writes a change of a resource down.
async fn audit(
    scheduling: &Scheduling,
    tx: &mut Tx,
    actor: &Actor,
    action: &'static str,
    resource: &Resource,
    (before, after): (Value, Value),
) -> Result<(), DbError> {
    let object_id = resource.id.as_uuid();
    scheduling.identity.audit(tx, actor, &AuditEntry { action, object: "resource", object_id, before, after }).await
}

/// The address of the resource's calendar is void from now on, and another holds.
pub(crate) async fn rotate_feed(
    scheduling: &Scheduling,
    actor: &Actor,
    id: ResourceId,
) -> Result<Resource, ResourceError> {
    let mut tx = scheduling.db.begin(actor.tenant()).await?;
    let before = store::resource::lock(&mut tx, &[id]).await?.pop().ok_or(ResourceError::NotFound)?;
    let (was, is) = (before.feed_version, before.feed_version.saturating_add(1));
    let after = Resource { feed_version: is, ..before };
    store::resource::update(&mut tx, &after).await?;
    let told = (json!({ "feed_version": was }), json!({ "feed_version": is }));
    audit(scheduling, &mut tx, actor, "resource.feed-rotated", &after, told).await?;
    tx.commit().await?;
    Ok(after)
}
