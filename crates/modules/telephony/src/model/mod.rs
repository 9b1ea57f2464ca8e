//! Pure: no I/O, no clock.

pub(crate) mod answer;
pub(crate) mod call;
pub(crate) mod record;
