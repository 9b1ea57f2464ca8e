//! The fast path: a batch of ready events, their consumers' effects and the marks, in one commit.

use std::{collections::HashMap, time::Instant};

use nmc_db::{DbError, SystemTx, Topic};
use tracing::Instrument as _;

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
pub(crate) async fn run_batch(shared: &Shared, worker: &Worker, limit: u16) -> Result<BatchEnd, DbError> {
    match try_batch(shared, worker, limit).await? {
        Tried::Ended(end) => return Ok(end),
        Tried::Failed { error, .. } if error.is_collision() => {}
        Tried::Failed { error, seqs } => return demote(shared, &error, &seqs).await,
    }
    match try_batch(shared, worker, limit).await? {
        Tried::Ended(end) => Ok(end),
        Tried::Failed { error, seqs } => demote(shared, &error, &seqs).await,
    }
}

enum Tried {
    Ended(BatchEnd),
    Failed { error: ConsumeError, seqs: Vec<i64> },
}

async fn try_batch(shared: &Shared, worker: &Worker, limit: u16) -> Result<Tried, DbError> {
    let mut tx = shared.db.begin_system().await?;
    let above = shared.mark().above(Instant::now());
    let (mut rows, claimed) = row::take_ready(&mut tx, above, i64::from(limit)).await?;
    let Some(claimed) = claimed else {
        tx.roll_back().await?;
        return Ok(Tried::Ended(BatchEnd::Idle));
    };
    shared.mark().observe(claimed);
    let end = if rows.len() < usize::from(limit) { BatchEnd::Partial } else { BatchEnd::Full };
    if end == BatchEnd::Full {
        // Another worker may help with what is left.
        shared.db.wakes().wake_here(Topic::Outbox);
    }
    let seqs: Vec<i64> = rows.iter().map(|row| row.seq).collect();
    // Two workers take locks in the same order when they run their events in the same order.
    rows.sort_by(|a, b| a.place().cmp(&b.place()));
    if let Err(error) = consume_all(&mut tx, &shared.consumers, worker, &rows, &seqs).await {
        tx.roll_back().await?;
        // Rows below the mark are ready again.
        shared.mark().forget(Instant::now());
        return Ok(Tried::Failed { error, seqs });
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
    let lag = metrics::histogram!("outbox_dispatch_lag_seconds");
    // An event that nobody hears waits for the next look, and for nobody.
    for row in rows.iter().filter(|row| shared.consumers.hears(&row.envelope.event_name)) {
        lag.record((now - row.published_at()).to_std().unwrap_or_default().as_secs_f64());
    }
    Ok(Tried::Ended(end))
}

/// Notes the batch and writes its ledger, then runs every consumer.
async fn consume_all(
    tx: &mut SystemTx,
    consumers: &Consumers,
    worker: &Worker,
    rows: &[Row],
    seqs: &[i64],
) -> Result<(), ConsumeError> {
    count_attempts(rows);
    let (mut tenants, mut names, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    let mut work = Vec::new();
    for row in rows {
        let audience = consumers.audience(&row.envelope);
        if let Some(deaf) = audience.deaf.first() {
            return Err(deaf.unknown_version(&row.envelope));
        }
        for consumer in audience.hearing {
            work.push((row, consumer));
            tenants.push(row.envelope.tenant_id.as_uuid());
            names.push(consumer.name.to_owned());
            ids.push(row.envelope.event_id.as_uuid());
        }
    }
    let Some((first, _)) = work.first() else { return Ok(()) };
    let setting = tx.enter_with_next(first.envelope.tenant_id);
    let (pairs, now) = (u64::try_from(ids.len()).unwrap_or(u64::MAX), tx.now());
    let ledger = async {
        let query = sqlx::query!(
            "insert into outbox_consumed (tenant_id, consumer, event_id)
             select pair.tenant_id, pair.consumer, pair.event_id
             from (select set_config('nmc.tenant_id', $4, true) as setting) entered,
                  unnest($1::uuid[], $2::text[], $3::uuid[]) as pair (tenant_id, consumer, event_id)
             where entered.setting is not null
             on conflict do nothing",
            &tenants,
            &names,
            &ids,
            setting
        );
        Ok(query.execute(tx.conn()?).await?.rows_affected())
    };
    // Two connections, so neither waits for the other; the consumers wait for both.
    let (fresh, ()) = tokio::try_join!(ledger, worker.note(seqs, now))?;
    if fresh < pairs {
        // Somebody had taken an event of lane 0 before: which, lane 1 finds out for each by itself.
        return Err(ConsumeError::Refused("the ledger knows some of these events already".to_owned()));
    }
    for (row, consumer) in work {
        let tenant_tx = tx.enter(row.envelope.tenant_id).await?;
        consumer.consume(tenant_tx, &row.envelope).instrument(row.span(consumer.name)).await?;
    }
    Ok(())
}

/// One look-up of the counter per kind of event, not per event.
fn count_attempts(rows: &[Row]) {
    let mut attempts: HashMap<&str, u64> = HashMap::new();
    for row in rows {
        *attempts.entry(&row.envelope.event_name).or_default() += 1;
    }
    for (event_name, count) in attempts {
        metrics::counter!("outbox_dispatch_attempts_total", "event_name" => event_name.to_owned()).increment(count);
    }
}

async fn demote(shared: &Shared, error: &ConsumeError, seqs: &[i64]) -> Result<BatchEnd, DbError> {
    tracing::warn!(error = error.chain(), outbox.events = seqs.len(), "a batch failed; it goes on one at a time");
    let mut tx = shared.db.begin_system().await?;
    row::move_to_retry_lane(&mut tx, seqs).await?;
    tx.commit().await?;
    shared.retry_lane_changed.notify_one();
    Ok(BatchEnd::Demoted)
}
