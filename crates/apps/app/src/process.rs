//! What both programs do around their work: connect, stop in time, say what is wrong.

use std::{io::Read as _, time::Duration};

use nmc_config::{ConfigError, DatabaseConfig};
use nmc_db::{Db, DbError, PoolSettings, ProvisionError, Wakes};
use nmc_telemetry::TelemetryError;
use secrecy::ExposeSecret as _;
use tokio::{net::TcpListener, signal, sync::oneshot};
use tokio_util::sync::CancellationToken;

/// How long what runs at a stop may take to finish; what has not is cut off and recovered later.
pub(crate) const FINISH_TIMEOUT: Duration = Duration::from_secs(8);
/// How long connections may take to close after that: a stop as a whole takes 10 s at most.
pub(crate) const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Why a program ends with an error.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Logs, traces or metrics cannot be started.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// The database refused or cannot be reached.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The database cannot be prepared.
    #[error(transparent)]
    Provision(#[from] ProvisionError),
    /// An address cannot be listened on.
    #[error("cannot listen on {key} = {addr}: {source}")]
    Listen {
        /// The configuration key.
        key: &'static str,
        /// Its value.
        addr: std::net::SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// A provider's client cannot be built from the configuration.
    #[error("{0}")]
    Client(String),
    /// What the operator asked for cannot be done, and why.
    #[error("{0}")]
    Refused(String),
    /// Input or output failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// What ends a program beside a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopOn {
    /// SIGTERM or SIGINT only.
    Signals,
    /// Also the end of standard input: the program that started this one has ended, however it did.
    EndOfInput,
}

/// Cancelled when the program is asked to stop.
pub fn stop_signal(stop_on: StopOn) -> Result<CancellationToken, AppError> {
    let stop = CancellationToken::new();
    let mut terminate = signal::unix::signal(signal::unix::SignalKind::terminate())?;
    let asked = stop.clone();
    let (reading, ended) = oneshot::channel::<()>();
    if stop_on == StopOn::EndOfInput {
        // A thread of its own: the runtime would wait for a read of its own at its end.
        std::thread::spawn(move || {
            let mut ignored = [0_u8; 64];
            while matches!(std::io::stdin().read(&mut ignored), Ok(1..)) {}
            drop(reading);
        });
    }
    tokio::spawn(async move {
        let input_ended = async {
            if stop_on == StopOn::Signals {
                std::future::pending::<()>().await;
            }
            // Only dropped, never sent: the wait ends when the reader does.
            let _ = ended.await;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = signal::ctrl_c(), if stop_on == StopOn::Signals => {}
            () = input_ended => {}
        }
        asked.cancel();
    });
    Ok(stop)
}

/// How often the number of connections in use is looked at.
const GAUGE_INTERVAL: Duration = Duration::from_secs(2);
/// How long to pause before the database is tried again at the start.
const DATABASE_PAUSE: Duration = Duration::from_millis(500);

/// Waits until the database can be reached and checks that the process is not somebody row-level security does not hold
/// for: a superuser, a role that bypasses it, or the owner of the tables. A database that is down does not end the
/// program; a role that passes by the wall does.
pub(crate) async fn check_role(db: &Db, stop: &CancellationToken) -> Result<(), AppError> {
    while !stop.is_cancelled() {
        match nmc_db::is_behind_the_wall(db).await {
            Ok(true) => return Ok(()),
            Ok(false) => {
                return Err(AppError::Refused(
                    "DATABASE_URL: expected a role that owns no tables and does not bypass row security, such as \
                     nmc_app for the server and nmc_dispatcher for the dispatcher"
                        .to_owned(),
                ));
            }
            Err(error) if error.is_transient() => {
                tracing::warn!(%error, "waiting for the database");
                tokio::select! { () = stop.cancelled() => {}, () = tokio::time::sleep(DATABASE_PAUSE) => {} }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The pools' settings from the configuration.
pub(crate) fn pool_settings(config: &DatabaseConfig) -> PoolSettings {
    PoolSettings {
        max_connections: config.connections_max,
        min_connections: config.connections_min,
        acquire_timeout: config.acquire_timeout,
        statement_timeout: config.statement_timeout,
        lock_timeout: config.lock_timeout,
        idle_in_transaction_timeout: config.idle_in_transaction_timeout,
    }
}

/// The process's own way into the database.
pub(crate) fn open_database(config: &DatabaseConfig, wakes: &Wakes) -> Result<Db, AppError> {
    Ok(Db::new(config.url.expose_secret(), pool_settings(config), wakes.clone())?)
}

/// Listens, or says which key has the address that cannot be had.
pub(crate) async fn listen(key: &'static str, addr: std::net::SocketAddr) -> Result<TcpListener, AppError> {
    TcpListener::bind(addr).await.map_err(|source| AppError::Listen { key, addr, source })
}

/// Keeps the number of connections in use visible.
pub(crate) async fn gauge_connections(db: &Db, stop: CancellationToken) {
    while !stop.is_cancelled() {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a gauge is a float; a pool has hundreds of connections at most"
        )]
        metrics::gauge!("db_connections_in_use").set(db.connections_in_use() as f64);
        tokio::select! { () = stop.cancelled() => {}, () = tokio::time::sleep(GAUGE_INTERVAL) => {} }
    }
}
