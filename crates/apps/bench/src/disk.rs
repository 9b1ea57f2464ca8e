//! What a commit costs on the cluster, so that everything else can be read beside it.

use std::time::{Duration, Instant};

use sqlx::PgConnection;
use tokio_util::sync::CancellationToken;

use crate::{
    BenchError,
    cluster::{Cluster, Database},
    report::Report,
    stats::{Summary, shown},
};

const DATABASE: &str = "nmc_bench_disk";
/// How long commits are made, one after the other.
const COMMITS_FOR: Duration = Duration::from_secs(3);
/// Between two commits of a probe that runs beside a load: enough samples for a percentile, too few to be a load.
const PROBE_INTERVAL: Duration = Duration::from_millis(20);

/// One connection, one row per commit, as fast as it goes.
pub(crate) async fn measure(cluster: &Cluster, report: &mut Report) -> Result<(), BenchError> {
    let database = cluster.database(DATABASE).await?;
    let mut connection = probe_table(&database).await?;
    let (mut samples, began) = (Vec::new(), Instant::now());
    while began.elapsed() < COMMITS_FOR {
        samples.push(commit(&mut connection).await?);
    }
    report.put(cluster.medium, "one commit, P50 / P95 / max", "", shown(Summary::of(samples)));
    drop(connection);
    database.remove().await
}

/// Commits a row every now and then beside a load, until `stop`: what a commit costs at that moment.
pub(crate) async fn probe(database: &Database<'_>, stop: CancellationToken) -> Result<Vec<Duration>, BenchError> {
    let mut connection = probe_table(database).await?;
    let mut samples = Vec::new();
    let mut ticks = tokio::time::interval(PROBE_INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(samples),
            _ = ticks.tick() => samples.push(commit(&mut connection).await?),
        }
    }
}

async fn probe_table(database: &Database<'_>) -> Result<PgConnection, BenchError> {
    let mut connection = database.superuser().await?;
    sqlx::raw_sql("create table if not exists bench_commits (at timestamptz not null)")
        .execute(&mut connection)
        .await?;
    Ok(connection)
}

async fn commit(connection: &mut PgConnection) -> Result<Duration, BenchError> {
    let began = Instant::now();
    sqlx::query("insert into bench_commits values (clock_timestamp())").execute(connection).await?;
    Ok(began.elapsed())
}
