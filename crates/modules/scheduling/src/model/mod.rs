//! Pure decisions: what is open, what is free, what may be held.

pub(crate) mod alternatives;
pub(crate) mod appointment;
pub(crate) mod availability;
#[cfg(test)]
pub(crate) mod by_minute;
pub(crate) mod clock;
pub(crate) mod date;
pub(crate) mod details;
pub(crate) mod feed;
pub(crate) mod granularity;
pub(crate) mod hold;
pub(crate) mod holiday;
pub(crate) mod icalendar;
pub(crate) mod line;
pub(crate) mod open_time;
pub(crate) mod refusal;
pub(crate) mod resource;
pub(crate) mod slot;
pub(crate) mod stretches;
pub(crate) mod time_off;
