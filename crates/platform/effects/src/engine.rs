use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock, atomic::AtomicBool},
    time::{Duration, Instant},
};

use nmc_db::{Db, DbError, Pace, SessionLock, Topic};
use nmc_kernel::{IntentId, Random};
use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    EffectKind,
    breaker::Breaker,
    kind::{AnyKind, Typed},
    reconcile, send,
    store::{self, Limits, Stored},
};

/// How long to pause when the database cannot be reached.
const OUTAGE_PAUSE: Duration = Duration::from_millis(250);
/// A look costs more the more is pending. Once half of the slots are free one is worth it; where calls hang and that
/// does not come, it is made after this pause.
const LOOK_PAUSE: Duration = Duration::from_millis(2);
/// How often abandoned and unknown intents are looked for.
const RECONCILE_INTERVAL: Duration = Duration::from_millis(500);

/// How effects are driven.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Calls at once (`EFFECTS_CONCURRENCY`); one of several kinds gets half of them at most, and one tenant half of what
    /// a kind gets.
    pub concurrency: u16,
    /// How often to look without having been woken, while there is something to do now and then.
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
            listing_gap: Duration::from_mins(1),
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
    /// Whether texts were paused when it was looked last.
    pub(crate) is_paused: AtomicBool,
    /// What this process is busy with, so that the next look passes over it.
    busy: Mutex<HashMap<Uuid, Place>>,
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
            is_paused: AtomicBool::new(false),
            busy: Mutex::new(HashMap::new()),
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
            let Found { intents: found, .. } = candidates(&self.0, 100).await?;
            let reconciled = reconcile::pass(&self.0).await?;
            if found.is_empty() && reconciled == 0 {
                return Ok(handled);
            }
            handled += found.len() + reconciled;
            for stored in found {
                send::drive(&self.0, stored).await;
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

    fn busy(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Place>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whose call it is, and at which provider: what the bulkheads go by.
#[derive(Clone)]
struct Place {
    tenant: Uuid,
    kind: String,
}

impl Place {
    fn of(stored: &Stored) -> Self {
        Self { tenant: stored.intent.tenant.as_uuid(), kind: stored.kind.clone() }
    }
}

/// Marks an intent as this process's for as long as it lives.
struct Busy {
    shared: Arc<Shared>,
    id: IntentId,
}

impl Busy {
    fn with(shared: &Arc<Shared>, stored: &Stored) -> Self {
        shared.busy().insert(stored.intent.id.as_uuid(), Place::of(stored));
        Self { shared: Arc::clone(shared), id: stored.intent.id }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.shared.busy().remove(&self.id.as_uuid());
    }
}

/// What a look has found.
struct Found {
    intents: Vec<Stored>,
    /// There is nothing else that was due.
    is_all: bool,
}

async fn candidates(shared: &Shared, limit: i64) -> Result<Found, DbError> {
    let (busy, mut taken) = {
        let busy = shared.busy();
        let mut taken = Taken::new(shared);
        busy.values().for_each(|place| taken.add(place.clone()));
        (busy.keys().copied().collect::<Vec<_>>(), taken)
    };
    let now = Instant::now();
    let kinds: Vec<String> = shared
        .kinds
        .iter()
        .filter(|(name, kind)| !kind.breaker.holds_back(now) && taken.of_kind(name) < taken.share_of_kind)
        .map(|(&name, _)| name.to_owned())
        .collect();
    if kinds.is_empty() {
        return Ok(Found { intents: Vec::new(), is_all: true });
    }
    let full: Vec<Uuid> = taken.full_tenants();
    let (held_kinds, held_tenants): (Vec<String>, Vec<Uuid>) = shared
        .kinds
        .iter()
        .flat_map(|(&name, kind)| {
            kind.breaker.held_tenants(now).into_iter().map(|tenant| (name.to_owned(), tenant.as_uuid()))
        })
        .unzip();
    let limits =
        Limits { kinds: &kinds, not: &busy, not_of_tenants: &full, held: (&held_kinds, &held_tenants), at_most: limit };
    let mut intents = store::candidates(&shared.db, &limits).await?;
    let is_all = i64::try_from(intents.len()).is_ok_and(|found| found < limit);
    intents.retain(|stored| {
        let place = Place::of(stored);
        let has_room = taken.has_room_for(&place);
        if has_room {
            taken.add(place);
        }
        has_room
    });
    Ok(Found { intents, is_all })
}

/// Bulkheads: how many calls each tenant and each kind has under way, and how many it may have. A tenant or a provider
/// whose calls hang leaves slots to the others.
struct Taken {
    by_tenant: HashMap<Uuid, u16>,
    by_kind: HashMap<String, u16>,
    share_of_tenant: u16,
    share_of_kind: u16,
}

impl Taken {
    fn new(shared: &Shared) -> Self {
        let all = shared.settings.concurrency;
        let share_of_kind = if shared.kinds.len() > 1 { all.div_ceil(2) } else { all };
        // Less than the kind's, or one tenant's hanging calls would be all that its kind may make.
        let share_of_tenant = share_of_kind.div_ceil(2);
        Self { by_tenant: HashMap::new(), by_kind: HashMap::new(), share_of_tenant, share_of_kind }
    }

    fn add(&mut self, place: Place) {
        *self.by_tenant.entry(place.tenant).or_default() += 1;
        *self.by_kind.entry(place.kind).or_default() += 1;
    }

    fn of_kind(&self, kind: &str) -> u16 {
        self.by_kind.get(kind).copied().unwrap_or(0)
    }

    fn full_tenants(&self) -> Vec<Uuid> {
        self.by_tenant.iter().filter(|&(_, &taken)| taken >= self.share_of_tenant).map(|(&tenant, _)| tenant).collect()
    }

    fn has_room_for(&self, place: &Place) -> bool {
        let of_tenant = self.by_tenant.get(&place.tenant).copied().unwrap_or(0);
        of_tenant < self.share_of_tenant && self.of_kind(&place.kind) < self.share_of_kind
    }
}

async fn sender(shared: Arc<Shared>, stop: CancellationToken) {
    let slots = Arc::new(Semaphore::new(usize::from(shared.settings.concurrency)));
    let mut calls = JoinSet::new();
    let mut pace = Pace::new(shared.settings.poll_interval);
    while !stop.is_cancelled() {
        while let Some(ended) = calls.try_join_next() {
            if let Err(error) = ended {
                tracing::error!(%error, "an effect's task ended unexpectedly");
                // What it had claimed is nobody's now; without our lock it is found.
                *shared.owner.write().unwrap_or_else(PoisonError::into_inner) = None;
            }
        }
        wait_for_room(&slots, shared.settings.concurrency).await;
        let limit = i64::try_from(slots.available_permits()).unwrap_or(0);
        let Found { intents, is_all } = match candidates(&shared, limit).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "effects wait for the database");
                pace.is_busy();
                pause(OUTAGE_PAUSE, &stop).await;
                continue;
            }
        };
        let is_idle = is_all || intents.is_empty();
        if !intents.is_empty() {
            pace.is_busy();
        }
        for stored in intents {
            // There is room for all that were asked for.
            let Ok(permit) = Arc::clone(&slots).acquire_owned().await else { break };
            let busy = Busy::with(&shared, &stored);
            let shared = Arc::clone(&shared);
            calls.spawn(async move {
                send::drive(&shared, stored).await;
                drop(busy);
                drop(permit);
                // A successor of the same order key may be due now.
                shared.db.wakes().wake_here(Topic::Effects);
            });
        }
        // What was committed since the look has left a wake-up, and so does what ends.
        if is_idle {
            tokio::select! {
                () = stop.cancelled() => {}
                () = shared.db.wakes().wait(Topic::Effects) => pace.is_busy(),
                () = tokio::time::sleep(pace.wait(shared.db.wakes())) => {}
            }
        }
    }
    // What is under way is finished; the process's own time limit for stopping bounds this.
    while calls.join_next().await.is_some() {}
}

/// Returns once a look for more is worth it; at least one slot is free then.
async fn wait_for_room(slots: &Semaphore, concurrency: u16) {
    // The permits are given back at once: only the sender takes any for good. The semaphore is never closed.
    let _ = slots.acquire().await;
    let half = slots.acquire_many(u32::from(concurrency.div_ceil(2)));
    let _ = tokio::time::timeout(LOOK_PAUSE, half).await;
}

async fn reconciler(shared: Arc<Shared>, stop: CancellationToken) {
    let mut pace = Pace::new(RECONCILE_INTERVAL);
    while !stop.is_cancelled() {
        match reconcile::pass(&shared).await {
            // There may be more.
            Ok(touched) if touched >= usize::from(reconcile::BATCH) => pace.is_busy(),
            Ok(touched) => {
                if touched > 0 {
                    pace.is_busy();
                }
                pause(pace.wait(shared.db.wakes()), &stop).await;
            }
            Err(error) => {
                tracing::warn!(%error, "reconciling effects waits for the database");
                pace.is_busy();
                pause(RECONCILE_INTERVAL, &stop).await;
            }
        }
    }
}

async fn pause(length: Duration, stop: &CancellationToken) {
    tokio::select! { () = stop.cancelled() => {}, () = tokio::time::sleep(length) => {} }
}
