use chrono::{DateTime, Duration, Utc};
use nmc_db::{DbError, ReadTx, Tx};
use nmc_kernel::{
    AppointmentId, ConversationId, CorrelationId, Currency, HoldId, Money, ResourceId, ServiceItemId, Timeslot, UserId,
};
use uuid::Uuid;

use super::{Damaged, money, timeslot};
use crate::{Hold, model::hold::Became};

/// No hold is longer.
const RANGE_MAX: Duration = Duration::hours(12);

/// A hold's columns.
struct HoldRow {
    id: HoldId,
    resource_id: ResourceId,
    expires_at: DateTime<Utc>,
    service_item_id: Option<ServiceItemId>,
    price_cents: Option<i64>,
    currency: Option<Currency>,
    conversation_id: Option<ConversationId>,
    correlation_id: CorrelationId,
    user_id: Option<UserId>,
    moves_appointment_id: Option<AppointmentId>,
    is_override: bool,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    blocked_from: DateTime<Utc>,
    blocked_until: DateTime<Utc>,
    created_at: DateTime<Utc>,
}

impl TryFrom<HoldRow> for Hold {
    type Error = Damaged;
    fn try_from(row: HoldRow) -> Result<Self, Damaged> {
        let price: Option<Money> =
            row.price_cents.zip(row.currency).map(|(cents, currency)| money(cents, currency)).transpose()?;
        Ok(Self {
            id: row.id,
            resource_id: row.resource_id,
            slot: timeslot(row.starts_at, row.ends_at)?,
            blocked: timeslot(row.blocked_from, row.blocked_until)?,
            expires_at: row.expires_at,
            service_item_id: row.service_item_id,
            price,
            conversation_id: row.conversation_id,
            correlation_id: row.correlation_id,
            user_id: row.user_id,
            moves_appointment_id: row.moves_appointment_id,
            is_override: row.is_override,
            created_at: row.created_at,
        })
    }
}

/// Adds a hold; `false` where its time is taken, if only by a hold that is over and still there, or where its
/// conversation has another. The caller holds the resource.
pub(crate) async fn insert(tx: &mut Tx, hold: &Hold) -> Result<bool, DbError> {
    let tenant = tx.tenant();
    let inserted = sqlx::query!(
        "insert into sched_holds (tenant_id, id, resource_id, expires_at, service_item_id, price_cents, currency,
                                  conversation_id, correlation_id, user_id, moves_appointment_id, is_override, starts_at,
                                  ends_at, blocked_from, blocked_until, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
         on conflict do nothing",
        tenant.as_uuid(),
        hold.id.as_uuid(),
        hold.resource_id.as_uuid(),
        hold.expires_at,
        hold.service_item_id.map(ServiceItemId::as_uuid),
        hold.price.map(Money::amount_cents),
        hold.price.map(Money::currency) as Option<Currency>,
        hold.conversation_id.map(ConversationId::as_uuid),
        hold.correlation_id.as_uuid(),
        hold.user_id.map(UserId::as_uuid),
        hold.moves_appointment_id.map(AppointmentId::as_uuid),
        hold.is_override,
        hold.slot.start(),
        hold.slot.end(),
        hold.blocked.start(),
        hold.blocked.end(),
        hold.created_at
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Holds the hold's resource to the transaction's end, and reads both. What a hold says never changes; whether it is
/// still there tells who ends it. Nothing where it has ended.
pub(crate) async fn lock(tx: &mut Tx, id: HoldId) -> Result<Option<Hold>, DbError> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        HoldRow,
        r#"
        select h.id as "id: _", h.resource_id as "resource_id: _", h.expires_at,
               h.service_item_id as "service_item_id: _", h.price_cents, h.currency as "currency: _",
               h.conversation_id as "conversation_id: _", h.correlation_id as "correlation_id: _",
               h.user_id as "user_id: _", h.moves_appointment_id as "moves_appointment_id: _", h.is_override,
               h.starts_at, h.ends_at, h.blocked_from, h.blocked_until, h.created_at
        from sched_holds h join sched_resources r on r.tenant_id = $1 and r.id = h.resource_id
        where h.tenant_id = $1 and h.id = $2
        for no key update of r
        "#,
        tenant.as_uuid(),
        id.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    Ok(row.map(Hold::try_from).transpose()?)
}

/// A hold that is there. Locks nothing.
pub(crate) async fn find(tx: &mut ReadTx, id: HoldId) -> Result<Option<Hold>, DbError> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        HoldRow,
        r#"
        select id as "id: _", resource_id as "resource_id: _", expires_at, service_item_id as "service_item_id: _",
               price_cents, currency as "currency: _", conversation_id as "conversation_id: _",
               correlation_id as "correlation_id: _", user_id as "user_id: _",
               moves_appointment_id as "moves_appointment_id: _", is_override, starts_at, ends_at, blocked_from,
               blocked_until, created_at
        from sched_holds where tenant_id = $1 and id = $2
        "#,
        tenant.as_uuid(),
        id.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    Ok(row.map(Hold::try_from).transpose()?)
}

/// What the automation holds for a conversation. Locks nothing.
pub(crate) async fn automatic_of(tx: &mut ReadTx, conversation: ConversationId) -> Result<Option<HoldId>, DbError> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select id as "id: HoldId" from sched_holds where tenant_id = $1 and conversation_id = $2 and user_id is null"#,
        tenant.as_uuid(),
        conversation.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?)
}

/// What became of a hold that has ended; nothing where there never was one, or too long ago.
pub(crate) async fn ended(tx: &mut ReadTx, id: HoldId) -> Result<Option<Became>, DbError> {
    let tenant = tx.tenant();
    let row = sqlx::query!(
        r#"select became, appointment_id as "appointment_id: AppointmentId"
           from sched_ended_holds where tenant_id = $1 and id = $2"#,
        tenant.as_uuid(),
        id.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(match (row.became.as_str(), row.appointment_id) {
        ("booked", Some(appointment)) => Became::Booked(appointment),
        ("released", _) => Became::Released,
        ("expired", _) => Became::Expired,
        _ => return Err(Damaged("became").into()),
    }))
}

/// Ends a hold; `false` where it has ended already. The caller holds its resource.
pub(crate) async fn end(tx: &mut Tx, id: HoldId, became: Became) -> Result<bool, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let appointment = match became {
        Became::Booked(appointment) => Some(appointment.as_uuid()),
        Became::Released | Became::Expired => None,
    };
    let ended = sqlx::query!(
        "with gone as (delete from sched_holds where tenant_id = $1 and id = $2 returning id)
         insert into sched_ended_holds (tenant_id, id, became, appointment_id, created_at)
         select $1, id, $3, $4, $5 from gone",
        tenant.as_uuid(),
        id.as_uuid(),
        became.as_str(),
        appointment,
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(ended.rows_affected() == 1)
}

/// Ends the holds that are over and still lie in the way of this range of a resource, which the caller holds.
pub(crate) async fn end_over(tx: &mut Tx, resource: ResourceId, range: Timeslot) -> Result<Vec<Hold>, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let rows = sqlx::query_as!(
        HoldRow,
        r#"
        with gone as (
          delete from sched_holds
          where tenant_id = $1 and resource_id = $2 and blocked_from >= $3 and blocked_from < $4 and blocked_until > $5
            and expires_at <= $6
          returning *
        ), kept as (
          insert into sched_ended_holds (tenant_id, id, became, created_at) select $1, id, 'expired', $6 from gone
        )
        select id as "id: _", resource_id as "resource_id: _", expires_at, service_item_id as "service_item_id: _",
               price_cents, currency as "currency: _", conversation_id as "conversation_id: _",
               correlation_id as "correlation_id: _", user_id as "user_id: _",
               moves_appointment_id as "moves_appointment_id: _", is_override, starts_at, ends_at, blocked_from,
               blocked_until, created_at
        from gone
        "#,
        tenant.as_uuid(),
        resource.as_uuid(),
        range.start() - RANGE_MAX,
        range.end(),
        range.start(),
        now
    )
    .fetch_all(tx.conn().await?)
    .await?;
    Ok(rows.into_iter().map(Hold::try_from).collect::<Result<_, _>>()?)
}

/// Ends all holds of a resource, which the caller holds.
pub(crate) async fn end_all(tx: &mut Tx, resource: ResourceId) -> Result<Vec<Hold>, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let rows = sqlx::query_as!(
        HoldRow,
        r#"
        with gone as (
          delete from sched_holds where tenant_id = $1 and resource_id = $2 returning *
        ), kept as (
          insert into sched_ended_holds (tenant_id, id, became, created_at)
          select $1, id, case when expires_at <= $3 then 'expired' else 'released' end, $3 from gone
        )
        select id as "id: _", resource_id as "resource_id: _", expires_at, service_item_id as "service_item_id: _",
               price_cents, currency as "currency: _", conversation_id as "conversation_id: _",
               correlation_id as "correlation_id: _", user_id as "user_id: _",
               moves_appointment_id as "moves_appointment_id: _", is_override, starts_at, ends_at, blocked_from,
               blocked_until, created_at
        from gone
        "#,
        tenant.as_uuid(),
        resource.as_uuid(),
        now
    )
    .fetch_all(tx.conn().await?)
    .await?;
    Ok(rows.into_iter().map(Hold::try_from).collect::<Result<_, _>>()?)
}

/// The holds that reserve something, by their time, from behind `after` on.
pub(crate) async fn page(
    tx: &mut ReadTx,
    after: Option<(DateTime<Utc>, HoldId)>,
    limit: i64,
) -> Result<Vec<Hold>, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let (after_time, after_id) = after.unwrap_or((DateTime::UNIX_EPOCH, Uuid::nil().into()));
    let rows = sqlx::query_as!(
        HoldRow,
        r#"
        select id as "id: _", resource_id as "resource_id: _", expires_at, service_item_id as "service_item_id: _",
               price_cents, currency as "currency: _", conversation_id as "conversation_id: _",
               correlation_id as "correlation_id: _", user_id as "user_id: _",
               moves_appointment_id as "moves_appointment_id: _", is_override, starts_at, ends_at, blocked_from,
               blocked_until, created_at
        from sched_holds where tenant_id = $1 and expires_at > $2 and (starts_at, id) > ($3, $4)
        order by starts_at, id limit $5
        "#,
        tenant.as_uuid(),
        now,
        after_time,
        after_id.as_uuid(),
        limit
    )
    .fetch_all(tx.conn().await?)
    .await?;
    Ok(rows.into_iter().map(Hold::try_from).collect::<Result<_, _>>()?)
}
