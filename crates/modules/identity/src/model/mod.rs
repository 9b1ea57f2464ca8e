//! Pure: no I/O, no clock.

pub(crate) mod audit;
pub(crate) mod settings;
pub(crate) mod tenant;
