//! What the module does, one file each. Functions that take a `Tx` work on the caller's; the others begin their own.

pub(crate) mod answer_call;
pub(crate) mod answer_keyword;
pub(crate) mod audit;
pub(crate) mod caller_data;
pub(crate) mod change_state;
pub(crate) mod close;
pub(crate) mod follow_up;
pub(crate) mod gate;
pub(crate) mod greet;
pub(crate) mod open;
pub(crate) mod override_window;
pub(crate) mod raise_task;
pub(crate) mod read;
pub(crate) mod record_delivery;
pub(crate) mod record_outcome;
pub(crate) mod request_reply;
pub(crate) mod send;
mod sweep;
pub(crate) mod take_text;
pub(crate) mod templates;
pub(crate) mod tick_off;
pub(crate) mod turn;
pub(crate) mod unblock;
pub(crate) mod why;
pub(crate) mod write;
