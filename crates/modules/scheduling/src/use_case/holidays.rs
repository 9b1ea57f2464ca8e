use nmc_db::{DbError, IdempotencyError};
use nmc_identity::AuditEntry;
use nmc_kernel::{Actor, AppointmentId, IdempotencyKey};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::resources::RESOURCES_MAX;
use crate::{Holiday, HolidayFieldError, NewHoliday, Scheduling, model::date::day, store};

/// Years of holidays, the past one included.
const HOLIDAYS_MAX: i64 = 500;
/// More appointments are not named: somebody who has so many to move looks at the calendar.
pub(crate) const AFFECTED_MAX: i64 = 200;

/// A holiday that was added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "0197c0de-0000-7000-8000-000000000005", "date": "2026-11-26", "name": "Thanksgiving",
    "appointments_affected": ["0197c0de-0000-7000-8000-000000000007"]
}))]
pub struct AddedHoliday {
    /// The holiday.
    #[serde(flatten)]
    pub holiday: Holiday,
    /// Appointments that lie on the day and stay, by their time: at most 200.
    pub appointments_affected: Vec<AppointmentId>,
}

/// Why a day is no holiday.
#[derive(Debug, thiserror::Error)]
pub enum HolidayError {
    /// A field has a value that cannot be.
    #[error(transparent)]
    Invalid(#[from] HolidayFieldError),
    /// The day is one already.
    #[error("the day is a holiday already")]
    Exists,
    /// The business has as many as it may.
    #[error("the business has {HOLIDAYS_MAX} holidays already")]
    TooMany,
    /// The request's key belongs to another request.
    #[error("the idempotency key belongs to another request")]
    KeyReused,
    /// The database did not do it.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<IdempotencyError> for HolidayError {
    fn from(error: IdempotencyError) -> Self {
        match error {
            IdempotencyError::KeyReused => Self::KeyReused,
            IdempotencyError::Database(error) => Self::Database(error),
        }
    }
}

/// Makes a day a holiday. What is booked on it stays, and is named.
pub(crate) async fn add(
    scheduling: &Scheduling,
    actor: &Actor,
    new: NewHoliday,
    key: Option<&IdempotencyKey>,
) -> Result<AddedHoliday, HolidayError> {
    let mut tx = scheduling.db.begin(actor.tenant()).await?;
    if let Some(first) = tx.first_answer(actor, key).await? {
        return Ok(first);
    }
    let holiday = new.holiday(tx.ids().next())?;
    if !store::holiday::insert(&mut tx, &holiday).await? {
        return Err(HolidayError::Exists);
    }
    let business = scheduling.identity.tenant(&mut tx).await?;
    let resources = store::resource::page(&mut tx, None, RESOURCES_MAX).await?;
    let days: Vec<_> = resources
        .iter()
        .filter_map(|resource| Some((resource.id, day(resource.zone(business.time_zone), holiday.date)?)))
        .collect();
    let appointments_affected = store::over::appointments_in(&mut tx, &days, AFFECTED_MAX).await?;
    let after = json!({ "date": holiday.date });
    let object_id = holiday.id;
    let entry = AuditEntry { action: "holiday.added", object: "holiday", object_id, before: Value::Null, after };
    scheduling.identity.audit(&mut tx, actor, &entry).await?;
    // The log lets one add at a time: whoever was faster is counted.
    if store::holiday::count(&mut tx).await? > HOLIDAYS_MAX {
        return Err(HolidayError::TooMany);
    }
    let added = AddedHoliday { holiday, appointments_affected };
    tx.keep_answer(actor, key, &added).await?;
    tx.commit().await?;
    Ok(added)
}

/// Makes a holiday a day like others; `false` where there is none.
pub(crate) async fn remove(scheduling: &Scheduling, actor: &Actor, id: Uuid) -> Result<bool, DbError> {
    let mut tx = scheduling.db.begin(actor.tenant()).await?;
    let Some(date) = store::holiday::delete(&mut tx, id).await? else { return Ok(false) };
    let before = json!({ "date": date });
    let entry = AuditEntry { action: "holiday.removed", object: "holiday", object_id: id, before, after: Value::Null };
    scheduling.identity.audit(&mut tx, actor, &entry).await?;
    tx.commit().await?;
    Ok(true)
}
