//! How fast a full outbox is emptied, beside the same SQL in pgbench.

use std::time::{Duration, Instant};

use nmc_kernel::Random;
use nmc_outbox::{Consumers, Dispatcher, Settings};
use sqlx::PgConnection;
use tokio_util::sync::CancellationToken;

use crate::{
    BenchError,
    cluster::{Cluster, Database},
    events::{self, CONSUMER, Nothing},
    pgbench,
    report::Report,
    stats::median,
};

const DATABASE: &str = "nmc_bench_drain";
/// Events in a run: one to two seconds of work.
const EVENTS: i32 = 100_000;
/// Events that wait for a retry, where there are any.
const STUCK: i32 = 100_000;
const BATCH: u16 = 100;
const WORKERS: u16 = 2;
/// Runs of each kind, in turn, so that what disturbs one kind disturbs the other as well.
const ROUNDS: usize = 3;
/// A run that takes longer hangs.
const RUN_TIMEOUT: Duration = Duration::from_mins(1);

/// The above in words, for the head of the table.
pub(crate) const SETTINGS: &str = "100,000 events of 100 tenants, batch 100, 2 workers, median of 3 alternating runs";

/// Claim, ledger and marks of one batch: what the dispatcher cannot do without, with nothing decoded or even read.
const RAW_SQL: &str = "\
begin;
select array_agg(seq) as seqs, array_agg(tenant_id) as tenants, array_agg(id) as ids
from (select seq, tenant_id, id from outbox_events where lane = 0 and dispatched_at is null
      order by seq limit 100 for update skip locked) claimed \\gset
insert into outbox_consumed (tenant_id, consumer, event_id)
select t, 'bench.nothing', i from unnest(:tenants::uuid[], :ids::uuid[]) as claimed(t, i) on conflict do nothing;
update outbox_events set dispatched_at = clock_timestamp()
where seq = any(:seqs::bigint[]) and lane = 0 and dispatched_at is null;
commit;
";

/// Ours, the raw SQL and ours among stuck rows, in turn.
pub(crate) async fn measure(cluster: &Cluster, report: &mut Report) -> Result<(), BenchError> {
    debug_assert!(RAW_SQL.contains(CONSUMER) && RAW_SQL.contains(&format!("limit {BATCH}")));
    let database = cluster.database(DATABASE).await?;
    let mut superuser = database.superuser().await?;
    let (mut ours, mut raw, mut among_stuck, mut no_raw) = (Vec::new(), Vec::new(), Vec::new(), None);
    for _ in 0..ROUNDS {
        ours.push(run_ours(&database, &mut superuser, 0).await?);
        if no_raw.is_none() {
            match run_raw(&database, &mut superuser).await? {
                Ok(rate) => raw.push(rate),
                Err(reason) => no_raw = Some(reason),
            }
        }
        among_stuck.push(run_ours(&database, &mut superuser, STUCK).await?);
    }
    let medium = cluster.medium;
    let rate = |rates: &[f64]| median(rates).map_or_else(|| "-".to_owned(), |rate| format!("{rate:.0}"));
    let ratio = |of: &[f64], to: &[f64]| match (median(of), median(to)) {
        (Some(of), Some(to)) => format!("{:.2}", of / to),
        _ => "-".to_owned(),
    };
    report.put(medium, "outbox drain, events/s", "", rate(&ours));
    report.put(medium, "the same SQL in pgbench, events/s", "", no_raw.unwrap_or_else(|| rate(&raw)));
    report.put(medium, "drain / raw (P1)", ">= 0.70", ratio(&ours, &raw));
    report.put(medium, "drain among 100,000 stuck events / without (P5)", ">= 0.90", ratio(&among_stuck, &ours));
    drop(superuser);
    database.remove().await
}

/// Events a second of the dispatcher.
async fn run_ours(database: &Database<'_>, superuser: &mut PgConnection, stuck: i32) -> Result<f64, BenchError> {
    events::fill(superuser, EVENTS, stuck).await?;
    let rate = deliver(database, EVENTS).await?;
    events::check_delivered(superuser, EVENTS).await?;
    Ok(rate)
}

/// The dispatcher delivers so many events, which are there: events a second.
pub(crate) async fn deliver(database: &Database<'_>, events: i32) -> Result<f64, BenchError> {
    let db = database.connect("nmc_dispatcher")?;
    // Connecting is no part of the work.
    db.ping().await?;
    let wanted = usize::try_from(events).unwrap_or(usize::MAX);
    let nothing = Nothing::until(wanted);
    let settings = Settings { batch_size: BATCH, concurrency: WORKERS, ..Settings::default() };
    let consumers = Consumers::new().with(nothing.clone());
    let dispatcher = Dispatcher::new(db.clone(), consumers, settings, Random::from_entropy());
    let stop = CancellationToken::new();
    let began = Instant::now();
    let running = tokio::spawn({
        let stop = stop.clone();
        async move { dispatcher.run(stop).await }
    });
    let done = tokio::time::timeout(RUN_TIMEOUT, nothing.done()).await;
    let took = began.elapsed();
    stop.cancel();
    running.await?;
    db.close().await;
    if done.is_err() {
        return Err(BenchError::Wrong(format!(
            "{events} events were not delivered within {} s",
            RUN_TIMEOUT.as_secs()
        )));
    }
    Ok(f64::from(events) / took.as_secs_f64())
}

/// Events a second of the bare SQL; a reason where pgbench is not there or does not know how.
async fn run_raw(database: &Database<'_>, superuser: &mut PgConnection) -> Result<Result<f64, String>, BenchError> {
    events::fill(superuser, EVENTS, 0).await?;
    let batches_per_client = EVENTS / i32::from(BATCH) / i32::from(WORKERS);
    let options =
        [format!("--client={WORKERS}"), format!("--jobs={WORKERS}"), format!("--transactions={batches_per_client}")];
    let per_second = match pgbench::run(database, "nmc_dispatcher", RAW_SQL, &options).await? {
        Ok(per_second) => per_second,
        Err(reason) => return Ok(Err(reason)),
    };
    events::check_delivered(superuser, EVENTS).await?;
    Ok(Ok(per_second * f64::from(BATCH)))
}
