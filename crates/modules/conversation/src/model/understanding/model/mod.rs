//! The other reading: a language model's. It is told what was asked and what the caller wrote, and answers with
//! sayings; it has no tools, sees nothing of another business, and nothing it says is a fact (ADR 0015, ADR 0028).
//!
//! ```text
//! Inquiry --json--> model --json--> read: bounds, offers, words that stand in the texts -+-> weigh -> Understood
//!     +--> understand, the deterministic reading ----------------------------------------+
//! ```
//!
//! `prompts/` is what it is told, by version: a changed prompt is a new version, since a text's `why` names it.

mod inquiry;
mod read;
#[cfg(test)]
mod tests;
mod weigh;
mod write;

use std::sync::LazyLock;

use serde_json::Value;

pub(crate) use inquiry::Inquiry;
pub(crate) use read::read;
pub(crate) use weigh::{Stakes, weigh};

use super::{Saying, understand};
use nmc_identity::Language;

/// The version's files, and what it is called.
macro_rules! prompt {
    ($version:literal) => {
        /// The prompt's version, which a text's `why` names.
        pub(crate) const VERSION: &str = $version;
        /// What the model is told to do.
        pub(crate) const PROMPT: &str = include_str!(concat!("prompts/understand-", $version, ".md"));
        const SCHEMA_TEXT: &str = include_str!(concat!("prompts/understand-", $version, ".schema.json"));
    };
}

prompt!("v1");

/// The JSON Schema of the answer.
pub(crate) static SCHEMA: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(SCHEMA_TEXT).unwrap_or_default());

/// What a model says the texts say, as far as it can be so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Interpretation {
    pub(crate) sayings: Vec<Saying>,
    pub(crate) language: Option<Language>,
}

/// What the best of models would answer that hears just what the deterministic reading hears: for simulators. `inquiry`
/// is the JSON that a model is sent; nothing where it is none.
pub fn deterministic_answer(inquiry: &str) -> Option<String> {
    let inquiry: Inquiry = serde_json::from_str(inquiry).ok()?;
    let texts: Vec<&str> = inquiry.texts.iter().map(String::as_str).collect();
    let understood = understand(&texts, &inquiry.asked(), inquiry.now, &inquiry.opening_hours);
    Some(write::write(&understood).to_string())
}
