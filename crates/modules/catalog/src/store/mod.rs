//! All SQL of the module.

pub(crate) mod alias;
pub(crate) mod item;
