//! Clerk's ids: a word for the kind, an underscore, then what Clerk makes up.
//!
//! Source: <https://clerk.com/docs/reference/backend/types/backend-user> (`user_...`),
//! <https://clerk.com/docs/reference/backend/types/backend-invitation> (`inv_...`).

/// Longer than any id Clerk gives out; what is longer is not stored.
const MAX_LENGTH: usize = 64;

/// The text is not an id of the kind that was expected.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a Clerk id: expected {expected} and at most {MAX_LENGTH} visible characters in all")]
pub struct IdError {
    expected: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident: $prefix:literal),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks the shape.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let is_one = text.len() <= MAX_LENGTH
                    && text.strip_prefix($prefix).is_some_and(|rest| !rest.is_empty())
                    && text.bytes().all(|b| b.is_ascii_graphic());
                if is_one { Ok(Self(text.to_owned())) } else { Err(IdError { expected: $prefix }) }
            }

            /// The id as Clerk writes it.
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
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }
        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(&text)
            }
        }
        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    )+};
}

ids! {
    /// A person.
    ClerkUserId: "user_",
    /// An invitation to sign up.
    InvitationId: "inv_",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shape() {
        for good in
            ["user_1".to_owned(), "user_2Nc0vUXGHzLAKXJ0BfNRwSrUjhD".to_owned(), format!("user_{}", "a".repeat(59))]
        {
            assert_eq!(ClerkUserId::parse(&good).unwrap().as_str(), good);
        }
        for bad in
            ["", "user_", "inv_1", "user_a b", "user_a\0", "user_é", "USER_1", &format!("user_{}", "a".repeat(60))]
        {
            assert_eq!(ClerkUserId::parse(bad), Err(IdError { expected: "user_" }), "{bad}");
        }
        assert!(serde_json::from_str::<InvitationId>("\"user_1\"").is_err());
    }
}
