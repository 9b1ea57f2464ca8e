//! What days and times of day come to on the calendar and by the business's hours.

use std::collections::BTreeSet;

use chrono::{Datelike, Duration, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Weekday};
use nmc_identity::OpeningHours;

use super::{
    LocalWindow,
    clock::Clock,
    days::Day,
    parts::{Bound, Part, Said},
    time_of_day::{Half, Time},
    when::{Group, HORIZON_DAYS, SOON_DAYS},
    words::Word,
};

/// What "after 3" reaches to: as many days as a wish may have windows ([`super::MAX_WINDOWS`]).
const MOST_DAYS: u64 = 31;
/// What "mondays" reach to.
const EVERY_DAYS: u64 = 28;
/// "At 3" is a wish for a start within the hour from 3.
const AT_MINUTES: u32 = 60;
/// "Around 3" begins this much before, and ends this much after.
const AROUND_MINUTES: u32 = 60;
/// "First thing", "the end of the day" and "in an hour" last so long.
const EDGE_MINUTES: u32 = 120;
const DAY_MINUTES: u32 = 24 * 60;
/// Where a business has told no hours.
const USUAL: (u32, u32) = (8 * 60, 18 * 60);

/// Minutes of a day, the second excluded.
type Stretch = (u32, u32);

pub(super) struct Calendar<'a> {
    pub(super) words: &'a [Word],
    pub(super) now: NaiveDateTime,
    pub(super) hours: &'a OpeningHours,
}

impl Calendar<'_> {
    /// Where a start would suit.
    pub(super) fn windows(&self, group: &Group) -> Vec<LocalWindow> {
        let dates = if group.days.is_empty() { self.all_dates(group) } else { self.dates(&group.days) };
        let windows = dates.into_iter().flat_map(|date| {
            let stretches =
                if group.clocks.is_empty() { vec![(0, DAY_MINUTES)] } else { self.stretches(&group.clocks, date) };
            stretches
                .into_iter()
                .map(move |(from, until)| LocalWindow { from: moment(date, from), until: moment(date, until) })
        });
        windows.collect()
    }

    /// The days of times of day that come without any.
    fn all_dates(&self, group: &Group) -> BTreeSet<NaiveDate> {
        let is_this =
            |part: &Part| part.words.start.checked_sub(1).is_some_and(|before| self.words[before].text == "this");
        let is_today = group
            .clocks
            .iter()
            .any(|part| is_this(part) || matches!(part.said, Said::Clock(Clock::In(_) | Clock::Later)));
        Self::span(self.now.date(), if is_today { 1 } else { MOST_DAYS })
    }

    fn span(from: NaiveDate, days: u64) -> BTreeSet<NaiveDate> {
        from.iter_days().zip(0..days.min(HORIZON_DAYS)).map(|(date, _)| date).collect()
    }

    fn dates(&self, parts: &[Part]) -> BTreeSet<NaiveDate> {
        let (listed, bounds): (Vec<&Part>, Vec<&Part>) =
            parts.iter().partition(|part| matches!(part.said, Said::Days(..) | Said::Day(_, Bound::On)));
        // "Any day after the 14th".
        let is_any = listed.iter().all(|part| matches!(part.said, Said::Day(Day::Any, _)));
        let mut is_bounded = false;
        let mut dates = self.listed(&listed);
        for part in bounds {
            let Said::Day(day, bound) = &part.said else { continue };
            let of_day = self.of(day, None);
            let (Some(first), Some(last)) = (of_day.first().copied(), of_day.last().copied()) else { continue };
            if is_any && !is_bounded {
                let is_ahead = matches!(bound, Bound::From | Bound::After);
                let from = if is_ahead { first } else { self.now.date() };
                // "Not until april" goes for all of april.
                dates = Self::span(from, SOON_DAYS.max(u64::try_from((last - first).num_days() + 1).unwrap_or(0)));
                is_bounded = true;
            }
            dates.retain(|date| match bound {
                Bound::On => true,
                Bound::From => *date >= first,
                Bound::After => *date > last,
                Bound::Before => *date < first,
                Bound::Until => *date <= last,
            });
        }
        dates
    }

    /// "Tue or thu next week": a week that is said with one weekday goes for the others too.
    fn listed(&self, parts: &[&Part]) -> BTreeSet<NaiveDate> {
        let mut runs: Vec<Vec<&Said>> = Vec::new();
        let mut end = None;
        for part in parts {
            // "Wed, march 18".
            let is_same = |run: &[&Said]| match (run.last(), &part.said) {
                (Some(Said::Day(Day::Weekdays { days, .. }, _)), Said::Day(Day::Stretch(from, until), _)) => {
                    from.succ_opt() == Some(*until) && days.contains(&from.weekday())
                }
                _ => false,
            };
            match runs.last_mut() {
                Some(run)
                    if end.is_some_and(|end| {
                        !self.is_or(end, part.words.start) || (is_same(run) && self.is_comma(end, part.words.start))
                    }) =>
                {
                    run.push(&part.said);
                }
                _ => runs.push(vec![&part.said]),
            }
            end = Some(part.words.end);
        }
        let weeks = |run: &[&Said]| -> Option<BTreeSet<NaiveDate>> {
            let has_weekdays = run.iter().any(|said| matches!(said, Said::Day(Day::Weekdays { .. }, _)));
            let stretch = run.iter().find(|said| matches!(said, Said::Day(Day::Stretch(..), _)))?;
            has_weekdays.then(|| self.said(stretch, None))
        };
        let week = runs.iter().find_map(|run| weeks(run));
        // "Any time tomorrow" is tomorrow.
        let is_any = |said: &&Said| matches!(said, Said::Day(Day::Any, _));
        let is_only_any = runs.iter().flatten().all(is_any);
        let mut dates = BTreeSet::new();
        for run in &runs {
            let week = weeks(run).or_else(|| week.clone());
            let is_with_stretch = run.iter().any(|said| matches!(said, Said::Day(Day::Stretch(..), _)));
            for said in run.iter().filter(|said| is_only_any || !is_any(said)) {
                match said {
                    Said::Day(Day::Weekdays { .. }, _) => {
                        let of_week = self.said(said, week.as_ref());
                        // "Friday the 14th" where the 14th is a saturday: the date counts.
                        if of_week.is_empty() && is_with_stretch {
                            dates.extend(week.clone().unwrap_or_default());
                        } else {
                            dates.extend(of_week);
                        }
                    }
                    Said::Day(Day::Stretch(..), _) if weeks(run).is_some() => {}
                    said => dates.extend(self.said(said, None)),
                }
            }
        }
        dates
    }

    fn is_comma(&self, from: usize, until: usize) -> bool {
        self.words
            .get(from..until)
            .is_some_and(|between| between.iter().all(|word| matches!(word.text.as_str(), "," | "the")))
    }

    fn is_or(&self, from: usize, until: usize) -> bool {
        self.words.get(from..until).is_some_and(|between| {
            between.iter().any(|word| matches!(word.text.as_str(), "or" | "and" | "," | "/" | "." | "?" | "!" | "\n"))
        })
    }

    fn said(&self, said: &Said, within: Option<&BTreeSet<NaiveDate>>) -> BTreeSet<NaiveDate> {
        match said {
            Said::Day(day, _) => self.of(day, within),
            Said::Days(first, last) => self.stretch_of_days(first, last),
            Said::Clock(_) => BTreeSet::new(),
        }
    }

    fn stretch_of_days(&self, first: &Day, last: &Day) -> BTreeSet<NaiveDate> {
        let Some(from) = self.of(first, None).first().copied() else { return BTreeSet::new() };
        let until = match last {
            Day::Weekdays { days, .. } => from.iter_days().take(7).find(|date| days.contains(&date.weekday())),
            last => self.of(last, None).last().copied(),
        };
        let days = until.map_or(1, |until| (until - from).num_days() + 1);
        Self::span(from, u64::try_from(days).unwrap_or(1))
    }

    fn of(&self, day: &Day, within: Option<&BTreeSet<NaiveDate>>) -> BTreeSet<NaiveDate> {
        let today = self.now.date();
        match day {
            Day::Any => Self::span(today, SOON_DAYS),
            Day::Stretch(from, until) => Self::span(*from, u64::try_from((*until - *from).num_days()).unwrap_or(0)),
            Day::Weekdays { days, .. } if within.is_some() => {
                within.into_iter().flatten().copied().filter(|date| days.contains(&date.weekday())).collect()
            }
            Day::Weekdays { days, every: true } => {
                let reach = if days.len() > 1 { SOON_DAYS } else { EVERY_DAYS };
                Self::span(today, reach).into_iter().filter(|date| days.contains(&date.weekday())).collect()
            }
            Day::Weekdays { days, every: false } => {
                let next = |day: &Weekday| today.iter_days().skip(1).take(7).find(|date| date.weekday() == *day);
                days.iter().filter_map(next).collect()
            }
        }
    }

    /// Times of day without "or" between them narrow each other: "after 2 before 5".
    fn stretches(&self, clocks: &[Part], date: NaiveDate) -> Vec<Stretch> {
        let hint = clocks.iter().find_map(|part| match part.said {
            Said::Clock(Clock::Part(from, until)) => Some((from, until)),
            _ => None,
        });
        let mut stretches: Vec<Stretch> = Vec::new();
        let mut end = None;
        for part in clocks {
            let Said::Clock(clock) = part.said else { continue };
            let (from, until) = self.stretch(clock, date, hint);
            let narrowed = stretches.last().filter(|_| end.is_some_and(|end| !self.is_or(end, part.words.start)));
            let narrowed = narrowed.map(|last| (last.0.max(from), last.1.min(until))).filter(|both| both.0 < both.1);
            match narrowed {
                Some(both) => {
                    stretches.pop();
                    stretches.push(both);
                }
                None => stretches.push((from, until)),
            }
            end = Some(part.words.end);
        }
        stretches.into_iter().filter(|(from, until)| from < until).collect()
    }

    fn stretch(&self, clock: Clock, date: NaiveDate, hint: Option<Stretch>) -> Stretch {
        let open = self.open(date);
        let starts = |time| settle(time, &open, hint, |(from, until), at| from <= at && at < until);
        let ends = |time| settle(time, &open, hint, |(from, until), at| from < at && at <= until);
        let now = self.now.hour() * 60 + self.now.minute();
        let first = open.first().map_or(USUAL.0, |open| open.0);
        let last = open.last().map_or(USUAL.1, |open| open.1);
        let (from, until) = match clock {
            Clock::At(time) => (starts(time), starts(time) + AT_MINUTES),
            Clock::Around(time) => (starts(time).saturating_sub(AROUND_MINUTES), starts(time) + AROUND_MINUTES),
            Clock::From(time) => (starts(time), DAY_MINUTES),
            Clock::Until(time) => (0, ends(time)),
            Clock::Between(from, until) => {
                let from = starts(from);
                (from, halves(until).into_iter().find(|until| *until > from).unwrap_or_else(|| ends(until)))
            }
            Clock::Part(from, until) => (from, until),
            Clock::Opening => (first, first + EDGE_MINUTES),
            Clock::Closing => (last.saturating_sub(EDGE_MINUTES), last),
            Clock::In(minutes) => (now + minutes, now + minutes + EDGE_MINUTES),
            Clock::Later => (now, DAY_MINUTES),
        };
        (from.min(DAY_MINUTES), until.min(DAY_MINUTES))
    }

    /// When the business is open that day; on a day when it is closed, when it is open on others.
    fn open(&self, date: NaiveDate) -> Vec<Stretch> {
        let of = |day: Weekday| {
            let minute = |time: NaiveTime| time.hour() * 60 + time.minute();
            let end = |time| if time == NaiveTime::MIN { DAY_MINUTES } else { minute(time) };
            self.hours.of(day).iter().map(|open| (minute(open.opens), end(open.closes))).collect::<Vec<Stretch>>()
        };
        let that_day = of(date.weekday());
        if !that_day.is_empty() {
            return that_day;
        }
        let week: Vec<Stretch> = date.iter_days().take(7).flat_map(|date| of(date.weekday())).collect();
        let first = week.iter().map(|open| open.0).min();
        vec![first.zip(week.iter().map(|open| open.1).max()).unwrap_or(USUAL)]
    }
}

fn moment(date: NaiveDate, minute: u32) -> NaiveDateTime {
    date.and_time(NaiveTime::MIN) + Duration::minutes(minute.into())
}

/// The minutes of a day that a time may be.
pub(super) fn halves(time: Time) -> Vec<u32> {
    let short = time.hour % 12 * 60 + time.minute;
    match time.half {
        Half::Am => vec![short],
        Half::Pm => vec![short + 12 * 60],
        Half::Whole => vec![time.hour * 60 + time.minute],
        Half::Open => vec![short, short + 12 * 60],
    }
}

/// Which half of the day is meant: the one said, else the one in which the business is open, else the nearer to that.
fn settle(time: Time, open: &[Stretch], hint: Option<Stretch>, is_in: impl Fn(Stretch, u32) -> bool) -> u32 {
    let halves = halves(time);
    let usual = halves[usize::from(halves.len() > 1 && !(7..12).contains(&time.hour))];
    if let Some(hint) = hint
        && let Some(half) = halves.iter().find(|half| (hint.0..hint.1).contains(half))
    {
        return *half;
    }
    let open_at: Vec<u32> = halves.iter().copied().filter(|half| open.iter().any(|open| is_in(*open, *half))).collect();
    match open_at.as_slice() {
        [one] => *one,
        [_, _] => usual,
        _ => {
            let distance = |half: u32| {
                open.iter().map(|open| open.0.saturating_sub(half) + half.saturating_sub(open.1)).min().unwrap_or(0)
            };
            halves.into_iter().min_by_key(|half| (distance(*half), *half != usual)).unwrap_or(usual)
        }
    }
}
