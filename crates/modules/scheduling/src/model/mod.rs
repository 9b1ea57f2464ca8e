//! Pure decisions: what is open, what is free, what may be held.

pub(crate) mod resource;
