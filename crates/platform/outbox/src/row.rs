use chrono::{DateTime, Utc};
use nmc_db::{DbError, SystemTx};
use nmc_events::{Envelope, SchemaVersion};
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
    xmin: String,
    xmax: String,
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

/// Locks up to `limit` events of lane 0 above `above`, oldest first, passing over what others have locked.
pub(crate) async fn claim_ready(
    tx: &mut SystemTx,
    above: i64,
    limit: i64,
) -> Result<(Vec<Row>, Option<Claimed>), DbError> {
    let columns = sqlx::query_as!(
        Columns,
        r#"
        select e.tenant_id, e.id, e.seq, e.event_name, e.schema_version, e.occurred_at, e.correlation_id,
               e.causation_id, e.payload, e.order_key, e.traceparent, e.attempts, e.last_error,
               s.xmin as "xmin!", s.xmax as "xmax!"
        from outbox_events e,
             (select pg_snapshot_xmin(x)::text as xmin, pg_snapshot_xmax(x)::text as xmax
              from pg_current_snapshot() x) s
        where e.lane = 0 and e.dispatched_at is null and e.seq > $1
        order by e.seq
        limit $2
        for update of e skip locked
        "#,
        above,
        limit
    )
    .fetch_all(tx.conn()?)
    .await?;
    let claimed = match (columns.first(), columns.last()) {
        (Some(first), Some(last)) => Some(Claimed {
            lowest_seq: first.seq,
            highest_seq: last.seq,
            // Unreadable: as if something were still running (0), so that the mark stays where it is.
            xmin: first.xmin.parse().unwrap_or(0),
            xmax: first.xmax.parse().unwrap_or(u64::MAX),
        }),
        _ => None,
    };
    Ok((columns.into_iter().map(Row::from).collect(), claimed))
}

/// Locks the event of lane 1 that has waited longest among those due.
pub(crate) async fn claim_due(tx: &mut SystemTx) -> Result<Option<Row>, DbError> {
    let now = tx.now();
    let columns = sqlx::query_as!(
        Columns,
        r#"
        select tenant_id, id, seq, event_name, schema_version, occurred_at, correlation_id, causation_id, payload,
               order_key, traceparent, attempts, last_error, '' as "xmin!", '' as "xmax!"
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
