use chrono_tz::Tz;
use nmc_kernel::{TenantId, is_invisible};
use serde::{Deserialize, Serialize};

use crate::TenantSettings;

/// A business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// The name its callers know it by.
    pub name: TenantName,
    /// Where its local times are told.
    pub time_zone: Tz,
    /// Whether it is served.
    pub status: TenantStatus,
    /// How it wants to be served.
    pub settings: TenantSettings,
}

/// What it takes to create a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTenant {
    /// The name its callers know it by.
    pub name: TenantName,
    /// Where its local times are told.
    pub time_zone: Tz,
    /// How it wants to be served.
    pub settings: TenantSettings,
}

/// Whether a business is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TenantStatus {
    /// Everything runs.
    Active,
    /// Calls and texts are recorded; nothing is sent.
    Suspended,
}

impl TenantStatus {
    /// Every status.
    pub const ALL: [Self; 2] = [Self::Active, Self::Suspended];

    /// The stable word in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }
}

/// The name of a business: one line of 1 to 120 characters, because it is spoken aloud and stands in texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantName(String);

/// The text is not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a business's name is one line of 1 to {MAX_NAME_CHARS} characters")]
pub struct NameError;

const MAX_NAME_CHARS: usize = 120;

impl TenantName {
    /// Checks the text; white space around it is dropped.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let name = text.trim();
        let is_line = !name.is_empty() && !name.chars().any(|c| c.is_control() || is_invisible(c));
        if is_line && name.chars().count() <= MAX_NAME_CHARS { Ok(Self(name.to_owned())) } else { Err(NameError) }
    }

    /// The plain text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for TenantName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for TenantName {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(&text)
    }
}

impl From<TenantName> for String {
    fn from(name: TenantName) -> Self {
        name.0
    }
}

impl std::fmt::Display for TenantName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_of_bounded_length() {
        assert_eq!(
            TenantName::parse("  Example Plumbing ").map(|n| n.as_str().to_owned()),
            Ok("Example Plumbing".into())
        );
        assert!(TenantName::parse(&"é".repeat(120)).is_ok());
        for bad in
            ["", "   ", "two\nlines", "tab\tinside", "nul\0inside", "\u{200b}", "gnip\u{202e}bmulP", &"é".repeat(121)]
        {
            assert_eq!(TenantName::parse(bad), Err(NameError), "{bad:?}");
        }
    }
}
