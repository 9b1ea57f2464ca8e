//! The outside providers as this product speaks to them: their wire formats, their signatures, thin clients.
//!
//! No business rule and no database: a caller decides what an answer means. Nothing here retries by itself, and no
//! value here prints a secret, a phone number or a message's text.

mod attempt;
pub mod clerk;
mod http;
pub mod model;
pub mod twilio;
