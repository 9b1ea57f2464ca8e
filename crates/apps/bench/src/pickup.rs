//! How long an event waits between its commit and its consumer: alone, and under a steady flow while somebody else
//! holds a snapshot.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use nmc_db::Db;
use nmc_events::{
    Context,
    telephony::{CallDetected, MissedReason},
};
use nmc_kernel::{E164, EventId, Random, TenantId};
use nmc_outbox::{Consumers, Dispatcher, Settings};
use tokio::{task::JoinHandle, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::{
    BenchError,
    cluster::{Cluster, Database},
    events::Stopwatch,
    report::Report,
    stats::{Summary, shown},
};

const DATABASE: &str = "nmc_bench_pickup";
/// Events of the idle measurement, and the pause before each: everybody is asleep again by then.
const ALONE: usize = 250;
const PAUSE: Duration = Duration::from_millis(20);
/// The flow: this many events in a commit, every so often, 4,000 a second in all, for so long.
const FLOW_BATCH: usize = 40;
const FLOW_INTERVAL: Duration = Duration::from_millis(10);
const FLOW_FOR: Duration = Duration::from_secs(20);
/// Only the end of the flow counts: what a held snapshot does adds up.
const FLOW_COUNTED: Duration = Duration::from_secs(5);
/// The listeners' connections are up by then.
const SETTLE: Duration = Duration::from_millis(500);
/// What is not delivered by then never is.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);

/// One event at a time.
pub(crate) async fn measure_idle(cluster: &Cluster, report: &mut Report) -> Result<(), BenchError> {
    let database = cluster.database(DATABASE).await?;
    let pair = Pair::start(&database)?;
    tokio::time::sleep(SETTLE).await;
    let mut published = HashMap::new();
    for _ in 0..ALONE {
        tokio::time::sleep(PAUSE).await;
        let began = Instant::now();
        for id in pair.publish(1).await? {
            published.insert(id, (began, Instant::now()));
        }
    }
    let heard = pair.stop_when_heard(published.len()).await?;
    let since = |pick: fn(&(Instant, Instant)) -> Instant| {
        published.iter().filter_map(|(id, times)| Some(heard.get(id)?.saturating_duration_since(pick(times)))).collect()
    };
    let (begin, commit) = (since(|times| times.0), since(|times| times.1));
    report.put(
        cluster.medium,
        "pick-up idle, begin of publishing -> consumer, P50 / P95 / max (P3)",
        "P95 <= 2 ms",
        shown(Summary::of(begin)),
    );
    report.put(cluster.medium, "pick-up idle, commit -> consumer, P50 / P95 / max", "", shown(Summary::of(commit)));
    database.remove().await
}

/// 4,000 events a second, without and with a snapshot held open elsewhere.
pub(crate) async fn measure_under_snapshot(cluster: &Cluster, report: &mut Report) -> Result<(), BenchError> {
    let mut p95s = Vec::new();
    for is_held in [false, true] {
        let database = cluster.database(DATABASE).await?;
        let summary = flow(&database, is_held).await?;
        let what = if is_held { "with" } else { "without" };
        let what = format!("pick-up at 4,000/s {what} a snapshot held 20 s, last 5 s, P50 / P95 / max");
        report.put(cluster.medium, what, "", shown(summary));
        p95s.extend(summary.map(|summary| summary.p95.as_secs_f64()));
        database.remove().await?;
    }
    if let [without, with] = p95s[..] {
        report.put(
            cluster.medium,
            "pick-up P95 with the snapshot / without (P4)",
            "<= 1.5",
            format!("{:.2}", with / without),
        );
    }
    Ok(())
}

async fn flow(database: &Database<'_>, is_held: bool) -> Result<Option<Summary>, BenchError> {
    let mut analyst = database.superuser().await?;
    let pair = Pair::start(database)?;
    tokio::time::sleep(SETTLE).await;
    if is_held {
        sqlx::raw_sql("begin isolation level repeatable read read only; select count(*) from outbox_events")
            .execute(&mut analyst)
            .await?;
    }
    let began = Instant::now();
    let (mut published, mut counted) = (0, HashMap::new());
    let mut ticks = tokio::time::interval(FLOW_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    while began.elapsed() < FLOW_FOR {
        ticks.tick().await;
        let ids = pair.publish(FLOW_BATCH).await?;
        let committed = Instant::now();
        published += ids.len();
        if began.elapsed() + FLOW_COUNTED > FLOW_FOR {
            counted.extend(ids.into_iter().map(|id| (id, committed)));
        }
    }
    let heard = pair.stop_when_heard(published).await?;
    let waits = counted.iter().filter_map(|(id, committed)| Some(heard.get(id)?.saturating_duration_since(*committed)));
    Ok(Summary::of(waits.collect()))
}

/// A publisher and a dispatcher as two processes have them: two pools and two sets of wake-ups that hear each other
/// through Postgres alone. Both run in this process, so that one clock times them.
struct Pair {
    publisher: Db,
    dispatcher: Db,
    tenant: TenantId,
    phone: E164,
    heard: Stopwatch,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Pair {
    fn start(database: &Database<'_>) -> Result<Self, BenchError> {
        let (publisher, dispatcher) = (database.connect("nmc_app")?, database.connect("nmc_dispatcher")?);
        let (heard, stop) = (Stopwatch::default(), CancellationToken::new());
        let consumers = Consumers::new().with(heard.clone());
        let outbox = Dispatcher::new(dispatcher.clone(), consumers, Settings::default(), Random::from_entropy());
        let mut tasks = Vec::new();
        for db in [publisher.clone(), dispatcher.clone()] {
            let stop = stop.clone();
            tasks.push(tokio::spawn(async move { db.wakes().run(&db, stop).await }));
        }
        tasks.push(tokio::spawn({
            let stop = stop.clone();
            async move { outbox.run(stop).await }
        }));
        let tenant = publisher.ids().next();
        let phone = E164::parse("+14155550100").map_err(|error| BenchError::Wrong(error.to_string()))?;
        Ok(Self { publisher, dispatcher, tenant, phone, heard, stop, tasks })
    }

    /// Commits `count` events at once.
    async fn publish(&self, count: usize) -> Result<Vec<EventId>, BenchError> {
        let mut tx = self.publisher.begin(self.tenant).await?;
        let mut ids = Vec::with_capacity(count);
        for _ in 0..count {
            let event = CallDetected {
                call_id: tx.ids().next(),
                from_phone: Some(self.phone.clone()),
                untextable_reason: None,
                to_phone: self.phone.clone(),
                reason: MissedReason::NoAnswer,
                provider_ref: "CA00000000000000000000000000000000".to_owned(),
            };
            let context = Context { correlation: tx.ids().next(), causation: None };
            ids.push(tx.publish(&event, context)?);
        }
        tx.commit().await?;
        Ok(ids)
    }

    /// Stops everything once `wanted` events were heard of; says when each was.
    async fn stop_when_heard(self, wanted: usize) -> Result<HashMap<EventId, Instant>, BenchError> {
        let began = Instant::now();
        while self.heard.heard().len() < wanted && began.elapsed() < DELIVERY_TIMEOUT {
            tokio::time::sleep(PAUSE).await;
        }
        self.stop.cancel();
        for task in self.tasks {
            task.await?;
        }
        self.publisher.close().await;
        self.dispatcher.close().await;
        let heard = self.heard.heard();
        if heard.len() == wanted {
            return Ok(heard);
        }
        Err(BenchError::Wrong(format!("{} of {wanted} events were delivered", heard.len())))
    }
}
