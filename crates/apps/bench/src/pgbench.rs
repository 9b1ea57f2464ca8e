//! pgbench: what Postgres itself can do with the same SQL.

use std::{process::Stdio, time::Duration};

use tokio::{io::AsyncWriteExt as _, process::Command};

use crate::{BenchError, cluster::Database};

/// A run that takes longer hangs.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Runs a script with prepared statements; transactions a second, or a reason where pgbench is not there or does not know
/// how.
pub(crate) async fn run(
    database: &Database<'_>,
    role: &str,
    script: &str,
    options: &[String],
) -> Result<Result<f64, String>, BenchError> {
    let pgbench = database.cluster.postgres.bin_dir().join("pgbench");
    if !pgbench.exists() {
        return Ok(Err("this Postgres has no pgbench".to_owned()));
    }
    let mut running = Command::new(pgbench)
        .args(["--no-vacuum", "--protocol=prepared", "--file=-"])
        .args(options)
        .arg(database.url(role))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(mut stdin) = running.stdin.take() {
        stdin.write_all(script.as_bytes()).await?;
    }
    let Ok(output) = tokio::time::timeout(TIMEOUT, running.wait_with_output()).await else {
        return Ok(Err("pgbench did not end".to_owned()));
    };
    let output = output?;
    let errors = String::from_utf8_lossy(&output.stderr);
    // A client that met an error gives up, and the others go on.
    let error = errors.lines().find(|line| line.contains("error:") || line.contains("ERROR:"));
    match (error, transactions_per_second(&String::from_utf8_lossy(&output.stdout))) {
        (None, Some(per_second)) => Ok(Ok(per_second)),
        (error, _) => Ok(Err(format!("pgbench failed: {}", error.or(errors.lines().next_back()).unwrap_or_default()))),
    }
}

/// `tps = 1234.567890 (without initial connection time)`; older versions have a second such line.
fn transactions_per_second(output: &str) -> Option<f64> {
    let line = output.lines().rfind(|line| line.starts_with("tps = "))?;
    line.trim_start_matches("tps = ").split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_read() {
        let output = "number of clients: 2\ntps = 1319.25 (without initial connection time)\n";
        assert_eq!(transactions_per_second(output), Some(1319.25));
        assert_eq!(transactions_per_second("pgbench: error: syntax"), None);
    }
}
