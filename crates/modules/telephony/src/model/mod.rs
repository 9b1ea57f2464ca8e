//! Pure: no I/O, no clock.

pub(crate) mod answer;
pub(crate) mod call;
pub(crate) mod poll;
pub(crate) mod record;
pub(crate) mod text_answer;
