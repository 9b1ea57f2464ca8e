//! Phone numbers: parsed once at the edge by a phone-number library, then only carried.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Masked;

/// A valid phone number in E.164 form (`+` and up to 15 digits).
///
/// `Debug` shows the last four digits only and there is no `Display`: putting a number into a log or a message
/// takes a deliberate [`E164::as_str`].
#[derive(
    Clone,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    sqlx::Type,
    schemars::JsonSchema,
    utoipa::ToSchema,
)]
#[serde(try_from = "String", into = "String")]
#[sqlx(transparent)]
#[schemars(with = "String")]
#[schema(value_type = String, example = "+15005550123")]
pub struct E164(String);

/// The text is not a phone number that exists in its country's numbering plan.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a valid phone number in E.164 form")]
pub struct PhoneError;

impl E164 {
    /// Parses a number that already carries its country code (`+1...`).
    pub fn parse(text: &str) -> Result<Self, PhoneError> {
        // Read for every event that carries a phone, where the library's patterns would be most of the work.
        if is_north_american(text) {
            return Ok(Self(text.to_owned()));
        }
        Self::parse_number(text).map(|(phone, _)| phone)
    }

    fn parse_number(text: &str) -> Result<(Self, phonenumber::PhoneNumber), PhoneError> {
        // The library accepts extensions, letters and national forms; a provider's field is plain E.164 or nothing.
        let plain = text
            .strip_prefix('+')
            .is_some_and(|d| (4..=15).contains(&d.len()) && d.bytes().all(|b| b.is_ascii_digit()));
        if !plain {
            return Err(PhoneError);
        }
        let number = phonenumber::parse(None, text).map_err(|_| PhoneError)?;
        let canonical = number.format().mode(phonenumber::Mode::E164).to_string();
        if canonical != text || !phonenumber::is_viable(text) {
            return Err(PhoneError);
        }
        Ok((Self(canonical), number))
    }

    /// The full number: personal data.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number as logs may show it.
    pub fn masked(&self) -> Masked<'_> {
        Masked(&self.0)
    }

    /// ISO 3166 code of the country the number belongs to (`US`, `CA`), where the numbering plan tells.
    pub fn country(&self) -> Option<String> {
        let number = phonenumber::parse(None, &self.0).ok()?;
        number.country().id().map(|id| id.as_ref().to_owned())
    }
}

/// A form the library always takes as it stands: `+1`, an area code that does not begin with 0 or 1, seven more digits.
fn is_north_american(text: &str) -> bool {
    let digits = text.strip_prefix("+1").map(str::as_bytes);
    digits.is_some_and(|d| d.len() == 10 && (b'2'..=b'9').contains(&d[0]) && d.iter().all(u8::is_ascii_digit))
}

impl fmt::Debug for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.masked().fmt(f)
    }
}

impl From<E164> for String {
    fn from(phone: E164) -> Self {
        phone.0
    }
}

impl TryFrom<String> for E164 {
    type Error = PhoneError;
    fn try_from(text: String) -> Result<Self, PhoneError> {
        Self::parse(&text)
    }
}

impl std::str::FromStr for E164 {
    type Err = PhoneError;
    fn from_str(text: &str) -> Result<Self, PhoneError> {
        Self::parse(text)
    }
}

/// Why no SMS can reach the caller's number at all, whatever the tenant's rules say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Untextable {
    /// The caller withheld the number (`anonymous`, or one of the pseudo numbers that stand for it).
    Withheld,
    /// A short code or another number too short to be a person's.
    ShortCode,
    /// A toll-free number: a company's switchboard, not a phone that reads texts.
    TollFree,
    /// Not a number of any numbering plan.
    Malformed,
    /// A number of this installation: two automations would talk for ever.
    OwnNumber,
}

impl Untextable {
    /// The stable word used in events, decisions and tasks.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Withheld => "withheld",
            Self::ShortCode => "short-code",
            Self::TollFree => "toll-free",
            Self::Malformed => "malformed",
            Self::OwnNumber => "own-number",
        }
    }
}

/// What a provider's `From` field says about who is calling or texting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallerNumber {
    /// A number that a person's phone may have.
    Textable(E164),
    /// A real number that cannot read a text.
    NumberOnly(E164, Untextable),
    /// No number to call or text back.
    None(Untextable),
}

/// Numbers that carriers put in place of a withheld caller id; they spell ANONYMOUS, RESTRICTED and so on, and some
/// pass for E.164. Source: <https://help.twilio.com/articles/223179988>.
const WITHHELD: [&str; 5] = ["+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"];
const WITHHELD_WORDS: [&str; 5] = ["anonymous", "restricted", "blocked", "unknown", "unavailable"];
/// The North American toll-free codes.
const TOLL_FREE: [&str; 7] = ["800", "833", "844", "855", "866", "877", "888"];

impl CallerNumber {
    /// Reads a provider's `From` value. Never fails: what cannot be read is a reason, not an error.
    pub fn from_provider(from: &str) -> Self {
        let from = from.trim();
        let word = from.trim_start_matches('+').to_ascii_lowercase();
        if from.is_empty() || WITHHELD.contains(&from) || WITHHELD_WORDS.contains(&word.as_str()) {
            return Self::None(Untextable::Withheld);
        }
        let digits = from.trim_start_matches('+');
        if digits.bytes().all(|b| b.is_ascii_digit()) && (3..=6).contains(&digits.len()) {
            return Self::None(Untextable::ShortCode);
        }
        match E164::parse_number(from) {
            Err(PhoneError) => Self::None(Untextable::Malformed),
            Ok((phone, number)) => {
                if !phonenumber::is_valid(&number) {
                    return Self::None(Untextable::Malformed);
                }
                if phone
                    .as_str()
                    .strip_prefix("+1")
                    .is_some_and(|rest| TOLL_FREE.iter().any(|code| rest.starts_with(code)))
                {
                    return Self::NumberOnly(phone, Untextable::TollFree);
                }
                Self::Textable(phone)
            }
        }
    }

    /// The number, where there is one.
    pub fn phone(&self) -> Option<&E164> {
        match self {
            Self::Textable(phone) | Self::NumberOnly(phone, _) => Some(phone),
            Self::None(_) => None,
        }
    }

    /// Why it cannot be texted, where it cannot.
    pub fn untextable(&self) -> Option<Untextable> {
        match self {
            Self::Textable(_) => None,
            Self::NumberOnly(_, why) | Self::None(why) => Some(*why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_not_people() {
        let why = |from: &str| CallerNumber::from_provider(from).untextable().map(Untextable::as_str);
        for withheld in WITHHELD {
            assert_eq!(why(withheld), Some("withheld"), "{withheld}");
        }
        assert_eq!(why("Anonymous"), Some("withheld"));
        assert_eq!(why("+anonymous"), Some("withheld"));
        assert_eq!(why(""), Some("withheld"));
        assert_eq!(why("72345"), Some("short-code"));
        assert_eq!(why("+18005551212"), Some("toll-free"));
        assert_eq!(why("garbage"), Some("malformed"));
        assert_eq!(why("+1"), Some("malformed"));
        assert_eq!(why("+99999999999999999"), Some("malformed"));
        assert_eq!(why("+14155550123"), None);
    }

    #[test]
    fn what_is_taken_without_the_library_it_would_have_taken() {
        for area in 200..1000 {
            for rest in ["0000000", "5550123", "1111111", "9999999", "0555012"] {
                let text = format!("+1{area}{rest}");
                assert!(is_north_american(&text));
                assert_eq!(E164::parse_number(&text).map(|(phone, _)| phone), Ok(E164(text)));
            }
        }
        for other in ["+11155550123", "+10155550123", "+1415555012", "+141555501234", "+44155550123", "+1415555012x"] {
            assert!(!is_north_american(other), "{other}");
        }
    }

    #[test]
    fn e164_refuses_what_is_not_plain() {
        for bad in
            ["4155550123", "+1 415 555 0123", "+1415555012x", "+14155550123;ext=1", "", "+", "sip:a@b", "+0123456789"]
        {
            assert!(E164::parse(bad).is_err(), "{bad}");
        }
        let phone = E164::parse("+14155550123").unwrap();
        assert_eq!(format!("{phone:?}"), "***0123");
        assert_eq!(phone.country().as_deref(), Some("US"));
        assert_eq!(E164::parse("+12505550199").unwrap().country().as_deref(), Some("CA"));
        assert!(serde_json::from_str::<E164>("\"nope\"").is_err());
    }
}
