//! Lists of appointments, and what happened to one.

use chrono::{DateTime, Utc};
use nmc_db::{DbError, ReadTx};
use nmc_kernel::{AppointmentId, E164, ResourceId};

use super::appointment::AppointmentRow;
use crate::{Appointment, AppointmentChange, AppointmentStatus};

/// Where a list goes on: behind this.
pub(crate) type Position = (DateTime<Utc>, AppointmentId);

/// Which appointments, by when they begin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    /// No earlier.
    pub(crate) from: DateTime<Utc>,
    /// Earlier than that.
    pub(crate) until: DateTime<Utc>,
    /// Only those that stand there.
    pub(crate) status: Option<AppointmentStatus>,
    /// Behind this.
    pub(crate) after: Position,
    /// At most.
    pub(crate) limit: i64,
}

/// The business's.
pub(crate) async fn all(tx: &mut ReadTx, range: Range) -> Result<Vec<Appointment>, DbError> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        AppointmentRow,
        r#"
        select id as "id: _", resource_id as "resource_id: _", service_item_id as "service_item_id: _", price_cents,
               currency as "currency: _", customer_phone as "customer_phone: _", customer_name, customer_address, notes,
               conversation_id as "conversation_id: _", correlation_id as "correlation_id: _", booked_by,
               status as "status: _", starts_at, ends_at, blocked_from, blocked_until, version, created_at
        from sched_appointments
        where tenant_id = $1 and starts_at >= $2 and starts_at < $3 and ($4::text is null or status = $4)
          and (starts_at, id) > ($5, $6)
        order by starts_at, id limit $7
        "#,
        tenant.as_uuid(),
        range.from,
        range.until,
        range.status as Option<AppointmentStatus>,
        range.after.0,
        range.after.1.as_uuid(),
        range.limit
    )
    .fetch_all(tx.conn().await?)
    .await?;
    Ok(rows.into_iter().map(Appointment::try_from).collect::<Result<_, _>>()?)
}

/// A resource's.
pub(crate) async fn of_resource(
    tx: &mut ReadTx,
    resource: ResourceId,
    range: Range,
) -> Result<Vec<Appointment>, DbError> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        AppointmentRow,
        r#"
        select id as "id: _", resource_id as "resource_id: _", service_item_id as "service_item_id: _", price_cents,
               currency as "currency: _", customer_phone as "customer_phone: _", customer_name, customer_address, notes,
               conversation_id as "conversation_id: _", correlation_id as "correlation_id: _", booked_by,
               status as "status: _", starts_at, ends_at, blocked_from, blocked_until, version, created_at
        from sched_appointments
        where tenant_id = $1 and resource_id = $2 and starts_at >= $3 and starts_at < $4
          and ($5::text is null or status = $5) and (starts_at, id) > ($6, $7)
        order by starts_at, id limit $8
        "#,
        tenant.as_uuid(),
        resource.as_uuid(),
        range.from,
        range.until,
        range.status as Option<AppointmentStatus>,
        range.after.0,
        range.after.1.as_uuid(),
        range.limit
    )
    .fetch_all(tx.conn().await?)
    .await?;
    Ok(rows.into_iter().map(Appointment::try_from).collect::<Result<_, _>>()?)
}

/// A customer's, of one resource or of all.
pub(crate) async fn of_customer(
    tx: &mut ReadTx,
    phone: &E164,
    resource: Option<ResourceId>,
    range: Range,
) -> Result<Vec<Appointment>, DbError> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        AppointmentRow,
        r#"
        select id as "id: _", resource_id as "resource_id: _", service_item_id as "service_item_id: _", price_cents,
               currency as "currency: _", customer_phone as "customer_phone: _", customer_name, customer_address, notes,
               conversation_id as "conversation_id: _", correlation_id as "correlation_id: _", booked_by,
               status as "status: _", starts_at, ends_at, blocked_from, blocked_until, version, created_at
        from sched_appointments
        where tenant_id = $1 and customer_phone = $2 and ($3::uuid is null or resource_id = $3) and starts_at >= $4
          and starts_at < $5 and ($6::text is null or status = $6) and (starts_at, id) > ($7, $8)
        order by starts_at, id limit $9
        "#,
        tenant.as_uuid(),
        phone.as_str(),
        resource.map(ResourceId::as_uuid),
        range.from,
        range.until,
        range.status as Option<AppointmentStatus>,
        range.after.0,
        range.after.1.as_uuid(),
        range.limit
    )
    .fetch_all(tx.conn().await?)
    .await?;
    Ok(rows.into_iter().map(Appointment::try_from).collect::<Result<_, _>>()?)
}

/// What happened to an appointment, in its order; the newest `limit` changes.
pub(crate) async fn changes(tx: &mut ReadTx, id: AppointmentId, limit: i64) -> Result<Vec<AppointmentChange>, DbError> {
    let tenant = tx.tenant();
    let mut changes = sqlx::query_as!(
        AppointmentChange,
        r#"
        select version, what as "what: _", user_id as "user_id: _", resource_id as "resource_id: _", starts_at as start,
               ends_at as "end", reason, created_at as at
        from sched_appointment_changes where tenant_id = $1 and appointment_id = $2 order by version desc limit $3
        "#,
        tenant.as_uuid(),
        id.as_uuid(),
        limit
    )
    .fetch_all(tx.conn().await?)
    .await?;
    changes.reverse();
    Ok(changes)
}
