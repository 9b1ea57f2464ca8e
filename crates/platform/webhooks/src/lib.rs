//! A provider's webhook on its way to a use case: the signature first, then the fields, then what it is known by when it
//! comes again. What every route that takes one has in common, so that a new route cannot forget a step.
//!
//! [`Webhook`] is the extractor; [`Receipt::record`] deduplicates in the use case's own transaction; [`malformed`] names a
//! field; [`measure`] times the answers.

mod content;
mod measure;
mod webhook;

pub use content::WebhookContent;
pub use measure::measure;
pub use webhook::{Receipt, Refusal, Webhook, malformed};
