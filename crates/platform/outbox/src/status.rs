use chrono::{DateTime, Utc};
use nmc_db::{Db, DbError};
use sqlx::PgConnection;

/// At most this many stuck events are shown; the counts say how many there are.
const STUCK_SHOWN: i64 = 20;

/// What is pending, how old it is, and why.
#[derive(Clone, Debug, serde::Serialize)]
pub struct OutboxStatus {
    /// Events ready for the next batch.
    pub ready: i64,
    /// Age of the oldest of them, in seconds.
    pub oldest_ready_seconds: Option<f64>,
    /// Events waiting in the retry lane.
    pub retrying: i64,
    /// Open dead letters.
    pub dead_letters: i64,
    /// Batches noted as running now, or left by a worker that died.
    pub runs: i64,
    /// Events in the retry lane, longest waiting first.
    pub stuck: Vec<Stuck>,
}

/// An event in the retry lane.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Stuck {
    /// The event.
    pub event_id: uuid::Uuid,
    /// Its name.
    pub event_name: String,
    /// How often it was tried.
    pub attempts: i16,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// When it is tried next.
    pub available_at: DateTime<Utc>,
    /// Why it is here.
    pub last_error: Option<String>,
}

/// How much there is.
pub(crate) struct Counts {
    pub(crate) ready: i64,
    pub(crate) oldest_ready_seconds: Option<f64>,
    pub(crate) retrying: i64,
    pub(crate) dead_letters: i64,
    pub(crate) runs: i64,
}

/// Counts across tenants, as the dispatcher's role: one statement.
pub(crate) async fn count(connection: &mut PgConnection, now: DateTime<Utc>) -> Result<Counts, DbError> {
    Ok(sqlx::query_as!(
        Counts,
        r#"select
             (select count(*) from outbox_events where lane = 0 and dispatched_at is null) as "ready!",
             (select extract(epoch from $1 - min(available_at))::float8 from outbox_events
              where lane = 0 and dispatched_at is null) as oldest_ready_seconds,
             (select count(*) from outbox_events where lane = 1 and dispatched_at is null) as "retrying!",
             (select count(*) from outbox_dead_letters where resolution is null) as "dead_letters!",
             (select count(*) from outbox_runs where cardinality(event_seqs) > 0) as "runs!""#,
        now
    )
    .fetch_one(connection)
    .await?)
}

/// Reads the outbox's state across tenants, as the dispatcher's role.
pub async fn status(db: &Db) -> Result<OutboxStatus, DbError> {
    let mut tx = db.begin_system().await?;
    let now = tx.now();
    let counts = count(tx.conn()?, now).await?;
    let stuck = sqlx::query_as!(
        Stuck,
        r#"select id as event_id, event_name, attempts, occurred_at, available_at, last_error from outbox_events
           where lane = 1 and dispatched_at is null order by available_at limit $1"#,
        STUCK_SHOWN
    )
    .fetch_all(tx.conn()?)
    .await?;
    tx.roll_back().await?;
    Ok(OutboxStatus {
        ready: counts.ready,
        oldest_ready_seconds: counts.oldest_ready_seconds,
        retrying: counts.retrying,
        dead_letters: counts.dead_letters,
        runs: counts.runs,
        stuck,
    })
}
