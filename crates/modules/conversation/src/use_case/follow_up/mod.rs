//! What the automation writes without having been written to: it asks somebody once more who has fallen silent, and
//! reminds of appointments.
//!
//! Neither is written before it can go out: what has to wait, for the morning or for an answer that is on its way,
//! waits as a timer, and is decided anew when that fires.

mod holds;
pub(crate) mod nudge;
pub(crate) mod plan_reminder;
pub(crate) mod remind;

pub(crate) use holds::still_holds;
