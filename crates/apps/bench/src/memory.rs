//! What a process holds of the machine's memory, and how long it takes to start.

use std::time::{Duration, Instant};

use nmc_sandbox::Program;

use crate::BenchError;

/// Between two looks at whether a program answers.
const READY_POLL: Duration = Duration::from_millis(1);
/// A program that is not ready by then never is.
const READY_TIMEOUT: Duration = Duration::from_secs(10);

/// Resident memory of a process, in mebibytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Memory {
    /// Now.
    pub(crate) resident: f64,
    /// At its highest.
    pub(crate) peak: f64,
}

impl Memory {
    /// From `/proc/<pid>/status`; nothing where the system has no such file.
    pub(crate) fn of(program: &Program) -> Option<Self> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", program.id()?)).ok()?;
        Self::parse(&status)
    }

    fn parse(status: &str) -> Option<Self> {
        let mebibytes = |field: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(field))?;
            let kibibytes: f64 = line.trim_start_matches(':').split_whitespace().next()?.parse().ok()?;
            Some(kibibytes / 1024.0)
        };
        Some(Self { resident: mebibytes("VmRSS")?, peak: mebibytes("VmHWM")? })
    }
}

/// Stops the program, starts it again and waits until `url` answers: how long the start took.
pub(crate) async fn restart(program: &mut Program, http: &reqwest::Client, url: &str) -> Result<Duration, BenchError> {
    program.stop().await.map_err(nmc_sandbox::SandboxError::from)?;
    let began = Instant::now();
    program.start().map_err(nmc_sandbox::SandboxError::from)?;
    while began.elapsed() < READY_TIMEOUT {
        if http.get(url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(began.elapsed());
        }
        tokio::time::sleep(READY_POLL).await;
    }
    Err(BenchError::Wrong(format!("{url} did not answer after a start")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_the_status() {
        let status = "Name:\tnmc\nVmPeak:\t  900000 kB\nVmHWM:\t   20480 kB\nVmRSS:\t   10240 kB\n";
        assert_eq!(Memory::parse(status), Some(Memory { resident: 10.0, peak: 20.0 }));
        assert_eq!(Memory::parse("Name:\tnmc\n"), None);
    }
}
