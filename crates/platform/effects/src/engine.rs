use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use nmc_db::{Db, DbError, SessionLock, Topic};
use nmc_kernel::{IntentId, Random};
use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    EffectKind,
    breaker::Breaker,
    kind::{AnyKind, Typed},
    reconcile, send,
    store::{self, Candidate},
};

/// How long to pause when the database cannot be reached.
const OUTAGE_PAUSE: Duration = Duration::from_millis(250);
/// How often abandoned and unknown intents are looked for.
const RECONCILE_INTERVAL: Duration = Duration::from_millis(500);

/// How effects are driven.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Calls at once (`EFFECTS_CONCURRENCY`).
    pub concurrency: u16,
    /// How often to look without having been woken.
    pub poll_interval: Duration,
    /// Longest a kind's call or look may take. An attempt older than this whose owner is gone is `unknown`.
    pub call_timeout: Duration,
    /// How long the provider is given before and between two looks (`EFFECTS_LISTING_GAP_SECONDS`).
    pub listing_gap: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            concurrency: 16,
            poll_interval: Duration::from_secs(1),
            call_timeout: Duration::from_secs(15),
            listing_gap: Duration::from_secs(60),
        }
    }
}

/// Drives intents; several may run beside one another.
#[derive(Clone)]
pub struct Effects(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) db: Db,
    pub(crate) settings: Settings,
    pub(crate) random: Random,
    pub(crate) kinds: HashMap<&'static str, Registered>,
    /// The lock that says this process lives; replaced when its connection is lost.
    owner: RwLock<Option<Arc<SessionLock>>>,
    /// Intents this process is busy with, so that the next look passes over them.
    busy: Mutex<HashSet<Uuid>>,
}

pub(crate) struct Registered {
    pub(crate) kind: Box<dyn AnyKind>,
    pub(crate) breaker: Breaker,
}

impl Effects {
    /// `db` connects as the dispatcher's role.
    pub fn new(db: Db, settings: Settings, random: Random) -> Self {
        Self(Arc::new(Shared {
            db,
            settings,
            random,
            kinds: HashMap::new(),
            owner: RwLock::new(None),
            busy: Mutex::new(HashSet::new()),
        }))
    }

    /// Adds a kind. Called while the engine is being put together, before it is cloned.
    #[must_use]
    pub fn with<K: EffectKind>(mut self, kind: K) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.0) {
            shared.kinds.insert(K::KIND, Registered { kind: Box::new(Typed(kind)), breaker: Breaker::default() });
        } else {
            debug_assert!(false, "kinds are added before the engine is cloned");
        }
        self
    }

    /// All kinds, sorted: they are stored, so a test holds them still.
    pub fn kinds(&self) -> Vec<&'static str> {
        let mut kinds: Vec<_> = self.0.kinds.keys().copied().collect();
        kinds.sort_unstable();
        kinds
    }

    pub(crate) fn registered(&self, kind: &str) -> Option<&Registered> {
        self.0.kinds.get(kind)
    }

    /// Drives intents until `stop`, then finishes what is under way. No fault of the database ends it.
    pub async fn run(&self, stop: CancellationToken) {
        let mut tasks = JoinSet::new();
        tasks.spawn(sender(Arc::clone(&self.0), stop.clone()));
        tasks.spawn(reconciler(Arc::clone(&self.0), stop));
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a task of the effects engine ended unexpectedly");
            }
        }
        let lock = self.0.owner.write().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(lock) = lock.and_then(Arc::into_inner) {
            lock.release().await;
        }
    }

    /// Sends what is due now, one after the other, and reconciles what is due for it; says how many intents that
    /// were: for tests and commands that need a quiet engine.
    pub async fn drain(&self) -> Result<usize, DbError> {
        let mut handled = 0;
        loop {
            let found = candidates(&self.0, 100).await?;
            let reconciled = reconcile::pass(&self.0).await?;
            if found.is_empty() && reconciled == 0 {
                return Ok(handled);
            }
            handled += found.len() + reconciled;
            for candidate in found {
                send::drive(&self.0, &candidate).await;
            }
        }
    }
}

impl Shared {
    pub(crate) fn kind_names(&self) -> Vec<String> {
        self.kinds.keys().map(|&kind| kind.to_owned()).collect()
    }

    /// The process's lock, taken first where there is none or where the old one's session has ended.
    pub(crate) async fn owner(&self) -> Result<Arc<SessionLock>, DbError> {
        let current = self.owner.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(lock) = current {
            return Ok(lock);
        }
        loop {
            if let Some(lock) = SessionLock::acquire(&self.db, self.random.u64().cast_signed()).await? {
                let lock = Arc::new(lock);
                *self.owner.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&lock));
                return Ok(lock);
            }
        }
    }

    /// Gives up a lock whose session has ended: attempts claimed under it are other processes' to judge.
    pub(crate) fn owner_lost(&self, lost: &SessionLock) {
        let mut owner = self.owner.write().unwrap_or_else(PoisonError::into_inner);
        if owner.as_ref().is_some_and(|lock| lock.key() == lost.key()) {
            *owner = None;
        }
    }

    fn busy(&self) -> std::sync::MutexGuard<'_, HashSet<Uuid>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Marks an intent as this process's for as long as it lives.
struct Busy {
    shared: Arc<Shared>,
    id: IntentId,
}

impl Busy {
    fn with(shared: &Arc<Shared>, id: IntentId) -> Self {
        shared.busy().insert(id.as_uuid());
        Self { shared: Arc::clone(shared), id }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.shared.busy().remove(&self.id.as_uuid());
    }
}

async fn candidates(shared: &Shared, limit: i64) -> Result<Vec<Candidate>, DbError> {
    let busy: Vec<Uuid> = shared.busy().iter().copied().collect();
    let now = Instant::now();
    let kinds: Vec<String> =
        shared.kinds.iter().filter(|(_, k)| !k.breaker.holds_back(now)).map(|(&name, _)| name.to_owned()).collect();
    let mut tx = shared.db.begin_system().await?;
    let found = store::candidates(&mut tx, &kinds, &busy, limit).await?;
    tx.roll_back().await?;
    Ok(found)
}

async fn sender(shared: Arc<Shared>, stop: CancellationToken) {
    let slots = Arc::new(Semaphore::new(usize::from(shared.settings.concurrency)));
    let mut calls = JoinSet::new();
    while !stop.is_cancelled() {
        while calls.try_join_next().is_some() {}
        // At least one slot is free before anything is looked for.
        let Ok(first) = Arc::clone(&slots).acquire_owned().await else { break };
        let limit = i64::try_from(slots.available_permits()).unwrap_or(0) + 1;
        let found = match candidates(&shared, limit).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "effects wait for the database");
                pause(OUTAGE_PAUSE, &stop).await;
                continue;
            }
        };
        if found.is_empty() {
            drop(first);
            tokio::select! {
                () = stop.cancelled() => {}
                () = shared.db.wakes().wait(Topic::Effects) => {}
                () = tokio::time::sleep(shared.settings.poll_interval) => {}
            }
            continue;
        }
        let mut slot = Some(first);
        for candidate in found {
            let permit = match slot.take() {
                Some(first) => first,
                None => match Arc::clone(&slots).acquire_owned().await {
                    Ok(permit) => permit,
                    Err(_) => break,
                },
            };
            let busy = Busy::with(&shared, candidate.id);
            let shared = Arc::clone(&shared);
            calls.spawn(async move {
                send::drive(&shared, &candidate).await;
                drop(busy);
                drop(permit);
                // A successor of the same order key may be due now.
                shared.db.wakes().wake_here(Topic::Effects);
            });
        }
    }
    // What is under way is finished; the process's own time limit for stopping bounds this.
    while calls.join_next().await.is_some() {}
}

async fn reconciler(shared: Arc<Shared>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = reconcile::pass(&shared).await {
            tracing::warn!(%error, "reconciling effects waits for the database");
        }
        pause(RECONCILE_INTERVAL, &stop).await;
    }
}

async fn pause(length: Duration, stop: &CancellationToken) {
    tokio::select! { () = stop.cancelled() => {}, () = tokio::time::sleep(length) => {} }
}
