use chrono::{DateTime, Duration, Utc};
use nmc_db::{DbError, IdempotencyError};
use nmc_identity::AuditEntry;
use nmc_kernel::{Actor, AppointmentId, IdempotencyKey, ResourceId, Timeslot};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::holidays::AFFECTED_MAX;
use crate::{NewTimeOff, Scheduling, TimeOff, TimeOffFieldError, model::date::is_usual, store};

/// More to come is a mistake, and slows the search.
const AHEAD_MAX: i64 = 200;
/// Of so many days the absences can be asked for.
const WINDOW_MAX: Duration = Duration::days(366);

/// An absence that was added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "0197c0de-0000-7000-8000-000000000004", "resource_id": "0197c0de-0000-7000-8000-000000000003",
    "start": "2035-07-09T04:00:00Z", "end": "2035-07-14T04:00:00Z", "reason": "Holidays",
    "appointments_affected": ["0197c0de-0000-7000-8000-000000000007"]
}))]
pub struct AddedTimeOff {
    /// The absence.
    #[serde(flatten)]
    pub time_off: TimeOff,
    /// Appointments that it lies over and that stay, by their time: at most 200.
    pub appointments_affected: Vec<AppointmentId>,
}

/// Why nobody is away.
#[derive(Debug, thiserror::Error)]
pub enum TimeOffError {
    /// A field has a value that cannot be.
    #[error(transparent)]
    Invalid(#[from] TimeOffFieldError),
    /// The window that is asked for is empty, too long, or of no year that is used.
    #[error("the window is none")]
    Window,
    /// The business has no such resource.
    #[error("there is no such resource")]
    NotFound,
    /// The resource has as many absences to come as it may.
    #[error("the resource has {AHEAD_MAX} absences to come already")]
    TooMany,
    /// The request's key belongs to another request.
    #[error("the idempotency key belongs to another request")]
    KeyReused,
    /// The database did not do it.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<IdempotencyError> for TimeOffError {
    fn from(error: IdempotencyError) -> Self {
        match error {
            IdempotencyError::KeyReused => Self::KeyReused,
            IdempotencyError::Database(error) => Self::Database(error),
        }
    }
}

/// Says that a resource is away. What is booked stays, and is named; what is held stays a promise.
pub(crate) async fn add(
    scheduling: &Scheduling,
    actor: &Actor,
    resource: ResourceId,
    new: NewTimeOff,
    key: Option<&IdempotencyKey>,
) -> Result<AddedTimeOff, TimeOffError> {
    let mut tx = scheduling.db.begin(actor.tenant()).await?;
    if let Some(first) = tx.first_answer(actor, key).await? {
        return Ok(first);
    }
    let resource = store::resource::lock(&mut tx, &[resource]).await?.pop().ok_or(TimeOffError::NotFound)?;
    let business = scheduling.identity.tenant(&mut tx).await?;
    let slot = new.slot(resource.zone(business.time_zone), tx.now())?;
    let reason = new.reason()?.map(str::to_owned);
    let time_off =
        TimeOff { id: tx.ids().next(), resource_id: resource.id, start: slot.start(), end: slot.end(), reason };
    store::time_off::insert(&mut tx, &time_off, slot).await?;
    if store::time_off::count_ahead(&mut tx, resource.id).await? > AHEAD_MAX {
        return Err(TimeOffError::TooMany);
    }
    let appointments_affected = store::over::appointments_in(&mut tx, &[(resource.id, slot)], AFFECTED_MAX).await?;
    // The reason is somebody's words.
    let after = json!({ "resource_id": resource.id, "start": slot.start(), "end": slot.end() });
    let object_id = time_off.id;
    let entry = AuditEntry { action: "time-off.added", object: "time-off", object_id, before: Value::Null, after };
    scheduling.identity.audit(&mut tx, actor, &entry).await?;
    let added = AddedTimeOff { time_off, appointments_affected };
    tx.keep_answer(actor, key, &added).await?;
    tx.commit().await?;
    Ok(added)
}

/// A resource's absences that meet a window: from now on for 366 days, where nothing else is said.
pub(crate) async fn list(
    scheduling: &Scheduling,
    actor: &Actor,
    resource: ResourceId,
    (from, to): (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<TimeOff>, TimeOffError> {
    let mut tx = scheduling.db.read(actor.tenant()).await?;
    let from = from.unwrap_or_else(|| tx.now());
    let is_usual = |time: DateTime<Utc>| is_usual(time.date_naive());
    let to = to.or_else(|| is_usual(from).then(|| from + WINDOW_MAX)).ok_or(TimeOffError::Window)?;
    let window = Timeslot::new(from, to).ok().filter(|_| is_usual(from) && is_usual(to) && to - from <= WINDOW_MAX);
    let window = window.ok_or(TimeOffError::Window)?;
    store::resource::find(&mut tx, resource).await?.ok_or(TimeOffError::NotFound)?;
    let absences = store::time_off::page(&mut tx, resource, window, after, limit).await?;
    tx.finish().await?;
    Ok(absences)
}

/// Says that a resource is not away after all; `false` where there is no such absence.
pub(crate) async fn remove(scheduling: &Scheduling, actor: &Actor, id: Uuid) -> Result<bool, DbError> {
    let mut tx = scheduling.db.begin(actor.tenant()).await?;
    let Some(resource) = store::time_off::resource_of(&mut tx, id).await? else { return Ok(false) };
    store::resource::lock(&mut tx, &[resource]).await?;
    if !store::time_off::delete(&mut tx, id).await? {
        return Ok(false);
    }
    let before = json!({ "resource_id": resource });
    let entry =
        AuditEntry { action: "time-off.removed", object: "time-off", object_id: id, before, after: Value::Null };
    scheduling.identity.audit(&mut tx, actor, &entry).await?;
    tx.commit().await?;
    Ok(true)
}
