//! A database for every test, copied from a template in a Postgres that all test processes share.

use std::env;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nmc_db::{Db, DbError, MIGRATOR, PoolSettings, ProvisionError, Wakes};
use nmc_postgres::{Binaries, PostgresError, PrivatePostgres, Settings};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::sync::OnceCell;

/// Where build products go; the shared server's data is one of them.
const TARGET_DIR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../target");
/// Two pools per test, and as many tests at a time as the machine has processors.
const MAX_CONNECTIONS: u16 = 300;
/// A test opens few connections; a server of its own serves one test only.
const MAX_CONNECTIONS_OF_OWN_SERVER: u16 = 50;
/// Serialises the making of the template; any number that nothing else uses in the database `postgres`.
const TEMPLATE_LOCK: i64 = 0x6e6d_635f_7465_6d70;
/// Long enough for another process to make the template on a busy machine.
const TEMPLATE_LOCK_TIMEOUT: &str = "120s";
/// Names of the databases made here begin with these.
const TEMPLATE_PREFIX: &str = "nmc_template_";
const TEST_PREFIX: &str = "nmc_test_";

/// The server all tests of this process use. Never dropped: the end of the process lets go of it.
static SHARED: OnceCell<Arc<TestServer>> = OnceCell::const_new();
/// Distinguishes the databases of this process.
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// Why a test got no database.
#[derive(Debug, thiserror::Error)]
pub enum TestDatabaseError {
    /// The private Postgres could not be found or started.
    #[error("no Postgres for the tests: {0}")]
    Postgres(#[source] PostgresError),
    /// A statement that makes a database failed.
    #[error("the test database could not be made: {0}")]
    Sql(#[from] sqlx::Error),
    /// Roles or migrations failed in the template.
    #[error("the template database could not be prepared: {0}")]
    Provision(#[from] ProvisionError),
    /// A pool could not be set up.
    #[error("the test database's pool could not be set up: {0}")]
    Db(#[from] DbError),
    /// The task that started the server was torn down.
    #[error("the start of Postgres was interrupted")]
    Interrupted(#[from] tokio::task::JoinError),
}

/// A fresh, migrated and empty database, dropped with this value.
///
/// The handles connect as the roles of the two services, never as a superuser, for whom row-level security would not
/// hold. They share one [`Wakes`], as if both services ran in one process.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    app: Db,
    dispatcher: Db,
    server: Arc<TestServer>,
}

impl TestDatabase {
    /// A database on the server that all tests share.
    pub async fn create() -> Result<Self, TestDatabaseError> {
        let server = SHARED.get_or_try_init(|| TestServer::start(shared_data_dir(), MAX_CONNECTIONS, false)).await?;
        Self::create_on(Arc::clone(server)).await
    }

    /// A database on a server of its own, for a test that stops it: see [`TestDatabase::server`]. Takes a second.
    pub async fn create_on_own_server() -> Result<Self, TestDatabaseError> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let data_dir = env::temp_dir().join(format!("nmc-test-postgres-{}-{number}", std::process::id()));
        // Left by a process of the same number that was killed.
        let _ = fs::remove_dir_all(&data_dir);
        let server = TestServer::start(data_dir, MAX_CONNECTIONS_OF_OWN_SERVER, true).await?;
        Self::create_on(server).await
    }

    async fn create_on(server: Arc<TestServer>) -> Result<Self, TestDatabaseError> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{TEST_PREFIX}{}_{}_{number}", server.session, std::process::id());
        let mut connection = PgConnection::connect(&server.postgres.superuser_url("postgres")).await?;
        let template = &server.template;
        run(&mut connection, format!("create database {name} template {template} owner nmc_owner strategy file_copy"))
            .await?;
        nmc_db::restrict_database(&mut connection, &name).await?;
        connection.close().await?;

        let wakes = Wakes::new();
        let settings = PoolSettings {
            // A test machine that compiles meanwhile is slow; a service must answer sooner than this.
            acquire_timeout: Duration::from_secs(10),
            ..PoolSettings::default()
        };
        let connect = |role| Db::new(&server.postgres.url(role, &name), settings, wakes.clone());
        let (app, dispatcher) = (connect("nmc_app")?, connect("nmc_dispatcher")?);
        Ok(Self { name, app, dispatcher, server })
    }

    /// The database as the server process sees it.
    pub fn app(&self) -> &Db {
        &self.app
    }

    /// The database as the dispatcher sees it.
    pub fn dispatcher(&self) -> &Db {
        &self.dispatcher
    }

    /// The server process's `DATABASE_URL`.
    pub fn app_url(&self) -> String {
        self.url("nmc_app")
    }

    /// The dispatcher's `DATABASE_URL`.
    pub fn dispatcher_url(&self) -> String {
        self.url("nmc_dispatcher")
    }

    /// The migrator's `DATABASE_OWNER_URL`.
    pub fn owner_url(&self) -> String {
        self.url("nmc_owner")
    }

    /// For looking at the catalog and past row-level security; what a test does through it proves nothing about rights.
    pub fn superuser_url(&self) -> String {
        self.server.postgres.superuser_url(&self.name)
    }

    /// Where any role connects.
    pub fn url(&self, role: &str) -> String {
        self.server.postgres.url(role, &self.name)
    }

    /// A superuser's connection, for what [`TestDatabase::superuser_url`] is for.
    pub async fn superuser(&self) -> Result<PgConnection, TestDatabaseError> {
        Ok(PgConnection::connect(&self.superuser_url()).await?)
    }

    /// The Postgres below; to be stopped only where the test has one of its own.
    pub fn server(&self) -> &PrivatePostgres {
        &self.server.postgres
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if self.server.is_owned_by_one_test {
            return;
        }
        let url = self.server.postgres.superuser_url("postgres");
        // `force` ends the sessions of the pools, which cannot be closed from here.
        let sql = format!("drop database if exists {} with (force)", self.name);
        // A thread, because the test's own runtime waits for this drop. What fails here is dropped by a later session.
        let dropper = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut connection = PgConnection::connect(&url).await?;
                run(&mut connection, sql).await?;
                connection.close().await
            })
        });
        let _ = dropper.join();
    }
}

/// A server for tests with a template database in it.
#[derive(Debug)]
struct TestServer {
    postgres: PrivatePostgres,
    template: String,
    /// When this server was started, as a word: databases with another one in their name belong to nobody any more.
    session: String,
    is_owned_by_one_test: bool,
}

impl TestServer {
    async fn start(
        data_dir: PathBuf,
        max_connections: u16,
        is_owned_by_one_test: bool,
    ) -> Result<Arc<Self>, TestDatabaseError> {
        let start = move || {
            let progress = |message: &str| {
                // Nobody may be reading; the message is a courtesy.
                let _ = writeln!(std::io::stderr(), "{message}");
            };
            let binaries = Binaries::find_or_install(&Path::new(TARGET_DIR).join("postgres-binaries"), &progress)?;
            let settings = Settings { durable: false, max_connections, ..Settings::new(data_dir) };
            PrivatePostgres::start(&binaries, &settings, &progress)
        };
        let postgres = tokio::task::spawn_blocking(start).await?.map_err(TestDatabaseError::Postgres)?;

        let mut connection = PgConnection::connect(&postgres.superuser_url("postgres")).await?;
        let session: String =
            sqlx::query_scalar("select to_hex((extract(epoch from pg_postmaster_start_time()) * 1000)::bigint)")
                .fetch_one(&mut connection)
                .await?;
        let template = format!("{TEMPLATE_PREFIX}{:016x}", template_hash());
        run(&mut connection, format!("set lock_timeout = '{TEMPLATE_LOCK_TIMEOUT}'")).await?;
        run(&mut connection, format!("select pg_advisory_lock({TEMPLATE_LOCK})")).await?;
        drop_leftovers(&mut connection, &session, &template).await?;
        make_template(&mut connection, &postgres, &template).await?;
        // Closing lets go of the lock.
        connection.close().await?;
        Ok(Arc::new(Self { postgres, template, session, is_owned_by_one_test }))
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if self.is_owned_by_one_test {
            // Nothing in it is wanted any more. What fails here is left in the system's temporary directory.
            let _ = self.postgres.stop_immediately();
            let _ = fs::remove_dir_all(self.postgres.data_dir());
        }
    }
}

fn shared_data_dir() -> PathBuf {
    let target = Path::new(TARGET_DIR);
    // A test program that was copied elsewhere has no target folder.
    let parent = fs::canonicalize(target).unwrap_or_else(|_| env::temp_dir());
    parent.join("test-postgres")
}

/// Names what a template is made of, so that it is made anew when any of that changes.
fn template_hash() -> u64 {
    let mut hasher = DefaultHasher::new();
    for migration in MIGRATOR.iter() {
        (migration.version, &migration.checksum).hash(&mut hasher);
    }
    include_str!("../../db/src/provision.sql").hash(&mut hasher);
    include_str!("../../db/src/provision.rs").hash(&mut hasher);
    hasher.finish()
}

/// Drops the databases of dead runs, and templates of other migrations as long as no test may be using one.
async fn drop_leftovers(connection: &mut PgConnection, session: &str, template: &str) -> Result<(), TestDatabaseError> {
    let names: Vec<String> = sqlx::query_scalar("select datname::text from pg_database where datname like 'nmc\\_%'")
        .fetch_all(&mut *connection)
        .await?;
    let is_of_this_session = |name: &str| name.starts_with(&format!("{TEST_PREFIX}{session}_"));
    let nobody_is_here = !names.iter().any(|name| is_of_this_session(name));
    for name in &names {
        if name.starts_with(TEST_PREFIX) && !is_of_this_session(name) {
            run(connection, format!("drop database if exists {name} with (force)")).await?;
        } else if name.starts_with(TEMPLATE_PREFIX) && name != template && nobody_is_here {
            run(connection, format!("alter database {name} with is_template false")).await?;
            run(connection, format!("drop database if exists {name} with (force)")).await?;
        }
    }
    Ok(())
}

/// Makes the template unless it is there. Only a whole one is marked as a template, which nobody may connect to: a copy
/// needs an original without sessions.
async fn make_template(
    connection: &mut PgConnection,
    postgres: &PrivatePostgres,
    template: &str,
) -> Result<(), TestDatabaseError> {
    let is_whole: bool =
        sqlx::query_scalar("select exists (select from pg_database where datname = $1 and datistemplate)")
            .bind(template)
            .fetch_one(&mut *connection)
            .await?;
    if is_whole {
        return Ok(());
    }
    run(connection, format!("drop database if exists {template} with (force)")).await?;
    nmc_db::provision(|database| postgres.superuser_url(database), template).await?;
    nmc_db::migrate(&postgres.url("nmc_owner", template)).await?;
    run(connection, format!("alter database {template} with is_template true allow_connections false")).await?;
    Ok(())
}

/// Runs a statement that takes no parameters. Its text is made of constants, numbers and names made here.
async fn run(connection: &mut PgConnection, sql: String) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn names(connection: &mut PgConnection) -> Vec<String> {
        sqlx::query_scalar("select datname::text from pg_database where datname like 'nmc\\_%' order by 1")
            .fetch_all(connection)
            .await
            .unwrap_or_default()
    }

    #[tokio::test]
    async fn what_dead_runs_left_is_dropped_and_what_is_in_use_stays() {
        let database = TestDatabase::create_on_own_server().await.unwrap();
        let server = &database.server;
        let mut connection = PgConnection::connect(&server.postgres.superuser_url("postgres")).await.unwrap();
        let [left, old, half] = ["nmc_test_1_2_3", "nmc_template_old", "nmc_template_half"];
        for name in [left, old, half] {
            run(&mut connection, format!("create database {name}")).await.unwrap();
        }
        run(&mut connection, format!("alter database {old} with is_template true")).await.unwrap();

        // Somebody works on this server, perhaps with another template.
        drop_leftovers(&mut connection, &server.session, &server.template).await.unwrap();
        let mut expected = vec![half.to_owned(), old.to_owned(), server.template.clone(), database.name.clone()];
        expected.sort_unstable();
        assert_eq!(names(&mut connection).await, expected);

        // The server was started again: nobody is here yet.
        drop_leftovers(&mut connection, "later", &server.template).await.unwrap();
        assert_eq!(names(&mut connection).await, std::slice::from_ref(&server.template));
    }

    #[tokio::test]
    async fn a_half_made_template_is_made_anew() {
        let database = TestDatabase::create_on_own_server().await.unwrap();
        let server = &database.server;
        let mut connection = PgConnection::connect(&server.postgres.superuser_url("postgres")).await.unwrap();
        run(&mut connection, "create database nmc_template_cut".to_owned()).await.unwrap();
        make_template(&mut connection, &server.postgres, "nmc_template_cut").await.unwrap();
        run(&mut connection, "create database copy template nmc_template_cut".to_owned()).await.unwrap();
        let mut copy = PgConnection::connect(&server.postgres.superuser_url("copy")).await.unwrap();
        let applied: i64 =
            sqlx::query_scalar("select count(*) from _sqlx_migrations").fetch_one(&mut copy).await.unwrap();
        assert_eq!(usize::try_from(applied).unwrap(), MIGRATOR.iter().count());
    }
}
