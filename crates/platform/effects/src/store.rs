//! The engine's statements on `effect_intents`.

use chrono::{DateTime, Duration, Utc};
use nmc_db::{Db, DbError, Glance, ReadTx, SystemTx, Tx};
use nmc_events::Context;
use nmc_kernel::{IntentId, TenantId};
use serde_json::Value;
use uuid::Uuid;

use crate::{Intent, IntentState, kind::RawIntent};

/// A pending successor overtakes an `unknown` predecessor after this long, and one that waits for longer than this.
const ORDER_HELD: Duration = Duration::seconds(30);

/// An in-flight attempt that nobody drives any more.
#[derive(Clone, Debug)]
pub(crate) struct Abandoned {
    pub(crate) tenant: TenantId,
    pub(crate) id: IntentId,
    pub(crate) attempt: i32,
}

/// An unknown intent that is this process's to ask about as long as `available_at` stays what it is.
#[derive(Clone, Debug)]
pub(crate) struct Leased {
    pub(crate) tenant: TenantId,
    pub(crate) id: IntentId,
    pub(crate) kind: String,
    pub(crate) available_at: DateTime<Utc>,
}

/// An intent with what the engine needs beside what its kind sees.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) kind: String,
    pub(crate) intent: RawIntent,
    pub(crate) state: IntentState,
    pub(crate) answered_attempts: u16,
    pub(crate) empty_looks: i16,
    pub(crate) available_at: DateTime<Utc>,
    pub(crate) traceparent: Option<String>,
}

struct Columns {
    kind: String,
    tenant_id: TenantId,
    id: IntentId,
    purpose_key: String,
    order_key: String,
    state: IntentState,
    attempt: i32,
    answered_attempts: i32,
    claimed_at: Option<DateTime<Utc>>,
    available_at: DateTime<Utc>,
    useful_until: DateTime<Utc>,
    empty_looks: i16,
    request: Value,
    correlation_id: Uuid,
    causation_id: Option<Uuid>,
    traceparent: Option<String>,
    created_at: DateTime<Utc>,
}

impl From<Columns> for Stored {
    fn from(c: Columns) -> Self {
        Self {
            kind: c.kind,
            intent: Intent {
                id: c.id,
                tenant: c.tenant_id,
                purpose_key: c.purpose_key,
                order_key: c.order_key,
                attempt: u32::try_from(c.attempt).unwrap_or(0),
                created_at: c.created_at,
                claimed_at: c.claimed_at,
                useful_until: c.useful_until,
                context: Context { correlation: c.correlation_id.into(), causation: c.causation_id.map(Into::into) },
                request: c.request,
            },
            state: c.state,
            answered_attempts: u16::try_from(c.answered_attempts).unwrap_or(u16::MAX),
            empty_looks: c.empty_looks,
            available_at: c.available_at,
            traceparent: c.traceparent,
        }
    }
}

/// Which candidates are asked for.
pub(crate) struct Limits<'a> {
    /// Of these kinds.
    pub(crate) kinds: &'a [String],
    /// Without these intents.
    pub(crate) not: &'a [Uuid],
    /// Without those of these tenants.
    pub(crate) not_of_tenants: &'a [Uuid],
    /// Without those of a kind and a tenant whose breaker is open.
    pub(crate) held: (&'a [String], &'a [Uuid]),
    /// Not more than these.
    pub(crate) at_most: i64,
}

/// Pending intents that are due, the tenants taking turns, without those whose order key has an earlier one under way
/// and those of a kind that is paused. Whole rows: nothing but a claim changes a pending intent in a way that its claim
/// would not notice, so it need not be read again.
///
/// The index is stepped through tenant by tenant, and of each only as much is read as could be taken: what one tenant has
/// queued costs the others nothing.
pub(crate) async fn candidates(db: &Db, limits: &Limits<'_>) -> Result<Vec<Stored>, DbError> {
    // A connection that died while it lay in the pool is passed over: nothing has happened on it.
    for _ in 1..db.pool_size() {
        match candidates_once(db.glance().await?, limits).await {
            Err(DbError::Unavailable(_)) => {}
            looked => return looked,
        }
    }
    candidates_once(db.glance().await?, limits).await
}

async fn candidates_once(mut glance: Glance, limits: &Limits<'_>) -> Result<Vec<Stored>, DbError> {
    let now = glance.now();
    let rows = sqlx::query_as!(
        Columns,
        r#"
        with recursive tenants as (
          (select tenant_id from effect_intents where state = 'pending' and available_at <= $1 order by tenant_id limit 1)
          union all
          select next.tenant_id
          from tenants t
          cross join lateral (
            select e.tenant_id from effect_intents e
            where e.state = 'pending' and e.available_at <= $1 and e.tenant_id > t.tenant_id
            order by e.tenant_id limit 1) next
        )
        select i.kind, i.tenant_id as "tenant_id: TenantId", i.id as "id: IntentId", i.purpose_key, i.order_key,
               i.state as "state: IntentState", i.attempt, i.answered_attempts, i.claimed_at, i.available_at,
               i.useful_until, i.empty_looks, i.request, i.correlation_id, i.causation_id, i.traceparent, i.created_at
        from (select of_one.tenant_id, of_one.id, of_one.available_at, of_one.turn
              from tenants t
              cross join lateral (
                select e.tenant_id, e.id, e.available_at, row_number() over (order by e.available_at, e.seq) as turn
                from effect_intents e
                where e.tenant_id = t.tenant_id and e.state = 'pending' and e.available_at <= $1
                  and e.kind = any($2) and e.id <> all($3)
                  and not exists (select from effect_pauses s where s.kind = e.kind)
                  and not exists (select from unnest($8::text[], $9::uuid[]) as h (kind, tenant_id)
                                  where h.kind = e.kind and h.tenant_id = e.tenant_id)
                  and not exists (
                    select from effect_intents p
                    where p.tenant_id = e.tenant_id and p.order_key = e.order_key and p.seq < e.seq
                      and p.state in ('pending', 'in_flight', 'unknown')
                      and (p.state = 'in_flight' or (p.state = 'unknown' and p.claimed_at > $4)
                           or (p.state = 'pending' and p.available_at <= $5)))
                order by e.available_at, e.seq
                limit $6) of_one
              where t.tenant_id <> all($7)
              order by of_one.turn, of_one.available_at
              limit $6) due
        join effect_intents i on i.tenant_id = due.tenant_id and i.id = due.id
        order by due.turn, due.available_at
        "#,
        now,
        limits.kinds,
        limits.not,
        now - ORDER_HELD,
        now + ORDER_HELD,
        limits.at_most,
        limits.not_of_tenants,
        limits.held.0,
        limits.held.1
    )
    .fetch_all(glance.conn()?)
    .await?;
    glance.finish();
    Ok(rows.into_iter().map(Stored::from).collect())
}

pub(crate) async fn load(tx: &mut ReadTx, id: IntentId) -> Result<Option<Stored>, DbError> {
    let tenant = tx.tenant();
    let columns = sqlx::query_as!(
        Columns,
        r#"select kind, tenant_id as "tenant_id: TenantId", id as "id: IntentId", purpose_key, order_key,
                  state as "state: IntentState", attempt, answered_attempts, claimed_at, available_at, useful_until, empty_looks,
                  request, correlation_id, causation_id, traceparent, created_at
           from effect_intents where tenant_id = $1 and id = $2"#,
        tenant.as_uuid(),
        id.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    Ok(columns.map(Stored::from))
}

/// Claims a pending intent for the process that holds `owner`; `false` where somebody else was faster, where it has been
/// put off since it was read, or where its kind has been paused since.
pub(crate) async fn claim(tx: &mut Tx, stored: &Stored, owner: i64) -> Result<bool, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let claimed = sqlx::query!(
        "update effect_intents set state = 'in_flight', attempt = attempt + 1, owner = $4, claimed_at = $5, empty_looks = 0
         where tenant_id = $1 and id = $2 and state = 'pending' and attempt = $3 and available_at = $6
           and not exists (select from effect_pauses s where s.kind = $7)",
        tenant.as_uuid(),
        stored.intent.id.as_uuid(),
        attempt_of(stored),
        owner,
        now,
        stored.available_at,
        stored.kind
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(claimed.rows_affected() == 1)
}

/// A change of state from `from`, guarded by the attempt it is about: the fence that keeps a process which slept
/// from overwriting what happened since.
pub(crate) struct Transition<'a> {
    pub(crate) from: &'a [IntentState],
    pub(crate) to: IntentState,
    pub(crate) outcome: Option<Value>,
    pub(crate) available_at: Option<DateTime<Utc>>,
    /// Whether the provider's answer used up an attempt.
    pub(crate) answered: bool,
    pub(crate) empty_looks: Option<i16>,
}

impl Transition<'_> {
    pub(crate) const fn new(from: &[IntentState], to: IntentState) -> Transition<'_> {
        Transition { from, to, outcome: None, available_at: None, answered: false, empty_looks: None }
    }
}

/// Applies `change` to the intent; `false` where it is no longer in such a state or attempt.
pub(crate) async fn transition(tx: &mut Tx, intent: &RawIntent, change: &Transition<'_>) -> Result<bool, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let from: Vec<String> = change.from.iter().map(|s| state_word(*s).to_owned()).collect();
    let finished = matches!(
        change.to,
        IntentState::Accepted | IntentState::Failed | IntentState::Cancelled | IntentState::Expired
    );
    let done = sqlx::query!(
        "update effect_intents
         set state = $5, outcome = coalesce($6, outcome), available_at = coalesce($7, available_at),
             answered_attempts = answered_attempts + $8, empty_looks = coalesce($9, empty_looks), finished_at = $10
         where tenant_id = $1 and id = $2 and attempt = $3 and state = any($4)",
        tenant.as_uuid(),
        intent.id.as_uuid(),
        i32::try_from(intent.attempt).unwrap_or(i32::MAX),
        &from,
        state_word(change.to),
        change.outcome,
        change.available_at,
        i32::from(change.answered),
        change.empty_looks,
        finished.then_some(now)
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What reconciliation has to see to.
pub(crate) struct Watch {
    /// Attempts whose call must be over; their owners may live and be about to say so.
    pub(crate) is_overdue: bool,
    /// Unknown intents that are due to be asked about.
    pub(crate) is_due: bool,
    /// Texts of which nobody knows whether the provider has them.
    pub(crate) unknown_texts: i64,
    /// Whether texts are paused.
    pub(crate) is_paused: bool,
}

/// Looks whether there is anything to reconcile.
pub(crate) async fn watch(db: &Db, kinds: &[String], call_takes: Duration) -> Result<Watch, DbError> {
    for _ in 1..db.pool_size() {
        match watch_once(db.glance().await?, kinds, call_takes).await {
            Err(DbError::Unavailable(_)) => {}
            looked => return looked,
        }
    }
    watch_once(db.glance().await?, kinds, call_takes).await
}

async fn watch_once(mut glance: Glance, kinds: &[String], call_takes: Duration) -> Result<Watch, DbError> {
    let now = glance.now();
    let watch = sqlx::query_as!(
        Watch,
        r#"select exists (select from effect_intents where state = 'in_flight' and claimed_at < $1) as "is_overdue!",
                  exists (select from effect_intents
                          where state = 'unknown' and available_at <= $2 and kind = any($3)) as "is_due!",
                  (select count(*) from effect_intents where state = 'unknown' and kind = 'sms') as "unknown_texts!",
                  exists (select from effect_pauses where kind = 'sms') as "is_paused!""#,
        now - call_takes,
        now,
        kinds
    )
    .fetch_one(glance.conn()?)
    .await?;
    glance.finish();
    Ok(watch)
}

/// In-flight intents whose owner is gone and whose call must be over.
pub(crate) async fn abandoned(
    tx: &mut SystemTx,
    claimed_before: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Abandoned>, DbError> {
    Ok(sqlx::query_as!(
        Abandoned,
        r#"select tenant_id as "tenant: TenantId", id as "id: IntentId", attempt from effect_intents
           where state = 'in_flight' and claimed_at < $1 and pg_try_advisory_xact_lock(owner)
           order by claimed_at limit $2"#,
        claimed_before,
        limit
    )
    .fetch_all(tx.conn()?)
    .await?)
}

/// Leases unknown intents that are due to be asked about.
pub(crate) async fn lease_unknown(
    tx: &mut SystemTx,
    kinds: &[String],
    until: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Leased>, DbError> {
    let now = tx.now();
    Ok(sqlx::query_as!(
        Leased,
        r#"
        update effect_intents e set available_at = $2
        from (select tenant_id, id from effect_intents
              where state = 'unknown' and available_at <= $1 and kind = any($3)
              order by available_at limit $4 for update skip locked) due
        where e.tenant_id = due.tenant_id and e.id = due.id
        returning e.tenant_id as "tenant: TenantId", e.id as "id: IntentId", e.kind, e.available_at
        "#,
        now,
        until,
        kinds,
        limit
    )
    .fetch_all(tx.conn()?)
    .await?)
}

pub(crate) fn attempt_of(stored: &Stored) -> i32 {
    i32::try_from(stored.intent.attempt).unwrap_or(i32::MAX)
}

pub(crate) const fn state_word(state: IntentState) -> &'static str {
    match state {
        IntentState::Pending => "pending",
        IntentState::InFlight => "in_flight",
        IntentState::Unknown => "unknown",
        IntentState::Accepted => "accepted",
        IntentState::Failed => "failed",
        IntentState::Cancelled => "cancelled",
        IntentState::Expired => "expired",
        IntentState::Review => "review",
    }
}
