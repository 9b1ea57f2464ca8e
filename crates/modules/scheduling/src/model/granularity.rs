use chrono::Duration;
use serde::{Deserialize, Serialize};

/// How far apart the beginnings of the slots of a search are. The minutes are those of the clock on the wall.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "i32", into = "i32")]
pub enum Granularity {
    /// On every quarter of an hour, as holds may begin.
    #[default]
    Quarter,
    /// On the half hours.
    Half,
    /// On the hours.
    Hour,
}

/// The number of minutes is none of 15, 30 and 60.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the granularity must be 15, 30 or 60 minutes, not {0}")]
pub struct GranularityError(i32);

impl Granularity {
    /// In minutes.
    pub const fn minutes(self) -> i32 {
        match self {
            Self::Quarter => 15,
            Self::Half => 30,
            Self::Hour => 60,
        }
    }

    /// As a span of time.
    pub fn duration(self) -> Duration {
        Duration::minutes(self.minutes().into())
    }
}

impl TryFrom<i32> for Granularity {
    type Error = GranularityError;
    fn try_from(minutes: i32) -> Result<Self, GranularityError> {
        [Self::Quarter, Self::Half, Self::Hour]
            .into_iter()
            .find(|granularity| granularity.minutes() == minutes)
            .ok_or(GranularityError(minutes))
    }
}

impl From<Granularity> for i32 {
    fn from(granularity: Granularity) -> i32 {
        granularity.minutes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_numbers_of_minutes_are_one() {
        let known: Vec<i32> = (-100..=100).filter(|minutes| Granularity::try_from(*minutes).is_ok()).collect();
        assert_eq!(known, [15, 30, 60]);
        for minutes in known {
            let read: Granularity = serde_json::from_str(&minutes.to_string()).unwrap();
            assert_eq!((read.minutes(), serde_json::to_string(&read).unwrap()), (minutes, minutes.to_string()));
        }
        assert!(serde_json::from_str::<Granularity>("20").is_err());
    }
}
