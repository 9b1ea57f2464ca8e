//! What a business writes: names, descriptions, aliases.

use nmc_kernel::is_invisible;
use serde::{Deserialize, Serialize};

use super::normalise::normalise;

/// The text is not what it should be; says what is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    /// Not a name.
    #[error("a name is one line of 1 to {NAME_CHARS_MAX} characters with a letter or a digit")]
    Name,
    /// Not a description.
    #[error("a description has 1 to {DESCRIPTION_CHARS_MAX} characters and no control characters but line breaks")]
    Description,
    /// Not an alias.
    #[error("an alias is one line of 1 to {ALIAS_CHARS_MAX} characters with a letter or a digit")]
    Alias,
}

/// A name stands in texts, which are short.
const NAME_CHARS_MAX: usize = 80;
const DESCRIPTION_CHARS_MAX: usize = 500;
const ALIAS_CHARS_MAX: usize = 120;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident, $parse:expr);+ $(;)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schema(value_type = String)]
        pub struct $name(String);

        impl $name {
            /// Checks the text and puts it into its stored form.
            pub fn parse(text: &str) -> Result<Self, WordsError> {
                $parse(text).map(Self)
            }

            /// The plain text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = WordsError;
            fn try_from(text: String) -> Result<Self, WordsError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(words: $name) -> Self {
                words.0
            }
        }
    )+};
}

words! {
    /// The name of a service item: one line of 1 to 80 characters; white space is made single.
    ItemName, |text| line(text, NAME_CHARS_MAX).ok_or(WordsError::Name);
    /// What a service item is, for people: 1 to 500 characters, which may have line breaks.
    Description, description;
    /// Another word for a service item: one line of 1 to 120 characters, in lower case.
    AliasText, |text: &str| line(&text.to_lowercase(), ALIAS_CHARS_MAX).ok_or(WordsError::Alias);
}

/// One line that can be matched: with a letter or a digit.
fn line(text: &str, chars_max: usize) -> Option<String> {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_plain = !line.chars().any(|c| c.is_control() || is_invisible(c));
    let is_short = line.chars().count() <= chars_max;
    (is_plain && is_short && !normalise(&line).is_empty()).then_some(line)
}

fn description(text: &str) -> Result<String, WordsError> {
    let text = text.trim().replace("\r\n", "\n");
    let is_plain = !text.is_empty() && !text.chars().any(|c| (c.is_control() && c != '\n') || is_invisible(c));
    let is_short = text.chars().count() <= DESCRIPTION_CHARS_MAX;
    if is_plain && is_short { Ok(text) } else { Err(WordsError::Description) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_that_can_be_matched() {
        assert_eq!(ItemName::parse("  Drain \t Cleaning ").map(String::from), Ok("Drain Cleaning".into()));
        assert!(ItemName::parse(&"é".repeat(80)).is_ok());
        for bad in ["", "  ", "!!!", "a\0b", "\u{200b}", "gnip\u{202e}mulp", &"é".repeat(81)] {
            assert_eq!(ItemName::parse(bad), Err(WordsError::Name), "{bad:?}");
        }
    }

    #[test]
    fn an_alias_is_in_lower_case() {
        assert_eq!(AliasText::parse(" Clogged  DRAIN ").map(String::from), Ok("clogged drain".into()));
        assert!(AliasText::parse(&"x".repeat(120)).is_ok());
        for bad in ["", "?", &"x".repeat(121)] {
            assert_eq!(AliasText::parse(bad), Err(WordsError::Alias), "{bad:?}");
        }
    }

    #[test]
    fn a_description_may_have_lines() {
        assert_eq!(Description::parse(" one\r\ntwo ").map(String::from), Ok("one\ntwo".into()));
        for bad in ["", " ", "tab\there", &"x".repeat(501)] {
            assert_eq!(Description::parse(bad), Err(WordsError::Description), "{bad:?}");
        }
    }
}
