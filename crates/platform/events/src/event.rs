use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

/// A domain event's payload type.
pub trait Event: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// `nmc.<domain>.<EventName>`.
    const NAME: &'static str;
    /// Version of the payload's shape: minor is additive, major is breaking (ADR 0004).
    const VERSION: SchemaVersion;

    /// What deliveries of one batch are sorted by: the caller's phone, else the resource. It promises nothing
    /// between batches.
    fn order_key(&self) -> Option<String> {
        None
    }
}

/// The semantic version of an event's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchemaVersion {
    /// Raised by a breaking change; a consumer handles exactly the majors it knows.
    pub major: u16,
    /// Raised by an additive change.
    pub minor: u16,
    /// Raised by a correction of the documentation.
    pub patch: u16,
}

impl SchemaVersion {
    /// The first version of every event.
    pub const V1: Self = Self { major: 1, minor: 0, patch: 0 };
}

impl fmt::Display for SchemaVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// The text is not `major.minor.patch`.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a schema version is major.minor.patch")]
pub struct SchemaVersionError;

impl FromStr for SchemaVersion {
    type Err = SchemaVersionError;
    fn from_str(text: &str) -> Result<Self, SchemaVersionError> {
        let parts: Vec<u16> = text.split('.').map_while(|part| part.parse().ok()).collect();
        match parts[..] {
            [major, minor, patch] if text.split('.').count() == 3 => Ok(Self { major, minor, patch }),
            _ => Err(SchemaVersionError),
        }
    }
}
