use std::{path::Path, str::FromStr as _};

use nmc_postgres::{Binaries, PrivatePostgres, Settings};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions};

use crate::{Result, tree::Tree};

/// Where the private server lives, and Postgres's programs if they have to be fetched.
const CLUSTER: &str = "target/xtask-postgres";
const PROGRAMS: &str = ".data/postgres-programs";
/// The roles that migrations grant to. Read as text: the crate itself cannot be built before its queries are known.
const ROLES: &str = "crates/platform/db/src/provision.sql";
const OWNER: &str = "nmc_owner";
const EXTENSIONS: &str = "create extension btree_gist; create extension pg_trgm";

/// A private Postgres for one command. Nothing in it is worth keeping, so nothing is written through to the disk; two
/// commands at once share the server and have databases of their own.
pub(crate) struct Scratch {
    server: PrivatePostgres,
}

impl Scratch {
    /// Starts the server, does the work and stops the server.
    pub(crate) fn with<T>(root: &Path, work: impl AsyncFnOnce(&Self) -> Result<T>) -> Result<T> {
        let progress = |words: &str| eprintln!("{words}");
        let binaries = Binaries::find_or_install(&root.join(PROGRAMS), &progress)?;
        let settings = Settings { durable: false, max_connections: 20, ..Settings::new(root.join(CLUSTER)) };
        let scratch = Self { server: PrivatePostgres::start(&binaries, &settings, &progress)? };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let done = runtime.block_on(work(&scratch))?;
        scratch.server.stop()?;
        Ok(done)
    }

    /// A new database as a release finds it: roles and extensions are there, tables are not. The connection is the
    /// owner's, who migrates.
    pub(crate) async fn database(&self, tree: &Tree) -> Result<PgConnection> {
        let name = format!("nmc_xtask_{}", std::process::id());
        let roles = tree.text(ROLES).ok_or_else(|| format!("there is no {ROLES}"))?;
        self.as_superuser("postgres", roles).await?;
        self.as_superuser("postgres", &drop_statement(&name)).await?;
        self.as_superuser("postgres", &format!("create database {name} owner {OWNER}")).await?;
        self.as_superuser(&name, EXTENSIONS).await?;
        connect(&self.server.url(OWNER, &name)).await
    }

    /// Ends a database made by [`database`](Self::database) and its connection.
    pub(crate) async fn drop_database(&self, mut owner: PgConnection) -> Result<()> {
        let name: String = sqlx::query_scalar("select current_database()").fetch_one(&mut owner).await?;
        owner.close().await?;
        self.as_superuser("postgres", &drop_statement(&name)).await
    }

    async fn as_superuser(&self, database: &str, sql: &str) -> Result<()> {
        let mut connection = connect(&self.server.superuser_url(database)).await?;
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
        Ok(connection.close().await?)
    }
}

fn drop_statement(database: &str) -> String {
    format!("drop database if exists {database} with (force)")
}

async fn connect(url: &str) -> Result<PgConnection> {
    Ok(PgConnectOptions::from_str(url)?.connect().await?)
}
