//! The handset's page in a browser: `crates/apps/sandbox/browser/handset.mjs` plays it on a sandbox of its own, at a
//! desk's size and at a phone's, and takes pictures.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    Result,
    sandbox::{Sandbox, succeed},
};

const SOURCE: &str = "crates/apps/sandbox/browser";
const SCRIPT: &str = "handset.mjs";
const LOCK_FILE: &str = "package-lock.json";
/// All that is copied to where it runs, so that nothing is installed among the sources.
const FILES: [&str; 4] = [SCRIPT, "package.json", LOCK_FILE, ".npmrc"];
/// As `package.json` asks.
const NODE_MAJOR_MIN: u32 = 20;
/// Where a Chromium is, by name in the PATH.
const BROWSERS: [&str; 4] = ["/usr/bin/chromium", "chromium", "chromium-browser", "google-chrome"];

/// Plays the page, with pictures in `.data/handset`.
pub(crate) fn run(root: &Path) -> Result<()> {
    check_node()?;
    let browser = browser()?;
    let folder = root.join("target").join("handset");
    fs::create_dir_all(&folder)?;
    install(root, &folder)?;
    let pictures = root.join(".data").join("handset");
    forget(&pictures)?;
    fs::create_dir_all(&pictures)?;
    forget(&folder.join(".data"))?;
    let sandbox = Sandbox::start(root, &folder)?;
    succeed(
        Command::new("node")
            .arg(SCRIPT)
            .current_dir(&folder)
            .env("HANDSET_URL", &sandbox.handset_url)
            .env("SANDBOX_PID", sandbox.id().to_string())
            .env("CHROMIUM", browser)
            .env("SCREENSHOTS", &pictures),
    )
}

fn check_node() -> Result<()> {
    let version = printed(Command::new("node").arg("--version")).filter(|_| runs("npm"));
    let major = version.as_deref().and_then(|version| version.strip_prefix('v')?.split('.').next()?.parse().ok());
    if major.is_some_and(|major: u32| major >= NODE_MAJOR_MIN) {
        return Ok(());
    }
    Err(format!("node {NODE_MAJOR_MIN} or newer with npm is needed: install it (Debian: apt-get install nodejs npm)")
        .into())
}

#[expect(clippy::disallowed_methods, reason = "which browser is for whoever runs the command to say")]
fn browser() -> Result<PathBuf> {
    if let Some(given) = std::env::var_os("CHROMIUM") {
        return Ok(given.into());
    }
    let found = BROWSERS.into_iter().find(|name| runs(name));
    // The page is opened by another program, which looks for nothing in the PATH.
    let path = found.and_then(|name| printed(Command::new("which").arg(name)));
    path.map(PathBuf::from).ok_or_else(|| {
        "a Chromium is needed: install it (Debian: apt-get install chromium), or say in CHROMIUM where one is".into()
    })
}

/// The browser's remote control, as the lock file names it.
fn install(root: &Path, folder: &Path) -> Result<()> {
    let installed = folder.join("node_modules").join(LOCK_FILE);
    let is_current = fs::read(root.join(SOURCE).join(LOCK_FILE))? == fs::read(&installed).unwrap_or_default();
    for file in FILES {
        fs::copy(root.join(SOURCE).join(file), folder.join(file))?;
    }
    if !is_current {
        succeed(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(folder))?;
        fs::copy(folder.join(LOCK_FILE), installed)?;
    }
    Ok(())
}

/// Removes a folder of an earlier run.
fn forget(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| format!("cannot remove {}: {error}", folder.display()))?;
    }
    Ok(())
}

fn runs(program: &str) -> bool {
    printed(Command::new(program).arg("--version")).is_some()
}

/// What a program prints, where it is there and succeeds.
fn printed(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
