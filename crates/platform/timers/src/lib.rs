//! Timers: everything that falls due by time is a row, written in the same transaction as its subject.
//!
//! A due timer is leased first and fired in a second transaction, so that firing locks the timer's subject before the
//! timer, as everybody else does. A timer that was moved or taken back meanwhile fires nothing. A firing may set its own
//! timer again: that is how what is done again and again is done.

mod clock_work;
mod every_tenant;
mod retention;
mod timer;

pub use clock_work::{Settings, TimerStatus, Timers, status};
pub use every_tenant::set_for_every_tenant;
pub use retention::delete_unfired;
pub use timer::{Timer, TimerError, cancel, cancel_all, set, set_unless_set};
