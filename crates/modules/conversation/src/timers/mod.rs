//! What falls due by time.

pub(crate) mod close;
pub(crate) mod nudge;
pub(crate) mod override_window;
pub(crate) mod reminder;
pub(crate) mod unblock;
pub(crate) mod unblock_all;
