//! Availability asked minute by minute in the plainest way: what the real one is held against in tests.

use std::ops::Range;

use chrono::{DateTime, Duration, Offset as _, TimeZone as _, Timelike as _, Utc, Weekday};
use chrono_tz::Tz;
use nmc_identity::{OpenWindow, OpeningHours};
use nmc_kernel::Timeslot;

use super::{
    availability::{Busy, BusyWith, Rules},
    granularity::Granularity,
    refusal::Refusal,
};

const DAY: i64 = 24 * 60;
const WEEK: [Weekday; 7] =
    [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];

/// What a zone's clocks show at each minute around a window, in minutes since 1970.
pub(crate) struct Shown {
    first: DateTime<Utc>,
    local: Vec<i64>,
}

impl Shown {
    /// From before the window, so that what came before a clock was turned back is known: three hours at most.
    pub(crate) fn around(zone: Tz, window: Timeslot) -> Self {
        let whole = window.start().with_second(0).unwrap().with_nanosecond(0).unwrap();
        let (first, last) = (whole - Duration::hours(4), window.end() + Duration::hours(3));
        let minutes = (0..=(last - first).num_minutes()).map(|minute| first + Duration::minutes(minute));
        let local = minutes.map(|at| {
            let ahead = zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc();
            assert_eq!(ahead % 60, 0, "{zone} {at}");
            at.timestamp() / 60 + i64::from(ahead / 60)
        });
        Self { first, local: local.collect() }
    }
}

/// What can be said of each of these minutes.
pub(crate) struct ByMinute<'a> {
    rules: &'a Rules,
    now: DateTime<Utc>,
    shown: &'a Shown,
    usual: Vec<bool>,
    open: Vec<bool>,
    time_off: Vec<bool>,
    external: Vec<bool>,
    taken: Vec<bool>,
}

impl<'a> ByMinute<'a> {
    pub(crate) fn new(rules: &'a Rules, busy: &[Busy], shown: &'a Shown, now: DateTime<Utc>) -> Self {
        let windows = WEEK.map(|day| minutes_of(rules.hours.of(day)));
        let epoch = DateTime::UNIX_EPOCH.date_naive();
        let holidays: Vec<i64> = rules.holidays.iter().map(|date| (*date - epoch).num_days()).collect();
        let (mut usual, mut open, mut furthest) = (vec![], vec![], i64::MIN);
        for local in &shown.local {
            furthest = furthest.max(*local);
            let (date, minute) = (local.div_euclid(DAY), local.rem_euclid(DAY));
            // 1 January 1970 was a Thursday.
            let of_day = &windows[usize::try_from((date + 3).rem_euclid(7)).unwrap()];
            let is_usual = of_day.iter().any(|(opens, closes)| *opens <= minute && furthest < date * DAY + closes);
            usual.push(is_usual);
            open.push(is_usual && !holidays.contains(&date));
        }
        let with = |kinds: &[BusyWith]| {
            let mut minutes = vec![false; shown.local.len()];
            for busy in busy.iter().filter(|busy| kinds.contains(&busy.with)) {
                for minute in (busy.from - shown.first).num_minutes()..(busy.until - shown.first).num_minutes() {
                    if let Some(is_busy) = usize::try_from(minute).ok().and_then(|minute| minutes.get_mut(minute)) {
                        *is_busy = true;
                    }
                }
            }
            minutes
        };
        Self {
            rules,
            now,
            shown,
            usual,
            open,
            time_off: with(&[BusyWith::TimeOff]),
            external: with(&[BusyWith::External]),
            taken: with(&[BusyWith::Appointment, BusyWith::Hold]),
        }
    }

    pub(crate) fn judge(&self, slot: Timeslot) -> Result<Timeslot, Refusal> {
        let blocked =
            Timeslot::new(slot.start() - self.rules.buffer_before, slot.end() + self.rules.buffer_after).unwrap();
        let wait = slot.start() - self.now;
        let reasons: [(Refusal, &dyn Fn() -> bool); 10] = [
            (Refusal::Past, &|| wait < Duration::zero()),
            (Refusal::TooSoon, &|| wait < self.rules.minimum_notice),
            (Refusal::TooFar, &|| wait > self.rules.horizon),
            (Refusal::NotAligned, &|| !self.shows_a_quarter(slot.start())),
            (Refusal::OutsideHours, &|| self.minutes(&self.usual, slot).contains(&false)),
            (Refusal::Holiday, &|| self.minutes(&self.open, slot).contains(&false)),
            (Refusal::TimeOff, &|| self.minutes(&self.time_off, blocked).contains(&true)),
            (Refusal::External, &|| self.minutes(&self.external, blocked).contains(&true)),
            (Refusal::Taken, &|| self.minutes(&self.taken, slot).contains(&true)),
            (Refusal::Buffer, &|| self.minutes(&self.taken, blocked).contains(&true)),
        ];
        reasons.iter().find(|(_, holds)| holds()).map_or(Ok(blocked), |(refusal, _)| Err(*refusal))
    }

    /// For slots that begin and end on whole minutes.
    pub(crate) fn judge_override(&self, slot: Timeslot) -> Result<Timeslot, Refusal> {
        if slot.start() < self.now {
            return Err(Refusal::Past);
        }
        if self.minutes(&self.taken, slot).contains(&true) {
            return Err(Refusal::Taken);
        }
        let minute = Duration::minutes(1);
        let (mut from, mut until) = (slot.start(), slot.end());
        while slot.start() - from < self.rules.buffer_before && !self.taken[self.index(from - minute)] {
            from -= minute;
        }
        while until - slot.end() < self.rules.buffer_after && !self.taken[self.index(until)] {
            until += minute;
        }
        Ok(Timeslot::new(from, until).unwrap())
    }

    pub(crate) fn slots(&self, window: Timeslot, length: Duration, granularity: Granularity) -> Vec<Timeslot> {
        let minutes = self.shown.local.iter().enumerate();
        minutes
            .filter(|(_, local)| *local % i64::from(granularity.minutes()) == 0)
            .map(|(minute, _)| Timeslot::new(self.at(minute), self.at(minute) + length).unwrap())
            .filter(|slot| window.start() <= slot.start() && slot.end() <= window.end())
            .filter(|slot| self.judge(*slot).is_ok())
            .collect()
    }

    /// What is open within a window that begins and ends on whole minutes.
    pub(crate) fn open(&self, window: Timeslot) -> Vec<Range<DateTime<Utc>>> {
        let mut minute = self.index(window.start());
        let runs = self.open[minute..self.index(window.end())].chunk_by(|one, next| one == next);
        let stretches = runs.map(|run| {
            minute += run.len();
            (run[0], self.at(minute - run.len())..self.at(minute))
        });
        stretches.filter(|(is_open, _)| *is_open).map(|(_, stretch)| stretch).collect()
    }

    fn shows_a_quarter(&self, at: DateTime<Utc>) -> bool {
        at == self.at(self.index(at)) && self.shown.local[self.index(at)] % 15 == 0
    }

    fn minutes<'b>(&self, of: &'b [bool], slot: Timeslot) -> &'b [bool] {
        &of[self.index(slot.start())..self.index(slot.end())]
    }

    fn at(&self, index: usize) -> DateTime<Utc> {
        self.shown.first + Duration::minutes(i64::try_from(index).unwrap())
    }

    fn index(&self, at: DateTime<Utc>) -> usize {
        usize::try_from((at - self.shown.first).num_minutes()).unwrap()
    }
}

/// As minutes of the day.
fn minutes_of(windows: &[OpenWindow]) -> Vec<(i64, i64)> {
    let minute = |time: chrono::NaiveTime| i64::from(time.num_seconds_from_midnight() / 60);
    let end = |minute| if minute == 0 { DAY } else { minute };
    windows.iter().map(|window| (minute(window.opens), end(minute(window.closes)))).collect()
}

/// The same hours on every day: the minutes of the day that are marked open.
pub(crate) fn every_day(open: &[bool]) -> OpeningHours {
    let day = windows(open);
    week(std::array::from_fn(|_| day.clone()))
}

/// Hours from the windows of Monday to Sunday.
pub(crate) fn week(days: [Vec<OpenWindow>; 7]) -> OpeningHours {
    let [monday, tuesday, wednesday, thursday, friday, saturday, sunday] = days;
    let hours = OpeningHours { monday, tuesday, wednesday, thursday, friday, saturday, sunday };
    assert!(hours.is_in_order(), "{hours:?}");
    hours
}

/// The windows of a day whose minutes are marked open.
pub(crate) fn windows(open: &[bool]) -> Vec<OpenWindow> {
    let time = |minute: usize| {
        let second = u32::try_from(minute * 60 % (24 * 60 * 60)).unwrap();
        chrono::NaiveTime::from_num_seconds_from_midnight_opt(second, 0).unwrap()
    };
    let is_open = |minute: usize| open.get(minute).copied().unwrap_or(false);
    let opens = (0..open.len()).filter(|minute| is_open(*minute) && (*minute == 0 || !is_open(minute - 1)));
    opens
        .map(|from| {
            let until = (from..=open.len()).find(|minute| !is_open(*minute)).unwrap();
            OpenWindow { opens: time(from), closes: time(until) }
        })
        .collect()
}
