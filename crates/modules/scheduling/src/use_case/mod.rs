//! What the module does, one file each. Functions whose name ends in `_in`, and those that take a `Tx` first, work on
//! the caller's transaction; the others begin their own.

pub(crate) mod admit;
pub(crate) mod alternatives;
pub(crate) mod book;
pub(crate) mod cancel;
pub(crate) mod change;
pub(crate) mod complete;
pub(crate) mod correct;
mod customer_data;
pub(crate) mod expire;
pub(crate) mod feed;
pub(crate) mod hold;
pub(crate) mod holidays;
pub(crate) mod read;
pub(crate) mod release;
pub(crate) mod reschedule;
pub(crate) mod resources;
pub(crate) mod search;
mod sweep;
pub(crate) mod time_off;
