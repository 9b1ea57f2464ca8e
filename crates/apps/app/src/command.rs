use std::process::ExitCode;

use crate::AppError;

/// Threads of a program: it waits for the database and for providers far more than it computes.
const WORKER_THREADS: usize = 2;

/// Runs a program's `main`: 0 where it succeeds, 1 with the reason on standard error where it does not. (Wrong arguments
/// end with 2 before this is reached.)
pub fn run_program<F: Future<Output = Result<(), AppError>>>(program: F) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(WORKER_THREADS).enable_all().build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    match runtime.block_on(program) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

#[expect(clippy::print_stderr, reason = "the program ends with this; logging may not have started")]
fn fail(error: &AppError) -> ExitCode {
    eprintln!("{error}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        eprintln!("  because: {cause}");
        source = cause.source();
    }
    ExitCode::FAILURE
}
