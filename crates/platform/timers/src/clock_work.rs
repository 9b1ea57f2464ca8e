use std::{collections::HashMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture};
use nmc_db::{Db, DbError, Glance, Pace, Topic, Tx};
use nmc_kernel::{Random, TenantId, retry};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{Timer, TimerError};

/// Timers leased with one commit.
const BATCH: i64 = 32;
/// How long a leased timer is kept from others; the wait after a process died while firing it.
const LEASE: chrono::Duration = chrono::Duration::seconds(10);
/// Timers fired at the same time, so that one whose subject is locked does not hold up the others.
const FIRED_AT_ONCE: usize = 4;
/// Longest a firing may take; shorter than the lease, so that it has ended when another process may try.
const FIRE_TIMEOUT: Duration = Duration::from_secs(8);
/// How long to pause when the database cannot be reached.
const OUTAGE_PAUSE: Duration = Duration::from_millis(250);

/// How due timers are looked for.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How often to look without having been woken, while there is something to do now and then.
    pub poll_interval: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { poll_interval: Duration::from_millis(500) }
    }
}

/// A [`Timer`] with its type erased.
trait AnyTimer: Send + Sync {
    fn fire<'a>(&'a self, tx: &'a mut Tx, ref_id: Uuid) -> BoxFuture<'a, Result<(), TimerError>>;
}

struct Typed<T>(T);

impl<T: Timer> AnyTimer for Typed<T> {
    fn fire<'a>(&'a self, tx: &'a mut Tx, ref_id: Uuid) -> BoxFuture<'a, Result<(), TimerError>> {
        self.0.fire(tx, ref_id).boxed()
    }
}

/// Fires what is due; several may run beside one another.
#[derive(Clone)]
pub struct Timers {
    db: Db,
    settings: Settings,
    random: Random,
    kinds: HashMap<&'static str, Arc<dyn AnyTimer>>,
}

/// A timer that has been leased.
struct Due {
    tenant: TenantId,
    kind: String,
    ref_id: Uuid,
    attempts: i16,
}

impl Timers {
    /// `db` connects as the dispatcher's role.
    pub fn new(db: Db, settings: Settings, random: Random) -> Self {
        Self { db, settings, random, kinds: HashMap::new() }
    }

    /// Adds what happens for one kind.
    #[must_use]
    pub fn with<T: Timer>(mut self, timer: T) -> Self {
        self.kinds.insert(T::KIND, Arc::new(Typed(timer)));
        self
    }

    /// All kinds, sorted: they are stored, so a test holds them still.
    pub fn kinds(&self) -> Vec<&'static str> {
        let mut kinds: Vec<_> = self.kinds.keys().copied().collect();
        kinds.sort_unstable();
        kinds
    }

    /// Fires until `stop`. No fault of the database ends it.
    pub async fn run(&self, stop: CancellationToken) {
        let mut pace = Pace::new(self.settings.poll_interval);
        while !stop.is_cancelled() {
            match self.fire_due().await {
                Ok(0) => {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = self.db.wakes().wait(Topic::Timers) => pace.is_busy(),
                        () = tokio::time::sleep(pace.wait(self.db.wakes())) => {}
                    }
                }
                Ok(_) => pace.is_busy(),
                Err(error) => {
                    pace.is_busy();
                    tracing::warn!(%error, "timers wait for the database");
                    tokio::select! { () = stop.cancelled() => {}, () = tokio::time::sleep(OUTAGE_PAUSE) => {} }
                }
            }
        }
    }

    /// Fires one batch of what is due now; says how many timers were leased.
    pub async fn fire_due(&self) -> Result<usize, DbError> {
        if !self.is_any_due().await? {
            return Ok(0);
        }
        let due = self.lease().await?;
        futures::stream::iter(&due)
            .for_each_concurrent(FIRED_AT_ONCE, |timer| async move {
                let fired = tokio::time::timeout(FIRE_TIMEOUT, self.fire(timer)).await;
                let Err(error) = fired.unwrap_or(Err(TimerError::TookTooLong)) else { return };
                tracing::warn!(timer.kind = timer.kind, tenant_id = %timer.tenant, attempts = timer.attempts, %error, "a timer failed");
                if let Err(error) = self.postpone(timer, &error).await {
                    tracing::warn!(%error, "a failed timer waits for its lease to end");
                }
            })
            .await;
        Ok(due.len())
    }

    /// One round trip, where a transaction that finds nothing would take three.
    async fn is_any_due(&self) -> Result<bool, DbError> {
        // A connection that died while it lay in the pool is passed over: nothing has happened on it.
        for _ in 1..self.db.pool_size() {
            match self.look(self.db.glance().await?).await {
                Err(DbError::Unavailable(_)) => {}
                looked => return looked,
            }
        }
        self.look(self.db.glance().await?).await
    }

    async fn look(&self, mut glance: Glance) -> Result<bool, DbError> {
        let now = glance.now();
        let is_any_due = sqlx::query_scalar!(
            r#"select exists (select from timers
                              where due_at <= $1 and (leased_until is null or leased_until <= $1) and kind = any($2)) as "is!""#,
            now,
            &self.kind_names()
        )
        .fetch_one(glance.conn()?)
        .await?;
        glance.finish();
        Ok(is_any_due)
    }

    fn kind_names(&self) -> Vec<String> {
        self.kinds.keys().map(|&kind| kind.to_owned()).collect()
    }

    async fn lease(&self) -> Result<Vec<Due>, DbError> {
        let mut tx = self.db.begin_system().await?;
        let now = tx.now();
        let kinds = self.kind_names();
        let due = sqlx::query_as!(
            Due,
            r#"
            update timers t set leased_until = $2, attempts = least(t.attempts, 1000) + 1
            from (select tenant_id, kind, ref_id from timers
                  where due_at <= $1 and (leased_until is null or leased_until <= $1) and kind = any($3)
                  order by due_at limit $4 for update skip locked) due
            where t.tenant_id = due.tenant_id and t.kind = due.kind and t.ref_id = due.ref_id
            returning t.tenant_id as "tenant: TenantId", t.kind, t.ref_id, t.attempts
            "#,
            now,
            now + LEASE,
            &kinds,
            BATCH
        )
        .fetch_all(tx.conn()?)
        .await?;
        if due.is_empty() {
            tx.roll_back().await?;
        } else {
            tx.commit().await?;
        }
        Ok(due)
    }

    async fn fire(&self, due: &Due) -> Result<(), TimerError> {
        let Some(kind) = self.kinds.get(due.kind.as_str()) else { return Ok(()) };
        let mut tx = self.db.begin(due.tenant).await?;
        AssertUnwindSafe(kind.fire(&mut tx, due.ref_id)).catch_unwind().await.unwrap_or(Err(TimerError::Panicked))?;
        // The subject is locked now: whoever moved the timer has ended.
        let now = tx.now();
        // A row written by this transaction is the firing's own: it has set its timer again.
        let happened = sqlx::query_scalar!(
            r#"
            with fired as (
              delete from timers where tenant_id = $1 and kind = $2 and ref_id = $3 and due_at <= $4
                and xmin <> pg_current_xact_id()::xid
              returning true)
            select exists (select from fired)
              or exists (select from timers where tenant_id = $1 and kind = $2 and ref_id = $3
                           and xmin = pg_current_xact_id()::xid) as "happened!"
            "#,
            due.tenant.as_uuid(),
            due.kind,
            due.ref_id,
            now
        )
        .fetch_one(tx.conn().await?)
        .await
        .map_err(DbError::from)?;
        if happened {
            tx.commit().await?;
        } else {
            // Moved, taken back or fired by another: this firing did not happen.
            tx.roll_back().await?;
        }
        Ok(())
    }

    /// A timer that was moved while its firing failed is a new one: it is left as it is.
    async fn postpone(&self, due: &Due, error: &TimerError) -> Result<(), DbError> {
        let attempts = u16::try_from(due.attempts).unwrap_or(0);
        let wait = retry::full_jitter(attempts.saturating_sub(1), &self.random);
        let mut tx = self.db.begin(due.tenant).await?;
        let until = tx.now() + chrono::Duration::from_std(wait).unwrap_or(LEASE);
        sqlx::query!(
            "update timers set leased_until = $4, last_error = $5
             where tenant_id = $1 and kind = $2 and ref_id = $3 and attempts = $6",
            due.tenant.as_uuid(),
            due.kind,
            due.ref_id,
            until,
            error.to_string(),
            due.attempts
        )
        .execute(tx.conn().await?)
        .await?;
        tx.commit().await
    }
}

/// What is overdue.
#[derive(Clone, Debug, serde::Serialize)]
pub struct TimerStatus {
    /// Timers past their time.
    pub overdue: i64,
    /// When the oldest of them was due.
    pub oldest_due_at: Option<DateTime<Utc>>,
    /// Timers whose last firing failed.
    pub failing: i64,
    /// The error of one of them.
    pub last_error: Option<String>,
}

/// Reads the timers' state across tenants, as the dispatcher's role.
pub async fn status(db: &Db) -> Result<TimerStatus, DbError> {
    let mut tx = db.begin_system().await?;
    let now = tx.now();
    let status = sqlx::query_as!(
        TimerStatus,
        r#"select count(*) filter (where due_at <= $1) as "overdue!", min(due_at) filter (where due_at <= $1) as oldest_due_at,
                  count(*) filter (where last_error is not null) as "failing!", max(last_error) as last_error
           from timers"#,
        now
    )
    .fetch_one(tx.conn()?)
    .await?;
    tx.roll_back().await?;
    Ok(status)
}
