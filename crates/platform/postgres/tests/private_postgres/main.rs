//! A real server, its users in several processes, and what is left when they are killed.

mod session;

use std::env;
use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use nmc_postgres::{Binaries, PostgresError, PrivatePostgres, Settings, wait_until};

type TestResult = Result<(), Box<dyn Error>>;

/// A stop writes a checkpoint; a machine busy with a build takes its time.
const GONE_LIMIT: Duration = Duration::from_mins(1);
/// Names the data directory to a second process of this test program, see `a_second_process`.
const HOLDER_VARIABLE: &str = "NMC_TEST_HOLDER_DIR";

/// A data directory of one test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let dir = env::temp_dir().join(format!("nmc-pg-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        Self(dir)
    }

    fn settings(&self) -> Settings {
        Settings { durable: false, max_connections: 20, ..Settings::new(&self.0) }
    }

    fn start(&self) -> Result<PrivatePostgres, PostgresError> {
        PrivatePostgres::start(&Binaries::find()?, &self.settings(), &|_| {})
    }

    fn pid_file(&self) -> PathBuf {
        self.0.join("cluster/postmaster.pid")
    }

    fn wait_until_stopped(&self) -> TestResult {
        wait_until(GONE_LIMIT, || (!self.pid_file().exists()).then_some(())).ok_or("the server is still there")?;
        Ok(())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // The watchdog may still be writing.
        wait_until(GONE_LIMIT, || (!self.pid_file().exists()).then_some(()));
        wait_until(Duration::from_secs(5), || fs::remove_dir_all(&self.0).is_ok().then_some(()));
    }
}

/// Asks as the superuser.
fn ask(server: &PrivatePostgres, sql: &str) -> Result<String, Box<dyn Error>> {
    session::ask(server, "postgres", sql)
}

/// A second process that holds the server of a data directory until its standard input ends, or until it is killed.
struct Holder {
    child: Child,
    stdin: Option<ChildStdin>,
    /// Kept open: the second process goes on printing.
    _stdout: BufReader<ChildStdout>,
    /// Whether it had to start the server.
    was_first: bool,
}

impl Holder {
    fn new(dir: &Path) -> Result<Self, Box<dyn Error>> {
        let mut child = Command::new(env::current_exe()?)
            .args(["--exact", "a_second_process", "--nocapture", "--test-threads=1"])
            .env(HOLDER_VARIABLE, dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdin = child.stdin.take();
        let mut stdout = BufReader::new(child.stdout.take().ok_or("no output")?);
        let mut line = String::new();
        while stdout.read_line(&mut line)? > 0 {
            // The name of the test precedes it on the line.
            if let Some((_, was_first)) = line.split_once("holding ") {
                let was_first = was_first.trim() == "true";
                return Ok(Self { child, stdin, _stdout: stdout, was_first });
            }
            line.clear();
        }
        Err("the second process ended".into())
    }

    fn kill(mut self) -> TestResult {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    fn finish(mut self) -> TestResult {
        drop(self.stdin.take());
        if self.child.wait()?.success() { Ok(()) } else { Err("the second process failed".into()) }
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "one process of this test tells the other what to do")]
fn a_second_process() -> TestResult {
    let Some(dir) = env::var_os(HOLDER_VARIABLE) else { return Ok(()) };
    let settings = Settings { durable: false, max_connections: 20, ..Settings::new(dir) };
    let server = PrivatePostgres::start(&Binaries::find()?, &settings, &|_| {})?;
    writeln!(std::io::stdout(), "holding {}", server.was_started_here())?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    server.stop()?;
    Ok(())
}

#[test]
fn the_first_start_makes_a_cluster_and_the_next_one_keeps_it() -> TestResult {
    let scratch = Scratch::new("warm");
    let began = Instant::now();
    let server = scratch.start()?;
    let cold = began.elapsed();
    assert!(server.was_started_here());
    assert_eq!(ask(&server, "show timezone")?, "UTC");
    assert_eq!(ask(&server, "show server_encoding")?, "UTF8");
    assert_eq!(ask(&server, "show listen_addresses")?, "");
    assert_eq!(ask(&server, "show fsync")?, "off");
    assert_eq!(ask(&server, "show max_connections")?, "20");
    ask(&server, "create extension btree_gist; create extension pg_trgm; create extension pgcrypto")?;
    ask(&server, "create table kept (n int); insert into kept values (7)")?;
    server.stop()?;
    assert!(!scratch.pid_file().exists(), "stop waits until the server is gone");

    let began = Instant::now();
    let server = scratch.start()?;
    let warm = began.elapsed();
    assert_eq!(ask(&server, "select n from kept")?, "7");
    // Generous, for a machine busy with other things; usual are 0.7 s and 60 ms.
    assert!(cold < Duration::from_secs(20) && warm < Duration::from_secs(5), "cold {cold:?}, warm {warm:?}");
    writeln!(std::io::stderr(), "cold {cold:?}, warm {warm:?}")?;
    Ok(())
}

#[test]
fn a_durable_server_keeps_its_promises_to_the_disk() -> TestResult {
    let scratch = Scratch::new("durable");
    let settings = Settings { durable: true, ..scratch.settings() };
    let server = PrivatePostgres::start(&Binaries::find()?, &settings, &|_| {})?;
    for setting in ["fsync", "full_page_writes", "synchronous_commit"] {
        assert_eq!(ask(&server, &format!("show {setting}"))?, "on", "{setting}");
    }
    Ok(())
}

#[test]
fn a_role_needs_no_password_and_is_named_by_its_url() -> TestResult {
    let scratch = Scratch::new("url");
    let server = scratch.start()?;
    ask(&server, "create role \"the app\" login")?;
    assert_eq!(session::ask(&server, "the app", "select current_user")?, "the app");
    let socket_dir = server.socket_dir().display().to_string().replace('/', "%2F");
    let expected = format!("postgres://the%20app@{socket_dir}:5432/a%20b?sslmode=disable");
    assert_eq!(server.url("the app", "a b"), expected);
    Ok(())
}

#[test]
fn processes_share_one_server_and_the_last_one_stops_it() -> TestResult {
    let scratch = Scratch::new("shared");
    // Both at once, on a directory that does not exist yet.
    let (first, second) = std::thread::scope(|scope| {
        let other = scope.spawn(|| Holder::new(&scratch.0).map_err(|error| error.to_string()));
        (Holder::new(&scratch.0).map_err(|error| error.to_string()), other.join())
    });
    let (first, second) = (first?, second.map_err(|_| "panicked")??);
    assert!(first.was_first != second.was_first, "exactly one starts the server");

    first.finish()?;
    let server = scratch.start()?;
    assert!(!server.was_started_here(), "the second process still holds it");
    second.finish()?;
    assert_eq!(ask(&server, "select 1")?, "1");
    server.stop()?;
    assert!(!scratch.pid_file().exists());
    Ok(())
}

#[test]
fn killed_users_leave_no_server_behind() -> TestResult {
    let scratch = Scratch::new("killed");
    let (first, second) = (Holder::new(&scratch.0)?, Holder::new(&scratch.0)?);
    first.kill()?;
    let server = scratch.start()?;
    assert!(!server.was_started_here(), "the second user still holds the server");
    assert_eq!(ask(&server, "select 1")?, "1");
    drop(server);
    second.kill()?;
    scratch.wait_until_stopped()
}

#[test]
fn a_user_that_arrives_while_the_server_is_being_stopped_gets_a_server() -> TestResult {
    let scratch = Scratch::new("race");
    for _ in 0..10 {
        // Dropping leaves the stop to the watchdog, which the next start then meets at any point of its work.
        let server = scratch.start()?;
        assert_eq!(ask(&server, "select 1")?, "1");
    }
    scratch.wait_until_stopped()
}

#[test]
fn a_crashed_server_starts_again() -> TestResult {
    let scratch = Scratch::new("crash");
    let server = scratch.start()?;
    ask(&server, "create table kept (n int); insert into kept values (7)")?;
    server.stop_immediately()?;
    assert!(ask(&server, "select 1").is_err());
    server.start_again()?;
    assert_eq!(ask(&server, "select n from kept")?, "7");
    server.start_again()?;
    drop(server);
    scratch.wait_until_stopped()
}

#[test]
fn a_pid_file_left_by_a_crash_does_not_hinder_the_start() -> TestResult {
    let scratch = Scratch::new("stale");
    scratch.start()?.stop()?;
    // Stands for the stranger that got the number of the dead server.
    let mut stranger = Command::new("sleep").arg("600").spawn()?;
    let pid = stranger.id();
    let cluster = scratch.0.join("cluster");
    for text in [format!("{pid}\n{}\n1700000000\n5432\n/tmp\n\n\n", cluster.display()), pid.to_string(), String::new()]
    {
        fs::write(scratch.pid_file(), text)?;
        let server = scratch.start()?;
        assert_eq!(ask(&server, "select 1")?, "1");
        server.stop()?;
    }
    stranger.kill()?;
    stranger.wait()?;
    Ok(())
}

#[test]
fn a_half_made_cluster_is_made_anew_and_a_damaged_one_is_not_removed() -> TestResult {
    let scratch = Scratch::new("half");
    scratch.start()?.stop()?;
    let (cluster, partial) = (scratch.0.join("cluster"), scratch.0.join("cluster.partial-1"));
    // What a killed start leaves.
    fs::rename(&cluster, &partial)?;
    let durable = Settings { durable: true, ..scratch.settings() };
    let server = PrivatePostgres::start(&Binaries::find()?, &durable, &|_| {})?;
    assert_eq!(ask(&server, "select 1")?, "1");
    assert!(!partial.exists());
    server.stop()?;

    fs::remove_file(cluster.join("PG_VERSION"))?;
    let refused = PrivatePostgres::start(&Binaries::find()?, &durable, &|_| {});
    assert!(matches!(refused, Err(PostgresError::UnsafeDirectory { .. })), "{refused:?}");
    let server = scratch.start()?;
    assert_eq!(ask(&server, "select 1")?, "1");
    Ok(())
}

#[test]
fn a_long_data_directory_gets_its_socket_elsewhere() -> TestResult {
    let scratch = Scratch::new("long");
    let settings = Settings { data_dir: scratch.0.join("x".repeat(90)), ..scratch.settings() };
    let server = PrivatePostgres::start(&Binaries::find()?, &settings, &|_| {})?;
    assert!(!server.socket_dir().starts_with(server.data_dir()));
    assert_eq!(ask(&server, "select 1")?, "1");
    let socket_dir = server.socket_dir().to_owned();
    server.stop()?;
    fs::remove_dir(socket_dir)?;
    Ok(())
}

#[test]
fn a_socket_path_that_is_too_long_is_named() -> TestResult {
    let scratch = Scratch::new("socket");
    let socket_dir = Some(scratch.0.join("y".repeat(100)));
    let settings = Settings { socket_dir, ..scratch.settings() };
    let refused = PrivatePostgres::start(&Binaries::find()?, &settings, &|_| {});
    let error = refused.err().ok_or("it started")?;
    assert!(matches!(error, PostgresError::SocketPathTooLong { .. }), "{error}");
    assert!(error.to_string().contains("choose a shorter socket directory"), "{error}");
    Ok(())
}

#[test]
fn a_directory_that_holds_something_else_is_left_alone() -> TestResult {
    let scratch = Scratch::new("foreign");
    fs::create_dir_all(&scratch.0)?;
    fs::write(scratch.0.join("letter.txt"), "dear")?;
    let error = scratch.start().err().ok_or("it started")?;
    assert!(matches!(error, PostgresError::UnsafeDirectory { .. }), "{error}");
    Ok(())
}

#[test]
fn a_server_that_does_not_start_shows_its_log() -> TestResult {
    let scratch = Scratch::new("broken");
    scratch.start()?.stop()?;
    fs::write(scratch.0.join("cluster/postgresql.auto.conf"), "no_such_setting = 1\n")?;
    let error = scratch.start().err().ok_or("it started")?;
    assert!(error.to_string().contains("no_such_setting"), "{error}");
    Ok(())
}

#[test]
fn a_cluster_of_another_version_is_kept_when_durable_and_made_anew_when_not() -> TestResult {
    let scratch = Scratch::new("version");
    scratch.start()?.stop()?;
    fs::write(scratch.0.join("cluster/PG_VERSION"), "9\n")?;
    let durable = Settings { durable: true, ..scratch.settings() };
    let refused = PrivatePostgres::start(&Binaries::find()?, &durable, &|_| {});
    assert!(matches!(refused, Err(PostgresError::OtherVersion { .. })), "{refused:?}");
    let server = scratch.start()?;
    assert_eq!(ask(&server, "select 1")?, "1");
    Ok(())
}
