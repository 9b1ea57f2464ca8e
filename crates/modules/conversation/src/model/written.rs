//! What a person of the business may write.

use nmc_providers::twilio::segments;

/// Why a text cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Nothing in it.
    #[error("a text is expected")]
    Empty,
    /// Longer than the provider takes: <https://www.twilio.com/docs/messaging/api/message-resource>.
    #[error("at most 1600 characters are expected")]
    TooLong,
    /// It has characters that no phone shows.
    #[error("control characters other than line breaks are not sent")]
    ControlCharacter,
}

/// A text as it goes out: plainly written, 1 to 1,600 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WrittenBody(String);

impl WrittenBody {
    pub(crate) fn parse(text: &str) -> Result<Self, BodyError> {
        let plain = segments::normalised(&text.replace("\r\n", "\n"));
        let body = plain.trim();
        if body.is_empty() {
            return Err(BodyError::Empty);
        }
        if body.contains(|character: char| character.is_control() && character != '\n') {
            return Err(BodyError::ControlCharacter);
        }
        if !segments::fits(body) {
            return Err(BodyError::TooLong);
        }
        Ok(Self(body.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<String, BodyError> {
        WrittenBody::parse(text).map(WrittenBody::into_string)
    }

    #[test]
    fn every_fault_has_its_error() {
        assert_eq!(parse(" \n\t "), Err(BodyError::Empty));
        assert_eq!(parse("\u{200B}"), Err(BodyError::Empty));
        assert_eq!(parse("a\0b"), Err(BodyError::ControlCharacter));
        assert_eq!(parse(&"x".repeat(1_601)), Err(BodyError::TooLong));
        // What counts is what is sent: three characters for one that is written plainly.
        assert_eq!(parse(&"\u{2026}".repeat(534)), Err(BodyError::TooLong));
        assert_eq!(parse(&"x".repeat(1_600)).map(|text| text.len()), Ok(1_600));
        assert_eq!(parse(" We\u{2019}ll come\r\nat 3 "), Ok("We'll come\nat 3".to_owned()));
    }

    proptest! {
        #[test]
        fn what_is_taken_is_bounded_and_stays_what_it_is(text in ".{0,1700}") {
            if let Ok(body) = parse(&text) {
                prop_assert!((1..=1_600).contains(&body.encode_utf16().count()));
                prop_assert_eq!(parse(&body), Ok(body.clone()));
            }
        }
    }
}
