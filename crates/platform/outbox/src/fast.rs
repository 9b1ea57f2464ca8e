//! The fast path: a batch of ready events, their consumers' effects and the marks, in one commit.

use std::{collections::HashSet, time::Instant};

use nmc_db::{DbError, SystemTx, Topic};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::{
    ConsumeError, Consumers,
    dispatcher::Shared,
    row::{self, Row},
    run::Worker,
};

/// How a batch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BatchEnd {
    /// Nothing was ready.
    Idle,
    /// Some events were dispatched; no more were ready than fit.
    Partial,
    /// A full batch was dispatched: there may be more.
    Full,
    /// A consumer failed; the batch goes on in lane 1.
    Demoted,
}

/// Claims and runs one batch; a collision with another transaction repeats it once.
pub(crate) async fn run_batch(shared: &Shared, worker: &Worker) -> Result<BatchEnd, DbError> {
    match try_batch(shared, worker).await? {
        Tried::Ended(end) => return Ok(end),
        Tried::Failed { error, .. } if error.is_collision() => {}
        Tried::Failed { error, seqs } => return demote(shared, worker, &error, &seqs).await,
    }
    match try_batch(shared, worker).await? {
        Tried::Ended(end) => Ok(end),
        Tried::Failed { error, seqs } => demote(shared, worker, &error, &seqs).await,
    }
}

enum Tried {
    Ended(BatchEnd),
    Failed { error: ConsumeError, seqs: Vec<i64> },
}

async fn try_batch(shared: &Shared, worker: &Worker) -> Result<Tried, DbError> {
    let limit = i64::from(shared.settings.batch_size);
    let mut tx = shared.db.begin_system().await?;
    let above = shared.mark().above(Instant::now());
    let (mut rows, claimed) = row::claim_ready(&mut tx, above, limit).await?;
    let Some(claimed) = claimed else {
        tx.roll_back().await?;
        return Ok(Tried::Ended(BatchEnd::Idle));
    };
    shared.mark().observe(claimed);
    let end = if rows.len() < usize::from(shared.settings.batch_size) { BatchEnd::Partial } else { BatchEnd::Full };
    if end == BatchEnd::Full {
        // Another worker may help with what is left.
        shared.db.wakes().wake_here(Topic::Outbox);
    }
    let seqs: Vec<i64> = rows.iter().map(|row| row.seq).collect();
    // Two workers take locks in the same order when they run their events in the same order.
    rows.sort_by(|a, b| {
        let key = |row: &Row| (row.envelope.tenant_id, row.order_key.clone(), row.seq);
        key(a).cmp(&key(b))
    });
    let heard = rows.iter().any(|row| !shared.consumers.of(&row.envelope.event_name).is_empty());
    if heard {
        worker.note(&seqs, tx.now()).await?;
    }
    if let Err(error) = consume_all(&mut tx, &shared.consumers, &rows).await {
        tx.roll_back().await?;
        // Rows below the mark are ready again.
        shared.mark().forget(Instant::now());
        return Ok(Tried::Failed { error, seqs });
    }
    mark_dispatched(&mut tx, &seqs).await?;
    if heard {
        worker.clear(&mut tx).await?;
    }
    let now = tx.now();
    if let Err(error) = tx.commit().await {
        shared.mark().forget(Instant::now());
        // A deferred collision shows at the commit; anything else is the database's trouble, not the batch's.
        if error.is_collision() {
            return Ok(Tried::Failed { error: error.into(), seqs });
        }
        return Err(error);
    }
    for row in &rows {
        let lag = (now - row.envelope.occurred_at).to_std().unwrap_or_default();
        metrics::histogram!("outbox_dispatch_lag_seconds").record(lag.as_secs_f64());
    }
    Ok(Tried::Ended(end))
}

/// Writes the ledger with one statement, then runs each consumer that had not taken its event yet.
async fn consume_all(tx: &mut SystemTx, consumers: &Consumers, rows: &[Row]) -> Result<(), ConsumeError> {
    let (mut tenants, mut names, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        for consumer in consumers.of(&row.envelope.event_name) {
            tenants.push(row.envelope.tenant_id.as_uuid());
            names.push(consumer.name.to_owned());
            ids.push(row.envelope.event_id.as_uuid());
        }
    }
    if ids.is_empty() {
        return Ok(());
    }
    let pairs = ids.len();
    let fresh = sqlx::query!(
        "insert into outbox_consumed (tenant_id, consumer, event_id)
         select * from unnest($1::uuid[], $2::text[], $3::uuid[]) on conflict do nothing
         returning consumer, event_id",
        &tenants,
        &names,
        &ids
    )
    .fetch_all(tx.conn()?)
    .await
    .map_err(DbError::from)?;
    // All of them, nearly always: then there is nothing to look up.
    let taken_before = fresh.len() < pairs;
    let fresh: HashSet<(String, Uuid)> =
        if taken_before { fresh.into_iter().map(|r| (r.consumer, r.event_id)).collect() } else { HashSet::new() };
    for row in rows {
        for consumer in consumers.of(&row.envelope.event_name) {
            if taken_before && !fresh.contains(&(consumer.name.to_owned(), row.envelope.event_id.as_uuid())) {
                continue;
            }
            let tenant_tx = tx.enter(row.envelope.tenant_id).await?;
            consumer.consume(tenant_tx, &row.envelope).instrument(row.span(consumer.name)).await?;
        }
        metrics::counter!("outbox_dispatch_attempts_total", "event_name" => row.envelope.event_name.clone())
            .increment(1);
    }
    Ok(())
}

async fn mark_dispatched(tx: &mut SystemTx, seqs: &[i64]) -> Result<(), DbError> {
    let now = tx.now();
    // By sequence number and with the hot index's own condition: the index is as small as the backlog.
    sqlx::query!(
        "update outbox_events set dispatched_at = $2 where seq = any($1) and lane = 0 and dispatched_at is null",
        seqs,
        now
    )
    .execute(tx.conn()?)
    .await?;
    Ok(())
}

async fn demote(shared: &Shared, worker: &Worker, error: &ConsumeError, seqs: &[i64]) -> Result<BatchEnd, DbError> {
    tracing::warn!(error = error.chain(), outbox.events = seqs.len(), "a batch failed; it goes on one at a time");
    let mut tx = shared.db.begin_system().await?;
    row::move_to_retry_lane(&mut tx, seqs).await?;
    worker.clear(&mut tx).await?;
    tx.commit().await?;
    shared.retry_lane_changed.notify_one();
    Ok(BatchEnd::Demoted)
}
