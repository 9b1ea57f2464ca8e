use chrono::{DateTime, Utc};
use nmc_db::{Db, DbError, Glance, SystemTx, made_at};
use nmc_events::{Envelope, SchemaVersion};
use nmc_kernel::TenantId;
use uuid::Uuid;

use crate::mark::Claimed;

/// An event as it stands in the outbox.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) envelope: Envelope,
    pub(crate) seq: i64,
    pub(crate) order_key: Option<String>,
    pub(crate) traceparent: Option<String>,
    pub(crate) attempts: u16,
    pub(crate) last_error: Option<String>,
}

/// The columns of `outbox_events` as the two claims select them.
struct Columns {
    tenant_id: Uuid,
    id: Uuid,
    seq: i64,
    event_name: String,
    schema_version: String,
    occurred_at: DateTime<Utc>,
    correlation_id: Uuid,
    causation_id: Option<Uuid>,
    payload: serde_json::Value,
    order_key: Option<String>,
    traceparent: Option<String>,
    attempts: i16,
    last_error: Option<String>,
    xmin: i64,
    xmax: i64,
}

/// A version nobody knows: what an unreadable version text counts as, so that the event waits visibly.
const UNREADABLE: SchemaVersion = SchemaVersion { major: u16::MAX, minor: 0, patch: 0 };

impl From<Columns> for Row {
    fn from(c: Columns) -> Self {
        Self {
            envelope: Envelope {
                event_id: c.id.into(),
                event_name: c.event_name,
                schema_version: c.schema_version.parse().unwrap_or(UNREADABLE),
                tenant_id: c.tenant_id.into(),
                occurred_at: c.occurred_at,
                correlation_id: c.correlation_id.into(),
                causation_id: c.causation_id.map(Into::into),
                payload: c.payload,
            },
            seq: c.seq,
            order_key: c.order_key,
            traceparent: c.traceparent,
            attempts: u16::try_from(c.attempts).unwrap_or(0),
            last_error: c.last_error,
        }
    }
}

impl Row {
    /// When it was written into the outbox: what was learned of late occurred long before.
    pub(crate) fn published_at(&self) -> DateTime<Utc> {
        made_at(self.envelope.event_id.as_uuid()).unwrap_or(self.envelope.occurred_at)
    }
}

/// Takes up to `limit` events of lane 0 above `above`, oldest first, passing over what others have locked, and marks
/// them dispatched: one statement and no second search, because marks and consumers' effects stand or fall together.
pub(crate) async fn take_ready(
    tx: &mut SystemTx,
    above: i64,
    limit: i64,
) -> Result<(Vec<Row>, Option<Claimed>), DbError> {
    let now = tx.now();
    // The condition of the hot index stands twice, and the numbers come as an array: a join might read the whole index,
    // which is far larger than the backlog while somebody holds a snapshot.
    let columns = sqlx::query_as!(
        Columns,
        r#"
        with due as materialized (
          select seq from outbox_events
          where lane = 0 and dispatched_at is null and seq > $1
          order by seq
          limit $2
          for update skip locked
        )
        update outbox_events e set dispatched_at = $3
        where e.seq = any(array(select seq from due)) and e.lane = 0 and e.dispatched_at is null
        returning e.tenant_id, e.id, e.seq, e.event_name, e.schema_version, e.occurred_at, e.correlation_id,
                  e.causation_id, e.payload, e.order_key, e.traceparent, e.attempts, e.last_error,
                  (select pg_snapshot_xmin(pg_current_snapshot())::text::bigint) as "xmin!",
                  (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) as "xmax!"
        "#,
        above,
        limit,
        now
    )
    .fetch_all(tx.conn()?)
    .await?;
    let seqs = || columns.iter().map(|c| c.seq);
    let claimed = match (seqs().min(), seqs().max(), columns.first()) {
        (Some(lowest_seq), Some(highest_seq), Some(first)) => {
            Some(Claimed { lowest_seq, highest_seq, xmin: first.xmin, xmax: first.xmax })
        }
        _ => None,
    };
    Ok((columns.into_iter().map(Row::from).collect(), claimed))
}

/// What there is to do, as far as a look without a transaction can tell.
pub(crate) struct Work {
    /// An event is ready.
    pub(crate) is_ready: bool,
    /// An event of lane 1 is due.
    pub(crate) is_due: bool,
    /// A worker has left a note; it may live.
    pub(crate) is_noted: bool,
}

/// Looks whether there is anything to do: one round trip, where a transaction that finds nothing would take three.
pub(crate) async fn look(db: &Db) -> Result<Work, DbError> {
    // A connection that died while it lay in the pool is passed over: nothing has happened on it.
    for _ in 1..db.pool_size() {
        match look_once(db.glance().await?).await {
            Err(DbError::Unavailable(_)) => {}
            looked => return looked,
        }
    }
    look_once(db.glance().await?).await
}

async fn look_once(mut glance: Glance) -> Result<Work, DbError> {
    let now = glance.now();
    let work = sqlx::query_as!(
        Work,
        r#"select exists (select from outbox_events where lane = 0 and dispatched_at is null) as "is_ready!",
                  exists (select from outbox_events
                          where lane = 1 and dispatched_at is null and available_at <= $1) as "is_due!",
                  exists (select from outbox_runs where event_seqs <> '{}') as "is_noted!""#,
        now
    )
    .fetch_one(glance.conn()?)
    .await?;
    glance.finish();
    Ok(work)
}

/// Locks the event of lane 1 that has waited longest among those due.
pub(crate) async fn claim_due(tx: &mut SystemTx) -> Result<Option<Row>, DbError> {
    let now = tx.now();
    let columns = sqlx::query_as!(
        Columns,
        r#"
        select tenant_id, id, seq, event_name, schema_version, occurred_at, correlation_id, causation_id, payload,
               order_key, traceparent, attempts, last_error, 0::bigint as "xmin!", 0::bigint as "xmax!"
        from outbox_events
        where lane = 1 and dispatched_at is null and available_at <= $1
        order by available_at
        limit 1
        for update skip locked
        "#,
        now
    )
    .fetch_optional(tx.conn()?)
    .await?;
    Ok(columns.map(Row::from))
}

/// Moves events that are not yet dispatched to lane 1, due at once.
pub(crate) async fn move_to_retry_lane(tx: &mut SystemTx, seqs: &[i64]) -> Result<(), DbError> {
    let now = tx.now();
    sqlx::query!(
        "update outbox_events set lane = 1, available_at = $2
         where seq = any($1) and lane = 0 and dispatched_at is null",
        seqs,
        now
    )
    .execute(tx.conn()?)
    .await?;
    Ok(())
}

impl Row {
    /// Where the event stands in its batch.
    pub(crate) fn place(&self) -> (TenantId, Option<&str>, i64) {
        (self.envelope.tenant_id, self.order_key.as_deref(), self.seq)
    }

    /// The span a consumer runs in, a child of whatever published the event.
    pub(crate) fn span(&self, consumer: &'static str) -> tracing::Span {
        let e = &self.envelope;
        let span = tracing::info_span!(
            "consume", consumer, event_name = e.event_name, tenant_id = %e.tenant_id,
            correlation_id = %e.correlation_id, event_id = %e.event_id
        );
        if let Some(traceparent) = &self.traceparent {
            nmc_telemetry::set_parent(&span, traceparent);
        }
        span
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use nmc_kernel::{CorrelationId, TenantId};

    use super::*;

    #[test]
    fn what_was_learned_of_late_was_published_when_it_was_written() {
        let published_at = DateTime::from_timestamp_millis(0x0197_c0de_0123).unwrap();
        let row = Row {
            envelope: Envelope {
                event_id: "0197c0de-0123-7000-8000-000000000001".parse().unwrap(),
                event_name: "nmc.test.Told".to_owned(),
                schema_version: UNREADABLE,
                tenant_id: TenantId::from(Uuid::nil()),
                occurred_at: published_at - TimeDelta::hours(3),
                correlation_id: CorrelationId::from(Uuid::nil()),
                causation_id: None,
                payload: serde_json::Value::Null,
            },
            seq: 1,
            order_key: None,
            traceparent: None,
            attempts: 0,
            last_error: None,
        };
        assert_eq!(row.published_at(), published_at);
    }
}
