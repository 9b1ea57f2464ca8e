//! A sandbox that a command starts for itself, with data of its own.

use std::{
    io::{BufRead as _, BufReader, Lines},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use crate::Result;

/// How the sandbox says where its page and its server are, in this order.
const HANDSET_LINE: &str = "handset ";
const SERVER_LINE: &str = "server ";

/// A running sandbox; stopped when dropped.
pub(crate) struct Sandbox<'a> {
    root: &'a Path,
    folder: &'a Path,
    program: Child,
    pub(crate) handset_url: String,
    pub(crate) server_url: String,
}

impl<'a> Sandbox<'a> {
    /// Starts one that keeps its data in `folder`.
    pub(crate) fn start(root: &'a Path, folder: &'a Path) -> Result<Self> {
        let mut program = cargo_run(root, folder).stdout(Stdio::piped()).spawn()?;
        let output = program.stdout.take().ok_or("the sandbox has no output")?;
        let mut sandbox = Self { root, folder, program, handset_url: String::new(), server_url: String::new() };
        let mut lines = BufReader::new(output).lines();
        sandbox.handset_url = address(&mut lines, HANDSET_LINE)?;
        sandbox.server_url = address(&mut lines, SERVER_LINE)?;
        // Whatever else it says has to go somewhere.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(sandbox)
    }

    /// The process in which the sandbox runs: cargo becomes it.
    pub(crate) fn id(&self) -> u32 {
        self.program.id()
    }

    /// A token for who has this role.
    pub(crate) fn token(&self, role: &str, minutes: &str) -> Result<String> {
        let arguments = ["--", "token", "--role", role, "--minutes", minutes];
        let printed = cargo_run(self.root, self.folder).args(arguments).output()?;
        let token = String::from_utf8(printed.stdout)?.trim().to_owned();
        if token.is_empty() { Err("the sandbox gave no token".into()) } else { Ok(token) }
    }
}

impl Drop for Sandbox<'_> {
    fn drop(&mut self) {
        // Asked to stop, it stops what it has started; there is nobody to tell where that fails. One that has ended
        // already is not asked: its number may be another's.
        if matches!(self.program.try_wait(), Ok(None)) {
            let _ = Command::new("kill").arg(self.program.id().to_string()).status();
        }
        let _ = self.program.wait();
    }
}

/// The address on the next line that begins so.
fn address(lines: &mut Lines<BufReader<ChildStdout>>, name: &str) -> Result<String> {
    let found = lines.find_map(|line| {
        let rest = line.ok()?.trim().strip_prefix(name)?.to_owned();
        rest.split_whitespace().next().map(str::to_owned)
    });
    found.ok_or_else(|| "the sandbox did not start".into())
}

/// The sandbox's program, working in `folder`.
fn cargo_run(root: &Path, folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["run", "--quiet", "--package", "nmc-sandbox", "--manifest-path"])
        .arg(root.join("Cargo.toml"))
        .current_dir(folder)
        .env_remove("DATABASE_URL")
        .stderr(Stdio::inherit());
    command
}

/// Runs a command to its end; an error names it.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    if status.success() { Ok(()) } else { Err(format!("{}: {status}", command.get_program().display()).into()) }
}
