//! A database with subjects in it, whose timers do what the subject says.

use std::{future::pending, process::Command, time::Duration};

use chrono::{DateTime, Utc};
use nmc_db::{Db, DbError, PoolSettings, Tx, Wakes};
use nmc_kernel::{Clock, Random, TenantId};
use nmc_testkit::TestDatabase;
use nmc_timers::{Settings, Timer, TimerError, Timers};
use sqlx::PgConnection;
use tokio::sync::Mutex;
use uuid::Uuid;

const TABLES: &str = "
    create table test_subjects (tenant_id uuid not null, id uuid not null, does text not null,
                                fired bigint not null default 0, primary key (tenant_id, id));
    select nmc_protect('test_subjects');
    grant select, insert, update on test_subjects to nmc_app, nmc_dispatcher;";

/// Counts its firings on the subject and then does what the subject says.
pub(crate) struct Obedient;

impl Timer for Obedient {
    const KIND: &'static str = "test.obedient";

    async fn fire(&self, tx: &mut Tx, ref_id: Uuid) -> Result<(), TimerError> {
        let does = lock_subject(tx, ref_id).await?;
        let tenant = tx.tenant().as_uuid();
        sqlx::query("update test_subjects set fired = fired + 1 where tenant_id = $1 and id = $2")
            .bind(tenant)
            .bind(ref_id)
            .execute(tx.conn().await?)
            .await
            .map_err(DbError::from)?;
        match does.as_str() {
            "refuse" => Err(TimerError::Refused("told to refuse".to_owned())),
            "again" => {
                let due_at = tx.now() + chrono::Duration::seconds(60);
                Ok(nmc_timers::set(tx, Self::KIND, ref_id, due_at).await?)
            }
            "panic" => panic!("told to panic"),
            "break" => {
                sqlx::query("select 1 / 0").execute(tx.conn().await?).await.map_err(DbError::from)?;
                Ok(())
            }
            "hang" => pending().await,
            "kill" => {
                let _ = Command::new("kill").args(["-9", &std::process::id().to_string()]).status();
                pending().await
            }
            _ => Ok(()),
        }
    }
}

/// Locks the subject and says what its timer does.
pub(crate) async fn lock_subject(tx: &mut Tx, subject: Uuid) -> Result<String, DbError> {
    let tenant = tx.tenant().as_uuid();
    Ok(sqlx::query_scalar("select does from test_subjects where tenant_id = $1 and id = $2 for update")
        .bind(tenant)
        .bind(subject)
        .fetch_one(tx.conn().await?)
        .await?)
}

pub(crate) struct House {
    pub(crate) database: TestDatabase,
    pub(crate) clock: Clock,
    pub(crate) tenant: TenantId,
    superuser: Mutex<PgConnection>,
}

/// A timer's row.
#[derive(Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Row {
    pub(crate) due_at: DateTime<Utc>,
    pub(crate) leased_until: Option<DateTime<Utc>>,
    pub(crate) attempts: i16,
    pub(crate) last_error: Option<String>,
}

impl House {
    /// At a time that only [`Clock::advance`] moves.
    pub(crate) async fn new() -> Self {
        Self::at(Clock::fixed(DateTime::from_timestamp(1_800_000_000, 0).unwrap())).await
    }

    pub(crate) async fn at(clock: Clock) -> Self {
        let database = TestDatabase::create().await.unwrap();
        let mut superuser = database.superuser().await.unwrap();
        sqlx::raw_sql(TABLES).execute(&mut superuser).await.unwrap();
        let tenant = database.app().ids().next();
        Self { database, clock, tenant, superuser: Mutex::new(superuser) }
    }

    /// A pool of its own, as another process would have.
    pub(crate) fn db(&self) -> Db {
        let settings = PoolSettings { acquire_timeout: Duration::from_secs(10), ..PoolSettings::default() };
        let db = Db::new(&self.database.dispatcher_url(), settings, Wakes::new()).unwrap();
        db.at(self.clock.clone(), Random::from_entropy())
    }

    pub(crate) fn timers(&self) -> Timers {
        timers(self.db())
    }

    /// As the server process does it.
    pub(crate) async fn begin(&self) -> Tx {
        let app = self.database.app().clone().at(self.clock.clone(), Random::from_entropy());
        app.begin(self.tenant).await.unwrap()
    }

    /// A subject with a timer that is due `after` from now.
    pub(crate) async fn subject(&self, does: &str, after: chrono::Duration) -> Uuid {
        let id: Uuid = self.database.app().ids().next();
        let mut tx = self.begin().await;
        let tenant = tx.tenant().as_uuid();
        sqlx::query("insert into test_subjects (tenant_id, id, does) values ($1, $2, $3)")
            .bind(tenant)
            .bind(id)
            .bind(does)
            .execute(tx.conn().await.unwrap())
            .await
            .unwrap();
        let due_at = tx.now() + after;
        nmc_timers::set(&mut tx, Obedient::KIND, id, due_at).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    pub(crate) async fn set(&self, subject: Uuid, after: chrono::Duration) {
        let mut tx = self.begin().await;
        lock_subject(&mut tx, subject).await.unwrap();
        let due_at = tx.now() + after;
        nmc_timers::set(&mut tx, Obedient::KIND, subject, due_at).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub(crate) async fn fired(&self, subject: Uuid) -> i64 {
        sqlx::query_scalar("select fired from test_subjects where id = $1")
            .bind(subject)
            .fetch_one(&mut *self.superuser.lock().await)
            .await
            .unwrap()
    }

    pub(crate) async fn row(&self, subject: Uuid) -> Option<Row> {
        sqlx::query_as("select due_at, leased_until, attempts, last_error from timers where ref_id = $1")
            .bind(subject)
            .fetch_optional(&mut *self.superuser.lock().await)
            .await
            .unwrap()
    }

    pub(crate) async fn count(&self, of: &'static str) -> i64 {
        sqlx::query_scalar(of).fetch_one(&mut *self.superuser.lock().await).await.unwrap()
    }

    pub(crate) async fn execute(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(&mut *self.superuser.lock().await).await.unwrap();
    }
}

pub(crate) fn timers(db: Db) -> Timers {
    let settings = Settings { poll_interval: Duration::from_millis(5) };
    Timers::new(db, settings, Random::from_entropy()).with(Obedient)
}
