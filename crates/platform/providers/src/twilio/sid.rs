//! Twilio's ids: two letters for the kind, then 32 hexadecimal digits.
//!
//! Source: <https://www.twilio.com/docs/glossary/what-is-a-sid>.

/// The text is not an id of the kind that was expected.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a Twilio id: expected {expected} and 32 hexadecimal digits")]
pub struct SidError {
    expected: &'static str,
}

macro_rules! sids {
    ($($(#[$doc:meta])* $name:ident: $($prefix:literal)or+ = $expected:literal),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks the shape.
            pub fn parse(text: &str) -> Result<Self, SidError> {
                let hex = None$(.or(text.strip_prefix($prefix)))+;
                match hex {
                    Some(hex) if hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_hexdigit()) => Ok(Self(text.to_owned())),
                    _ => Err(SidError { expected: $expected }),
                }
            }

            /// The id as Twilio writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl std::str::FromStr for $name {
            type Err = SidError;
            fn from_str(text: &str) -> Result<Self, SidError> {
                Self::parse(text)
            }
        }
        impl TryFrom<String> for $name {
            type Error = SidError;
            fn try_from(text: String) -> Result<Self, SidError> {
                Self::parse(&text)
            }
        }
        impl From<$name> for String {
            fn from(sid: $name) -> String {
                sid.0
            }
        }
    )+};
}

sids! {
    /// An account.
    AccountSid: "AC" = "AC",
    /// One leg of a call; a dialled leg has its own.
    CallSid: "CA" = "CA",
    /// A message: `SM`, with pictures `MM`.
    MessageSid: "SM" or "MM" = "SM or MM",
    /// A pool of sending numbers with common settings.
    MessagingServiceSid: "MG" = "MG",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shape() {
        let hex = "0123456789abcdefABCDEF0123456789";
        assert!(CallSid::parse(&format!("CA{hex}")).is_ok());
        assert!(MessageSid::parse(&format!("SM{hex}")).is_ok());
        assert!(MessageSid::parse(&format!("MM{hex}")).is_ok());
        for bad in
            [String::new(), "CA".to_owned(), format!("SM{hex}"), format!("CA{hex}0"), format!("CA{}", "g".repeat(32))]
        {
            assert_eq!(CallSid::parse(&bad), Err(SidError { expected: "CA" }), "{bad}");
        }
        assert!(serde_json::from_str::<AccountSid>("\"AC1\"").is_err());
    }
}
