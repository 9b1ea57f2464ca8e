use std::collections::HashMap;

use chrono::{DateTime, Duration, NaiveDate, Offset as _, TimeZone as _, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use nmc_identity::OpeningHours;
use nmc_kernel::Timeslot;

use super::open_time;
use crate::model::{
    availability::{Availability, Rules},
    by_minute::{ByMinute, Shown, every_day},
    clock::Clock,
    granularity::Granularity,
};

const DAY: i64 = 24 * 60;

/// A change of the clocks of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Change {
    at: DateTime<Utc>,
    /// Minutes ahead of UTC, before and after.
    before: i64,
    after: i64,
}

fn ahead(zone: Tz, at: DateTime<Utc>) -> i64 {
    i64::from(zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc()) / 60
}

/// What a zone's clocks do from 2024 to 2038.
fn changes(zone: Tz) -> Vec<Change> {
    let year = |year| NaiveDate::from_ymd_opt(year, 1, 1).unwrap().and_hms_opt(0, 0, 0).unwrap().and_utc();
    let (first, last) = (year(2024), year(2039));
    let minutes: Vec<_> = (0..=DAY).collect();
    let mut before = ahead(zone, first);
    let mut found = vec![];
    for day in (0..(last - first).num_days()).map(|day| first + Duration::days(day)) {
        let after = ahead(zone, day + Duration::days(1));
        if after != before {
            let minute = minutes.partition_point(|minute| ahead(zone, day + Duration::minutes(*minute)) == before);
            found.push(Change { at: day + Duration::minutes(minutes[minute]), before, after });
            before = after;
        }
    }
    found
}

/// One zone for all that change alike.
fn all_changes() -> Vec<(Tz, Vec<Change>)> {
    let mut of_zones = HashMap::new();
    for zone in TZ_VARIANTS {
        of_zones.entry(changes(zone)).or_insert(zone);
    }
    of_zones.into_iter().map(|(changes, zone)| (zone, changes)).collect()
}

/// Minutes of a day, counted from any midnight, open on every day.
fn hours(windows: &[(i64, i64)]) -> OpeningHours {
    let mut open = vec![false; 24 * 60];
    for minute in windows.iter().flat_map(|(from, until)| *from..*until) {
        open[usize::try_from(minute.rem_euclid(DAY)).unwrap()] = true;
    }
    every_day(&open)
}

/// Hours around a change: before and after noon, over midnight, touching what is left out or comes twice, and in it.
fn schedules(change: &Change) -> [OpeningHours; 8] {
    let shown = |ahead: i64| (change.at.timestamp() / 60 + ahead).rem_euclid(DAY);
    let (low, length) = (shown(change.before.min(change.after)), (change.after - change.before).abs());
    let (middle, high) = (low + length / 2, low + length);
    [
        hours(&[(0, DAY)]),
        hours(&[(8 * 60, 12 * 60), (13 * 60, 17 * 60 + 30)]),
        hours(&[(13 * 60 + 20, DAY + 3 * 60)]),
        hours(&[(low, high)]),
        hours(&[(low - 40, middle), (high, high + 95)]),
        hours(&[(middle, high + 60)]),
        hours(&[(high, low + DAY)]),
        hours(&[(low - 5, low + 10), (middle - 5, middle + 5), (high - 10, high + 5)]),
    ]
}

/// Compares hours with the minutes around a change; how many slots there were.
fn compare(zone: Tz, change: &Change) -> usize {
    let window = Timeslot::new(change.at - Duration::hours(14), change.at + Duration::hours(14)).unwrap();
    let shown = Shown::around(zone, window);
    let now = window.start();
    let mut slots = 0;
    for hours in schedules(change) {
        let rules = Rules {
            zone,
            hours,
            holidays: vec![],
            buffer_before: Duration::zero(),
            buffer_after: Duration::zero(),
            minimum_notice: Duration::zero(),
            horizon: Duration::days(30),
        };
        let by_minute = ByMinute::new(&rules, &[], &shown, now);

        let (first, last) = (now.date_naive().pred_opt().unwrap(), window.end().date_naive().succ_opt().unwrap());
        let open = open_time(
            &rules.hours,
            first.iter_days().take_while(|date| *date <= last),
            &Clock::over(zone, first, last),
        );
        let within = open
            .meeting(window)
            .map(|stretch| stretch.start.max(window.start())..stretch.end.min(window.end()))
            .collect::<Vec<_>>();
        assert_eq!(within, by_minute.open(window), "{zone} {change:?} {:?}", rules.hours);

        let availability = Availability::new(&rules, [], window, now);
        for (length, granularity) in [(15, Granularity::Quarter), (90, Granularity::Half)] {
            let length = Duration::minutes(length);
            let offered: Vec<_> = availability.slots(window, length, granularity).collect();
            let expected = by_minute.slots(window, length, granularity);
            assert_eq!(offered, expected, "{zone} {change:?} {:?}", rules.hours);
            slots += offered.len();
        }
    }
    slots
}

#[test]
fn every_change_of_every_zone_s_clocks_leaves_no_open_minute_out_and_adds_none() {
    let zones = all_changes();
    let all: Vec<(Tz, Change)> =
        zones.iter().flat_map(|(zone, changes)| changes.iter().map(|change| (*zone, *change))).collect();
    let threads = 2;
    let slots: usize = std::thread::scope(|scope| {
        let parts = all.chunks(all.len().div_ceil(threads));
        let running: Vec<_> = parts
            .map(|part| scope.spawn(|| part.iter().map(|(zone, change)| compare(*zone, change)).sum::<usize>()))
            .collect();
        running.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert!(zones.len() > 30 && all.len() > 900 && slots > 400_000, "{} {} {slots}", zones.len(), all.len());
}

#[test]
fn the_odd_changes_are_among_them() {
    let at = |zone: Tz, text: &str| {
        let at: DateTime<Utc> = text.parse().unwrap();
        let change = changes(zone).into_iter().find(|change| change.at == at);
        change.map(|change| (change.before, change.after))
    };
    // Half an hour.
    assert_eq!(at(Tz::Australia__Lord_Howe, "2026-04-04T15:00:00Z"), Some((11 * 60, 10 * 60 + 30)));
    assert_eq!(at(Tz::Australia__Lord_Howe, "2026-10-03T15:30:00Z"), Some((10 * 60 + 30, 11 * 60)));
    // Midnight is left out, or comes twice.
    assert_eq!(at(Tz::Asia__Beirut, "2026-03-28T22:00:00Z"), Some((2 * 60, 3 * 60)));
    assert_eq!(at(Tz::America__Havana, "2026-11-01T05:00:00Z"), Some((-4 * 60, -5 * 60)));
    assert_eq!(at(Tz::Atlantic__Azores, "2026-10-25T01:00:00Z"), Some((0, -60)));
    assert_eq!(at(Tz::America__Nuuk, "2026-10-25T01:00:00Z"), Some((-60, -2 * 60)));
    // Winter is what is saved.
    assert_eq!(at(Tz::Europe__Dublin, "2026-10-25T01:00:00Z"), Some((60, 0)));
    // During Ramadan.
    assert!(changes(Tz::Africa__Casablanca).len() >= 28);
}

/// Hours like "08:00", to "24:00".
fn stretches(zone: Tz, windows: &[(&str, &str)], date: &str) -> Vec<String> {
    let minutes = |text: &str| text[..2].parse::<i64>().unwrap() * 60 + text[3..].parse::<i64>().unwrap();
    let windows: Vec<_> = windows.iter().map(|(from, until)| (minutes(from), minutes(until))).collect();
    let date: NaiveDate = date.parse().unwrap();
    let open = open_time(&hours(&windows), std::iter::once(date), &Clock::over(zone, date, date));
    let all = Timeslot::new(DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC).unwrap();
    let told = |at: DateTime<Utc>| at.with_timezone(&zone).format("%dT%H:%M%:z").to_string();
    open.meeting(all).map(|stretch| format!("{} {}", told(stretch.start), told(stretch.end))).collect()
}

#[test]
fn a_day_has_23_or_25_hours_where_the_clock_changes() {
    let new_york = Tz::America__New_York;
    assert_eq!(stretches(new_york, &[("00:00", "24:00")], "2026-03-08"), ["08T00:00-05:00 09T00:00-04:00"]);
    assert_eq!(stretches(new_york, &[("00:00", "24:00")], "2026-11-01"), ["01T00:00-04:00 02T00:00-05:00"]);
    // 02:00 to 03:00 is left out.
    assert_eq!(stretches(new_york, &[("02:00", "03:00")], "2026-03-08"), [""; 0]);
    assert_eq!(stretches(new_york, &[("02:15", "04:00")], "2026-03-08"), ["08T03:00-04:00 08T04:00-04:00"]);
    assert_eq!(stretches(new_york, &[("01:00", "02:30")], "2026-03-08"), ["08T01:00-05:00 08T03:00-04:00"]);
    // 01:00 to 02:00 comes twice.
    assert_eq!(stretches(new_york, &[("00:30", "01:30")], "2026-11-01"), ["01T00:30-04:00 01T01:30-04:00"]);
    assert_eq!(stretches(new_york, &[("01:00", "02:00")], "2026-11-01"), ["01T01:00-04:00 01T02:00-05:00"]);
    assert_eq!(
        stretches(new_york, &[("01:30", "03:00")], "2026-11-01"),
        ["01T01:30-04:00 01T01:00-05:00", "01T01:30-05:00 01T03:00-05:00"]
    );
    // What touches across the missing hour is one.
    assert_eq!(
        stretches(new_york, &[("00:00", "02:15"), ("02:45", "04:00")], "2026-03-08"),
        ["08T00:00-05:00 08T04:00-04:00"]
    );
    // Midnight does not happen, or happens again.
    assert_eq!(stretches(Tz::Asia__Beirut, &[("00:00", "08:00")], "2026-03-29"), ["29T01:00+03:00 29T08:00+03:00"]);
    assert_eq!(stretches(Tz::America__Havana, &[("22:00", "24:00")], "2026-10-31"), ["31T22:00-04:00 01T00:00-04:00"]);
    assert_eq!(stretches(Tz::America__Nuuk, &[("22:00", "24:00")], "2026-10-24"), ["24T22:00-01:00 25T00:00-02:00"]);
    // Half an hour.
    assert_eq!(
        stretches(Tz::Australia__Lord_Howe, &[("01:00", "02:30")], "2026-10-04"),
        ["04T01:00+10:30 04T02:30+11:00"]
    );
}
