//! What falls due by time.

pub(crate) mod hold_expiry;
