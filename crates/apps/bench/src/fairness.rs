//! What a tenant in trouble costs the others: thousands of its texts are queued and the provider leaves its calls hanging.

use std::time::Duration;

use nmc_db::{Db, PoolSettings, Wakes};
use nmc_simulators::twilio::{Api, Fault, When};

use crate::{
    BenchError,
    calls::{Bench, DATABASE, Load},
    cluster::Cluster,
    report::Report,
    stats::{Summary, shown},
};

/// The stored kind of texts.
const SMS: &str = "sms";
/// The calls of the tenant in trouble, each with its text; the rest of what is queued are copies of these.
const IN_TROUBLE: Load = Load { calls: 20, per_second: 20 };
/// How many texts it has queued.
const QUEUED: i64 = 5_000;
/// The neighbour's calls: one at a time, and fewer than the hanging calls last.
const NEIGHBOURS: Load = Load { calls: 40, per_second: 8 };
/// A quarter of the dispatcher's calls at once: what one tenant can take up where there are several kinds of effects.
const HANGING: u32 = 4;
/// Longer than the neighbour is measured.
const HANGS_FOR: Duration = Duration::from_mins(1);
/// What is not so by then never is.
const TIMEOUT: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);

/// Measures on one cluster.
pub(crate) async fn measure(cluster: &Cluster, report: &mut Report) -> Result<(), BenchError> {
    let mut bench = Bench::start(cluster, None).await?;
    let measured = compare(&mut bench, cluster, report).await;
    bench.stop(cluster).await?;
    measured
}

async fn compare(bench: &mut Bench, cluster: &Cluster, report: &mut Report) -> Result<(), BenchError> {
    bench.warm_up(cluster).await?;
    bench.called = 1..2;
    let alone = Summary::of(bench.load(cluster, NEIGHBOURS).await?.sent);
    queue_up(bench, cluster).await?;
    bench.called = 1..2;
    let beside = Summary::of(bench.load(cluster, NEIGHBOURS).await?.sent);
    let medium = cluster.medium;
    report.put(medium, "one tenant's texts, others idle: missed -> Twilio accepted, P50 / P95 / max", "", shown(alone));
    let line = "the same beside a tenant with 5,000 texts queued and 4 calls hanging";
    report.put(medium, line, "", shown(beside));
    if let (Some(alone), Some(beside)) = (alone, beside) {
        let ratio = |pick: fn(&Summary) -> Duration| pick(&beside).as_secs_f64() / pick(&alone).as_secs_f64();
        let ratios = format!("{:.2} / {:.2}", ratio(|s| s.p50), ratio(|s| s.p95));
        report.put(medium, "beside it / alone (P10), P50 / P95", "<= 1.5", ratios);
    }
    Ok(())
}

/// Queues the texts of one tenant and lets its first calls hang.
async fn queue_up(bench: &mut Bench, cluster: &Cluster) -> Result<(), BenchError> {
    let database = cluster.existing(DATABASE);
    let url = bench.installation.database.url("nmc_dispatcher");
    let dispatcher = Db::new(&url, PoolSettings { max_connections: 1, ..PoolSettings::default() }, Wakes::new())?;
    nmc_effects::pause(&dispatcher, SMS).await?;
    bench.called = 0..1;
    bench.held += IN_TROUBLE.calls;
    bench.place(IN_TROUBLE).await?;
    let calls = i64::try_from(IN_TROUBLE.calls).unwrap_or(i64::MAX);
    wait_for(cluster, "select count(*) from effect_intents where state = 'pending' and kind = 'sms'", calls).await?;
    let mut superuser = database.superuser().await?;
    sqlx::query(
        "insert into effect_intents (tenant_id, id, kind, purpose_key, order_key, state, available_at, useful_until,
                                     request, correlation_id, created_at)
         select tenant_id, gen_random_uuid(), kind, 'copy-' || n || '-' || id, 'copy-' || n || '-' || id, state,
                available_at, useful_until, request, correlation_id, created_at
         from effect_intents, generate_series(1, $1) n where state = 'pending'",
    )
    .bind(i32::try_from(QUEUED / calls - 1).unwrap_or(i32::MAX))
    .execute(&mut superuser)
    .await?;
    let millis = u64::try_from(HANGS_FOR.as_millis()).unwrap_or(u64::MAX);
    bench.installation.twilio.add_fault(Api::SendMessage, Fault::Hang { millis }, When::Next { requests: HANGING });
    nmc_effects::resume(&dispatcher, SMS).await?;
    dispatcher.close().await;
    wait_for(cluster, "select count(*) from effect_intents where state = 'in_flight'", i64::from(HANGING)).await
}

async fn wait_for(cluster: &Cluster, question: &'static str, expected: i64) -> Result<(), BenchError> {
    let mut superuser = cluster.existing(DATABASE).superuser().await?;
    let began = std::time::Instant::now();
    loop {
        let found: i64 = sqlx::query_scalar(question).fetch_one(&mut superuser).await?;
        if found == expected {
            return Ok(());
        }
        if began.elapsed() > TIMEOUT {
            return Err(BenchError::Wrong(format!("{question}: {found} instead of {expected}")));
        }
        tokio::time::sleep(POLL).await;
    }
}
