//! The texts the service writes by itself: keys, placeholders and checks are fixed here, the wording is data.

use chrono::{DateTime, Utc};
use nmc_providers::twilio::segments;

words! {
    /// Which text.
    TemplateKey {
        /// The answer to a missed call: the first text.
        GreetingCall = "greeting-call",
        /// The answer to a text that opens a conversation: the first text.
        GreetingText = "greeting-text",
        /// An opt-out was understood.
        OptOutConfirmation = "opt-out-confirmation",
        /// Texts are on again.
        OptInConfirmation = "opt-in-confirmation",
        /// The answer to HELP.
        Help = "help",
    }
}

words! {
    /// Whose wording of a text is sent.
    Wording {
        /// The business's own.
        Business = "business",
        /// The product's.
        Product = "product",
    }
}

impl Wording {
    pub(crate) const fn of(is_own: bool) -> Self {
        if is_own { Self::Business } else { Self::Product }
    }
}

/// A text and the wording of it that is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Which text.
    pub key: TemplateKey,
    /// The business's own wording, else the product's.
    pub body: String,
    /// Whose it is.
    pub wording: Wording,
    /// When the business's own was last changed, UTC.
    pub changed_at: Option<DateTime<Utc>>,
    /// A carrier has filtered this wording: it is not sent until an owner decides anew.
    pub is_stopped: bool,
}

impl Template {
    pub(crate) fn of(key: TemplateKey, known: Wordings) -> Self {
        let wording = Wording::of(known.own.is_some());
        Self {
            key,
            body: known.own.unwrap_or_else(|| key.default_body().to_owned()),
            wording,
            changed_at: known.own_changed_at,
            is_stopped: match wording {
                Wording::Business => known.is_own_stopped,
                Wording::Product => known.is_built_in_stopped,
            },
        }
    }
}

/// What is known of a text's wordings.
#[derive(Clone, Debug)]
pub(crate) struct Wordings {
    /// The business's own, where it has one.
    pub(crate) own: Option<String>,
    /// When that was last changed.
    pub(crate) own_changed_at: Option<DateTime<Utc>>,
    /// A carrier has filtered the business's own.
    pub(crate) is_own_stopped: bool,
    /// A carrier has filtered the product's.
    pub(crate) is_built_in_stopped: bool,
}

/// The one placeholder there is: the business's name.
const BUSINESS: &str = "{business}";
/// What the first text must say, whatever else it says.
const STOP_LINE: &str = "reply stop to opt out";
/// A word that says a machine writes; one of them must be in the first text.
const AUTOMATED: [&str; 2] = ["automated", "automatic"];
/// Bare answers that the provider itself takes for opt-in or opt-out; no text invites them.
const NEVER_INVITED: [&str; 4] = ["reply yes", "text yes", "reply cancel", "text cancel"];
/// Longer than this a text is split into more parts than anybody reads.
const MAX_CHARACTERS: usize = 480;
/// The longest name a business can have, and the character of it that becomes the most, plainly written.
const NAME_CHARACTERS: usize = 120;
const LONGEST_NAME: &str = "\u{2026}";

/// Why a wording cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Nothing in it.
    #[error("a text is expected")]
    Empty,
    /// Too long.
    #[error("at most {MAX_CHARACTERS} characters are expected, with the business's name a few times at most")]
    TooLong,
    /// A brace that is not part of the known placeholder.
    #[error("{BUSINESS} is the only placeholder, and braces stand for nothing else")]
    UnknownPlaceholder,
    /// The business's name is missing.
    #[error("the text must name the business: {BUSINESS}")]
    BusinessMissing,
    /// It does not say that a machine writes.
    #[error("the first text must say that it is automated")]
    NotAutomated,
    /// It does not say how to opt out.
    #[error("the first text must say: Reply STOP to opt out")]
    StopLineMissing,
    /// It invites a bare word that the provider takes for something else.
    #[error("a bare YES or CANCEL means opting in or out: ask for another word")]
    InvitesKeyword,
    /// It has characters that no phone shows.
    #[error("control characters other than line breaks are not sent")]
    ControlCharacter,
}

impl TemplateError {
    /// The rule that is broken, for programs; stable.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong => "too-long",
            Self::UnknownPlaceholder => "unknown-placeholder",
            Self::BusinessMissing => "business-missing",
            Self::NotAutomated => "not-automated",
            Self::StopLineMissing => "stop-line-missing",
            Self::InvitesKeyword => "invites-keyword",
            Self::ControlCharacter => "control-character",
        }
    }
}

impl TemplateKey {
    /// What may stand in braces.
    pub const PLACEHOLDERS: &[&str] = &[BUSINESS];

    /// The product's own wording.
    pub const fn default_body(self) -> &'static str {
        match self {
            Self::GreetingCall => {
                "Hi, this is the automated assistant of {business}. Sorry we missed your call! How can we help? \
                 Reply STOP to opt out."
            }
            Self::GreetingText => {
                "Hi, this is the automated assistant of {business}. Thanks for your text, we got it. \
                 Reply STOP to opt out."
            }
            Self::OptOutConfirmation => {
                "{business}: You are unsubscribed and will get no more texts. Reply START to get texts again."
            }
            Self::OptInConfirmation => "{business}: You will get texts again. Reply HELP for help, STOP to opt out.",
            Self::Help => {
                "{business}: automated answers to calls we miss. Call us to speak with a person. Reply STOP to opt out."
            }
        }
    }

    /// Whether it is the first text a caller gets.
    const fn is_first_text(self) -> bool {
        matches!(self, Self::GreetingCall | Self::GreetingText)
    }

    /// Checks a wording for this key.
    pub fn check(self, body: &str) -> Result<(), TemplateError> {
        if body.trim().is_empty() {
            return Err(TemplateError::Empty);
        }
        if body.chars().count() > MAX_CHARACTERS {
            return Err(TemplateError::TooLong);
        }
        if body.contains(|character: char| character.is_control() && !matches!(character, '\n' | '\r' | '\t')) {
            return Err(TemplateError::ControlCharacter);
        }
        // Not by nothing: what stands around the name must not grow together.
        let without = body.replace(BUSINESS, "#");
        if without.contains(['{', '}']) {
            return Err(TemplateError::UnknownPlaceholder);
        }
        if !body.contains(BUSINESS) {
            return Err(TemplateError::BusinessMissing);
        }
        // It is sent with whatever name the business has by then.
        if !segments::fits(&render(body, &LONGEST_NAME.repeat(NAME_CHARACTERS))) {
            return Err(TemplateError::TooLong);
        }
        let said = without.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
        if NEVER_INVITED.iter().any(|invitation| said.contains(invitation)) {
            return Err(TemplateError::InvitesKeyword);
        }
        if !self.is_first_text() {
            return Ok(());
        }
        if !AUTOMATED.iter().any(|word| said.contains(word)) {
            return Err(TemplateError::NotAutomated);
        }
        if !said.contains(STOP_LINE) {
            return Err(TemplateError::StopLineMissing);
        }
        Ok(())
    }
}

/// The text for a business, plainly written so that it fits few parts.
pub(crate) fn render(body: &str, business: &str) -> String {
    segments::normalised(body.trim()).replace(BUSINESS, &segments::normalised(business))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::message;

    #[test]
    fn the_products_own_wordings_pass_and_fit_one_part() {
        for key in TemplateKey::ALL {
            assert_eq!(key.check(key.default_body()), Ok(()), "{key:?}");
            let text = render(key.default_body(), "Example Plumbing & Heating");
            assert_eq!(message::segments(&text), 1, "{text}");
            assert!(!text.contains('{'), "{text}");
        }
    }

    #[test]
    fn every_fault_has_its_error() {
        let check = |body: &str| TemplateKey::GreetingCall.check(body);
        let good = "Automated text from {business}. Reply STOP to opt out";
        assert_eq!(check(good), Ok(()));
        assert_eq!(check("AUTOMATIC text, {business}.\nReply  STOP\nto opt out!"), Ok(()));
        assert_eq!(check("  "), Err(TemplateError::Empty));
        assert_eq!(check(&format!("{good}{}", "x".repeat(480))), Err(TemplateError::TooLong));
        assert_eq!(check(&format!("{good}\0")), Err(TemplateError::ControlCharacter));
        assert_eq!(check(&format!("{good} {{name}}")), Err(TemplateError::UnknownPlaceholder));
        assert_eq!(check(&format!("{good} {{")), Err(TemplateError::UnknownPlaceholder));
        assert_eq!(check("Automated text. Reply STOP to opt out"), Err(TemplateError::BusinessMissing));
        assert_eq!(check("{business} missed you. Reply STOP to opt out"), Err(TemplateError::NotAutomated));
        assert_eq!(check("Automated text from {business}"), Err(TemplateError::StopLineMissing));
        assert_eq!(check(&format!("{good}. Reply YES to book")), Err(TemplateError::InvitesKeyword));
        assert_eq!(TemplateKey::Help.check("{business}: call us"), Ok(()));
        // With the name in its place it would be longer than the provider takes.
        assert_eq!(check(&format!("{good}{}", BUSINESS.repeat(3))), Ok(()));
        assert_eq!(check(&format!("{good}{}", BUSINESS.repeat(7))), Err(TemplateError::TooLong));
    }

    proptest! {
        #[test]
        fn a_first_text_that_passes_keeps_what_the_law_wants(body in "[ a-zA-Z{}.]{0,40}(\\{business\\})?[ a-z]{0,10}(automated)?( Reply STOP to opt out)?[a-z{]{0,2}") {
            if TemplateKey::GreetingCall.check(&body).is_ok() {
                let text = render(&body, "Example Plumbing");
                let lower = text.to_lowercase();
                let has_braces = text.contains('{');
                prop_assert!(text.contains("Example Plumbing") && !has_braces);
                prop_assert!(lower.contains("automat") && lower.contains("reply stop to opt out"));
            }
        }
    }
}
