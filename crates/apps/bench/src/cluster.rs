//! The two clusters everything is measured on: one that waits for the disk, and one that does not, as the control that
//! the disk's noise does not reach.

use std::path::{Path, PathBuf};

use nmc_db::{Db, PoolSettings, Wakes};
use nmc_postgres::{Binaries, PrivatePostgres, Settings};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::BenchError;

/// Two programs with their pools, the benchmark's own connections, pgbench.
const MAX_CONNECTIONS: u16 = 120;

/// What commits wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Medium {
    /// The disk, as in production.
    Disk,
    /// Nothing: fsync is off.
    Control,
}

impl Medium {
    pub(crate) const ALL: [Self; 2] = [Self::Disk, Self::Control];

    const fn folder(self) -> &'static str {
        match self {
            Self::Disk => "bench-disk",
            Self::Control => "bench-control",
        }
    }
}

/// A private Postgres of the benchmark's own.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) medium: Medium,
    /// Where an installation that is to run on this cluster keeps its data.
    pub(crate) data_dir: PathBuf,
    pub(crate) postgres: PrivatePostgres,
}

impl Cluster {
    /// Starts the cluster below `data_dir`; made when missing.
    pub(crate) async fn start(data_dir: &Path, medium: Medium) -> Result<Self, BenchError> {
        Self::start_in(data_dir.join(medium.folder()), medium).await
    }

    /// The same beside the others, for an installation that reaches it through a proxy: with a password for the roles,
    /// as a server of somebody else's has it.
    pub(crate) async fn start_apart(data_dir: &Path, medium: Medium) -> Result<Self, BenchError> {
        Self::start_in(data_dir.join("bench-count"), medium).await
    }

    async fn start_in(data_dir: PathBuf, medium: Medium) -> Result<Self, BenchError> {
        // The folders are the sandbox's, so that an installation below the same one joins this server.
        let (binaries, folder) = (data_dir.join("postgres-binaries"), data_dir.join("postgres"));
        let start = move || {
            let binaries = Binaries::find_or_install(&binaries, &|_| {})?;
            let durable = medium == Medium::Disk;
            let settings = Settings { durable, max_connections: MAX_CONNECTIONS, ..Settings::new(folder) };
            PrivatePostgres::start(&binaries, &settings, &|_| {})
        };
        Ok(Self { medium, data_dir, postgres: tokio::task::spawn_blocking(start).await?? })
    }

    /// An empty database `name` with every migration applied.
    pub(crate) async fn database(&self, name: &'static str) -> Result<Database<'_>, BenchError> {
        self.drop_database(name).await?;
        nmc_db::provision(|of| self.postgres.superuser_url(of), name).await?;
        nmc_db::migrate(&self.postgres.url("nmc_owner", name)).await?;
        Ok(self.existing(name))
    }

    /// A database that is there.
    pub(crate) const fn existing(&self, name: &'static str) -> Database<'_> {
        Database { cluster: self, name }
    }

    /// Removes the database with whatever is in it.
    pub(crate) async fn drop_database(&self, name: &'static str) -> Result<(), BenchError> {
        let mut superuser = PgConnection::connect(&self.postgres.superuser_url("postgres")).await?;
        // A name of ours: letters and underscores.
        let drop = format!("drop database if exists {name} with (force)");
        sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut superuser).await?;
        superuser.close().await?;
        Ok(())
    }
}

/// A migrated database on a cluster.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Database<'a> {
    pub(crate) cluster: &'a Cluster,
    name: &'static str,
}

impl Database<'_> {
    /// How `role` reaches it.
    pub(crate) fn url(&self, role: &str) -> String {
        self.cluster.postgres.url(role, self.name)
    }

    /// A pool as a program has it, with wake-ups of its own.
    pub(crate) fn connect(&self, role: &str) -> Result<Db, BenchError> {
        Ok(Db::new(&self.url(role), PoolSettings::default(), Wakes::new())?)
    }

    /// A superuser's connection, for filling and emptying tables.
    pub(crate) async fn superuser(&self) -> Result<PgConnection, BenchError> {
        Ok(PgConnection::connect(&self.cluster.postgres.superuser_url(self.name)).await?)
    }

    /// Drops it.
    pub(crate) async fn remove(self) -> Result<(), BenchError> {
        self.cluster.drop_database(self.name).await
    }
}
