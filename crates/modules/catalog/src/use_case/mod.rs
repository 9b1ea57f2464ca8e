//! What the module does, one thing per file.

pub(crate) mod change;
pub(crate) mod create;
pub(crate) mod put_aliases;
pub(crate) mod quote;
mod record;
