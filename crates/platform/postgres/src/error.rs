use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why the private Postgres could not be found, installed, started or stopped.
///
/// Each message is one sentence for the person at the terminal; the underlying I/O error is the source.
#[derive(Debug)]
#[non_exhaustive]
pub enum PostgresError {
    /// No Postgres of a usable version is on this machine and none could be installed.
    NotFound {
        /// What was tried and what to do about it.
        advice: String,
    },
    /// The override variable names a directory that cannot be used.
    BadOverride {
        /// The directory named by the variable.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file or directory could not be read, written or locked, or a program could not be started.
    Io {
        /// What was being done, as in "could not ...".
        doing: &'static str,
        /// The file, directory or program.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A program ran and failed.
    Command {
        /// The program.
        program: PathBuf,
        /// The end of what it printed.
        output: String,
    },
    /// Something did not happen in time.
    TimedOut {
        /// What was waited for.
        waiting_for: String,
        /// For how long.
        limit: Duration,
    },
    /// `postgres` ended before it was ready.
    StartFailed {
        /// The server's log.
        log: PathBuf,
        /// The end of that log.
        output: String,
    },
    /// The data directory was made by another major version.
    OtherVersion {
        /// The directory of the cluster.
        data_dir: PathBuf,
        /// The major version that made it.
        made_by: String,
        /// The major version of the binaries.
        binaries: u32,
    },
    /// The socket's path is longer than the operating system takes.
    SocketPathTooLong {
        /// The path of the socket.
        path: PathBuf,
        /// The most bytes it may have.
        limit_bytes: usize,
    },
    /// A directory holds something else, belongs to somebody else, or is open to others.
    UnsafeDirectory {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Running as root, and there is no unprivileged user to run Postgres as.
    NoUnprivilegedUser,
}

impl PostgresError {
    /// For `map_err`: what was being done to which file.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, path: path.to_owned(), source }
    }
}

impl fmt::Display for PostgresError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { advice } => f.write_str(advice),
            Self::BadOverride { path, reason } => {
                write!(f, "{} is {}, which {reason}", crate::OVERRIDE_VARIABLE, path.display())
            }
            Self::Io { doing, path, .. } => write!(f, "could not {doing} {}", path.display()),
            Self::Command { program, output } => write!(f, "{} failed: {output}", program.display()),
            Self::TimedOut { waiting_for, limit } => {
                write!(f, "waited {} s in vain for {waiting_for}", limit.as_secs())
            }
            Self::StartFailed { log, output } => {
                write!(f, "Postgres did not start (its log is {}): {output}", log.display())
            }
            Self::OtherVersion { data_dir, made_by, binaries } => write!(
                f,
                "{} was made by Postgres {made_by} and the Postgres found here is {binaries}: \
                 point {} at Postgres {made_by}, or remove the directory and lose its data",
                data_dir.display(),
                crate::OVERRIDE_VARIABLE
            ),
            Self::SocketPathTooLong { path, limit_bytes } => write!(
                f,
                "the socket path {} has {} bytes and may have {limit_bytes}: choose a shorter socket directory",
                path.display(),
                path.as_os_str().len()
            ),
            Self::UnsafeDirectory { path, reason } => write!(f, "{} is not used because it {reason}", path.display()),
            Self::NoUnprivilegedUser => f.write_str(
                "Postgres refuses to run as root and neither the user postgres nor the user nobody exists: \
                 create one of them or run as another user",
            ),
        }
    }
}

impl Error for PostgresError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
