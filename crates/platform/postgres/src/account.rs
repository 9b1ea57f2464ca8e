use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::PostgresError;
use crate::command::run;

/// Long enough for the smallest of programs on the busiest of machines.
const SMALL_PROGRAM_LIMIT: Duration = Duration::from_secs(10);
/// The users Postgres runs as when we are root, the first that exists.
const UNPRIVILEGED_NAMES: [&str; 2] = ["postgres", "nobody"];

/// Who runs Postgres: ourselves or, because Postgres refuses to run as root, an unprivileged user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Account {
    Ourselves,
    Other { uid: u32, gid: u32 },
}

impl Account {
    /// The account for a cluster in `home`. Root takes the owner of a directory that exists already, so that a cluster
    /// made before by an ordinary user keeps working and keeps belonging to that user.
    pub(crate) fn for_home(home: &Path) -> Result<Self, PostgresError> {
        if !we_are_root()? {
            return Ok(Self::Ourselves);
        }
        if let Ok(metadata) = fs::metadata(home)
            && metadata.uid() != 0
        {
            return Ok(Self::Other { uid: metadata.uid(), gid: metadata.gid() });
        }
        let path = Path::new("/etc/passwd");
        let passwd = fs::read_to_string(path).map_err(PostgresError::io("read", path))?;
        UNPRIVILEGED_NAMES
            .iter()
            .find_map(|name| look_up(&passwd, name))
            .map(|(uid, gid)| Self::Other { uid, gid })
            .ok_or(PostgresError::NoUnprivilegedUser)
    }

    /// A command run by this account, in a process group of its own so that Ctrl-C in our terminal does not reach it,
    /// and without the `PG*` variables that would redirect Postgres's own tools.
    pub(crate) fn command(self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        // Our own working directory may be closed to the other user, and would stay busy as long as the server runs.
        command.current_dir("/").process_group(0);
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"PG") {
                command.env_remove(name);
            }
        }
        if let Self::Other { uid, gid } = self {
            command.gid(gid).uid(uid);
        }
        command
    }

    /// Gives a file or directory to this account.
    pub(crate) fn own(self, path: &Path) -> Result<(), PostgresError> {
        match self {
            Self::Ourselves => Ok(()),
            Self::Other { uid, gid } => std::os::unix::fs::lchown(path, Some(uid), Some(gid))
                .map_err(PostgresError::io("change the owner of", path)),
        }
    }

    /// Whether this account can enter a directory: asked of the system, which knows about every parent and every list.
    pub(crate) fn can_enter(self, dir: &Path) -> bool {
        match self {
            Self::Ourselves => true,
            Self::Other { .. } => {
                let mut command = self.command("/bin/sh");
                command.args(["-c", "cd -- \"$1\"", "sh"]).arg(dir);
                run(&mut command, SMALL_PROGRAM_LIMIT).is_ok()
            }
        }
    }
}

/// Whether this process has root's rights.
pub(crate) fn we_are_root() -> Result<bool, PostgresError> {
    let uid = run(Command::new("id").arg("-u"), SMALL_PROGRAM_LIMIT)?;
    Ok(uid.trim() == "0")
}

/// User and group of a name in the text of `/etc/passwd`.
fn look_up(passwd: &str, name: &str) -> Option<(u32, u32)> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let found = fields.next()? == name;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        found.then_some((uid, gid))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_looked_up_by_their_exact_name() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\n\nnobody2:x:7:8::/:\nnobody:x:65534:65533:nobody:/:\n";
        assert_eq!(look_up(passwd, "nobody"), Some((65534, 65533)));
        assert_eq!(look_up(passwd, "postgres"), None);
    }

    #[test]
    fn variables_of_postgres_tools_are_taken_away() {
        let command = Account::Ourselves.command("true");
        assert!(command.get_envs().all(|(name, value)| name.as_encoded_bytes().starts_with(b"PG") && value.is_none()));
    }
}
