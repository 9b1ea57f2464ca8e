use std::{
    backtrace::{Backtrace, BacktraceStatus},
    panic::{self, PanicHookInfo},
};

/// Panics become one log line, masked like any other, instead of Rust's own text on standard error.
pub(crate) fn log_panics() {
    panic::set_hook(Box::new(log));
}

/// What is logged of a message that was put together at run time: it quotes what it stumbled over (a text that was cut
/// within a character, a value that was not expected), which no masking can tell from other words. The place says enough.
const WITHHELD: &str = "withheld: it may quote data";

fn log(info: &PanicHookInfo<'_>) {
    let message = info.payload().downcast_ref::<&'static str>().copied().unwrap_or(WITHHELD);
    let location = info.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    // Captured only where RUST_BACKTRACE asks for it.
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| tracing::field::display(backtrace));
    tracing::error!(
        panic.message = message,
        panic.location = location,
        panic.thread = thread.name().unwrap_or("unnamed"),
        panic.backtrace = backtrace,
        "panicked"
    );
}
