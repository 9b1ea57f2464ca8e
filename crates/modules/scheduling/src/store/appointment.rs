use chrono::{DateTime, Utc};
use nmc_db::{DbError, ReadTx, Tx};
use nmc_events::scheduling::{BookedBy, CancelledReason};
use nmc_kernel::{AppointmentId, ConversationId, CorrelationId, Currency, E164, ResourceId, ServiceItemId, UserId};
use uuid::Uuid;

use super::{Damaged, money, timeslot};
use crate::{
    Appointment, AppointmentStatus, Hold,
    model::{
        appointment::{ChangeKind, booked_by_word, reason_word},
        details::Details,
    },
};

/// An appointment's columns.
pub(super) struct AppointmentRow {
    pub(super) id: AppointmentId,
    pub(super) resource_id: ResourceId,
    pub(super) service_item_id: ServiceItemId,
    pub(super) price_cents: i64,
    pub(super) currency: Currency,
    pub(super) customer_phone: E164,
    pub(super) customer_name: Option<String>,
    pub(super) customer_address: Option<String>,
    pub(super) notes: Option<String>,
    pub(super) conversation_id: Option<ConversationId>,
    pub(super) correlation_id: CorrelationId,
    pub(super) booked_by: String,
    pub(super) status: AppointmentStatus,
    pub(super) starts_at: DateTime<Utc>,
    pub(super) ends_at: DateTime<Utc>,
    pub(super) blocked_from: DateTime<Utc>,
    pub(super) blocked_until: DateTime<Utc>,
    pub(super) version: i32,
    pub(super) created_at: DateTime<Utc>,
}

impl TryFrom<AppointmentRow> for Appointment {
    type Error = Damaged;
    fn try_from(row: AppointmentRow) -> Result<Self, Damaged> {
        let booked_by =
            [BookedBy::Automation, BookedBy::User].into_iter().find(|by| booked_by_word(*by) == row.booked_by);
        Ok(Self {
            id: row.id,
            resource_id: row.resource_id,
            slot: timeslot(row.starts_at, row.ends_at)?,
            blocked: timeslot(row.blocked_from, row.blocked_until)?,
            service_item_id: row.service_item_id,
            price: money(row.price_cents, row.currency)?,
            customer_phone: row.customer_phone,
            details: Details::stored(row.customer_name, row.customer_address, row.notes),
            conversation_id: row.conversation_id,
            correlation_id: row.correlation_id,
            booked_by: booked_by.ok_or(Damaged("booked_by"))?,
            status: row.status,
            version: row.version,
            created_at: row.created_at,
        })
    }
}

/// Books a hold: it goes, and the appointment comes with its first change, in one statement. `false` where the hold has
/// ended already. The caller holds the resource.
pub(crate) async fn book(
    tx: &mut Tx,
    hold: &Hold,
    appointment: &Appointment,
    by: Option<UserId>,
) -> Result<bool, DbError> {
    let tenant = tx.tenant();
    let change: Uuid = tx.ids().next();
    let booked = sqlx::query_scalar!(
        r#"
        with gone as (
          delete from sched_holds where tenant_id = $1 and id = $2
          returning resource_id, conversation_id, starts_at, ends_at, blocked_from, blocked_until
        ), booked as (
          insert into sched_appointments (tenant_id, id, resource_id, service_item_id, price_cents, currency,
                                          customer_phone, customer_name, customer_address, notes, conversation_id,
                                          correlation_id, booked_by, status, starts_at, ends_at, blocked_from,
                                          blocked_until, version, created_at)
          select $1, $3, resource_id, $4, $5, $6, $7, $8, $9, $10, conversation_id, $11, $12, 'booked', starts_at, ends_at,
                 blocked_from, blocked_until, 1, $13
          from gone on conflict do nothing
          returning id
        ), ended as (
          insert into sched_ended_holds (tenant_id, id, became, appointment_id, created_at)
          select $1, $2, 'booked', id, $13 from booked
        ), changed as (
          insert into sched_appointment_changes (tenant_id, id, appointment_id, version, what, user_id, resource_id,
                                                 starts_at, ends_at, created_at)
          select $1, $14, booked.id, 1, 'booked', $15, gone.resource_id, gone.starts_at, gone.ends_at, $13
          from booked, gone
        )
        select count(*) as "count!" from booked
        "#,
        tenant.as_uuid(),
        hold.id.as_uuid(),
        appointment.id.as_uuid(),
        appointment.service_item_id.as_uuid(),
        appointment.price.amount_cents(),
        appointment.price.currency() as Currency,
        appointment.customer_phone.as_str(),
        appointment.details.name(),
        appointment.details.address(),
        appointment.details.notes(),
        appointment.correlation_id.as_uuid(),
        booked_by_word(appointment.booked_by),
        appointment.created_at,
        change,
        by.map(UserId::as_uuid)
    )
    .fetch_one(tx.conn().await?)
    .await?;
    Ok(booked == 1)
}

/// An appointment that is to be changed.
#[expect(clippy::large_enum_variant, reason = "one at a time, taken apart at once")]
#[derive(Debug)]
pub(crate) enum Locked {
    /// It is held, and its resource, to the transaction's end.
    Here(Appointment),
    /// It moved to another resource while this one was waited for: a new transaction will find it there.
    Moved,
    /// There is none.
    Missing,
}

/// Holds an appointment's resource, then the appointment.
pub(crate) async fn lock(tx: &mut Tx, id: AppointmentId) -> Result<Locked, DbError> {
    let tenant = tx.tenant();
    // The rows are locked in the order in which they are named.
    let row = sqlx::query_as!(
        AppointmentRow,
        r#"
        select a.id as "id: _", a.resource_id as "resource_id: _", a.service_item_id as "service_item_id: _",
               a.price_cents, a.currency as "currency: _", a.customer_phone as "customer_phone: _", a.customer_name,
               a.customer_address, a.notes, a.conversation_id as "conversation_id: _",
               a.correlation_id as "correlation_id: _", a.booked_by, a.status as "status: _", a.starts_at, a.ends_at,
               a.blocked_from, a.blocked_until, a.version, a.created_at
        from sched_appointments a join sched_resources r on r.tenant_id = $1 and r.id = a.resource_id
        where a.tenant_id = $1 and a.id = $2
        for no key update of r for no key update of a
        "#,
        tenant.as_uuid(),
        id.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    match row {
        Some(row) => Ok(Locked::Here(row.try_into()?)),
        None if find(tx, id).await?.is_some() => Ok(Locked::Moved),
        None => Ok(Locked::Missing),
    }
}

/// Holds an appointment whose resource the caller holds; nothing where it is not, or not any more, that resource's.
pub(crate) async fn lock_at(
    tx: &mut Tx,
    id: AppointmentId,
    resource: ResourceId,
) -> Result<Option<Appointment>, DbError> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        AppointmentRow,
        r#"
        select id as "id: _", resource_id as "resource_id: _", service_item_id as "service_item_id: _", price_cents,
               currency as "currency: _", customer_phone as "customer_phone: _", customer_name, customer_address, notes,
               conversation_id as "conversation_id: _", correlation_id as "correlation_id: _", booked_by,
               status as "status: _", starts_at, ends_at, blocked_from, blocked_until, version, created_at
        from sched_appointments where tenant_id = $1 and id = $2 and resource_id = $3 for no key update
        "#,
        tenant.as_uuid(),
        id.as_uuid(),
        resource.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    Ok(row.map(Appointment::try_from).transpose()?)
}

/// One of the business's appointments.
pub(crate) async fn find(tx: &mut ReadTx, id: AppointmentId) -> Result<Option<Appointment>, DbError> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        AppointmentRow,
        r#"
        select id as "id: _", resource_id as "resource_id: _", service_item_id as "service_item_id: _", price_cents,
               currency as "currency: _", customer_phone as "customer_phone: _", customer_name, customer_address, notes,
               conversation_id as "conversation_id: _", correlation_id as "correlation_id: _", booked_by,
               status as "status: _", starts_at, ends_at, blocked_from, blocked_until, version, created_at
        from sched_appointments where tenant_id = $1 and id = $2
        "#,
        tenant.as_uuid(),
        id.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    Ok(row.map(Appointment::try_from).transpose()?)
}

/// What happens to an appointment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    pub(crate) what: ChangeKind,
    /// Who does it; none: the automation or the service itself.
    pub(crate) by: Option<UserId>,
    /// Why it is cancelled.
    pub(crate) reason: Option<CancelledReason>,
}

/// Stores what can change of an appointment, as it is now, with the change that made it so: one statement. The caller
/// holds it.
pub(crate) async fn save(tx: &mut Tx, appointment: &Appointment, change: Change) -> Result<(), DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let id: Uuid = tx.ids().next();
    sqlx::query!(
        r#"
        with saved as (
          update sched_appointments
          set resource_id = $3, status = $4, starts_at = $5, ends_at = $6, blocked_from = $7, blocked_until = $8,
              customer_name = $9, customer_address = $10, notes = $11, version = $12
          where tenant_id = $1 and id = $2
          returning id, version, resource_id, starts_at, ends_at
        )
        insert into sched_appointment_changes (tenant_id, id, appointment_id, version, what, user_id, resource_id,
                                               starts_at, ends_at, reason, created_at)
        select $1, $13, id, version, $14, $15, resource_id, starts_at, ends_at, $16, $17 from saved
        "#,
        tenant.as_uuid(),
        appointment.id.as_uuid(),
        appointment.resource_id.as_uuid(),
        appointment.status as AppointmentStatus,
        appointment.slot.start(),
        appointment.slot.end(),
        appointment.blocked.start(),
        appointment.blocked.end(),
        appointment.details.name(),
        appointment.details.address(),
        appointment.details.notes(),
        appointment.version,
        id,
        change.what as ChangeKind,
        change.by.map(UserId::as_uuid),
        change.reason.map(reason_word),
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}
