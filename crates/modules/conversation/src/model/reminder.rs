//! When a customer is reminded of an appointment.

use chrono::{DateTime, Duration, NaiveTime, TimeZone as _, Utc};
use chrono_tz::Tz;
use nmc_kernel::{AppointmentId, MessageId};
use uuid::Uuid;

/// Nobody is reminded before this time of the business's day: whoever wants to move the appointment finds somebody
/// there.
const EARLIEST: NaiveTime = NaiveTime::from_hms_opt(9, 0, 0).unwrap();
/// Nor after this one.
const LATEST: NaiveTime = NaiveTime::from_hms_opt(20, 0, 0).unwrap();
/// Whoever was told the time as short before as this has not forgotten it.
const REMEMBERED: Duration = Duration::hours(12);
/// So short before the appointment nothing could be moved any more, and the customer is at home or is not.
const TOO_LATE: Duration = Duration::hours(2);

/// When to remind of an appointment: at its time of day on the day before, as the business's clocks show it, within the
/// hours in which one texts.
pub(crate) fn due_at(start: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    let local = start.with_timezone(&zone).naive_local();
    let time = local.time().clamp(EARLIEST, LATEST);
    let due = local.date().pred_opt().and_then(|day| zone.from_local_datetime(&day.and_time(time)).earliest());
    // No zone's clocks pass over these hours.
    due.map_or(start - Duration::days(1), |due| due.with_timezone(&Utc))
}

/// Whether somebody who was told of the appointment at `told_at` is reminded of it at all.
pub(crate) fn is_wanted(due_at: DateTime<Utc>, told_at: DateTime<Utc>) -> bool {
    due_at - told_at >= REMEMBERED
}

/// Until when a reminder is of use.
pub(crate) fn useful_until(start: DateTime<Utc>) -> DateTime<Utc> {
    start - TOO_LATE
}

/// The message that reminds of an appointment at just this time. The same each time it is asked for, so that there is
/// one, however often and in however many places it falls due.
pub(crate) fn message_id(appointment: AppointmentId, start: DateTime<Utc>) -> MessageId {
    let start = u128::from(start.timestamp_micros().unsigned_abs());
    Uuid::from_u128(appointment.as_uuid().as_u128() ^ start).into()
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike as _, Timelike as _};
    use proptest::prelude::*;

    use super::*;

    const NEW_YORK: Tz = Tz::America__New_York;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn at_the_same_time_of_day_on_the_day_before() {
        let cases = [
            ("a day in summer", "2026-06-12T18:00:00Z", "2026-06-11T18:00:00Z"),
            // Clocks go forward at 2 in the morning of march 8, and back at 2 in the morning of november 1.
            ("the day before has 23 hours", "2026-03-09T18:00:00Z", "2026-03-08T18:00:00Z"),
            ("the day itself has 23 hours", "2026-03-08T18:00:00Z", "2026-03-07T19:00:00Z"),
            ("the day before has 25 hours", "2026-11-02T19:00:00Z", "2026-11-01T19:00:00Z"),
            ("the day itself has 25 hours", "2026-11-01T19:00:00Z", "2026-10-31T18:00:00Z"),
            ("7 in the morning: not before 9", "2026-06-12T11:00:00Z", "2026-06-11T13:00:00Z"),
            ("10 in the evening: not after 8", "2026-06-13T02:00:00Z", "2026-06-12T00:00:00Z"),
            ("at midnight: on the day before that", "2026-06-12T04:00:00Z", "2026-06-11T13:00:00Z"),
        ];
        for (case, start, due) in cases {
            assert_eq!(due_at(utc(start), NEW_YORK), utc(due), "{case}");
        }
    }

    #[test]
    fn whoever_was_just_told_is_not_reminded() {
        let due = utc("2026-06-11T18:00:00Z");
        assert!(is_wanted(due, utc("2026-06-11T06:00:00Z")));
        assert!(!is_wanted(due, utc("2026-06-11T06:00:01Z")));
        assert!(!is_wanted(due, utc("2026-06-11T19:00:00Z")));
    }

    proptest! {
        #[test]
        fn in_any_zone_it_is_the_day_before_within_the_hours(minutes in 0_i64..20_000_000, zone in 0..chrono_tz::TZ_VARIANTS.len()) {
            let (start, zone) = (DateTime::UNIX_EPOCH + Duration::minutes(minutes), chrono_tz::TZ_VARIANTS[zone]);
            let due = due_at(start, zone);
            let (local, told) = (start.with_timezone(&zone), due.with_timezone(&zone));
            // Samoa had no 30 December 2011.
            prop_assume!(zone.from_local_datetime(&local.date_naive().pred_opt().unwrap().and_time(EARLIEST)).earliest().is_some());
            prop_assert_eq!(told.date_naive().num_days_from_ce() + 1, local.date_naive().num_days_from_ce());
            prop_assert!((9..20).contains(&told.hour()) || (told.hour(), told.minute()) == (20, 0), "{told}");
            prop_assert!(due < useful_until(start), "{due} {start}");
        }

        #[test]
        fn another_time_is_another_message(appointment in any::<u128>(), one in 0_i64..4_000_000_000, other in 0_i64..4_000_000_000) {
            let appointment = AppointmentId::from(Uuid::from_u128(appointment));
            let of = |seconds| message_id(appointment, DateTime::UNIX_EPOCH + Duration::seconds(seconds));
            prop_assert_eq!(of(one) == of(other), one == other);
        }
    }
}
