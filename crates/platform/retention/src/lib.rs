//! Retention: what becomes of data with age.
//!
//! | what | is kept |
//! |---|---|
//! | texts of messages, wherever they stand | 180 days |
//! | who called, wrote and was written to, when, and why or why not | 13 months |
//! | webhooks taken | 90 days |
//! | events | 30 days after dispatch; the ledger of who took them until nothing can bring them back |
//! | first answers to repeated requests | 24 hours |
//! | opt-outs, the audit log | for ever |
//!
//! A [`Sweep`] is one rule about one table and lives with the table's owner; this crate knows the ages, those of the
//! plumbing, and how they are driven: a timer per business, one bounded batch per firing. A batch is a transaction of its
//! own, remembers nothing and passes over rows that others have locked. So it may end anywhere, and keeps nobody waiting.

mod age;
mod plumbing;
mod retention;
mod sweep;

pub use age::{bodies_before, metadata_before};
pub use retention::{Retention, Swept};
pub use sweep::{Sweep, Sweeps};
