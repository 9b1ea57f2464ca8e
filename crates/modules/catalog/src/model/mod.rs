//! Pure decisions.

pub(crate) mod item;
pub(crate) mod normalise;
pub(crate) mod words;
