//! All SQL of the module.

pub(crate) mod audit;
pub(crate) mod tenant;
