use serde::{Deserialize, Serialize};

/// A service item's duration in whole minutes, 1..=480.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
    utoipa::ToSchema,
)]
#[serde(try_from = "i32", into = "i32")]
#[schemars(with = "i32")]
#[schema(value_type = i32, minimum = 1, maximum = 480)]
pub struct Minutes(i32);

/// The number of minutes is outside 1..=480.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("minutes must be 1 to 480, not {0}")]
pub struct MinutesError(i32);

impl Minutes {
    /// Checks the bounds.
    pub const fn new(minutes: i32) -> Result<Self, MinutesError> {
        if minutes >= 1 && minutes <= 480 { Ok(Self(minutes)) } else { Err(MinutesError(minutes)) }
    }

    /// The plain number.
    pub const fn get(self) -> i32 {
        self.0
    }

    /// As a span of time.
    pub fn duration(self) -> chrono::Duration {
        chrono::Duration::minutes(i64::from(self.0))
    }
}

impl TryFrom<i32> for Minutes {
    type Error = MinutesError;
    fn try_from(minutes: i32) -> Result<Self, MinutesError> {
        Self::new(minutes)
    }
}

impl From<Minutes> for i32 {
    fn from(minutes: Minutes) -> i32 {
        minutes.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds() {
        assert_eq!(Minutes::new(0), Err(MinutesError(0)));
        assert_eq!(Minutes::new(481), Err(MinutesError(481)));
        assert_eq!(Minutes::new(480).map(Minutes::get), Ok(480));
        assert!(serde_json::from_str::<Minutes>("0").is_err());
    }
}
