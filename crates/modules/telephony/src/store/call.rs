use chrono::{DateTime, Duration, Utc};
use nmc_db::{DbError, Tx};
use nmc_events::telephony::MissedReason;
use nmc_kernel::{CallId, CorrelationId, E164, Untextable};

use super::{Damaged, UNTEXTABLE, known};
use crate::model::{
    answer::Promise,
    call::{CallState, Outcome, Way},
    record::{Call, Caller},
};

/// A call's columns, in their order.
pub(super) struct Row {
    pub(super) id: CallId,
    pub(super) provider_ref: String,
    pub(super) from_phone: Option<E164>,
    pub(super) untextable_reason: Option<String>,
    pub(super) to_phone: E164,
    pub(super) way: String,
    pub(super) forwarded_to: Option<E164>,
    pub(super) whisper: bool,
    pub(super) status: String,
    pub(super) reason: Option<String>,
    pub(super) answered: bool,
    pub(super) ended_at: Option<DateTime<Utc>>,
    pub(super) duration_seconds: Option<i32>,
    pub(super) promise: Option<String>,
    pub(super) correlation_id: CorrelationId,
    pub(super) created_at: DateTime<Utc>,
}

/// Reads the call with this CallSid and keeps others from changing it until the transaction ends.
pub(crate) async fn lock_by_ref(tx: &mut Tx, provider_ref: &str) -> Result<Option<Call>, DbError> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"
        select id as "id: CallId", provider_ref, from_phone as "from_phone: E164", untextable_reason,
               to_phone as "to_phone: E164", way, forwarded_to as "forwarded_to: E164", whisper, status, reason,
               answered, ended_at, duration_seconds, promise, correlation_id as "correlation_id: CorrelationId",
               created_at
        from tel_calls where tenant_id = $1 and provider_ref = $2
        for no key update
        "#,
        tenant.as_uuid(),
        provider_ref
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    Ok(row.map(Call::try_from).transpose()?)
}

/// Reads the call with this id and keeps others from changing it until the transaction ends.
pub(crate) async fn lock_by_id(tx: &mut Tx, id: CallId) -> Result<Option<Call>, DbError> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"
        select id as "id: CallId", provider_ref, from_phone as "from_phone: E164", untextable_reason,
               to_phone as "to_phone: E164", way, forwarded_to as "forwarded_to: E164", whisper, status, reason,
               answered, ended_at, duration_seconds, promise, correlation_id as "correlation_id: CorrelationId",
               created_at
        from tel_calls where tenant_id = $1 and id = $2
        for no key update
        "#,
        tenant.as_uuid(),
        id.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    Ok(row.map(Call::try_from).transpose()?)
}

/// Adds a call and says which correlation it got: that of the caller's newest call or text within `window` before now, or
/// else its own. Nothing where another transaction has added the call meanwhile (it has ended when this returns).
pub(crate) async fn insert(tx: &mut Tx, call: &Call, window: Duration) -> Result<Option<CorrelationId>, DbError> {
    let (tenant, since) = (tx.tenant(), tx.now() - window);
    let (way, forwarded_to, whisper) = way_columns(&call.state.way);
    let (status, _) = outcome_columns(call.state.outcome);
    let correlation = sqlx::query_scalar!(
        r#"
        insert into tel_calls (tenant_id, id, provider_ref, from_phone, untextable_reason, to_phone, way, forwarded_to,
                               whisper, status, answered, correlation_id, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
                coalesce((select newest.correlation_id from (
                            (select correlation_id, created_at from tel_calls
                             where tenant_id = $1 and from_phone = $4 and created_at > $14
                             order by created_at desc limit 1)
                            union all
                            (select correlation_id, created_at from tel_inbound_sms
                             where tenant_id = $1 and from_phone = $4 and created_at > $14
                             order by created_at desc limit 1)
                          ) newest order by newest.created_at desc limit 1), $12), $13)
        on conflict (tenant_id, provider_ref) do nothing
        returning correlation_id as "correlation_id: CorrelationId"
        "#,
        tenant.as_uuid(),
        call.id.as_uuid(),
        call.provider_ref,
        call.from.phone.as_ref().map(E164::as_str),
        call.from.untextable.map(Untextable::as_str),
        call.to.as_str(),
        way,
        forwarded_to.map(E164::as_str),
        whisper,
        status,
        call.state.answered,
        call.correlation.as_uuid(),
        call.created_at,
        since
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    Ok(correlation)
}

/// Writes down what has become of a locked call.
pub(crate) async fn save(tx: &mut Tx, call: &Call) -> Result<(), DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let (status, reason) = outcome_columns(call.state.outcome);
    let duration_seconds = call.state.duration_seconds.map(|seconds| i32::try_from(seconds).unwrap_or(i32::MAX));
    let is_decided = call.state.outcome != Outcome::Open;
    sqlx::query!(
        "update tel_calls
         set status = $3, reason = $4, answered = $5, ended_at = $6, duration_seconds = $7, promise = $8,
             decided_at = case when $9 then coalesce(decided_at, $10) end
         where tenant_id = $1 and id = $2",
        tenant.as_uuid(),
        call.id.as_uuid(),
        status,
        reason,
        call.state.answered,
        call.state.ended_at,
        duration_seconds,
        call.promise.map(Promise::as_str),
        is_decided,
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}

fn way_columns(way: &Way) -> (&'static str, Option<&E164>, bool) {
    match way {
        Way::Dial { to, whisper } => ("dial", Some(to), *whisper),
        Way::Forwarded => ("forwarded", None, false),
        Way::StatusOnly => ("status-only", None, false),
    }
}

fn outcome_columns(outcome: Outcome) -> (&'static str, Option<&'static str>) {
    match outcome {
        Outcome::Open => ("open", None),
        Outcome::Accepted => ("accepted", None),
        Outcome::Missed(reason) => ("missed", Some(reason.as_str())),
    }
}

impl TryFrom<Row> for Call {
    type Error = Damaged;

    fn try_from(row: Row) -> Result<Self, Damaged> {
        let way = match (row.way.as_str(), row.forwarded_to) {
            ("dial", Some(to)) => Way::Dial { to, whisper: row.whisper },
            ("forwarded", None) => Way::Forwarded,
            ("status-only", None) => Way::StatusOnly,
            _ => return Err(Damaged { column: "way" }),
        };
        let outcome = match (row.status.as_str(), row.reason) {
            ("open", None) => Outcome::Open,
            ("accepted", None) => Outcome::Accepted,
            ("missed", Some(word)) => {
                Outcome::Missed(known("reason", &word, &MissedReason::ALL, MissedReason::as_str)?)
            }
            _ => return Err(Damaged { column: "status" }),
        };
        let untextable = row.untextable_reason;
        let untextable =
            untextable.map(|word| known("untextable_reason", &word, &UNTEXTABLE, Untextable::as_str)).transpose()?;
        let promise = row.promise.map(|word| known("promise", &word, &Promise::ALL, Promise::as_str)).transpose()?;
        Ok(Self {
            id: row.id,
            provider_ref: row.provider_ref,
            from: Caller { phone: row.from_phone, untextable },
            to: row.to_phone,
            correlation: row.correlation_id,
            created_at: row.created_at,
            state: CallState {
                way,
                outcome,
                answered: row.answered,
                ended_at: row.ended_at,
                duration_seconds: row.duration_seconds.and_then(|seconds| u32::try_from(seconds).ok()),
            },
            promise,
        })
    }
}
