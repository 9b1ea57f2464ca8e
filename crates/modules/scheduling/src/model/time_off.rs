use chrono::{DateTime, Days, Duration, NaiveDate, SubsecRound as _, Utc};
use chrono_tz::Tz;
use nmc_kernel::{ResourceId, Timeslot};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    date::{beginning, is_usual},
    line::is_line,
};

/// A row is no longer, so that a search knows how far back one can begin.
pub(crate) const PIECE_MAX: Duration = Duration::hours(24);
/// Who is away for longer is not a resource meanwhile.
const DAYS_MAX: i64 = 366;
const REASON_CHARS_MAX: usize = 200;

/// When a resource is away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(example = json!({
    "id": "0197c0de-0000-7000-8000-000000000004", "resource_id": "0197c0de-0000-7000-8000-000000000003",
    "start": "2026-07-06T04:00:00Z", "end": "2026-07-11T04:00:00Z", "reason": "Holidays"
}))]
pub struct TimeOff {
    /// The absence.
    pub id: Uuid,
    /// Who is away.
    pub resource_id: ResourceId,
    /// From when on, UTC.
    pub start: DateTime<Utc>,
    /// Until when, UTC.
    pub end: DateTime<Utc>,
    /// Why, where somebody said so.
    pub reason: Option<String>,
}

/// When a resource will be away: from `start` to `end`, or on the days from `first_day` to `last_day`. At most 366 days.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"first_day": "2035-07-09", "last_day": "2035-07-13", "reason": "Holidays"}))]
pub struct NewTimeOff {
    /// From when on, UTC.
    pub start: Option<DateTime<Utc>>,
    /// Until when, UTC.
    pub end: Option<DateTime<Utc>>,
    /// The first whole day, where the resource is.
    #[schema(value_type = Option<String>, format = Date)]
    pub first_day: Option<NaiveDate>,
    /// The last whole day, where the resource is.
    #[schema(value_type = Option<String>, format = Date)]
    pub last_day: Option<NaiveDate>,
    /// Why: one line of at most 200 characters.
    pub reason: Option<String>,
}

/// What cannot be of an absence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeOffFieldError {
    /// Neither form is complete, or both are given.
    #[error("either start and end, or first_day and last_day")]
    Form,
    /// It ends before it begins, or is too long.
    #[error("must be after start and at most {DAYS_MAX} days after it")]
    End,
    /// It ends before it begins, or is too long.
    #[error("must be no earlier than first_day, and the whole at most {DAYS_MAX} days")]
    LastDay,
    /// It is over already.
    #[error("must not be over already")]
    Over(&'static str),
    /// The time is of no year that is used.
    #[error("must be of a year from 1 to 9998")]
    Year(&'static str),
    /// The reason is no line.
    #[error("must be one line of at most {REASON_CHARS_MAX} characters")]
    Reason,
}

impl TimeOffFieldError {
    /// The field it is about.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Form => "start",
            Self::End => "end",
            Self::LastDay => "last_day",
            Self::Over(field) | Self::Year(field) => field,
            Self::Reason => "reason",
        }
    }
}

impl NewTimeOff {
    /// When it is, for a resource whose clock is that zone's; not over by `now`. Parts of a second that Postgres does not
    /// keep are dropped.
    pub(crate) fn slot(&self, zone: Tz, now: DateTime<Utc>) -> Result<Timeslot, TimeOffFieldError> {
        let (slot, error) = match (self.start, self.end, self.first_day, self.last_day) {
            (Some(start), Some(end), None, None) => {
                usual("start", start.date_naive())?;
                usual("end", end.date_naive())?;
                (Timeslot::new(start.trunc_subsecs(6), end.trunc_subsecs(6)), TimeOffFieldError::End)
            }
            (None, None, Some(first), Some(last)) => {
                usual("first_day", first)?;
                usual("last_day", last)?;
                // The days are the clock's: over a change one has 23 or 25 hours.
                (
                    Timeslot::new(beginning(zone, first), beginning(zone, last + Days::new(1))),
                    TimeOffFieldError::LastDay,
                )
            }
            _ => return Err(TimeOffFieldError::Form),
        };
        // An hour more, for days over the end of daylight saving time.
        let length_max = Duration::days(DAYS_MAX) + Duration::hours(1);
        let slot = slot.ok().filter(|slot| slot.end() - slot.start() <= length_max).ok_or(error)?;
        if slot.end() <= now { Err(TimeOffFieldError::Over(error.field())) } else { Ok(slot) }
    }

    /// The reason without the white space around it; an empty one is none.
    pub(crate) fn reason(&self) -> Result<Option<&str>, TimeOffFieldError> {
        let reason = self.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
        let is_reason = reason.is_none_or(|reason| is_line(reason, REASON_CHARS_MAX));
        if is_reason { Ok(reason) } else { Err(TimeOffFieldError::Reason) }
    }
}

fn usual(field: &'static str, date: NaiveDate) -> Result<(), TimeOffFieldError> {
    if is_usual(date) { Ok(()) } else { Err(TimeOffFieldError::Year(field)) }
}

/// The slot in pieces of at most 24 hours, in order, without gap or overlap.
pub(crate) fn pieces(slot: Timeslot) -> impl Iterator<Item = (DateTime<Utc>, DateTime<Utc>)> {
    let mut from = slot.start();
    std::iter::from_fn(move || {
        let piece = (from, slot.end().min(from + PIECE_MAX));
        from = piece.1;
        (piece.0 < piece.1).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn slot(new: Value, zone: Tz) -> Result<(String, String), TimeOffFieldError> {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let slot = serde_json::from_value::<NewTimeOff>(new).unwrap().slot(zone, now)?;
        Ok((slot.start().to_rfc3339(), slot.end().to_rfc3339()))
    }

    proptest! {
        #[test]
        fn pieces_cover_the_whole_and_nothing_else(start in 0i64..4_000_000_000, micros in 1i64..31_700_000_000_000) {
            let start = DateTime::from_timestamp(start, 0).unwrap();
            let end = start + Duration::microseconds(micros);
            let pieces: Vec<_> = pieces(Timeslot::new(start, end).unwrap()).collect();
            prop_assert_eq!(pieces.first().unwrap().0, start);
            prop_assert_eq!(pieces.last().unwrap().1, end);
            prop_assert!(pieces.windows(2).all(|pair| pair[0].1 == pair[1].0));
            prop_assert!(pieces.iter().all(|(from, until)| from < until && *until - *from <= Duration::hours(24)));
        }
    }

    #[test]
    fn days_are_those_of_the_zones_clock() {
        let new_york = Tz::America__New_York;
        let days = |first, last| slot(json!({"first_day": first, "last_day": last}), new_york).unwrap();
        let whole = |from: &str, until: &str| (format!("{from}+00:00"), format!("{until}+00:00"));
        assert_eq!(days("2026-07-06", "2026-07-06"), whole("2026-07-06T04:00:00", "2026-07-07T04:00:00"));
        // 23 and 25 hours.
        assert_eq!(days("2026-03-08", "2026-03-08"), whole("2026-03-08T05:00:00", "2026-03-09T04:00:00"));
        assert_eq!(days("2026-11-01", "2026-11-01"), whole("2026-11-01T04:00:00", "2026-11-02T05:00:00"));
        // A day that begins at one o'clock.
        let cairo = slot(json!({"first_day": "2026-04-24", "last_day": "2026-04-24"}), Tz::Africa__Cairo).unwrap();
        assert_eq!(cairo, whole("2026-04-23T22:00:00", "2026-04-24T21:00:00"));
        // One that has begun is not over.
        assert!(slot(json!({"start": "2025-12-31T23:00:00Z", "end": "2026-01-01T00:00:01Z"}), Tz::UTC).is_ok());
        // 366 days from before a change to after it.
        assert!(slot(json!({"first_day": "2027-11-07", "last_day": "2028-11-06"}), new_york).is_ok());
    }

    #[test]
    fn what_cannot_be_is_named_by_its_field() {
        let at = "2026-07-06T04:00:00Z";
        for (new, field) in [
            (json!({}), "start"),
            (json!({"start": at}), "start"),
            (json!({"first_day": "2026-07-06"}), "start"),
            (json!({"start": at, "last_day": "2026-07-06"}), "start"),
            (json!({"start": at, "end": at, "first_day": "2026-07-06", "last_day": "2026-07-06"}), "start"),
            (json!({"start": at, "end": at}), "end"),
            (json!({"start": at, "end": "2026-07-06T04:00:00.000000400Z"}), "end"),
            (json!({"start": at, "end": "2026-07-05T04:00:00Z"}), "end"),
            (json!({"start": at, "end": "2027-07-07T05:00:01Z"}), "end"),
            (json!({"first_day": "2026-07-06", "last_day": "2026-07-05"}), "last_day"),
            (json!({"first_day": "2026-07-06", "last_day": "2027-07-07"}), "last_day"),
            (json!({"start": "2025-12-31T23:00:00Z", "end": "2026-01-01T00:00:00Z"}), "end"),
            (json!({"first_day": "2025-12-31", "last_day": "2025-12-31"}), "last_day"),
            (json!({"start": "+12026-07-06T04:00:00Z", "end": at}), "start"),
            (json!({"first_day": "2026-07-06", "last_day": "9999-07-05"}), "last_day"),
        ] {
            assert_eq!(slot(new.clone(), Tz::UTC).unwrap_err().field(), field, "{new}");
        }
        let reason = |text: &str| NewTimeOff { reason: Some(text.to_owned()), ..NewTimeOff::default() };
        assert_eq!(reason(" \n").reason(), Ok(None));
        assert_eq!(reason(" ill ").reason(), Ok(Some("ill")));
        for bad in ["a\nb", &"x".repeat(201)] {
            assert_eq!(reason(bad).reason(), Err(TimeOffFieldError::Reason));
        }
    }
}
