use std::sync::LazyLock;

use chrono::{NaiveTime, Offset as _, TimeZone as _};
use chrono_tz::TZ_VARIANTS;
use nmc_identity::OpenWindow;
use proptest::prelude::*;

use super::*;
use crate::model::by_minute::{ByMinute, Shown, every_day, week, windows};

const NEW_YORK: Tz = Tz::America__New_York;

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn minutes(minutes: i64) -> Duration {
    Duration::minutes(minutes)
}

/// A slot of Wednesday 10 June 2026 in New York, whose clocks are four hours behind UTC then.
fn slot(from: &str, until: &str) -> Timeslot {
    let at = |time: &str| utc(&format!("2026-06-10T{time}-04:00"));
    Timeslot::new(at(from), at(until)).unwrap()
}

fn busy(with: BusyWith, from: &str, until: &str) -> Busy {
    let slot = slot(from, until);
    Busy { from: slot.start(), until: slot.end(), with }
}

/// Open from eight to five, half an hour before and a quarter after each appointment, two hours of notice.
fn rules() -> Rules {
    let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    let day = || vec![OpenWindow { opens: time(8), closes: time(17) }];
    Rules {
        zone: NEW_YORK,
        hours: week([day(), day(), day(), day(), day(), vec![], vec![]]),
        holidays: vec![],
        buffer_before: minutes(30),
        buffer_after: minutes(15),
        minimum_notice: minutes(120),
        horizon: Duration::days(30),
    }
}

/// Judged on that Wednesday at six in the morning.
fn availability(rules: &Rules, busy: &[Busy]) -> Availability {
    let day = Timeslot::new(utc("2026-06-10T00:00:00Z"), utc("2026-06-12T00:00:00Z")).unwrap();
    Availability::new(rules, busy.to_vec(), day, slot("06:00:00", "07:00:00").start())
}

#[test]
fn what_is_free_is_blocked_with_its_buffers() {
    let free = availability(&rules(), &[]);
    assert_eq!(free.judge(slot("10:00:00", "11:00:00")), Ok(slot("09:30:00", "11:15:00")));
    // The hours are those of what the customer is told: buffers may lie outside.
    assert_eq!(free.judge(slot("08:00:00", "17:00:00")), Ok(slot("07:30:00", "17:15:00")));
    // Blocked ranges may touch.
    let between = [
        busy(BusyWith::Appointment, "09:00:00", "09:30:00"),
        busy(BusyWith::TimeOff, "08:00:00", "09:30:00"),
        busy(BusyWith::Hold, "11:15:00", "12:00:00"),
        busy(BusyWith::External, "11:15:00", "11:20:00"),
    ];
    let tight = availability(&rules(), &between);
    assert_eq!(tight.judge(slot("10:00:00", "11:00:00")), Ok(slot("09:30:00", "11:15:00")));
    assert_eq!(tight.judge(slot("10:00:00", "11:00:00")), tight.judge_override(slot("10:00:00", "11:00:00")));
}

/// Each reason, a slot that is refused for it, and what makes it so.
fn refusals() -> Vec<(Refusal, Timeslot, Rules, Vec<Busy>)> {
    let ten = slot("10:00:00", "11:00:00");
    let plain = |refusal, slot| (refusal, slot, rules(), vec![]);
    let met = |refusal, with, from, until| (refusal, ten, rules(), vec![busy(with, from, until)]);
    let holiday = Rules { holidays: vec![utc("2026-06-10T00:00:00Z").date_naive()], ..rules() };
    let near = Rules { horizon: minutes(4 * 60 - 1), ..rules() };
    vec![
        plain(Refusal::Past, slot("05:59:59", "07:00:00")),
        plain(Refusal::TooSoon, slot("07:59:59", "09:00:00")),
        (Refusal::TooFar, ten, near, vec![]),
        plain(Refusal::NotAligned, slot("10:05:00", "11:00:00")),
        plain(Refusal::NotAligned, slot("10:00:01", "11:00:00")),
        plain(Refusal::NotAligned, slot("10:00:00.000001", "11:00:00")),
        plain(Refusal::OutsideHours, slot("16:15:00", "17:15:00")),
        plain(Refusal::OutsideHours, slot("17:00:00", "18:00:00")),
        (Refusal::Holiday, ten, holiday.clone(), vec![]),
        (Refusal::OutsideHours, slot("17:00:00", "18:00:00"), holiday, vec![]),
        met(Refusal::TimeOff, BusyWith::TimeOff, "10:30:00", "10:31:00"),
        // A buffer is work as well.
        met(Refusal::TimeOff, BusyWith::TimeOff, "09:00:00", "09:30:01"),
        met(Refusal::External, BusyWith::External, "11:14:59", "12:00:00"),
        met(Refusal::Taken, BusyWith::Appointment, "10:59:59", "12:00:00"),
        met(Refusal::Taken, BusyWith::Hold, "09:00:00", "10:00:01"),
        met(Refusal::Buffer, BusyWith::Appointment, "11:00:00", "12:00:00"),
        met(Refusal::Buffer, BusyWith::Hold, "09:00:00", "10:00:00"),
    ]
}

#[test]
fn each_refusal_has_its_case_and_its_word() {
    for (refusal, slot, rules, busy) in refusals() {
        assert_eq!(availability(&rules, &busy).judge(slot), Err(refusal), "{slot:?}");
    }
    let words: Vec<_> = ORDER.iter().map(|refusal| refusal.code()).collect();
    assert_eq!(
        words,
        [
            "in_the_past",
            "minimum_notice",
            "beyond_horizon",
            "slot_not_aligned",
            "outside_hours",
            "holiday",
            "time_off",
            "external_busy",
            "slot_taken",
            "buffer_conflict"
        ]
    );
    for refusal in ORDER {
        assert!(refusals().iter().any(|(of_case, ..)| of_case == refusal), "{refusal:?}");
    }
}

/// In which they are looked at.
const ORDER: &[Refusal] = &[
    Refusal::Past,
    Refusal::TooSoon,
    Refusal::TooFar,
    Refusal::NotAligned,
    Refusal::OutsideHours,
    Refusal::Holiday,
    Refusal::TimeOff,
    Refusal::External,
    Refusal::Taken,
    Refusal::Buffer,
];

#[test]
fn of_several_reasons_the_first_is_told() {
    let now = slot("06:00:00", "07:00:00").start();
    // All of them hold; then, from the first on, one after the other no longer does.
    let mut bad = Rules { holidays: vec![now.date_naive()], horizon: minutes(-120), ..rules() };
    let (mut at, mut length) = (utc("2026-06-10T05:53:00-04:00"), minutes(60));
    let mut all = vec![
        busy(BusyWith::TimeOff, "00:00:00", "23:00:00"),
        busy(BusyWith::External, "00:00:00", "23:00:00"),
        busy(BusyWith::Hold, "00:00:00", "23:00:00"),
    ];
    for expected in ORDER {
        let judged = {
            let window = Timeslot::new(utc("2026-06-10T00:00:00Z"), utc("2026-06-11T00:00:00Z")).unwrap();
            Availability::new(&bad, all.clone(), window, now).judge(Timeslot::new(at, at + length).unwrap())
        };
        assert_eq!(judged, Err(*expected));
        match expected {
            Refusal::Past => at = utc("2026-06-10T07:53:00-04:00"),
            Refusal::TooSoon => bad.minimum_notice = minutes(60),
            Refusal::TooFar => bad.horizon = Duration::days(1),
            Refusal::NotAligned => at = utc("2026-06-10T07:45:00-04:00"),
            Refusal::OutsideHours => at = utc("2026-06-10T10:00:00-04:00"),
            Refusal::Holiday => bad.holidays.clear(),
            Refusal::TimeOff | Refusal::External => drop(all.remove(0)),
            Refusal::Taken => all[0].from = at + length,
            Refusal::Buffer => length = minutes(45),
        }
    }
}

#[test]
fn notice_and_horizon_include_their_ends() {
    let four_hours = Rules { horizon: minutes(4 * 60), ..rules() };
    let availability = availability(&four_hours, &[]);
    let (first, last) = (slot("08:00:00", "09:00:00"), slot("10:00:00", "11:00:00"));
    assert!(availability.judge(first).is_ok() && availability.judge(last).is_ok());
    assert_eq!(availability.judge(slot("10:15:00", "11:15:00")), Err(Refusal::TooFar));
    assert!(availability.judge_override(slot("06:00:00", "07:00:00")).is_ok());
    let starts = (0..=8).map(|quarter| first.start() + minutes(15 * quarter));
    let offered = availability.slots(slot("00:00:00", "23:00:00"), minutes(60), Granularity::Quarter);
    assert!(offered.map(Timeslot::start).eq(starts));
}

#[test]
fn a_person_overrides_all_but_the_past_and_what_is_taken() {
    for (refusal, slot, rules, busy) in refusals() {
        let judged = availability(&rules, &busy).judge_override(slot);
        match refusal {
            Refusal::Past | Refusal::Taken => assert_eq!(judged, Err(refusal), "{slot:?}"),
            Refusal::TooSoon
            | Refusal::TooFar
            | Refusal::NotAligned
            | Refusal::OutsideHours
            | Refusal::Holiday
            | Refusal::TimeOff
            | Refusal::External
            | Refusal::Buffer => assert!(judged.is_ok(), "{refusal:?} {slot:?}"),
        }
    }
}

#[test]
fn who_overrides_keeps_the_buffers_that_fit() {
    let neighbours = [
        busy(BusyWith::Appointment, "08:00:00", "09:50:00"),
        busy(BusyWith::Hold, "11:00:00", "12:00:00"),
        busy(BusyWith::TimeOff, "09:00:00", "13:00:00"),
    ];
    let between = availability(&rules(), &neighbours);
    assert_eq!(between.judge_override(slot("10:00:00", "11:00:00")), Ok(slot("09:50:00", "11:00:00")));
    assert_eq!(between.judge_override(slot("12:20:00", "13:00:00")), Ok(slot("12:00:00", "13:15:00")));
    assert_eq!(between.judge_override(slot("13:00:00", "14:00:00")), Ok(slot("12:30:00", "14:15:00")));
    assert_eq!(between.judge_override(slot("10:00:00", "11:00:01")), Err(Refusal::Taken));
}

#[test]
fn the_ends_of_time_are_only_too_far() {
    let far = Timeslot::new(DateTime::<Utc>::MAX_UTC - minutes(60), DateTime::<Utc>::MAX_UTC).unwrap();
    let early = Timeslot::new(DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MIN_UTC + minutes(60)).unwrap();
    let now = utc("2026-06-10T10:00:00Z");
    for (slot, refusal) in [(far, Refusal::TooFar), (early, Refusal::Past)] {
        let availability = Availability::new(&rules(), [], slot, now);
        assert_eq!(availability.judge(slot), Err(refusal));
        assert_eq!(availability.slots(slot, minutes(15), Granularity::Quarter).next(), None);
        let _ = availability.judge_override(slot);
    }
}

#[test]
fn windows_over_midnight_are_one_stretch() {
    let mut open = [true; 24 * 60];
    open[6 * 60..20 * 60].fill(false);
    let night = Rules { hours: every_day(&open), ..rules() };
    let night = availability(&night, &[]);
    let over_midnight = Timeslot::new(utc("2026-06-11T03:30:00Z"), utc("2026-06-11T04:30:00Z")).unwrap();
    assert!(night.judge(over_midnight).is_ok());
    assert!(night.slots(over_midnight, minutes(60), Granularity::Half).eq([over_midnight]));
}

#[test]
fn slots_begin_on_the_clock_on_the_wall() {
    // Kathmandu is 5:45 ahead.
    let whole = Rules { zone: Tz::Asia__Kathmandu, hours: every_day(&[true; 24 * 60]), ..rules() };
    let window = Timeslot::new(utc("2026-06-11T00:00:00Z"), utc("2026-06-11T04:00:00Z")).unwrap();
    let availability = Availability::new(&whole, [], window, utc("2026-06-10T00:00:00Z"));
    let starts = |granularity| -> Vec<_> {
        availability
            .slots(window, minutes(60), granularity)
            .map(|slot| slot.start().format("%H:%M").to_string())
            .collect()
    };
    assert_eq!(starts(Granularity::Hour), ["00:15", "01:15", "02:15"]);
    assert_eq!(starts(Granularity::Half), ["00:15", "00:45", "01:15", "01:45", "02:15", "02:45"]);
    assert_eq!(starts(Granularity::Quarter).len(), 13);
}

/// Some instants at which clocks change, with their zones.
static CHANGES: LazyLock<Vec<(Tz, DateTime<Utc>)>> = LazyLock::new(|| {
    let ahead = |zone: Tz, at: DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc();
    let days = || (0..366).map(|day| utc("2027-01-01T00:00:00Z") + Duration::days(day));
    let of_zone = |zone: Tz| days().filter(move |at| ahead(zone, *at) != ahead(zone, *at + Duration::days(1)));
    TZ_VARIANTS.iter().flat_map(|zone| of_zone(*zone).map(|at| (*zone, at))).collect()
});

fn zone_and_time() -> impl Strategy<Value = (Tz, DateTime<Utc>)> {
    let any_time = (0..TZ_VARIANTS.len(), 0..15 * 365i64)
        .prop_map(|(zone, day)| (TZ_VARIANTS[zone], utc("2024-01-01T00:00:00Z") + Duration::days(day)));
    let at_a_change = (0..CHANGES.len(), -4..1i64)
        .prop_map(|(change, days)| (CHANGES[change].0, CHANGES[change].1 + Duration::days(days)));
    let day = prop_oneof![any_time, at_a_change];
    (day, 0..24 * 60i64, prop_oneof![Just(0), 0..60_000_000i64])
        .prop_map(|((zone, day), minute, micros)| (zone, day + minutes(minute) + Duration::microseconds(micros)))
}

/// Windows of a day: none, all of it, or up to four with edges anywhere.
fn a_day() -> impl Strategy<Value = Vec<OpenWindow>> {
    let edges = |step: usize| {
        proptest::collection::btree_set(0..=(24 * 60 / step), 0..=8).prop_map(move |edges| {
            let edges: Vec<_> = edges.into_iter().collect();
            let mut open = vec![false; 24 * 60];
            for pair in edges.chunks_exact(2) {
                open[pair[0] * step..pair[1] * step].fill(true);
            }
            windows(&open)
        })
    };
    prop_oneof![1 => Just(vec![]), 2 => Just(windows(&[true; 24 * 60])), 3 => edges(30), 3 => edges(1)]
}

fn span(longest: i64, step: i64) -> impl Strategy<Value = Duration> {
    prop_oneof![1 => Just(Duration::zero()), 2 => (0..=longest / step).prop_map(move |steps| minutes(steps * step))]
}

#[derive(Debug)]
struct Case {
    rules: Rules,
    busy: Vec<Busy>,
    window: Timeslot,
    now: DateTime<Utc>,
    length: Duration,
}

fn case() -> impl Strategy<Value = Case> {
    let hours = prop_oneof![
        proptest::array::uniform7(a_day()).prop_map(week),
        a_day().prop_map(|day| week(std::array::from_fn(|_| day.clone()))),
    ];
    let rules = (
        hours,
        proptest::collection::btree_set(-1..9i64, 0..3),
        span(120, 5),
        span(120, 5),
        span(2 * 24 * 60, 1),
        1..10i64,
    );
    let kind = prop_oneof![
        Just(BusyWith::Appointment),
        Just(BusyWith::Hold),
        Just(BusyWith::TimeOff),
        Just(BusyWith::External)
    ];
    let busy = proptest::collection::vec((kind, -24 * 60..10 * 24 * 60i64, span(10 * 60, 1)), 0..24);
    let window = (-24 * 60..8 * 24 * 60i64, prop_oneof![15..24 * 60i64, 15..4 * 24 * 60i64], 0..60i64);
    let length = prop_oneof![Just(60), (1..16i64).prop_map(|quarters| quarters * 15), 1..480i64];
    (zone_and_time(), rules, busy, window, length).prop_map(|((zone, now), rules, busy, window, length)| {
        let (hours, holidays, buffer_before, buffer_after, minimum_notice, horizon) = rules;
        let whole = DateTime::from_timestamp(now.timestamp() / 60 * 60, 0).unwrap();
        let from = whole + minutes(window.0) + Duration::seconds(window.2);
        Case {
            rules: Rules {
                zone,
                hours,
                holidays: holidays.into_iter().map(|days| (now + Duration::days(days)).date_naive()).collect(),
                buffer_before,
                buffer_after,
                minimum_notice,
                horizon: Duration::days(horizon),
            },
            busy: busy
                .into_iter()
                .map(|(with, from, length)| (with, whole + minutes(from), length))
                .map(|(with, from, length)| Busy { from, until: from + length, with })
                .collect(),
            window: Timeslot::new(from, from + minutes(window.1)).unwrap(),
            now,
            length: minutes(length),
        }
    })
}

proptest! {
    #[test]
    fn a_search_offers_what_the_minutes_allow_and_nothing_else(case in case()) {
        let Case { rules, busy, window, now, length } = case;
        let availability = Availability::new(&rules, busy.clone(), window, now);
        let shown = Shown::around(rules.zone, window);
        let by_minute = ByMinute::new(&rules, &busy, &shown, now);

        let offered: Vec<_> = availability.slots(window, length, Granularity::Quarter).collect();
        prop_assert_eq!(&offered, &by_minute.slots(window, length, Granularity::Quarter));
        prop_assert!(offered.windows(2).all(|pair| pair[0].start() < pair[1].start()));
        for slot in &offered {
            prop_assert!(window.start() <= slot.start() && slot.end() <= window.end());
            prop_assert_eq!(slot.end() - slot.start(), length);
            // Who holds it asks about the slot alone, and is told what to block.
            let held = Availability::new(&rules, busy.clone(), *slot, now).judge(*slot);
            prop_assert_eq!(held, by_minute.judge(*slot));
            prop_assert!(held.is_ok());
        }
        for granularity in [Granularity::Half, Granularity::Hour] {
            let coarse: Vec<_> = availability.slots(window, length, granularity).collect();
            prop_assert_eq!(&coarse, &by_minute.slots(window, length, granularity));
            prop_assert!(coarse.iter().all(|slot| offered.contains(slot)));
        }
    }

    #[test]
    fn the_judge_says_what_the_minutes_say(case in case(), seconds in prop_oneof![4 => Just(0), 1 => 0..60i64]) {
        let Case { rules, busy, window, now, length } = case;
        let availability = Availability::new(&rules, busy.clone(), window, now);
        let shown = Shown::around(rules.zone, window);
        let by_minute = ByMinute::new(&rules, &busy, &shown, now);
        let first = DateTime::from_timestamp((window.start().timestamp() / 60 + 1) * 60, 0).unwrap();
        // Five minutes apart, so that two of three are aligned nowhere.
        for start in (0..).map(|step| first + minutes(5 * step)).take_while(|start| *start + length <= window.end()) {
            let slot = Timeslot::new(start + Duration::seconds(seconds), start + length).unwrap_or(window);
            prop_assert_eq!(availability.judge(slot), by_minute.judge(slot), "{:?}", slot);
            let slot = Timeslot::new(start, start + length).unwrap();
            let overridden = availability.judge_override(slot);
            prop_assert_eq!(overridden, by_minute.judge_override(slot), "{:?}", slot);
            // What anybody may hold, a person may, and blocks the same.
            if let Ok(blocked) = availability.judge(slot) {
                prop_assert_eq!(overridden, Ok(blocked));
            }
        }
    }
}
