//! One of the product's programs as a process of its own.

use std::{
    fs::OpenOptions,
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::process::{Child, ChildStdin, Command};

/// A program has 10 s for a graceful stop; this is a little more, and then it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(12);

/// A program could not be started or stopped.
#[derive(Debug, thiserror::Error)]
#[error("the {name} could not be {what}: {source}")]
pub struct ProgramError {
    name: &'static str,
    what: &'static str,
    source: io::Error,
}

/// The server or the dispatcher: how to start it, and the process where it runs.
///
/// Its standard input is a pipe of ours and it stops when that closes, so that it never outlives this process, however
/// this process ends. It is in a process group of its own: a Ctrl-C in the terminal is ours to pass on.
#[derive(Debug)]
pub struct Program {
    name: &'static str,
    executable: PathBuf,
    arguments: Vec<&'static str>,
    environment: Vec<(String, String)>,
    log: PathBuf,
    process: Option<Child>,
    /// Open as long as it is to run. Kept apart from the process, because waiting for that closes what it holds.
    input: Option<ChildStdin>,
}

impl Program {
    /// Not started yet. `executable` is a program that understands `arguments`; its output goes to `log`.
    pub fn new(
        name: &'static str,
        executable: &Path,
        arguments: &[&'static str],
        environment: Vec<(String, String)>,
        log: PathBuf,
    ) -> Self {
        Self {
            name,
            executable: executable.to_owned(),
            arguments: arguments.to_vec(),
            environment,
            log,
            process: None,
            input: None,
        }
    }

    /// Starts it.
    pub fn start(&mut self) -> Result<(), ProgramError> {
        let fail = |source| ProgramError { name: self.name, what: "started", source };
        let log = OpenOptions::new().create(true).append(true).open(&self.log).map_err(fail)?;
        let errors = log.try_clone().map_err(fail)?;
        let mut process = Command::new(&self.executable)
            .args(&self.arguments)
            // Nothing of the caller's environment decides how the product runs here.
            .env_clear()
            .envs(inherited())
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(log)
            .stderr(errors)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(fail)?;
        self.input = process.stdin.take();
        self.process = Some(process);
        Ok(())
    }

    /// Its name in messages.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The process's id, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().and_then(Child::id)
    }

    /// Waits until it ends by itself; for ever where it does not run.
    pub async fn ended(&mut self) {
        match &mut self.process {
            Some(process) => {
                // Whatever waiting says, the process is not ours any more afterwards.
                let _ = process.wait().await;
                self.process = None;
            }
            None => std::future::pending().await,
        }
    }

    /// Kills it with SIGKILL, as a crash would, and waits until it is gone.
    pub async fn kill(&mut self) -> Result<(), ProgramError> {
        if let Some(mut process) = self.process.take() {
            process.kill().await.map_err(|source| ProgramError { name: self.name, what: "killed", source })?;
        }
        Ok(())
    }

    /// Asks it to stop and waits; one that does not stop in time is killed.
    pub async fn stop(&mut self) -> Result<(), ProgramError> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        drop(self.input.take());
        match tokio::time::timeout(STOP_TIMEOUT, process.wait()).await {
            Ok(ended) => ended.map(|_| ()),
            Err(_) => process.kill().await,
        }
        .map_err(|source| ProgramError { name: self.name, what: "stopped", source })
    }
}

/// What a program needs of this process's environment beside its configuration.
#[expect(clippy::disallowed_methods, reason = "passed on, not read")]
fn inherited() -> impl Iterator<Item = (&'static str, std::ffi::OsString)> {
    ["PATH", "HOME", "RUST_BACKTRACE", "TZ"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)))
}
