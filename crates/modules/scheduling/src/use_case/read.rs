//! What others look at.

use chrono::{DateTime, Utc};
use nmc_db::{DbError, ReadTx};
use nmc_kernel::{Actor, AppointmentId, E164, HoldId, ResourceId};
use uuid::Uuid;

use crate::{
    Appointment, AppointmentChange, AppointmentStatus, Hold, Scheduling,
    store::{
        self,
        appointments::{Position, Range},
    },
};

/// What is changed more often is not looked at change by change.
const CHANGES_MAX: i64 = 200;
/// Nobody has more appointments to come.
const OF_CUSTOMER_MAX: i64 = 50;
/// Years that Postgres and RFC 3339 write with four digits end here.
const END_OF_TIME: DateTime<Utc> = match DateTime::from_timestamp(253_402_300_799, 0) {
    Some(end) => end,
    None => DateTime::<Utc>::MAX_UTC,
};

/// Which appointments.
#[derive(Clone, Debug, Default)]
pub struct AppointmentFilter {
    /// Those that begin no earlier.
    pub from: Option<DateTime<Utc>>,
    /// Those that begin earlier than that.
    pub until: Option<DateTime<Utc>>,
    /// A resource's.
    pub resource_id: Option<ResourceId>,
    /// Those that stand there.
    pub status: Option<AppointmentStatus>,
    /// A customer's.
    pub customer_phone: Option<E164>,
}

/// The appointments by their start, from behind `after` on.
pub(crate) async fn appointments(
    scheduling: &Scheduling,
    actor: &Actor,
    filter: &AppointmentFilter,
    after: Option<Position>,
    limit: i64,
) -> Result<Vec<Appointment>, DbError> {
    let mut tx = scheduling.db.read(actor.tenant()).await?;
    let range = Range {
        from: filter.from.unwrap_or(DateTime::UNIX_EPOCH),
        until: filter.until.unwrap_or(END_OF_TIME),
        status: filter.status,
        after: after.unwrap_or((DateTime::UNIX_EPOCH, Uuid::nil().into())),
        limit,
    };
    let found = match (&filter.customer_phone, filter.resource_id) {
        (Some(phone), resource) => store::appointments::of_customer(&mut tx, phone, resource, range).await?,
        (None, Some(resource)) => store::appointments::of_resource(&mut tx, resource, range).await?,
        (None, None) => store::appointments::all(&mut tx, range).await?,
    };
    tx.finish().await?;
    Ok(found)
}

/// An appointment and what happened to it.
pub(crate) async fn appointment(
    scheduling: &Scheduling,
    actor: &Actor,
    id: AppointmentId,
) -> Result<Option<(Appointment, Vec<AppointmentChange>)>, DbError> {
    let mut tx = scheduling.db.read(actor.tenant()).await?;
    let Some(found) = store::appointment::find(&mut tx, id).await? else { return Ok(None) };
    let changes = store::appointments::changes(&mut tx, id, CHANGES_MAX).await?;
    tx.finish().await?;
    Ok(Some((found, changes)))
}

/// What is held now, by its time.
pub(crate) async fn holds(
    scheduling: &Scheduling,
    actor: &Actor,
    after: Option<(DateTime<Utc>, HoldId)>,
    limit: i64,
) -> Result<Vec<Hold>, DbError> {
    let mut tx = scheduling.db.read(actor.tenant()).await?;
    let found = store::hold::page(&mut tx, after, limit).await?;
    tx.finish().await?;
    Ok(found)
}

/// A customer's appointments that are to be kept and begin no earlier than `from`, on the caller's transaction.
pub(crate) async fn appointments_of_customer(
    tx: &mut ReadTx,
    phone: &E164,
    from: DateTime<Utc>,
) -> Result<Vec<Appointment>, DbError> {
    let range = Range {
        from,
        until: END_OF_TIME,
        // However many were called off, these are seen.
        status: Some(AppointmentStatus::Booked),
        after: (DateTime::UNIX_EPOCH, Uuid::nil().into()),
        limit: OF_CUSTOMER_MAX,
    };
    store::appointments::of_customer(tx, phone, None, range).await
}
