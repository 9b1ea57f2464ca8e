use std::{
    collections::HashSet,
    str::FromStr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use chrono::{DateTime, Utc};
use nmc_kernel::{Clock, Ids, Random, TenantId};
use sqlx::{
    PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{DbError, Glance, ReadTx, RouteKind, SystemTx, Tx, Wakes, glance::LastTime, shelf::Shelf, tx};

/// Prepared statements a connection keeps: all that the programs have, several times over. One that fell out would be
/// parsed and planned again at every use.
const STATEMENTS_KEPT: usize = 1_000;

/// Sizes and time-outs of a process's connections.
#[derive(Clone, Copy, Debug)]
pub struct PoolSettings {
    /// Most connections open at once.
    pub max_connections: u32,
    /// Connections kept open when idle, so that the first requests after a quiet time need not connect.
    pub min_connections: u32,
    /// How long a caller waits for a free connection before [`DbError::PoolExhausted`].
    pub acquire_timeout: Duration,
    /// Postgres' `statement_timeout` for every statement.
    pub statement_timeout: Duration,
    /// Postgres' `lock_timeout` for every statement.
    pub lock_timeout: Duration,
    /// Postgres' `idle_in_transaction_session_timeout`: a stuck client must not hold locks for ever.
    pub idle_in_transaction_timeout: Duration,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            max_connections: 16,
            min_connections: 0,
            // 503 must be answered within a second (spec: pool exhausted).
            acquire_timeout: Duration::from_millis(900),
            statement_timeout: Duration::from_secs(10),
            lock_timeout: Duration::from_secs(5),
            idle_in_transaction_timeout: Duration::from_secs(20),
        }
    }
}

/// One process's way into the database; cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    pool: PgPool,
    shelf: Shelf,
    clock: Clock,
    ids: Ids,
    wakes: Wakes,
    time: LastTime,
    heard: Arc<OnceLock<HashSet<&'static str>>>,
}

impl Db {
    /// Prepares the pool; connects when first used, so a database that is down does not stop the start.
    pub fn new(url: &str, settings: PoolSettings, wakes: Wakes) -> Result<Self, DbError> {
        let milliseconds = |d: Duration| d.as_millis().to_string();
        let options = PgConnectOptions::from_str(url)?
            .application_name("nmc")
            .statement_cache_capacity(STATEMENTS_KEPT)
            .options([
                ("statement_timeout", milliseconds(settings.statement_timeout)),
                ("lock_timeout", milliseconds(settings.lock_timeout)),
                ("idle_in_transaction_session_timeout", milliseconds(settings.idle_in_transaction_timeout)),
            ]);
        let pool = PgPoolOptions::new()
            .max_connections(settings.max_connections)
            .min_connections(settings.min_connections)
            .acquire_timeout(settings.acquire_timeout)
            // Every use begins with a round trip of ours that fails on a dead connection just as well.
            .test_before_acquire(false)
            .connect_lazy_with(options);
        Ok(Self {
            pool,
            shelf: Shelf::new(settings.max_connections),
            clock: Clock::system(),
            ids: Ids::system(),
            wakes,
            time: LastTime::default(),
            heard: Arc::default(),
        })
    }

    /// The same database seen at a fixed time and with ids from a seed: for tests.
    #[must_use]
    pub fn at(mut self, clock: Clock, random: Random) -> Self {
        self.ids = Ids::new(clock.clone(), random);
        self.clock = clock;
        self
    }

    /// Begins a transaction in which `tenant`'s rows can be read and written: one round trip.
    pub async fn begin(&self, tenant: TenantId) -> Result<Tx, DbError> {
        Tx::begin(self, Some(tenant)).await
    }

    /// Begins a transaction of the tenant that an outside key leads to: one round trip. Nothing where it leads nowhere.
    pub async fn begin_for(&self, kind: RouteKind, key: &str) -> Result<Option<Tx>, DbError> {
        Tx::begin_for(self, kind, key).await
    }

    /// Begins a read-only transaction in which `tenant`'s rows can be seen: one round trip.
    pub async fn read(&self, tenant: TenantId) -> Result<ReadTx, DbError> {
        tx::open(self, Some(tenant), tx::Mode::Look).await
    }

    /// Begins a transaction without a tenant, for the engines that look for what is due across tenants. What it may
    /// see is decided by the role's policies alone.
    pub async fn begin_system(&self) -> Result<SystemTx, DbError> {
        Ok(SystemTx::new(Tx::begin(self, None).await?))
    }

    /// A connection for one statement of an engine that only looks: one round trip instead of a transaction's three.
    pub async fn glance(&self) -> Result<Glance, DbError> {
        let now = match (self.clock.fixed_time(), self.time.now()) {
            (Some(now), _) | (None, Some(now)) => now,
            (None, None) => {
                let tx = tx::open(self, None, tx::Mode::Look).await?;
                let now = tx.now();
                tx.finish().await?;
                now
            }
        };
        Ok(Glance::new(self, self.connection().await?, now))
    }

    /// Asks the database for nothing but an answer.
    pub async fn ping(&self) -> Result<(), DbError> {
        tx::open(self, None, tx::Mode::Look).await?.finish().await
    }

    /// How many connections are in use now.
    pub fn connections_in_use(&self) -> usize {
        usize::try_from(self.pool.size()).unwrap_or(0).saturating_sub(self.shelf.idle(&self.pool))
    }

    /// Says which events have consumers, once; every clone knows it. The outbox is woken for these alone: the others wait
    /// for its next look. Where nobody has said it, it is woken for all.
    pub fn wake_outbox_for(&self, events: impl IntoIterator<Item = &'static str>) {
        // Said again, it would be the same: it follows from the program.
        let _ = self.heard.set(events.into_iter().collect());
    }

    pub(crate) fn is_heard(&self, event: &str) -> bool {
        self.heard.get().is_none_or(|heard| heard.contains(event))
    }

    /// Wake-ups between and within processes.
    pub fn wakes(&self) -> &Wakes {
        &self.wakes
    }

    /// The source of new ids.
    pub fn ids(&self) -> &Ids {
        &self.ids
    }

    /// How many connections there may be.
    pub fn pool_size(&self) -> u32 {
        self.pool.options().get_max_connections()
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The database's clock has just said this.
    pub(crate) fn saw(&self, now: DateTime<Utc>) {
        self.time.keep(now);
    }

    /// The pool itself, for platform crates that need a connection of their own (listening, session locks).
    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// A connection of the pool. Where none is idle, waiting and connecting go on even if the caller is dropped: callers
    /// that all give up within milliseconds would otherwise never let a new connection come to be.
    pub(crate) async fn connection(&self) -> Result<PoolConnection<Postgres>, DbError> {
        let waiting = match self.shelf.take() {
            Ok(kept) => return Ok(kept),
            Err(waiting) => waiting,
        };
        if let Some(idle) = self.pool.try_acquire() {
            return Ok(idle);
        }
        let pool = self.pool.clone();
        let acquire = async move {
            let acquired = pool.acquire().await;
            drop(waiting);
            acquired
        };
        // A connection nobody waits for any more goes back to the pool with the task's result.
        match tokio::spawn(acquire).await {
            Ok(connection) => Ok(connection?),
            // The runtime is shutting down.
            Err(_) => Err(DbError::Unavailable(sqlx::Error::PoolClosed)),
        }
    }

    /// Where a connection goes on which nothing is under way.
    pub(crate) const fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// Waits for what is running and closes every connection.
    pub async fn close(&self) {
        self.shelf.close();
        self.pool.close().await;
    }
}
