use std::io;

/// Why a measurement could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    /// No Postgres could be found, installed or started.
    #[error(transparent)]
    Postgres(#[from] nmc_postgres::PostgresError),
    /// The database could not be prepared.
    #[error(transparent)]
    Provision(#[from] nmc_db::ProvisionError),
    /// A statement of the product failed.
    #[error(transparent)]
    Db(#[from] nmc_db::DbError),
    /// A statement of the benchmark failed.
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    /// The product could not be started or stopped.
    #[error(transparent)]
    Sandbox(#[from] nmc_sandbox::SandboxError),
    /// A task was torn down.
    #[error(transparent)]
    Interrupted(#[from] tokio::task::JoinError),
    /// Files and processes.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// What was measured is not what should have been: the numbers would mean nothing.
    #[error("{0}")]
    Wrong(String),
}
