use std::io::Read;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::PostgresError;
use crate::wait::wait_until;

/// How much of a program's output an error carries.
const OUTPUT_TAIL_BYTES: usize = 2_000;

/// Runs a program to its end, for at most `limit`, and returns what it wrote to standard output.
pub(crate) fn run(command: &mut Command, limit: Duration) -> Result<String, PostgresError> {
    let program = command.get_program().to_owned();
    let program = Path::new(&program);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(PostgresError::io("run", program))?;
    let stdout = read_aside(child.stdout.take());
    let stderr = read_aside(child.stderr.take());

    let status: Option<std::io::Result<ExitStatus>> = wait_until(limit, || child.try_wait().transpose());
    let Some(status) = status else {
        // The readers are left to themselves: a grandchild may hold the pipe open for as long as it likes.
        let _ = child.kill();
        let _ = child.wait();
        return Err(PostgresError::TimedOut { waiting_for: format!("{} to end", program.display()), limit });
    };
    let status = status.map_err(PostgresError::io("wait for", program))?;
    let stdout = stdout.join().unwrap_or_default();
    if status.success() {
        return Ok(stdout);
    }
    let stderr = stderr.join().unwrap_or_default();
    let output = tail(&format!("{}\n{}", stdout.trim(), stderr.trim()));
    Err(PostgresError::Command { program: program.to_owned(), output: format!("{output} ({status})") })
}

/// The end of a long text, trimmed.
pub(crate) fn tail(text: &str) -> String {
    let text = text.trim();
    let from = text.len().saturating_sub(OUTPUT_TAIL_BYTES);
    let from = (from..=text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len());
    text[from..].to_owned()
}

fn read_aside(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read before an error is still worth showing.
            let _ = pipe.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn returns_the_output_or_says_what_the_program_said() -> Result<(), PostgresError> {
        assert_eq!(run(&mut shell("echo fine"), Duration::from_secs(10))?, "fine\n");
        let failed = run(&mut shell("echo no such luck >&2; exit 3"), Duration::from_secs(10));
        assert!(failed.is_err_and(|error| error.to_string().contains("no such luck")));
        Ok(())
    }

    #[test]
    fn a_program_that_hangs_is_ended() {
        let hung = run(&mut shell("exec sleep 600"), Duration::from_millis(50));
        assert!(matches!(hung, Err(PostgresError::TimedOut { .. })));
    }

    #[test]
    fn the_tail_of_a_long_text_is_cut_between_characters() {
        assert!(tail(&"é".repeat(OUTPUT_TAIL_BYTES)).len() <= OUTPUT_TAIL_BYTES);
        assert_eq!(tail(" short \n"), "short");
    }
}
