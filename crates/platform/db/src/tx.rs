//! The three kinds of transaction, and the one way any of them begins and ends.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    ops::{Deref, DerefMut},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use nmc_events::{Context, Event, NewEvent};
use nmc_kernel::{EventId, Ids, TenantId};
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Row as _, pool::PoolConnection, postgres::PgRow};

use crate::{Db, DbError, RouteKind, Topic, shelf::Shelf};

/// How long the roll-back of an abandoned transaction may take before its connection is closed instead.
const ROLLBACK_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// May change something.
    Change,
    /// Only reads.
    Look,
}

/// A transaction in which one tenant's rows can be seen.
///
/// Dropping it unfinished, at any await, rolls it back in the background; a connection on which even that fails is
/// closed. It never returns to the pool inside a transaction.
#[derive(Debug)]
pub struct ReadTx {
    connection: Option<PoolConnection<Postgres>>,
    /// Where the connection goes afterwards.
    shelf: Shelf,
    tenant: Option<TenantId>,
    /// The tenant the connection's setting names now; differs from `tenant` between a switch and the next statement.
    setting: Option<TenantId>,
    now: DateTime<Utc>,
    /// What has been read of a tenant and is asked for again and again.
    remembered: HashMap<(TenantId, TypeId), Box<dyn Any + Send + Sync>>,
}

/// Begins a transaction, sets its tenant and reads the database's clock: one round trip.
///
/// Connections that died while they lay in the pool (Postgres was restarted) are passed over: nothing has happened on
/// them yet, so nobody need hear of it.
pub(crate) async fn open(db: &Db, tenant: Option<TenantId>, mode: Mode) -> Result<ReadTx, DbError> {
    for _ in 1..db.pool_size() {
        match open_on(db.connection().await?, db, tenant, mode).await {
            Err(DbError::Unavailable(_)) => {}
            opened => return opened,
        }
    }
    open_on(db.connection().await?, db, tenant, mode).await
}

async fn open_on(
    connection: PoolConnection<Postgres>,
    db: &Db,
    tenant: Option<TenantId>,
    mode: Mode,
) -> Result<ReadTx, DbError> {
    let begin = match mode {
        Mode::Change => "begin",
        Mode::Look => "begin read only",
    };
    let setting = tenant.map(|t| t.to_string()).unwrap_or_default();
    // A UUID's text and fixed words only: nothing in it comes from outside.
    let sql =
        format!("{begin}; select set_config('nmc.tenant_id', '{setting}', true), now(), now() = statement_timestamp()");
    Ok(begin_with(connection, db, tenant, sql).await?.0)
}

/// Begins the transaction of the tenant that an outside key leads to: one round trip. Nothing where it leads nowhere.
pub(crate) async fn open_for(db: &Db, kind: RouteKind, key: &str) -> Result<Option<ReadTx>, DbError> {
    for _ in 1..db.pool_size() {
        match open_for_on(db.connection().await?, db, kind, key).await {
            Err(DbError::Unavailable(_)) => {}
            opened => return opened,
        }
    }
    open_for_on(db.connection().await?, db, kind, key).await
}

async fn open_for_on(
    connection: PoolConnection<Postgres>,
    db: &Db,
    kind: RouteKind,
    key: &str,
) -> Result<Option<ReadTx>, DbError> {
    // Fixed words and hexadecimal digits: the key, which comes from outside, cannot be anything else in it.
    let digits = hex::encode(key);
    let sql = format!(
        "begin; select set_config('nmc.tenant_id', coalesce(r.tenant_id::text, ''), true), now(),          now() = statement_timestamp(), r.tenant_id          from (select 1) one left join nmc_route('{}', convert_from(decode('{digits}', 'hex'), 'utf8')) r on true",
        kind.as_str()
    );
    let (mut tx, row) = begin_with(connection, db, None, sql).await?;
    tx.tenant = row.try_get::<Option<TenantId>, _>(3)?;
    tx.setting = tx.tenant;
    if tx.tenant.is_none() {
        tx.give_up().await?;
        return Ok(None);
    }
    Ok(Some(tx))
}

/// Sends what begins a transaction; its answer has the time and whether it is the transaction's in columns 1 and 2.
async fn begin_with(
    connection: PoolConnection<Postgres>,
    db: &Db,
    tenant: Option<TenantId>,
    sql: String,
) -> Result<(ReadTx, PgRow), DbError> {
    // From here on `tx` owns the connection, so that a future dropped while BEGIN is on its way rolls it back.
    let mut tx = ReadTx {
        connection: Some(connection),
        shelf: db.shelf().clone(),
        tenant,
        setting: tenant,
        now: DateTime::UNIX_EPOCH,
        remembered: HashMap::new(),
    };
    let connection = tx.connection()?;
    let row = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_one(&mut *connection).await?;
    // A transaction's time is that of the message that began it. Where they differ, the connection was already inside
    // somebody else's transaction, whose roll-back would take our acknowledged writes with it.
    if !row.try_get::<bool, _>(2)? {
        if let Some(mut stale) = tx.connection.take() {
            stale.close_on_drop();
        }
        return Err(DbError::StaleTransaction);
    }
    if let Some(fixed) = db.clock().fixed_time() {
        tx.now = fixed;
    } else {
        tx.now = row.try_get(1)?;
        db.saw(tx.now);
    }
    Ok((tx, row))
}

impl ReadTx {
    /// The connection, with the tenant's setting in force.
    pub async fn conn(&mut self) -> Result<&mut PgConnection, DbError> {
        if self.setting != self.tenant {
            let setting = self.tenant.map(|t| t.to_string()).unwrap_or_default();
            sqlx::query("select set_config('nmc.tenant_id', $1, true)")
                .bind(setting)
                .execute(self.connection()?)
                .await?;
            self.setting = self.tenant;
        }
        self.connection()
    }

    /// The tenant whose rows this transaction sees; the nil id in a transaction without one.
    pub fn tenant(&self) -> TenantId {
        self.tenant.unwrap_or_else(|| uuid::Uuid::nil().into())
    }

    /// The transaction's time: the database's clock at begin. SQL gets it as a parameter.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// What this transaction has read of its tenant before.
    pub fn remembered<T: Clone + 'static>(&self) -> Option<T> {
        self.remembered.get(&(self.tenant?, TypeId::of::<T>()))?.downcast_ref().cloned()
    }

    /// Keeps what was read of the tenant until the transaction ends. Whoever changes it in the same transaction forgets
    /// it with [`ReadTx::forget`].
    pub fn remember<T: Clone + Send + Sync + 'static>(&mut self, value: T) {
        if let Some(tenant) = self.tenant {
            self.remembered.insert((tenant, TypeId::of::<T>()), Box::new(value));
        }
    }

    /// It has changed: the next to ask reads it again.
    pub fn forget<T: 'static>(&mut self) {
        if let Some(tenant) = self.tenant {
            self.remembered.remove(&(tenant, TypeId::of::<T>()));
        }
    }

    /// Ends a transaction that has only read.
    pub async fn finish(mut self) -> Result<(), DbError> {
        self.end().await
    }

    /// `select 1` fails where an earlier statement has failed; a bare COMMIT would then roll back and say it is done.
    async fn end(&mut self) -> Result<(), DbError> {
        sqlx::raw_sql("select 1; commit").execute(self.connection()?).await?;
        self.let_go();
        Ok(())
    }

    /// Rolls back now instead of in the background.
    async fn give_up(&mut self) -> Result<(), DbError> {
        sqlx::raw_sql("rollback").execute(self.connection()?).await?;
        self.let_go();
        Ok(())
    }

    /// The transaction has ended; had the future been dropped or failed before, `drop` below would have rolled back.
    fn let_go(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.shelf.keep(connection);
        }
    }

    fn connection(&mut self) -> Result<&mut PgConnection, DbError> {
        match &mut self.connection {
            Some(connection) => Ok(connection),
            // Only `end` takes it, and `end` consumes the transaction.
            None => Err(DbError::StaleTransaction),
        }
    }
}

impl Drop for ReadTx {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            connection.close_on_drop();
            return;
        };
        runtime.spawn(async move {
            let rolled_back =
                tokio::time::timeout(ROLLBACK_TIMEOUT, sqlx::raw_sql("rollback").execute(&mut *connection)).await;
            if !matches!(rolled_back, Ok(Ok(_))) {
                connection.close_on_drop();
            }
        });
    }
}

/// A transaction in which one tenant's rows can be read and written and its events published.
///
/// `begin -> lock -> decide -> save -> publish -> commit`. Only the outermost use case begins and commits; a facade
/// method that must be atomic with its caller borrows it. Nothing but the database is awaited while one is open.
#[derive(Debug)]
pub struct Tx {
    read: ReadTx,
    db: Db,
    began: Instant,
    staged: Vec<Staged>,
    wakes: Vec<Topic>,
}

/// An event that goes into the outbox with the transaction's end (or with the switch to another tenant).
#[derive(Debug)]
struct Staged {
    id: EventId,
    occurred_at: DateTime<Utc>,
    traceparent: Option<String>,
    event: NewEvent,
}

impl Deref for Tx {
    type Target = ReadTx;
    fn deref(&self) -> &ReadTx {
        &self.read
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut ReadTx {
        &mut self.read
    }
}

impl Tx {
    pub(crate) async fn begin(db: &Db, tenant: Option<TenantId>) -> Result<Self, DbError> {
        Ok(Self::over(db, open(db, tenant, Mode::Change).await?))
    }

    pub(crate) async fn begin_for(db: &Db, kind: RouteKind, key: &str) -> Result<Option<Self>, DbError> {
        Ok(open_for(db, kind, key).await?.map(|read| Self::over(db, read)))
    }

    fn over(db: &Db, read: ReadTx) -> Self {
        Self { read, db: db.clone(), began: Instant::now(), staged: Vec::new(), wakes: Vec::new() }
    }

    /// The source of new ids.
    pub fn ids(&self) -> &Ids {
        self.db.ids()
    }

    /// Publishes `event` with this transaction: it is in the outbox if and only if the transaction commits.
    pub fn publish<E: Event>(&mut self, event: &E, context: Context) -> Result<EventId, DbError> {
        self.publish_of(event, context, self.read.now)
    }

    /// The same for what came about earlier and was learned of late; never later than now.
    pub fn publish_of<E: Event>(
        &mut self,
        event: &E,
        context: Context,
        occurred_at: DateTime<Utc>,
    ) -> Result<EventId, DbError> {
        let id = self.ids().next();
        let event = NewEvent::new(event, context)?;
        if self.db.is_heard(event.name) {
            self.wake(Topic::Outbox);
        }
        self.wake(Topic::News);
        let traceparent = nmc_telemetry::current_traceparent();
        self.staged.push(Staged { id, occurred_at: occurred_at.min(self.read.now), traceparent, event });
        Ok(id)
    }

    /// Wakes whoever waits for `topic` once the transaction has committed.
    pub fn wake(&mut self, topic: Topic) {
        if !self.wakes.contains(&topic) {
            self.wakes.push(topic);
        }
    }

    /// Commits: everything of this transaction is durable when this returns.
    ///
    /// Dropped before that, the outcome is unknown to the caller, as with any lost answer; the connection is safe.
    pub async fn commit(mut self) -> Result<(), DbError> {
        self.flush().await?;
        self.read.end().await?;
        self.db.wakes().send(&self.wakes);
        Ok(())
    }

    /// Gives everything up now instead of in the background.
    pub async fn roll_back(mut self) -> Result<(), DbError> {
        self.read.give_up().await
    }

    /// Writes the staged events under the tenant they belong to.
    async fn flush(&mut self) -> Result<(), DbError> {
        if self.staged.is_empty() {
            return Ok(());
        }
        let (tenant, now) = (self.read.tenant(), self.read.now);
        let staged = std::mem::take(&mut self.staged);
        let column = |pick: fn(&Staged) -> uuid::Uuid| staged.iter().map(pick).collect::<Vec<_>>();
        let ids = column(|s| s.id.as_uuid());
        let correlations = column(|s| s.event.context.correlation.as_uuid());
        let causations: Vec<_> = staged.iter().map(|s| s.event.context.causation.map(EventId::as_uuid)).collect();
        let names: Vec<_> = staged.iter().map(|s| s.event.name.to_owned()).collect();
        let versions: Vec<_> = staged.iter().map(|s| s.event.version.to_string()).collect();
        let times: Vec<_> = staged.iter().map(|s| s.occurred_at).collect();
        let payloads: Vec<_> = staged.iter().map(|s| s.event.payload.clone()).collect();
        let order_keys: Vec<_> = staged.iter().map(|s| s.event.order_key.clone()).collect();
        let traces: Vec<_> = staged.iter().map(|s| s.traceparent.clone()).collect();
        sqlx::query!(
            r#"
            insert into outbox_events (tenant_id, id, event_name, schema_version, occurred_at, correlation_id,
                                       causation_id, payload, order_key, traceparent, available_at)
            select $1, e.id, e.name, e.version, e.occurred_at, e.correlation_id, e.causation_id, e.payload, e.order_key,
                   e.traceparent, $2
            from unnest($3::uuid[], $4::text[], $5::text[], $6::timestamptz[], $7::uuid[], $8::uuid[], $9::jsonb[],
                        $10::text[], $11::text[])
              as e(id, name, version, occurred_at, correlation_id, causation_id, payload, order_key, traceparent)
            "#,
            tenant.as_uuid(),
            now,
            &ids,
            &names,
            &versions,
            &times,
            &correlations,
            &causations as &[Option<uuid::Uuid>],
            &payloads,
            &order_keys as &[Option<String>],
            &traces as &[Option<String>],
        )
        .execute(self.read.conn().await?)
        .await?;
        Ok(())
    }
}

/// A transaction of an engine: it looks across tenants for what is due and enters one tenant after another.
#[derive(Debug)]
pub struct SystemTx {
    tx: Tx,
}

impl SystemTx {
    pub(crate) fn new(tx: Tx) -> Self {
        Self { tx }
    }

    /// The connection as it is, for statements that go across tenants by the role's own policies.
    pub fn conn(&mut self) -> Result<&mut PgConnection, DbError> {
        self.tx.read.connection()
    }

    /// The database's clock at begin.
    pub fn now(&self) -> DateTime<Utc> {
        self.tx.read.now
    }

    /// Makes this `tenant`'s transaction until the next call. The switch itself travels with the first statement; a
    /// piece of work without statements costs nothing. The time moves on with every call.
    pub async fn enter(&mut self, tenant: TenantId) -> Result<&mut Tx, DbError> {
        if self.tx.read.tenant != Some(tenant) {
            self.tx.flush().await?;
            self.tx.read.tenant = Some(tenant);
        }
        if self.tx.db.clock().fixed_time().is_none() {
            let elapsed = chrono::Duration::from_std(self.tx.began.elapsed()).unwrap_or_default();
            self.tx.began = Instant::now();
            self.tx.read.now += elapsed;
        }
        Ok(&mut self.tx)
    }

    /// The same, where the caller's next statement carries the switch: it must call `set_config('nmc.tenant_id', .., true)`
    /// with the text this returns. Saves the round trip of the switch.
    pub fn enter_with_next(&mut self, tenant: TenantId) -> String {
        self.tx.read.tenant = Some(tenant);
        self.tx.read.setting = Some(tenant);
        tenant.to_string()
    }

    /// See [`Tx::wake`].
    pub fn wake(&mut self, topic: Topic) {
        self.tx.wake(topic);
    }

    /// See [`Tx::commit`].
    pub async fn commit(self) -> Result<(), DbError> {
        self.tx.commit().await
    }

    /// See [`Tx::roll_back`].
    pub async fn roll_back(self) -> Result<(), DbError> {
        self.tx.roll_back().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PoolSettings, Wakes};

    #[tokio::test]
    async fn a_connection_left_inside_a_transaction_is_found_out() {
        let database = nmc_testkit::TestDatabase::create().await.unwrap();
        let settings = PoolSettings { max_connections: 1, ..PoolSettings::default() };
        let db = Db::new(&database.app_url(), settings, Wakes::new()).unwrap();
        // What a cancelled `begin()` of the driver can leave behind.
        let mut poisoned = db.pool().acquire().await.unwrap();
        sqlx::raw_sql("begin").execute(&mut *poisoned).await.unwrap();
        drop(poisoned);
        let tenant: TenantId = db.ids().next();
        assert!(matches!(db.begin(tenant).await, Err(DbError::StaleTransaction)));
        db.begin(tenant).await.unwrap().commit().await.unwrap();
    }
}
