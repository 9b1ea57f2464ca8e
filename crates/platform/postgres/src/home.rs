use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::PostgresError;
use crate::account::Account;

/// The port in the socket's file name; nothing listens on a network.
pub(crate) const PORT: u16 = 5432;
/// The longest path of a Unix socket: `sun_path` less its closing zero.
const SOCKET_PATH_LIMIT_BYTES: usize = if cfg!(target_os = "linux") { 107 } else { 103 };
/// Where root keeps a cluster whose own place the unprivileged user cannot reach.
const ROOT_FALLBACK: &str = "/var/lib/nmc-postgres";
/// Where the socket goes when the path inside the home is too long for one. Not the temporary directory of the
/// environment: two users of one cluster may have different ones.
const SHORT_DIR: &str = "/tmp";
/// Marks a directory as ours.
const GATE: &str = "gate.lock";

/// The directory of one private Postgres: the cluster, its log, its locks and, when the path is short enough, its
/// socket. It belongs to the account that runs the server and is closed to everybody else.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    pub(crate) root: PathBuf,
    pub(crate) socket_dir: PathBuf,
    pub(crate) account: Account,
}

impl Home {
    /// Makes the directories, or takes over those that are there.
    pub(crate) fn prepare(
        data_dir: &Path,
        socket_dir: Option<&Path>,
        progress: &dyn Fn(&str),
    ) -> Result<Self, PostgresError> {
        let wanted = absolute(data_dir)?;
        let account = Account::for_home(&wanted)?;
        let root = prepare_root(&wanted, account, progress)?;
        let socket_dir = match socket_dir {
            Some(dir) => absolute(dir)?,
            None if fits(&root.join("socket")) => root.join("socket"),
            None => Path::new(SHORT_DIR).join(format!("nmc-postgres-{:016x}", hash(&root))),
        };
        if !fits(&socket_dir) {
            return Err(PostgresError::SocketPathTooLong {
                path: socket_file(&socket_dir),
                limit_bytes: SOCKET_PATH_LIMIT_BYTES,
            });
        }
        make_private_dir(&socket_dir, account)?;
        Ok(Self { root, socket_dir, account })
    }

    /// The directory Postgres calls its data directory.
    pub(crate) fn cluster(&self) -> PathBuf {
        self.root.join("cluster")
    }

    /// What `postgres` and the watchdog print.
    pub(crate) fn log(&self) -> PathBuf {
        self.root.join("postgres.log")
    }

    /// Held exclusively while somebody arrives, starts or stops the server.
    pub(crate) fn gate(&self) -> PathBuf {
        self.root.join(GATE)
    }

    /// Held shared by every user of the server; the watchdog waits to hold it exclusively.
    pub(crate) fn users(&self) -> PathBuf {
        self.root.join("users.lock")
    }

    /// Held exclusively by the watchdog as long as it watches.
    pub(crate) fn watchdog(&self) -> PathBuf {
        self.root.join("watchdog.lock")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        socket_file(&self.socket_dir)
    }

    /// Opens a file for appending, made when missing, that the account can use too.
    pub(crate) fn open(&self, path: &Path) -> Result<File, PostgresError> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)
            .map_err(PostgresError::io("open", path))?;
        self.account.own(path)?;
        Ok(file)
    }
}

fn absolute(path: &Path) -> Result<PathBuf, PostgresError> {
    // Links are resolved where they can be, so that two ways to one directory find the same server.
    fs::canonicalize(path).or_else(|_| std::path::absolute(path)).map_err(PostgresError::io("resolve", path))
}

fn prepare_root(wanted: &Path, account: Account, progress: &dyn Fn(&str)) -> Result<PathBuf, PostgresError> {
    let made = !wanted.exists();
    make_home(wanted, account)?;
    if account.can_enter(wanted) {
        // Now that it exists its links can be resolved.
        return absolute(wanted);
    }
    if made {
        // Empty and useless: not worth failing over if it stays.
        let _ = fs::remove_dir(wanted);
    }
    let fallback = Path::new(ROOT_FALLBACK).join(format!("{:016x}", hash(wanted)));
    make_home(&fallback, account)?;
    if !account.can_enter(&fallback) {
        let reason = "cannot be entered by the unprivileged user that runs Postgres".to_owned();
        return Err(PostgresError::UnsafeDirectory { path: fallback, reason });
    }
    progress(&format!(
        "{} cannot be reached by the unprivileged user that runs Postgres; its data is in {}",
        wanted.display(),
        fallback.display()
    ));
    Ok(fallback)
}

fn make_home(path: &Path, account: Account) -> Result<(), PostgresError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(PostgresError::io("create", parent))?;
    }
    if let Ok(mut entries) = fs::read_dir(path)
        && entries.next().is_some()
        && !path.join(GATE).exists()
    {
        let reason = "holds something else than a private Postgres".to_owned();
        return Err(PostgresError::UnsafeDirectory { path: path.to_owned(), reason });
    }
    make_private_dir(path, account)
}

/// Makes a directory that only its owner can enter. One that exists is taken only from the account itself or from root,
/// because the name of a directory under `/tmp` can be guessed and made first by somebody else.
fn make_private_dir(path: &Path, account: Account) -> Result<(), PostgresError> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(PostgresError::io("create", path)(error));
        }
        Ok(()) | Err(_) => {}
    }
    let metadata = fs::symlink_metadata(path).map_err(PostgresError::io("look at", path))?;
    let unsafe_because =
        |reason: &str| Err(PostgresError::UnsafeDirectory { path: path.to_owned(), reason: reason.to_owned() });
    if !metadata.is_dir() {
        return unsafe_because("is not a directory");
    }
    match account {
        Account::Other { uid, .. } if metadata.uid() == uid => {}
        Account::Other { .. } if metadata.uid() == 0 => account.own(path)?,
        Account::Other { .. } => return unsafe_because("belongs to another user"),
        // Changing the mode below fails for everybody but the owner.
        Account::Ourselves => {}
    }
    fs::set_permissions(path, Permissions::from_mode(0o700))
        .map_err(PostgresError::io("close to other users the directory", path))
}

fn socket_file(dir: &Path) -> PathBuf {
    dir.join(format!(".s.PGSQL.{PORT}"))
}

fn fits(socket_dir: &Path) -> bool {
    socket_file(socket_dir).as_os_str().len() <= SOCKET_PATH_LIMIT_BYTES
}

/// FNV-1a: a short name for a path that stays the same from one release of the compiler to the next.
fn hash(path: &Path) -> u64 {
    path.as_os_str()
        .as_encoded_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_hashed_by_the_published_function() {
        assert_eq!(hash(Path::new("")), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash(Path::new("a")), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(hash(Path::new("foobar")), 0x8594_4171_f739_67e8);
    }
}
