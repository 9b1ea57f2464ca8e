//! The outbox's delivering half: every committed event reaches each of its consumers or the dead letters.
//!
//! ```text
//!            claim, one commit per batch                  six attempts
//!  lane 0 ------------------------------> dispatched    lane 1 -------> dead letter
//!    |  a batch failed, its worker died,                  ^  |
//!    |  or a consumer does not know the version           |  | one event, one consumer at a time,
//!    +----------------------------------------------------+  v the attempt committed first
//!                                                         dispatched
//! ```
//!
//! Owns `outbox_events` (after they are written), `outbox_consumed`, `outbox_runs` and `outbox_dead_letters`. Never
//! calls a provider and never waits inside a transaction: what takes longer than milliseconds is an effect.

pub mod caller;
mod consumer;
mod dead_letter;
mod dispatcher;
mod fast;
mod mark;
pub mod retention;
mod row;
mod run;
mod slow;
mod status;

pub use consumer::{ConsumeError, Consumer, Consumers};
pub use dead_letter::{DeadLetter, DeadLetters};
pub use dispatcher::{Dispatcher, Settings};
pub use status::{OutboxStatus, Stuck, status};
