use serde::{Deserialize, Serialize};

/// Longer than any address that can be delivered to (RFC 5321, 4.5.3.1.3).
const MAX_CHARS: usize = 254;

/// An e-mail address as people are invited by: folded to lower case, because nobody tells two people apart by case.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

/// The text is not an e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an e-mail address such as name@example.com, of {MAX_CHARS} characters at most, is expected")]
pub struct EmailError;

impl Email {
    /// Checks the shape alone: whether somebody reads it there, only a delivered invitation tells.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let text = text.trim().to_lowercase();
        let (local, domain) = text.rsplit_once('@').ok_or(EmailError)?;
        let is_plain = text.chars().all(|c| !c.is_whitespace() && !c.is_control()) && !local.contains('@');
        let labels_hold = domain.contains('.') && domain.split('.').all(|label| !label.is_empty());
        if !local.is_empty() && is_plain && labels_hold && text.chars().count() <= MAX_CHARS {
            Ok(Self(text))
        } else {
            Err(EmailError)
        }
    }

    /// The plain text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Shows no address: it is personal data, and debug texts end in logs.
impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Email(..)")
    }
}

impl std::str::FromStr for Email {
    type Err = EmailError;
    fn from_str(text: &str) -> Result<Self, EmailError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Email {
    type Error = EmailError;
    fn try_from(text: String) -> Result<Self, EmailError> {
        Self::parse(&text)
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_name_and_a_place() {
        assert_eq!(Email::parse(" Owner@Example.COM ").map(|e| e.0), Ok("owner@example.com".to_owned()));
        let long = format!("{}@example.com", "x".repeat(243));
        for bad in ["", "@", "a@", "@b.c", "a@b", "a b@c.d", "a@b@c.d", "a@.d", "a@b.", "a\0@b.c", &long] {
            assert_eq!(Email::parse(bad), Err(EmailError), "{bad:?}");
        }
    }
}
