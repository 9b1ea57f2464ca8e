//! Pure: no I/O, no clock.

pub(crate) mod settings;
pub(crate) mod tenant;
