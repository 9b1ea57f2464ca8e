use chrono::{Datelike as _, Days, NaiveDate, NaiveTime};
use nmc_identity::OpeningHours;

use super::{clock::Clock, stretches::Stretches};

/// When the hours are open on the dates. Windows that touch, also over midnight, are one stretch.
pub(crate) fn open_time(hours: &OpeningHours, dates: impl Iterator<Item = NaiveDate>, clock: &Clock) -> Stretches {
    let windows = dates.flat_map(|date| {
        hours.of(date.weekday()).iter().map(move |window| {
            // 00:00 is the end of the day.
            let last = if window.closes == NaiveTime::MIN { date + Days::new(1) } else { date };
            (date.and_time(window.opens), last.and_time(window.closes))
        })
    });
    Stretches::of(windows.flat_map(|(opens, closes)| clock.between(opens, closes)).collect())
}

#[cfg(test)]
#[path = "zone_tests.rs"]
mod tests;
