//! All SQL of the module.

pub(crate) mod tenant;
