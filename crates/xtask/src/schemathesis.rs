//! The API against its own document: `schemathesis` (PyPI) makes requests of it, good ones and bad ones, and says where
//! the server answers otherwise than the document does.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::Result;

/// Another version finds other things; this one is known to find nothing.
const PACKAGE: &str = "schemathesis==4.32.5";
/// How the sandbox says where its server is.
const SERVER_LINE: &str = "server ";
/// Longer than a run takes.
const TOKEN_MINUTES: &str = "240";

/// Starts a sandbox of its own below `target/`, and drives the API under `/v1` with so many made requests per
/// operation and phase.
pub(crate) fn run(root: &Path, examples: u32, role: &str) -> Result<()> {
    let folder = root.join("target").join("schemathesis");
    fs::create_dir_all(&folder)?;
    let program = install(&folder)?;
    let sandbox = Sandbox::start(root, &folder)?;
    let token = sandbox.token(role)?;
    let status = Command::new(program)
        .current_dir(&folder)
        .args(["run", &format!("{}/openapi.json", sandbox.base_url)])
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .args(["--include-path-regex", "^/v1/"])
        // Its answer has no end.
        .args(["--exclude-path", "/v1/stream"])
        .args(["--max-examples", &examples.to_string()])
        .args(["--phases", "examples,coverage,fuzzing", "--checks", "all"])
        // A value can be of the right form and still not be possible: a day that has passed, a number of nobody.
        .args(["--exclude-checks", "positive_data_acceptance"])
        .args(["--seed", "1", "--workers", "2", "--request-timeout", "20", "--no-color"])
        .status()?;
    if status.success() { Ok(()) } else { Err(format!("schemathesis: {status}").into()) }
}

/// The program, in an environment of its own.
fn install(folder: &Path) -> Result<PathBuf> {
    let environment = folder.join("venv");
    let installed = environment.join(PACKAGE);
    if !installed.exists() {
        succeed(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
        succeed(Command::new(environment.join("bin/pip")).args(["install", "--quiet", PACKAGE]))?;
        fs::write(installed, "")?;
    }
    Ok(environment.join("bin/schemathesis"))
}

fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    if status.success() { Ok(()) } else { Err(format!("{}: {status}", command.get_program().display()).into()) }
}

/// A running sandbox with data of its own; stopped when dropped.
struct Sandbox<'a> {
    root: &'a Path,
    folder: &'a Path,
    program: Child,
    base_url: String,
}

impl<'a> Sandbox<'a> {
    fn start(root: &'a Path, folder: &'a Path) -> Result<Self> {
        let mut program = cargo_run(root, folder).stdout(Stdio::piped()).spawn()?;
        let mut lines = BufReader::new(program.stdout.take().ok_or("the sandbox has no output")?).lines();
        let base_url = lines.find_map(|line| {
            let rest = line.ok()?.trim().strip_prefix(SERVER_LINE)?.to_owned();
            rest.split_whitespace().next().map(str::to_owned)
        });
        // Whatever else it says has to go somewhere.
        std::thread::spawn(move || lines.for_each(drop));
        let mut sandbox = Self { root, folder, program, base_url: String::new() };
        sandbox.base_url = base_url.ok_or("the sandbox did not start")?;
        Ok(sandbox)
    }

    fn token(&self, role: &str) -> Result<String> {
        let arguments = ["--", "token", "--role", role, "--minutes", TOKEN_MINUTES];
        let printed = cargo_run(self.root, self.folder).args(arguments).output()?;
        let token = String::from_utf8(printed.stdout)?.trim().to_owned();
        if token.is_empty() { Err("the sandbox gave no token".into()) } else { Ok(token) }
    }
}

impl Drop for Sandbox<'_> {
    fn drop(&mut self) {
        // Asked to stop, it stops what it has started; there is nobody to tell where that fails.
        let _ = Command::new("kill").arg(self.program.id().to_string()).status();
        let _ = self.program.wait();
    }
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
