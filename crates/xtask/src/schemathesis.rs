//! The API against its own document: `schemathesis` (PyPI) makes requests of it, good ones and bad ones, and says where
//! the server answers otherwise than the document does.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Result,
    sandbox::{Sandbox, succeed},
};

/// Another version finds other things; this one is known to find nothing.
const PACKAGE: &str = "schemathesis==4.32.5";
/// Longer than a run takes.
const TOKEN_MINUTES: &str = "240";

/// Starts a sandbox of its own below `target/`, and drives the API under `/v1` with so many made requests per
/// operation and phase.
pub(crate) fn run(root: &Path, examples: u32, role: &str) -> Result<()> {
    let folder = root.join("target").join("schemathesis");
    fs::create_dir_all(&folder)?;
    let program = install(&folder)?;
    let sandbox = Sandbox::start(root, &folder)?;
    let token = sandbox.token(role, TOKEN_MINUTES)?;
    let status = Command::new(program)
        .current_dir(&folder)
        .args(["run", &format!("{}/openapi.json", sandbox.server_url)])
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
