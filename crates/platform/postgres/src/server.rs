use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::binaries::Binaries;
use crate::cluster::{self, SUPERUSER, Stop};
use crate::home::{Home, PORT};
use crate::wait::wait_until;
use crate::{PostgresError, watchdog};

/// The gate is held for a start or a stop at most, each of which is bounded.
const GATE_LIMIT: Duration = Duration::from_mins(3);
/// The watchdog holds the users' lock only for the moment in which it sees that it is free.
const WATCHDOG_MOMENT_LIMIT: Duration = Duration::from_secs(10);

/// How a private Postgres is kept and run. The settings of the process that starts the server hold; those that join it
/// take it as it is.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The directory of the cluster, its log, its locks and its socket; made when missing.
    pub data_dir: PathBuf,
    /// Where the socket goes. By default inside `data_dir`, or under `/tmp` when that path is too long for a socket.
    pub socket_dir: Option<PathBuf>,
    /// Whether what was committed outlives a crash of the machine. Off for tests: a commit then costs no disk access, and
    /// a cluster made by another major version is made anew.
    pub durable: bool,
    /// The most sessions at a time.
    pub max_connections: u16,
}

impl Settings {
    /// A durable cluster with Postgres's usual number of sessions.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: data_dir.into(), socket_dir: None, durable: true, max_connections: 100 }
    }
}

/// One user's hold on a running private Postgres.
///
/// Several processes may hold the same one; the first starts it. When the last lets go, by [`stop`](Self::stop), by being
/// dropped or by being killed, the server is stopped.
#[derive(Debug)]
pub struct PrivatePostgres {
    home: Home,
    binaries: Binaries,
    settings: Settings,
    users: File,
    is_watched: bool,
    was_started_here: bool,
}

impl PrivatePostgres {
    /// Starts the server, or joins it when it runs. `progress` is told what takes time or surprises.
    pub fn start(binaries: &Binaries, settings: &Settings, progress: &dyn Fn(&str)) -> Result<Self, PostgresError> {
        let home = Home::prepare(&settings.data_dir, settings.socket_dir.as_deref(), progress)?;
        let gate = pass_gate(&home)?;
        let users = home.open(&home.users())?;
        wait_for_lock(&home.users(), WATCHDOG_MOMENT_LIMIT, || users.try_lock_shared())?;
        let is_watched = watchdog::ensure(&home, binaries)?;
        if !is_watched {
            progress(
                "neither flock nor perl is here: if this process is killed, Postgres stays until the next run ends",
            );
        }
        let was_started_here = cluster::ensure_running(&home, binaries, settings)?;
        drop(gate);
        let (binaries, settings) = (binaries.clone(), settings.clone());
        Ok(Self { home, binaries, settings, users, is_watched, was_started_here })
    }

    /// Whether this call of [`start`](Self::start) started the server, rather than joining one that ran.
    pub fn was_started_here(&self) -> bool {
        self.was_started_here
    }

    /// Where to connect as a role; roles have no password. Understood by sqlx, by libpq and so by `psql`.
    pub fn url(&self, role: &str, database: &str) -> String {
        let socket_dir = percent_encode(self.home.socket_dir.as_os_str().as_encoded_bytes());
        let (role, database) = (percent_encode(role.as_bytes()), percent_encode(database.as_bytes()));
        // Said outright, or clients ask for an encryption that a socket does not have: one round trip per session.
        format!("postgres://{role}@{socket_dir}:{PORT}/{database}?sslmode=disable")
    }

    /// Where to connect as the superuser. For making roles and databases: row level security does not hold for it.
    pub fn superuser_url(&self, database: &str) -> String {
        self.url(SUPERUSER, database)
    }

    /// The directory of Postgres's programs (which of the optional ones it has, such as `psql`, depends on its origin).
    pub fn bin_dir(&self) -> &Path {
        self.binaries.bin_dir()
    }

    /// The directory of the socket.
    pub fn socket_dir(&self) -> &Path {
        &self.home.socket_dir
    }

    /// The directory of cluster and log: the one of the settings, unless the unprivileged user could not reach that one.
    pub fn data_dir(&self) -> &Path {
        &self.home.root
    }

    /// What the server prints.
    pub fn log_file(&self) -> PathBuf {
        self.home.log()
    }

    /// Lets go and, when nobody else holds the server, stops it and waits until everything is written.
    pub fn stop(mut self) -> Result<(), PostgresError> {
        // With the gate free and ourselves gone, drop has nothing left to do.
        self.is_watched = true;
        self.let_go()
    }

    /// Ends the server at once, as a crash would, for everybody who uses it. For fault tests.
    pub fn stop_immediately(&self) -> Result<(), PostgresError> {
        let _gate = pass_gate(&self.home)?;
        cluster::stop(&self.home, &self.binaries, Stop::Immediate)
    }

    /// Starts the server again after [`stop_immediately`](Self::stop_immediately), or after a crash of its own.
    pub fn start_again(&self) -> Result<(), PostgresError> {
        let _gate = pass_gate(&self.home)?;
        watchdog::ensure(&self.home, &self.binaries)?;
        cluster::ensure_running(&self.home, &self.binaries, &self.settings).map(|_| ())
    }

    fn let_go(&self) -> Result<(), PostgresError> {
        let _gate = pass_gate(&self.home)?;
        let users = self.home.users();
        self.users.unlock().map_err(PostgresError::io("unlock", &users))?;
        // Nobody arrives while we hold the gate, so a lock that cannot be had is another user's, or the watchdog's for
        // the one moment in which it sees that we let go: a shared hold outwaits that moment, then the second try tells.
        for _ in 0..2 {
            match self.users.try_lock() {
                Ok(()) => return cluster::stop(&self.home, &self.binaries, Stop::Fast),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(PostgresError::io("lock", &users)(error)),
            }
            wait_for_lock(&users, WATCHDOG_MOMENT_LIMIT, || self.users.try_lock_shared())?;
            self.users.unlock().map_err(PostgresError::io("unlock", &users))?;
        }
        Ok(())
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        if !self.is_watched {
            // Nothing can be done about a failure here; the next start joins or recovers.
            let _ = self.let_go();
        }
    }
}

/// Waits for the exclusive lock under which users arrive and servers start and stop. It is let go when dropped.
fn pass_gate(home: &Home) -> Result<File, PostgresError> {
    let path = home.gate();
    let gate = home.open(&path)?;
    wait_for_lock(&path, GATE_LIMIT, || gate.try_lock())?;
    Ok(gate)
}

fn wait_for_lock(
    path: &Path,
    limit: Duration,
    try_lock: impl Fn() -> Result<(), TryLockError>,
) -> Result<(), PostgresError> {
    let locked = wait_until(limit, || match try_lock() {
        Ok(()) => Some(Ok(())),
        Err(TryLockError::WouldBlock) => None,
        Err(TryLockError::Error(error)) => Some(Err(error)),
    });
    match locked {
        Some(result) => result.map_err(PostgresError::io("lock", path)),
        None => Err(PostgresError::TimedOut { waiting_for: format!("the lock {}", path.display()), limit }),
    }
}

fn percent_encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            text.push(char::from(byte));
        } else {
            let digits = b"0123456789ABCDEF";
            text.push('%');
            text.push(char::from(digits[usize::from(byte >> 4)]));
            text.push(char::from(digits[usize::from(byte & 15)]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_url_does_not_take_is_encoded() {
        assert_eq!(percent_encode(b"/tmp/a b-c_d.e"), "%2Ftmp%2Fa%20b-c_d.e");
        assert_eq!(percent_encode("ü".as_bytes()), "%C3%BC");
    }
}
