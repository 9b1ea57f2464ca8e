use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use nmc_db::{Db, DbError, Pace, Topic};
use nmc_kernel::Random;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    Consumers,
    fast::{self, BatchEnd},
    mark::LowWaterMark,
    row,
    run::{self, Worker},
    slow, status,
};

/// While batches come back full they double, up to this many times the configured size: what each costs beside its
/// events is spread over more of them.
const GROWTH: u16 = 5;
/// How long a worker pauses when the database cannot be reached.
const OUTAGE_PAUSE: Duration = Duration::from_millis(250);
/// How often the runs of dead workers are looked for.
const RECOVERY_INTERVAL: Duration = Duration::from_secs(2);
/// How often the gauges are refreshed.
const GAUGE_INTERVAL: Duration = Duration::from_secs(5);
/// A drain that goes on longer than this many rounds is delivering to itself for ever.
const MAX_DRAIN_ROUNDS: usize = 10_000;

/// How the outbox is drained.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Events per batch (`OUTBOX_BATCH_SIZE`).
    pub batch_size: u16,
    /// Batches at once (`OUTBOX_CONCURRENCY`).
    pub concurrency: u16,
    /// How often to look without having been woken, while there is something to do now and then.
    pub poll_interval: Duration,
    /// How long an attempt of the slow path keeps its event from others; the wait after one that killed its process.
    pub attempt_lease: chrono::Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            batch_size: 100,
            concurrency: 2,
            poll_interval: Duration::from_secs(1),
            attempt_lease: chrono::Duration::seconds(5),
        }
    }
}

/// Drains the outbox; several may run beside one another, in one process or many.
#[derive(Clone)]
pub struct Dispatcher(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) db: Db,
    pub(crate) consumers: Consumers,
    pub(crate) settings: Settings,
    pub(crate) random: Random,
    pub(crate) retry_lane_changed: Notify,
    mark: Mutex<LowWaterMark>,
}

impl Shared {
    pub(crate) fn mark(&self) -> MutexGuard<'_, LowWaterMark> {
        self.mark.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Dispatcher {
    /// `db` connects as the dispatcher's role.
    pub fn new(db: Db, consumers: Consumers, settings: Settings, random: Random) -> Self {
        Self(Arc::new(Shared {
            db,
            consumers,
            settings,
            random,
            retry_lane_changed: Notify::new(),
            mark: Mutex::new(LowWaterMark::new(Instant::now())),
        }))
    }

    /// Drains until `stop`, then finishes what runs. No fault of the database ends it.
    pub async fn run(&self, stop: CancellationToken) {
        // Before anything is claimed: else the event that killed the last process would kill this one as well, in the
        // same batch, and use up no attempt.
        while let Err(error) = run::recover(&self.0.db).await {
            outage(&error, &stop).await;
            if stop.is_cancelled() {
                return;
            }
        }
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..self.0.settings.concurrency {
            tasks.spawn(ready_lane(Arc::clone(&self.0), stop.clone()));
        }
        tasks.spawn(retry_lane(Arc::clone(&self.0), stop.clone()));
        tasks.spawn(recovery(Arc::clone(&self.0), stop.clone()));
        tasks.spawn(gauges(Arc::clone(&self.0), stop));
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a task of the outbox ended unexpectedly");
            }
        }
    }

    /// Delivers everything that is due now and returns how many batches and single events that took: for tests and
    /// commands that need a quiet outbox.
    pub async fn drain(&self) -> Result<usize, DbError> {
        let worker = start_worker(&self.0).await?;
        let mut rounds = 0;
        while rounds < MAX_DRAIN_ROUNDS {
            let ready = fast::run_batch(&self.0, &worker, self.0.settings.batch_size).await?;
            let retried = slow::run_one(&self.0).await?;
            if ready == BatchEnd::Idle && !retried {
                break;
            }
            rounds += 1;
        }
        worker.stop().await;
        Ok(rounds)
    }
}

async fn start_worker(shared: &Shared) -> Result<Worker, DbError> {
    loop {
        // The key is random, so that a worker never takes the place of one that died; a collision draws again.
        if let Some(worker) = Worker::start(&shared.db, shared.random.u64().cast_signed()).await? {
            return Ok(worker);
        }
    }
}

/// One worker of the fast path. Its lock is on a connection of its own; when that is lost it starts anew.
async fn ready_lane(shared: Arc<Shared>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let worker = match start_worker(&shared).await {
            Ok(worker) => worker,
            Err(error) => {
                outage(&error, &stop).await;
                continue;
            }
        };
        if let Err(error) = drain_ready(&shared, &worker, &stop).await {
            outage(&error, &stop).await;
        }
        worker.stop().await;
    }
}

async fn drain_ready(shared: &Shared, worker: &Worker, stop: &CancellationToken) -> Result<(), DbError> {
    let smallest = shared.settings.batch_size;
    let largest = smallest.saturating_mul(GROWTH);
    let mut limit = smallest;
    let mut pace = Pace::new(shared.settings.poll_interval);
    while !stop.is_cancelled() {
        // A batch is never cut off: it ends, and with it its locks. After one that was not full there is nothing more
        // to find: what was committed since has left a wake-up.
        let end = fast::run_batch(shared, worker, limit).await?;
        limit = if end == BatchEnd::Full { limit.saturating_mul(2).min(largest) } else { smallest };
        if matches!(end, BatchEnd::Idle | BatchEnd::Partial) {
            wait_for_work(shared, worker, &mut pace, stop).await?;
        }
    }
    Ok(())
}

/// Until this process is woken, or a look finds that something is ready without a wake-up.
async fn wait_for_work(
    shared: &Shared,
    worker: &Worker,
    pace: &mut Pace,
    stop: &CancellationToken,
) -> Result<(), DbError> {
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = shared.db.wakes().wait(Topic::Outbox) => {
                pace.is_busy();
                return Ok(());
            }
            () = tokio::time::sleep(pace.wait(shared.db.wakes())) => {}
        }
        // Not after each batch: while there is work, the next note takes this one's place.
        worker.rest().await?;
        if row::look(&shared.db).await?.is_ready {
            pace.is_busy();
            return Ok(());
        }
    }
}

async fn retry_lane(shared: Arc<Shared>, stop: CancellationToken) {
    let mut pace = Pace::new(shared.settings.poll_interval);
    while !stop.is_cancelled() {
        match retry_one(&shared).await {
            Ok(true) => pace.is_busy(),
            Ok(false) => {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = shared.retry_lane_changed.notified() => pace.is_busy(),
                    () = tokio::time::sleep(pace.wait(shared.db.wakes())) => {}
                }
            }
            Err(error) => {
                pace.is_busy();
                outage(&error, &stop).await;
            }
        }
    }
}

async fn retry_one(shared: &Shared) -> Result<bool, DbError> {
    Ok(row::look(&shared.db).await?.is_due && slow::run_one(shared).await?)
}

async fn recovery(shared: Arc<Shared>, stop: CancellationToken) {
    let mut pace = Pace::new(RECOVERY_INTERVAL);
    while !stop.is_cancelled() {
        match recover_if_noted(&shared.db).await {
            Ok(0) => {}
            Ok(_) => {
                pace.is_busy();
                shared.mark().forget(Instant::now());
                shared.retry_lane_changed.notify_one();
            }
            Err(error) => outage(&error, &stop).await,
        }
        tokio::select! { () = stop.cancelled() => {}, () = tokio::time::sleep(pace.wait(shared.db.wakes())) => {} }
    }
}

/// Notes of workers that live are passed over; without any there is nothing to recover.
async fn recover_if_noted(db: &Db) -> Result<usize, DbError> {
    if row::look(db).await?.is_noted { run::recover(db).await } else { Ok(0) }
}

async fn gauges(shared: Arc<Shared>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Ok(counts) = counted(&shared.db).await {
            #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; no backlog reaches 2^52")]
            {
                metrics::gauge!("outbox_pending").set((counts.ready + counts.retrying) as f64);
                metrics::gauge!("outbox_oldest_pending_seconds").set(counts.oldest_ready_seconds.unwrap_or_default());
                metrics::gauge!("outbox_dead_letters").set(counts.dead_letters as f64);
            }
        }
        tokio::select! { () = stop.cancelled() => {}, () = tokio::time::sleep(GAUGE_INTERVAL) => {} }
    }
}

async fn counted(db: &Db) -> Result<status::Counts, DbError> {
    let mut glance = db.glance().await?;
    let now = glance.now();
    let counts = status::count(glance.conn()?, now).await?;
    glance.finish();
    Ok(counts)
}

async fn outage(error: &DbError, stop: &CancellationToken) {
    if error.is_transient() {
        tracing::warn!(%error, "the outbox waits for the database");
    } else {
        tracing::error!(error = ?error, "the outbox cannot go on");
    }
    tokio::select! { () = stop.cancelled() => {}, () = tokio::time::sleep(OUTAGE_PAUSE) => {} }
}
