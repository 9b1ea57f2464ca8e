use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::binaries::Binaries;
use crate::command::{run, tail};
use crate::home::{Home, PORT};
use crate::wait::wait_until;
use crate::{PostgresError, Settings};

/// The role that owns the cluster.
pub(crate) const SUPERUSER: &str = "postgres";
/// `initdb` takes half a second; a slow disk may take longer to flush what it wrote.
const INITDB_LIMIT: Duration = Duration::from_mins(2);
/// A start takes 50 ms, or as long as the recovery from a crash takes.
const START_LIMIT: Duration = Duration::from_mins(1);
/// A stop writes a checkpoint.
const STOP_LIMIT: Duration = Duration::from_mins(1);
/// A server that answers at all answers a new connection in a millisecond.
const PROBE_LIMIT: Duration = Duration::from_secs(2);
/// Beyond this size the log is set aside before a start, and the one set aside before is dropped.
const LOG_LIMIT_BYTES: u64 = 10_000_000;

/// How a server is told to stop.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stop {
    /// Ends the sessions, writes everything, leaves.
    Fast,
    /// Leaves at once, as in a crash; the next start recovers.
    Immediate,
}

/// Sees to it that the server runs, and says whether it had to be started. Called with the gate held.
pub(crate) fn ensure_running(home: &Home, binaries: &Binaries, settings: &Settings) -> Result<bool, PostgresError> {
    let outcome = wait_until(START_LIMIT, || {
        if answers(home) {
            return Some(Found::Running);
        }
        let pid = pid_file_line(home, 0).and_then(|line| line.parse().ok());
        match pid {
            // On its way up or down: it answers soon, or its pid file goes.
            Some(pid) if is_our_postmaster(pid, home) => None,
            _ => Some(Found::Stopped),
        }
    });
    match outcome {
        Some(Found::Running) => return Ok(false),
        Some(Found::Stopped) => {}
        None => {
            let waiting_for = format!("the Postgres that holds {} to answer or to end", home.cluster().display());
            return Err(PostgresError::TimedOut { waiting_for, limit: START_LIMIT });
        }
    }
    make_cluster(home, binaries, settings)?;
    disarm_stale_pid_file(home)?;
    write_settings(home, settings)?;
    spawn(home, binaries)?;
    Ok(true)
}

enum Found {
    Running,
    Stopped,
}

/// Stops the server and waits until it is gone; no server is no error. Called with the gate held.
pub(crate) fn stop(home: &Home, binaries: &Binaries, how: Stop) -> Result<(), PostgresError> {
    let mode = match how {
        Stop::Fast => "fast",
        Stop::Immediate => "immediate",
    };
    let pid = pid_file_line(home, 0).and_then(|line| line.parse().ok());
    if !pid.is_some_and(|pid| is_our_postmaster(pid, home)) {
        return Ok(());
    }
    let mut command = home.account.command(binaries.program("pg_ctl"));
    command.args(["stop", "-s", "-W", "-m", mode, "-D"]).arg(home.cluster());
    let asked = run(&mut command, STOP_LIMIT);
    // pg_ctl waits in steps of 100 ms; the disappearance of the pid file is the same sign, seen sooner.
    let pid_file = home.cluster().join("postmaster.pid");
    let limit = if asked.is_ok() { STOP_LIMIT } else { Duration::ZERO };
    match (wait_until(limit, || (!pid_file.exists()).then_some(())), asked) {
        (Some(()), _) => Ok(()),
        (None, Err(error)) => Err(error),
        (None, Ok(_)) => Err(PostgresError::TimedOut { waiting_for: "Postgres to stop".to_owned(), limit }),
    }
}

/// Makes the cluster when there is none. It is made under another name and renamed when whole, so that a process killed
/// in the middle leaves nothing that looks like a cluster.
fn make_cluster(home: &Home, binaries: &Binaries, settings: &Settings) -> Result<(), PostgresError> {
    let cluster = home.cluster();
    let made_by = fs::read_to_string(cluster.join("PG_VERSION")).map(|version| version.trim().to_owned());
    match made_by {
        Ok(made_by) if made_by == binaries.major().to_string() => return Ok(()),
        Ok(made_by) if settings.durable => {
            return Err(PostgresError::OtherVersion { data_dir: cluster, made_by, binaries: binaries.major() });
        }
        // Somebody's data, damaged or out of reach: not ours to remove.
        Err(_) if settings.durable && cluster.exists() => {
            let reason = "is no cluster of Postgres: its file PG_VERSION cannot be read".to_owned();
            return Err(PostgresError::UnsafeDirectory { path: cluster, reason });
        }
        Ok(_) | Err(_) => {}
    }
    if cluster.exists() {
        fs::remove_dir_all(&cluster).map_err(PostgresError::io("remove", &cluster))?;
    }
    remove_half_made(home);

    // A name of its own: an `initdb` that outlived its killed parent may still be writing under the old one.
    let partial = home.root.join(format!("cluster.partial-{}", std::process::id()));
    let mut command = home.account.command(binaries.program("initdb"));
    command.args(["--auth=trust", "--encoding=UTF8", "--no-instructions", "-U", SUPERUSER, "-D"]).arg(&partial);
    command.args(locale(binaries.major()));
    if !settings.durable {
        command.arg("--no-sync");
    }
    run(&mut command, INITDB_LIMIT)?;

    let main = partial.join("postgresql.conf");
    let mut file = home.open(&main)?;
    file.write_all(b"\ninclude = 'private.conf'\n").map_err(PostgresError::io("write", &main))?;
    fs::rename(&partial, &cluster).map_err(PostgresError::io("rename", &partial))?;
    if settings.durable {
        for path in [&cluster.join("postgresql.conf"), &cluster, &home.root] {
            File::open(path).and_then(|file| file.sync_all()).map_err(PostgresError::io("flush", path))?;
        }
    }
    Ok(())
}

fn remove_half_made(home: &Home) {
    let Ok(entries) = fs::read_dir(&home.root) else { return };
    for entry in entries.flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(b"cluster.partial-") {
            // In nobody's way; the next start tries again.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Bytewise order and UTF-8 everywhere, whatever the machine's own locale: Postgres brings that locale itself from
/// version 17 on; before, it is the operating system's, which only Linux has for certain.
fn locale(major: u32) -> &'static [&'static str] {
    if major >= 17 {
        &["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    } else if cfg!(target_os = "linux") {
        &["--locale=C.UTF-8"]
    } else {
        &["--locale=C"]
    }
}

/// Writes the settings of this start, whole or not at all.
fn write_settings(home: &Home, settings: &Settings) -> Result<(), PostgresError> {
    let path = home.cluster().join("private.conf");
    let new = home.cluster().join("private.conf.new");
    let text = settings_text(&home.socket_dir, settings);
    fs::write(&new, text).map_err(PostgresError::io("write", &new))?;
    home.account.own(&new)?;
    fs::rename(&new, &path).map_err(PostgresError::io("rename", &new))
}

fn settings_text(socket_dir: &Path, settings: &Settings) -> String {
    let socket_dir = quote(socket_dir);
    let max_connections = settings.max_connections;
    let mut text = format!(
        "# Written at every start; use ALTER SYSTEM for changes of your own.
listen_addresses = ''
port = {PORT}
unix_socket_directories = {socket_dir}
unix_socket_permissions = 0700
max_connections = {max_connections}
shared_buffers = 128MB
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
# Without the detail lines, which quote the values of rows.
log_error_verbosity = terse
log_checkpoints = off
"
    );
    if !settings.durable {
        text.push_str(
            "# Nothing here has to outlive a crash of the machine. A crash of Postgres alone loses nothing that was committed,
# which fault tests rely on: what it wrote is with the operating system.
fsync = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
max_wal_size = 4GB
checkpoint_timeout = 30min
# Its workers would hold a template database just when it is copied.
autovacuum = off
",
        );
    }
    text
}

/// A string of postgresql.conf; the separator of its list of directories is quoted once more.
fn quote(path: &Path) -> String {
    let path = path.to_string_lossy().replace('"', "\"\"");
    format!("'{}'", format!("\"{path}\"").replace('\\', "\\\\").replace('\'', "''"))
}

fn spawn(home: &Home, binaries: &Binaries) -> Result<(), PostgresError> {
    let log_path = home.log();
    let log_bytes = fs::metadata(&log_path).map_or(0, |metadata| metadata.len());
    if log_bytes > LOG_LIMIT_BYTES {
        let aside = home.root.join("postgres.log.1");
        fs::rename(&log_path, &aside).map_err(PostgresError::io("rename", &log_path))?;
    }
    let log = home.open(&log_path)?;
    let log_before_bytes = log.metadata().map_or(0, |metadata| metadata.len());
    let log_again = log.try_clone().map_err(PostgresError::io("open", &log_path))?;
    let program = binaries.program("postgres");
    let mut child = home
        .account
        .command(&program)
        .arg("-D")
        .arg(home.cluster())
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(log_again)
        .spawn()
        .map_err(PostgresError::io("run", &program))?;

    let pid = child.id().to_string();
    let started = wait_until(START_LIMIT, || {
        if let Some(exit) = child.try_wait().transpose() {
            return Some(Err(exit));
        }
        // The server says "ready" in its pid file as soon as it takes connections.
        let is_ours = pid_file_line(home, 0).is_some_and(|line| line == pid);
        let is_ready = pid_file_line(home, 7).is_some_and(|line| line == "ready");
        (is_ours && is_ready).then_some(Ok(()))
    });
    match started {
        Some(Ok(())) => {
            // Collects the exit status: a dead server that nobody waited for would still look alive.
            std::thread::spawn(move || child.wait());
            Ok(())
        }
        Some(Err(_)) => {
            let log = fs::read(&log_path).unwrap_or_default();
            let from = usize::try_from(log_before_bytes).map_or(0, |bytes| bytes.min(log.len()));
            Err(PostgresError::StartFailed { log: log_path, output: tail(&String::from_utf8_lossy(&log[from..])) })
        }
        None => {
            let _ = child.kill();
            let _ = child.wait();
            Err(PostgresError::TimedOut { waiting_for: "Postgres to be ready".to_owned(), limit: START_LIMIT })
        }
    }
}

/// Whether a session can be opened. `postgres` answers a start-up message with `R` (authentication) or `E` (an error,
/// such as "the database system is starting up"): <https://www.postgresql.org/docs/current/protocol-flow.html>.
fn answers(home: &Home) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = UnixStream::connect(home.socket())?;
        stream.set_read_timeout(Some(PROBE_LIMIT))?;
        stream.set_write_timeout(Some(PROBE_LIMIT))?;
        // Protocol 3.0, then pairs of name and value, then a closing zero.
        let mut body = 196_608_u32.to_be_bytes().to_vec();
        for word in ["user", SUPERUSER, "database", "postgres", "application_name", "nmc-postgres", ""] {
            body.extend_from_slice(word.as_bytes());
            body.push(0);
        }
        let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
        stream.write_all(&length.to_be_bytes())?;
        stream.write_all(&body)?;
        let mut kind = [0];
        stream.read_exact(&mut kind)?;
        // The farewell may be refused: the answer is known.
        let _ = stream.write_all(b"X\0\0\0\x04");
        Ok(kind == *b"R")
    };
    ask().unwrap_or(false)
}

/// A line of the pid file: process, directory, start, port, socket directory, address, shared memory, state.
fn pid_file_line(home: &Home, number: usize) -> Option<String> {
    let text = fs::read_to_string(home.cluster().join("postmaster.pid")).ok()?;
    text.lines().nth(number).map(|line| line.trim().to_owned())
}

/// Whether a process is the server of this cluster: the number in a pid file left by a crash may be another's by now.
fn is_our_postmaster(pid: u32, home: &Home) -> bool {
    let proc = PathBuf::from("/proc");
    if proc.join("self").exists() {
        // The server works in its data directory; the link of a dead process leads nowhere.
        return fs::read_link(proc.join(pid.to_string()).join("cwd")).is_ok_and(|dir| dir == home.cluster());
    }
    let mut command = Command::new("ps");
    command.args(["-o", "command=", "-p", &pid.to_string()]);
    run(&mut command, PROBE_LIMIT).is_ok_and(|line| line.contains("postgres"))
}

/// Lets a start get past a pid file whose number now belongs to a stranger: Postgres would take the stranger for the
/// server and refuse. It does skip its own parent's number, so ours goes in. The other lines stay, because by the one
/// about shared memory it notices sessions that outlived a killed server.
fn disarm_stale_pid_file(home: &Home) -> Result<(), PostgresError> {
    let path = home.cluster().join("postmaster.pid");
    let Ok(text) = fs::read_to_string(&path) else { return Ok(()) };
    match text.split_once('\n') {
        Some((_, rest)) => fs::write(&path, format!("{}\n{rest}", std::process::id())),
        // Cut short by a crash; an empty one is refused.
        None => fs::remove_file(&path),
    }
    .map_err(PostgresError::io("write", &path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_directory_of_any_name_is_one_setting() {
        assert_eq!(quote(Path::new("/tmp/it's, a \"dir\"")), r#"'"/tmp/it''s, a ""dir"""'"#);
    }

    #[test]
    fn only_a_throwaway_cluster_gives_up_durability() {
        let mut settings = Settings::new("/tmp/x");
        assert!(!settings_text(Path::new("/tmp/x"), &settings).contains("fsync"));
        settings.durable = false;
        assert!(settings_text(Path::new("/tmp/x"), &settings).contains("fsync = off"));
    }
}
