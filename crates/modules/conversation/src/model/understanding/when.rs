//! Puts days and times of day together: "wed or thu afternoon", "after 3 on tuesday", "any day but friday".

use chrono::{Days, Duration, NaiveDateTime, NaiveTime};
use nmc_identity::OpeningHours;

use super::{
    LocalWindow, MAX_WINDOWS, When,
    calendar::Calendar,
    clock::{Clock, SaidClock},
    days::SaidDay,
    parts::{Part, Said, parts},
    words::Word,
};

/// Nobody books by text for later than this.
pub(super) const HORIZON_DAYS: u64 = 60;
/// What "any day", "weekdays" and "as soon as possible" reach to.
pub(super) const SOON_DAYS: u64 = 14;

/// Days and times of day that belong together.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    pub(super) days: Vec<Part>,
    pub(super) clocks: Vec<Part>,
}

/// The wish that days and times of day make; none where there are neither. One that cannot be (it is past, or too far)
/// has no windows.
pub(super) fn combine(
    words: &[Word],
    clocks: &[SaidClock],
    days: &[SaidDay],
    asap: bool,
    now: NaiveDateTime,
    hours: &OpeningHours,
) -> Option<When> {
    let (unwanted, wanted): (Vec<Part>, Vec<Part>) =
        parts(words, clocks, days).into_iter().partition(|part| part.is_negated);
    if wanted.is_empty() && unwanted.is_empty() {
        return asap.then(|| When { windows: windows(&[soon(now)], now), asap });
    }
    let calendar = Calendar { words, now, hours };
    let of = |groups: &[Group]| groups.iter().flat_map(|group| calendar.windows(group)).collect::<Vec<_>>();
    let unwanted = of(&groups(unwanted));
    let without_unwanted = |mut wished: Vec<LocalWindow>| {
        for unwanted in &unwanted {
            wished = wished.into_iter().flat_map(|window| without(window, *unwanted)).collect();
        }
        windows(&wished, now)
    };
    let mut groups = groups(wanted);
    if groups.is_empty() {
        return Some(When { windows: without_unwanted(vec![soon(now)]), asap });
    }
    let mut wished = without_unwanted(of(&groups));
    if wished.is_empty() {
        // "Today at 9", said at 10: what is left of the day.
        groups.retain_mut(|group| {
            group.clocks.clear();
            !group.days.is_empty()
        });
        wished = without_unwanted(of(&groups));
    }
    Some(When { windows: wished, asap })
}

/// A group ends where a day follows times of day, or where a time of day follows days if the text begins with one.
fn groups(parts: Vec<Part>) -> Vec<Group> {
    let are_clocks_first = parts.first().is_some_and(|part| matches!(part.said, Said::Clock(_)));
    let mut groups: Vec<Group> = Vec::new();
    for part in parts {
        let is_clock = matches!(part.said, Said::Clock(_));
        let is_full = groups.last().is_none_or(|group| {
            if are_clocks_first {
                is_clock && !group.days.is_empty() && !is_part_of(group, &part)
            } else {
                !is_clock && !group.clocks.is_empty()
            }
        });
        if is_full {
            groups.push(Group::default());
        }
        if let Some(group) = groups.last_mut() {
            if is_clock { group.clocks.push(part) } else { group.days.push(part) }
        }
    }
    groups
}

/// "Around 10 tomorrow morning".
fn is_part_of(group: &Group, part: &Part) -> bool {
    let is_part = matches!(part.said, Said::Clock(Clock::Part(..)));
    is_part && group.days.last().is_some_and(|day| day.words.end == part.words.start)
}

/// When no day is said.
pub(super) fn soon(now: NaiveDateTime) -> LocalWindow {
    let end = now.date().checked_add_days(Days::new(SOON_DAYS)).unwrap_or(now.date());
    LocalWindow { from: now, until: end.and_time(NaiveTime::MIN) }
}

/// What is left of a window.
fn without(window: LocalWindow, unwanted: LocalWindow) -> Vec<LocalWindow> {
    let before = LocalWindow { from: window.from, until: window.until.min(unwanted.from) };
    let after = LocalWindow { from: window.from.max(unwanted.until), until: window.until };
    if unwanted.until <= window.from || window.until <= unwanted.from {
        return vec![window];
    }
    [before, after].into_iter().filter(|left| left.from < left.until).collect()
}

/// In their order, in the future, apart from one another, and not too many.
pub(super) fn windows(wished: &[LocalWindow], now: NaiveDateTime) -> Vec<LocalWindow> {
    let end = now + Duration::days(HORIZON_DAYS.cast_signed());
    let clipped = wished.iter().map(|window| LocalWindow { from: window.from.max(now), until: window.until.min(end) });
    let mut windows: Vec<LocalWindow> = clipped.filter(|window| window.from < window.until).collect();
    windows.sort_by_key(|window| (window.from, window.until));
    let mut apart: Vec<LocalWindow> = Vec::new();
    for window in windows {
        match apart.last_mut() {
            Some(last) if window.from <= last.until => last.until = last.until.max(window.until),
            _ => apart.push(window),
        }
    }
    apart.truncate(MAX_WINDOWS);
    apart
}
