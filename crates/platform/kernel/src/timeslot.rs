use chrono::{DateTime, Utc};
use serde::Serialize;

/// A half-open interval `[start, end)`, UTC, never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Timeslot {
    start: DateTime<Utc>,
    end: DateTime<Utc>,
}

/// The end is not after the start.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a timeslot must end after it starts")]
pub struct TimeslotError;

impl Timeslot {
    /// Checks that the interval is not empty.
    pub fn new(start: DateTime<Utc>, end: DateTime<Utc>) -> Result<Self, TimeslotError> {
        if start < end { Ok(Self { start, end }) } else { Err(TimeslotError) }
    }

    /// First instant inside.
    pub const fn start(self) -> DateTime<Utc> {
        self.start
    }

    /// First instant after.
    pub const fn end(self) -> DateTime<Utc> {
        self.end
    }

    /// Whether the two share an instant; touching ends do not.
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn touching_slots_do_not_overlap() {
        let at = |m| DateTime::UNIX_EPOCH + chrono::Duration::minutes(m);
        let slot = |a, b| Timeslot::new(at(a), at(b)).unwrap();
        assert!(!slot(0, 10).overlaps(slot(10, 20)));
        assert!(slot(0, 11).overlaps(slot(10, 20)));
        assert_eq!(Timeslot::new(at(5), at(5)), Err(TimeslotError));
    }
}
