//! The slow path: one event of lane 1, one consumer at a time, each in a transaction of its own.

use chrono::Duration;
use nmc_db::{DbError, SystemTx};
use nmc_kernel::retry::{MAX_ATTEMPTS, full_jitter};
use tracing::Instrument as _;

use crate::{
    ConsumeError,
    consumer::{Audience, Registered},
    dead_letter,
    dispatcher::Shared,
    row::{self, Row},
};

/// How long an event of a version nobody knows waits before it is looked at again.
const PARKED: Duration = Duration::seconds(60);

/// Tries one due event of lane 1; `false` when none is due.
pub(crate) async fn run_one(shared: &Shared) -> Result<bool, DbError> {
    let Some((row, attempt)) = begin_attempt(shared).await? else { return Ok(false) };
    let event_name = row.envelope.event_name.clone();
    metrics::counter!("outbox_dispatch_attempts_total", "event_name" => event_name.clone()).increment(1);
    let audience = shared.consumers.audience(&row.envelope);
    let mut failures: Vec<(&'static str, ConsumeError)> = Vec::new();
    for consumer in rotated(&audience.hearing, attempt) {
        match consume_alone(shared, &row, consumer).await {
            Ok(()) => {}
            // The database is the trouble: the attempt's lease brings the event back.
            Err(error) if error.is_outage() => return give_back(shared, &row).await,
            Err(error) => {
                metrics::counter!("outbox_dispatch_failures_total", "event_name" => event_name.clone(), "consumer" => consumer.name)
                    .increment(1);
                failures.push((consumer.name, error));
            }
        }
    }
    failures.extend(audience.deaf.iter().map(|deaf| (deaf.name, deaf.unknown_version(&row.envelope))));
    end_attempt(shared, &row, attempt, &failures).await?;
    Ok(true)
}

/// Each attempt begins with another consumer, so that one which kills the process cannot keep the others from the
/// event for all six.
fn rotated<T>(consumers: &[T], attempt: u16) -> impl Iterator<Item = &T> {
    let start = usize::from(attempt.saturating_sub(1)).checked_rem(consumers.len()).unwrap_or(0);
    consumers[start..].iter().chain(&consumers[..start])
}

/// Commits the attempt before it is made: an event that kills the process has used one up all the same.
async fn begin_attempt(shared: &Shared) -> Result<Option<(Row, u16)>, DbError> {
    let mut tx = shared.db.begin_system().await?;
    let Some(row) = row::claim_due(&mut tx).await? else {
        tx.roll_back().await?;
        return Ok(None);
    };
    if row.attempts >= MAX_ATTEMPTS {
        // The last attempt did not live to say what happened.
        let error = row.last_error.clone().unwrap_or_else(|| "the process died while this consumer ran".to_owned());
        let names = unfinished(&mut tx, &shared.consumers.audience(&row.envelope), &row).await?;
        for name in names {
            dead_letter::write(&mut tx, &row, name, &error).await?;
        }
        finish(&mut tx, &row).await?;
        tx.commit().await?;
        return Ok(None);
    }
    let attempt = row.attempts + 1;
    let until = tx.now() + shared.settings.attempt_lease;
    sqlx::query!(
        "update outbox_events set attempts = $3, available_at = $4 where tenant_id = $1 and id = $2",
        row.envelope.tenant_id.as_uuid(),
        row.envelope.event_id.as_uuid(),
        attempt.cast_signed(),
        until
    )
    .execute(tx.conn()?)
    .await?;
    tx.commit().await?;
    Ok(Some((row, attempt)))
}

async fn unfinished(tx: &mut SystemTx, audience: &Audience<'_>, row: &Row) -> Result<Vec<&'static str>, DbError> {
    let concerned: Vec<&'static str> = audience.hearing.iter().chain(&audience.deaf).map(|c| c.name).collect();
    let done = sqlx::query_scalar!(
        "select consumer from outbox_consumed where tenant_id = $1 and event_id = $2 and consumer = any($3)",
        row.envelope.tenant_id.as_uuid(),
        row.envelope.event_id.as_uuid(),
        &concerned.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()
    )
    .fetch_all(tx.conn()?)
    .await?;
    Ok(concerned.into_iter().filter(|name| !done.iter().any(|d| d == name)).collect())
}

async fn consume_alone(shared: &Shared, row: &Row, consumer: &Registered) -> Result<(), ConsumeError> {
    let mut tx = shared.db.begin_system().await?;
    let tenant_tx = tx.enter(row.envelope.tenant_id).await?;
    let first = sqlx::query!(
        "insert into outbox_consumed (tenant_id, consumer, event_id) values ($1, $2, $3) on conflict do nothing",
        row.envelope.tenant_id.as_uuid(),
        consumer.name,
        row.envelope.event_id.as_uuid()
    )
    .execute(tenant_tx.conn().await?)
    .await
    .map_err(DbError::from)?;
    if first.rows_affected() == 0 {
        tx.roll_back().await?;
        return Ok(());
    }
    // An error drops the transaction, ledger row included.
    consumer.consume(tenant_tx, &row.envelope).instrument(row.span(consumer.name)).await?;
    tx.commit().await?;
    Ok(())
}

async fn end_attempt(
    shared: &Shared,
    row: &Row,
    attempt: u16,
    failures: &[(&'static str, ConsumeError)],
) -> Result<(), DbError> {
    let mut tx = shared.db.begin_system().await?;
    let lag = (tx.now() - row.published_at()).to_std().unwrap_or_default();
    let only_versions =
        !failures.is_empty() && failures.iter().all(|(_, error)| matches!(error, ConsumeError::UnknownVersion { .. }));
    if failures.is_empty() {
        finish(&mut tx, row).await?;
    } else if only_versions {
        // Not the event's fault and not for ever: it waits for the next release without using up attempts.
        let until = tx.now() + PARKED;
        postpone(&mut tx, row, row.attempts, until, &failures[0].1.chain()).await?;
    } else if attempt >= MAX_ATTEMPTS {
        for (consumer, error) in failures {
            let error = error.chain();
            tracing::error!(
                event_name = row.envelope.event_name, tenant_id = %row.envelope.tenant_id, consumer, error,
                correlation_id = %row.envelope.correlation_id, "an event went to the dead letters"
            );
            dead_letter::write(&mut tx, row, consumer, &error).await?;
        }
        finish(&mut tx, row).await?;
    } else {
        let (consumer, error) = &failures[0];
        let wait = full_jitter(attempt - 1, &shared.random);
        let until = tx.now() + Duration::from_std(wait).unwrap_or(PARKED);
        postpone(&mut tx, row, attempt, until, &format!("{consumer}: {}", error.chain())).await?;
    }
    tx.commit().await?;
    if failures.is_empty() {
        metrics::histogram!("outbox_dispatch_lag_seconds").record(lag);
    }
    Ok(())
}

/// An outage of the database is no attempt of the event.
async fn give_back(shared: &Shared, row: &Row) -> Result<bool, DbError> {
    let mut tx = shared.db.begin_system().await?;
    let until = tx.now();
    postpone(&mut tx, row, row.attempts, until, row.last_error.as_deref().unwrap_or_default()).await?;
    tx.commit().await?;
    Ok(true)
}

async fn postpone(
    tx: &mut SystemTx,
    row: &Row,
    attempts: u16,
    until: chrono::DateTime<chrono::Utc>,
    error: &str,
) -> Result<(), DbError> {
    sqlx::query!(
        "update outbox_events set attempts = $3, available_at = $4, last_error = nullif($5, '')
         where tenant_id = $1 and id = $2 and dispatched_at is null",
        row.envelope.tenant_id.as_uuid(),
        row.envelope.event_id.as_uuid(),
        attempts.cast_signed(),
        until,
        error
    )
    .execute(tx.conn()?)
    .await?;
    Ok(())
}

async fn finish(tx: &mut SystemTx, row: &Row) -> Result<(), DbError> {
    let now = tx.now();
    sqlx::query!(
        "update outbox_events set dispatched_at = $3 where tenant_id = $1 and id = $2 and dispatched_at is null",
        row.envelope.tenant_id.as_uuid(),
        row.envelope.event_id.as_uuid(),
        now
    )
    .execute(tx.conn()?)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_consumer_comes_first_within_the_attempts() {
        let consumers = ["a", "b", "c", "d", "e", "f"];
        let firsts: Vec<_> = (1..=MAX_ATTEMPTS).filter_map(|n| rotated(&consumers, n).next()).collect();
        assert_eq!(firsts, ["a", "b", "c", "d", "e", "f"].iter().collect::<Vec<_>>());
        assert_eq!(rotated(&consumers, 3).copied().collect::<String>(), "cdefab");
        assert_eq!(rotated::<u8>(&[], 1).count(), 0);
    }
}
