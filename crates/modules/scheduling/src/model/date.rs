use chrono::{DateTime, Datelike as _, Days, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use nmc_kernel::Timeslot;

use super::clock::Clock;

/// Whether a date is of a year that Postgres keeps and whose days have neighbours.
pub(crate) fn is_usual(date: NaiveDate) -> bool {
    (1..=9998).contains(&date.year())
}

/// The first instant of a date by the clock of a zone.
pub(crate) fn beginning(zone: Tz, date: NaiveDate) -> DateTime<Utc> {
    Clock::over(zone, date, date).first(date.and_time(NaiveTime::MIN))
}

/// The whole of a date by the clock of a zone; nothing where the zone left it out.
pub(crate) fn day(zone: Tz, date: NaiveDate) -> Option<Timeslot> {
    Timeslot::new(beginning(zone, date), beginning(zone, date + Days::new(1))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_that_never_was_is_none() {
        let never = NaiveDate::from_ymd_opt(2011, 12, 30).unwrap();
        assert_eq!(day(Tz::Pacific__Apia, never), None);
        assert!(day(Tz::Pacific__Apia, never + Days::new(1)).is_some());
    }
}
