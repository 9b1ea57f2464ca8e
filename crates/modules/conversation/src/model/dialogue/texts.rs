//! The words of each language, as data.

use std::{collections::BTreeMap, sync::LazyLock};

use nmc_identity::Language;
use serde::Deserialize;

static EN: LazyLock<Texts> = LazyLock::new(|| read(include_str!("texts/en.toml")));
static ES: LazyLock<Texts> = LazyLock::new(|| read(include_str!("texts/es.toml")));

/// A language's words. What would be missing is empty, and an empty text is not sent; a test finds all there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Texts {
    /// From monday on.
    pub(super) weekdays: Vec<String>,
    pub(super) short_weekdays: Vec<String>,
    /// From january on.
    pub(super) months: Vec<String>,
    /// Words that claim something.
    pub(super) claims: Vec<String>,
    /// How facts are written.
    pub(super) facts: BTreeMap<String, String>,
    /// What is said.
    pub(super) say: BTreeMap<String, String>,
}

pub(super) fn texts(language: Language) -> &'static Texts {
    match language {
        Language::En => &EN,
        Language::Es => &ES,
    }
}

fn read(toml: &str) -> Texts {
    toml::from_str(toml).unwrap_or_default()
}

impl Texts {
    pub(super) fn fact(&self, key: &str, values: &[(&str, &str)]) -> String {
        filled(self.facts.get(key).map_or("", String::as_str), values)
    }

    pub(super) fn say(&self, key: &str, values: &[(&str, &str)]) -> String {
        filled(self.say.get(key).map_or("", String::as_str), values)
    }
}

/// The template with its values, each put in once: what stands in braces within a value stays as it is.
fn filled(template: &str, values: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let Some((key, after)) = after.split_once('}') else { break };
        text.push_str(values.iter().find(|(known, _)| *known == key).map_or("", |(_, value)| value));
        rest = after;
    }
    text.push_str(rest);
    text
}
