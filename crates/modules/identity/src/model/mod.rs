//! Pure: no I/O, no clock.

pub(crate) mod audit;
pub(crate) mod change;
pub(crate) mod email;
pub(crate) mod gate;
pub(crate) mod hours;
pub(crate) mod invitation;
pub(crate) mod notifications;
pub(crate) mod settings;
pub(crate) mod tenant;
pub(crate) mod user;
