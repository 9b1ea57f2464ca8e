use std::{collections::BTreeMap, sync::Arc, time::Duration};

use nmc_db::{Db, DbError, Tx};
use nmc_kernel::{Random, TenantId};
use nmc_timers::{Timer, TimerError, Timers};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{Sweeps, age::webhooks_before, plumbing};

/// Rows touched in one transaction: milliseconds of work, and few locks held meanwhile.
const BATCH: i64 = 500;
/// How soon a business comes again whose batch was full: other timers come between.
const NEXT_BATCH: chrono::Duration = chrono::Duration::seconds(1);
/// How soon a business comes again of which nothing more was to go.
const NEXT_DAY: chrono::Duration = chrono::Duration::days(1);
/// How often it is looked whether every business has its timer, and webhooks are forgotten.
const ROUND: Duration = Duration::from_hours(1);
/// Businesses read at once by [`Retention::run_now`].
const PAGE: i64 = 200;

/// How many rows each rule touched; the webhooks' rule is not a business's.
pub type Swept = BTreeMap<&'static str, u64>;

/// Drives the rules; cheap to clone. Several processes may do it beside one another.
#[derive(Clone, Debug)]
pub struct Retention {
    db: Db,
    sweeps: Arc<Sweeps>,
    random: Random,
}

impl Retention {
    /// `db` connects as the dispatcher's role; `of_modules` are the modules' rules, the platform's follow them.
    pub fn new(db: Db, of_modules: Sweeps, random: Random) -> Self {
        let sweeps = plumbing::sweeps().iter().fold(of_modules, |all, (name, sweep)| all.with(name, sweep));
        Self { db, sweeps: Arc::new(sweeps), random }
    }

    /// All rules' names in their order.
    pub fn rules(&self) -> Vec<&'static str> {
        self.sweeps.names()
    }

    /// Adds the timer that sweeps a business.
    #[must_use]
    pub fn timers(&self, timers: Timers) -> Timers {
        timers.with(SweepTimer(self.clone()))
    }

    /// Until `stop`: sees to it that every business has its timer, and forgets webhooks, which are no business's.
    pub async fn run(&self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.round(&stop).await {
                tracing::warn!(%error, "retention waits for the database");
            }
            tokio::select! { () = stop.cancelled() => {}, () = tokio::time::sleep(ROUND) => {} }
        }
    }

    async fn round(&self, stop: &CancellationToken) -> Result<(), DbError> {
        nmc_timers::set_for_every_tenant(&self.db, SweepTimer::KIND, NEXT_DAY, &self.random).await?;
        while !stop.is_cancelled() && is_full(self.forget_webhooks().await?) {}
        Ok(())
    }

    /// Everything that is to go now, batch by batch, business by business.
    pub async fn run_now(&self) -> Result<Swept, DbError> {
        let mut swept = Swept::from([("webhook_events", 0)]);
        loop {
            let webhooks = self.forget_webhooks().await?;
            *swept.entry("webhook_events").or_default() += webhooks;
            if !is_full(webhooks) {
                break;
            }
        }
        let mut last = None;
        loop {
            let mut tx = self.db.begin_system().await?;
            let page = tx.tenants(last, PAGE).await?;
            tx.roll_back().await?;
            for tenant in &page {
                while self.sweep_once(*tenant, &mut swept).await? {}
            }
            match page.last() {
                Some(tenant) => last = Some(*tenant),
                None => return Ok(swept),
            }
        }
    }

    /// One batch of one business, in a transaction of its own; `true` where there may be more. Counts are added once
    /// they are committed.
    pub async fn sweep_once(&self, tenant: TenantId, swept: &mut Swept) -> Result<bool, DbError> {
        let mut tx = self.db.begin(tenant).await?;
        let (touched, is_more) = self.batch(&mut tx).await?;
        tx.commit().await?;
        for (rule, rows) in touched {
            *swept.entry(rule).or_default() += rows;
        }
        Ok(is_more)
    }

    /// The rules in their order, until a batch's rows are used up.
    async fn batch(&self, tx: &mut Tx) -> Result<(Swept, bool), DbError> {
        let (mut touched, mut left) = (Swept::new(), BATCH);
        for (rule, sweep) in self.sweeps.iter() {
            let rows = sweep(tx, left).await?;
            touched.insert(rule, rows);
            left -= i64::try_from(rows).unwrap_or(left);
            if left <= 0 {
                return Ok((touched, true));
            }
        }
        Ok((touched, false))
    }

    async fn forget_webhooks(&self) -> Result<u64, DbError> {
        let mut tx = self.db.begin_system().await?;
        let before = webhooks_before(tx.now());
        let forgotten = tx.forget_webhooks(before, BATCH).await?;
        tx.commit().await?;
        Ok(forgotten)
    }
}

fn is_full(rows: u64) -> bool {
    i64::try_from(rows).unwrap_or(BATCH) >= BATCH
}

/// A batch of a business is due.
struct SweepTimer(Retention);

impl Timer for SweepTimer {
    const KIND: &'static str = "retention.sweep";

    async fn fire(&self, tx: &mut Tx, ref_id: Uuid) -> Result<(), TimerError> {
        let (touched, is_more) = self.0.batch(tx).await?;
        let rows: u64 = touched.values().sum();
        if rows > 0 {
            tracing::info!(tenant_id = %tx.tenant(), retention.rows = rows, "rows were swept");
        }
        let next = tx.now() + if is_more { NEXT_BATCH } else { NEXT_DAY };
        Ok(nmc_timers::set(tx, Self::KIND, ref_id, next).await?)
    }
}
