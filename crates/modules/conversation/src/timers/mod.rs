//! What falls due by time.

pub(crate) mod close;
pub(crate) mod unblock;
