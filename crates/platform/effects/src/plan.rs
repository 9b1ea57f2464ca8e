//! What modules do with intents inside their own transactions: plan, take back, settle.

use chrono::{DateTime, Utc};
use nmc_db::{DbError, ReadTx, Topic, Tx};
use nmc_events::{Context, PayloadError};
use nmc_kernel::IntentId;
use serde::Serialize;
use uuid::Uuid;

use crate::{Accepted, EffectKind, Failed};

/// An intent to be written with the decision it follows from.
#[derive(Clone, Debug)]
pub struct NewIntent<R> {
    /// Its id; chosen by the caller, because the request may have to carry it.
    pub id: IntentId,
    /// Unique within the tenant: planning the same purpose twice gives the first intent.
    pub purpose_key: String,
    /// What it keeps its order with.
    pub order_key: String,
    /// Not to be claimed before.
    pub available_at: DateTime<Utc>,
    /// After this it is of no use to anybody.
    pub useful_until: DateTime<Utc>,
    /// What it belongs to.
    pub context: Context,
    /// What is asked of the provider.
    pub request: R,
}

/// Doing it twice is a value, not an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planned {
    /// The intent is new.
    New(IntentId),
    /// This purpose has an intent already.
    Already(IntentId),
}

/// Writes an intent of kind `K`.
pub async fn plan<K: EffectKind>(tx: &mut Tx, new: &NewIntent<K::Request>) -> Result<Planned, DbError> {
    let request = to_json(&new.request)?;
    let (tenant, now) = (tx.tenant(), tx.now());
    let written = sqlx::query!(
        "insert into effect_intents (tenant_id, id, kind, purpose_key, order_key, state, available_at, useful_until,
                                     request, correlation_id, causation_id, traceparent, created_at)
         values ($1, $2, $3, $4, $5, 'pending', $6, $7, $8, $9, $10, $11, $12)
         on conflict (tenant_id, purpose_key) do nothing",
        tenant.as_uuid(),
        new.id.as_uuid(),
        K::KIND,
        new.purpose_key,
        new.order_key,
        new.available_at,
        new.useful_until,
        request,
        new.context.correlation.as_uuid(),
        new.context.causation.map(nmc_kernel::EventId::as_uuid),
        nmc_telemetry::current_traceparent(),
        now
    )
    .execute(tx.conn().await?)
    .await?;
    if written.rows_affected() == 1 {
        tx.wake(Topic::Effects);
        return Ok(Planned::New(new.id));
    }
    let id = sqlx::query_scalar!(
        r#"select id as "id: IntentId" from effect_intents where tenant_id = $1 and purpose_key = $2"#,
        tenant.as_uuid(),
        new.purpose_key
    )
    .fetch_one(tx.conn().await?)
    .await?;
    Ok(Planned::Already(id))
}

/// Takes back every intent of `order_key` that has not been claimed, and says which. The caller holds the subject's
/// lock and applies the consequences to its own rows.
pub async fn cancel_pending(tx: &mut Tx, order_key: &str, reason: &'static str) -> Result<Vec<IntentId>, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let cancelled = sqlx::query_scalar!(
        r#"update effect_intents set state = 'cancelled', outcome = jsonb_build_object('cancelled', $3::text), finished_at = $4
           where tenant_id = $1 and order_key = $2 and state = 'pending' returning id as "id: IntentId""#,
        tenant.as_uuid(),
        order_key,
        reason,
        now
    )
    .fetch_all(tx.conn().await?)
    .await?;
    Ok(cancelled)
}

/// Whether one of these intents may have reached the provider: it has been claimed, and not found to be undone.
pub async fn may_be_out(tx: &mut ReadTx, ids: &[IntentId]) -> Result<bool, DbError> {
    let tenant = tx.tenant();
    let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    Ok(sqlx::query_scalar!(
        r#"select exists (select from effect_intents
                          where tenant_id = $1 and id = any($2)
                            and state in ('in_flight', 'unknown', 'review', 'accepted')) as "is!""#,
        tenant.as_uuid(),
        &ids
    )
    .fetch_one(tx.conn().await?)
    .await?)
}

/// Takes one intent back if it has not been claimed; `false` where it has, or is decided. The caller holds the
/// subject's lock and applies the consequences to its own rows.
pub async fn cancel(tx: &mut Tx, id: IntentId, reason: &'static str) -> Result<bool, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let cancelled = sqlx::query!(
        "update effect_intents set state = 'cancelled', outcome = jsonb_build_object('cancelled', $3::text), finished_at = $4
         where tenant_id = $1 and id = $2 and state = 'pending'",
        tenant.as_uuid(),
        id.as_uuid(),
        reason,
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(cancelled.rows_affected() == 1)
}

/// What waits for a time that it was given when it was planned waits no longer. One that was tried goes on waiting: the
/// provider has said for how long, or is being spared. The caller holds the subject's lock.
pub async fn bring_forward(tx: &mut Tx, ids: &[IntentId]) -> Result<(), DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    let brought = sqlx::query!(
        "update effect_intents set available_at = $3
         where tenant_id = $1 and id = any($2) and state = 'pending' and attempt = 0 and available_at > $3",
        tenant.as_uuid(),
        &ids,
        now
    )
    .execute(tx.conn().await?)
    .await?;
    if brought.rows_affected() > 0 {
        tx.wake(Topic::Effects);
    }
    Ok(())
}

/// What settling an intent from outside the engine did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The provider's word decided it now: the caller applies the consequences to its own rows.
    Now,
    /// It was decided already.
    Before,
    /// A later attempt is on its way although this one had been taken: both may arrive. Somebody should look.
    Overtaken,
    /// There is no such intent.
    Missing,
}

/// The provider itself reports that attempt `attempt` was accepted (a status callback): that heals `unknown`, and
/// stops a repeat that has not been claimed yet. The caller holds the subject's lock.
pub async fn settle(tx: &mut Tx, id: IntentId, attempt: u32, accepted: &Accepted) -> Result<Settled, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let outcome = to_json(&serde_json::json!({ "accepted": accepted, "by": "callback" }))?;
    let attempt = i32::try_from(attempt).unwrap_or(i32::MAX);
    let found = sqlx::query!(
        r#"with settled as (
             update effect_intents set state = 'accepted', outcome = $4, finished_at = $5
             where tenant_id = $1 and id = $2
               and (state in ('unknown', 'review', 'pending') or (state = 'in_flight' and attempt = $3))
             returning id)
           select exists (select from settled) as "now!",
                  (select state from effect_intents where tenant_id = $1 and id = $2) as state"#,
        tenant.as_uuid(),
        id.as_uuid(),
        attempt,
        outcome,
        now
    )
    .fetch_one(tx.conn().await?)
    .await?;
    Ok(match (found.now, found.state.as_deref()) {
        (true, _) => Settled::Now,
        (false, None) => Settled::Missing,
        (false, Some("in_flight")) => Settled::Overtaken,
        (false, Some(_)) => Settled::Before,
    })
}

pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<serde_json::Value, DbError> {
    serde_json::to_value(value).map_err(|source| DbError::from(PayloadError::of_request(source)))
}

pub(crate) fn failed(reason: &str) -> Failed {
    Failed { code: None, reason: reason.to_owned() }
}
