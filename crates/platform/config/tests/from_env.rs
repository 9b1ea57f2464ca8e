//! The environment and the file below it, in a child process: a process's own environment is shared by its tests.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]
#![allow(clippy::disallowed_methods, reason = "the environment is how the test talks to its child")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use nmc_config::Config;

const CHILD: &str = "NMC_CONFIG_TEST_CHILD";

/// Prints what it reads; without the variable it is not the child.
#[test]
fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    match Config::from_env() {
        Ok(config) => println!("batch={} concurrency={}", config.outbox.batch_size, config.outbox.concurrency),
        Err(error) => println!("error={error}"),
    }
}

/// A directory of the test's own, with a settings file of this name and content.
fn settings(directory: &str, name: &str, content: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(directory);
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join(name), content).unwrap();
    directory
}

fn run_child(directory: &Path, environment: &[(&str, &str)]) -> String {
    let Output { stdout, .. } = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env_clear()
        .env(CHILD, "1")
        .envs(environment.iter().copied())
        .current_dir(directory)
        .output()
        .unwrap();
    String::from_utf8(stdout).unwrap()
}

#[test]
fn the_environment_wins_over_the_file_of_the_working_directory() {
    let content = format!("{}\nOUTBOX_BATCH_SIZE=7\nexport OUTBOX_CONCURRENCY='3'\n", nmc_config::env_example());
    let directory = settings("working-directory", ".env", &content);
    assert!(run_child(&directory, &[]).contains("batch=7 concurrency=3"));
    assert!(run_child(&directory, &[("OUTBOX_BATCH_SIZE", "9")]).contains("batch=9 concurrency=3"));
    // An empty variable sets nothing, but hides what the file says.
    assert!(run_child(&directory, &[("OUTBOX_BATCH_SIZE", "")]).contains("batch=100 concurrency=3"));
}

#[test]
fn the_named_file_is_read_in_place_of_the_other() {
    let directory = settings("named-file", ".env", "OUTBOX_BATCH_SIZE=7\n");
    settings("named-file", "other", &format!("{}\nOUTBOX_BATCH_SIZE=8\n", nmc_config::env_example()));
    assert!(run_child(&directory, &[("NMC_ENV_FILE", "other")]).contains("batch=8"));
    let missing = run_child(&directory, &[("NMC_ENV_FILE", "missing")]);
    assert!(missing.contains("error=the settings file missing: does not exist"), "{missing}");
}

#[test]
fn a_file_that_is_none_is_refused_without_showing_it() {
    let directory = settings("nonsense", ".env", "OUTBOX_BATCH_SIZE=7\nhunter2\n");
    let refused = run_child(&directory, &[]);
    assert!(refused.contains("line 2 is not KEY=value") && !refused.contains("hunter2"), "{refused}");
}

#[cfg(unix)]
#[test]
fn a_value_that_is_not_unicode_is_refused() {
    use std::os::unix::ffi::OsStrExt as _;

    let directory = settings("not-unicode", ".env", &nmc_config::env_example());
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env_clear()
        .env(CHILD, "1")
        .env("TWILIO_AUTH_TOKEN", std::ffi::OsStr::from_bytes(b"0123456789\xff"))
        .current_dir(directory)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("TWILIO_AUTH_TOKEN has a wrong value"), "{text}");
}
