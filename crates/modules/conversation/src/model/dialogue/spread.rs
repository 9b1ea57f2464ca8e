//! Which of many free slots are told.

use chrono::{Duration, NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use chrono_tz::Tz;
use nmc_scheduling::Slot;

use super::{offers::EXACT, world::local};
use crate::model::understanding::{LocalWindow, When};

/// More does nobody choose from in a text.
const OFFERS_MAX: usize = 3;
/// Slots closer than this are one choice, as long as there are others.
const APART: Duration = Duration::minutes(60);
/// "Around 11" is no longer: what is nearest to its middle comes first.
const AROUND: Duration = Duration::minutes(120);
const HALF_AN_HOUR: Duration = Duration::minutes(30);
/// A day later weighs as much as so many minutes off the wished time of day.
const LATER_DAY_MINUTES: i64 = 12 * 60;
/// A day earlier weighs more: who names a day has a reason not to come before.
const EARLIER_DAY_MINUTES: i64 = 36 * 60;

/// A free slot, and when it starts for the caller.
#[derive(Clone, Copy)]
struct Free {
    slot: Slot,
    start: NaiveDateTime,
}

/// Two or three of the slots, where there are as many: of different days and halves of a day, else well apart. The
/// first there is, where it is to be soon.
pub(super) fn spread(slots: &[Slot], refused: &[NaiveDateTime], wish: &When, zone: Tz) -> Vec<Slot> {
    let mut free = away_from(refused, free(slots, zone));
    if !wish.asap {
        free = round(free);
    }
    if let [window] = wish.windows.as_slice()
        && (EXACT + Duration::minutes(1)..=AROUND).contains(&(window.until - window.from))
    {
        let middle = window.from + (window.until - window.from) / 2;
        free.sort_by_key(|free| ((free.start - middle).abs(), free.start));
    }
    chosen(&free, refused, wish)
}

/// Two or three of the slots nearest to the wish: the same day at another time, or another day at that time.
pub(super) fn nearest(slots: &[Slot], refused: &[NaiveDateTime], wish: &When, zone: Tz) -> Vec<Slot> {
    let all = free(slots, zone);
    let away = away_from(refused, all.clone());
    let mut near = round(if away.is_empty() { all } else { away });
    near.sort_by_key(|free| (distance(free.start, &wish.windows), free.start));
    chosen(&near, refused, wish)
}

/// Whether a time of day is said as a place in a list of so many is: "2".
pub(super) fn looks_like_a_place(start: NaiveDateTime, of: usize) -> bool {
    let hour = usize::try_from(start.hour12().1).unwrap_or(0);
    start.minute() == 0 && (1..=of).contains(&hour)
}

/// One of each time, in their order.
fn free(slots: &[Slot], zone: Tz) -> Vec<Free> {
    let mut free: Vec<Free> = slots.iter().map(|slot| Free { slot: *slot, start: local(slot.start, zone) }).collect();
    free.sort_by_key(|free| (free.slot.start, free.slot.resource_id));
    free.dedup_by_key(|free| free.slot.start);
    free
}

/// Whoever refused a time means those close to it as well.
fn away_from(refused: &[NaiveDateTime], mut all: Vec<Free>) -> Vec<Free> {
    all.retain(|free| refused.iter().all(|other| (*other - free.start).abs() >= APART));
    all
}

/// Whole and half hours; quarters only where there is nothing else.
fn round(all: Vec<Free>) -> Vec<Free> {
    let round: Vec<Free> = all.iter().filter(|free| free.start.minute() % 30 == 0).copied().collect();
    if round.len() < OFFERS_MAX { all } else { round }
}

/// The first of each half of a day, the best first, those last of which something was refused; then what is furthest
/// from those.
fn chosen(best_first: &[Free], refused: &[NaiveDateTime], wish: &When) -> Vec<Slot> {
    let mut chosen: Vec<Free> = Vec::new();
    for is_refused in [false, true] {
        for free in best_first {
            let is_new = !chosen.iter().any(|other| half(other.start) == half(free.start));
            let near = |other: &&NaiveDateTime| half(**other) == half(free.start);
            let is_close = refused.iter().filter(near).any(|other| (*other - free.start).abs() < APART);
            if chosen.len() < OFFERS_MAX
                && is_new
                && refused.iter().any(|other| near(&other)) == is_refused
                && !is_close
            {
                chosen.push(*free);
            }
        }
    }
    while chosen.len() < OFFERS_MAX {
        let apart = |free: &Free| chosen.iter().map(|other| (other.start - free.start).abs()).min();
        let Some((gap, furthest)) =
            best_first.iter().filter_map(|free| Some((apart(free)?, free))).max_by_key(|(gap, _)| *gap)
        else {
            break;
        };
        // Two that are close are better than one, three are not.
        if gap == Duration::zero() || (gap < APART && chosen.len() > 1) {
            break;
        }
        chosen.push(*furthest);
    }
    unmistakable(&mut chosen, best_first, wish);
    chosen.sort_by_key(|free| free.start);
    chosen.into_iter().map(|free| free.slot).collect()
}

/// Half past one for one o'clock, or half past twelve, where that is free and nobody asked for just that: "1" is the
/// first of the list then.
fn unmistakable(chosen: &mut [Free], best_first: &[Free], wish: &When) {
    let is_wished = |start: NaiveDateTime| {
        let is_at = |window: &LocalWindow| window.from == start && window.until - window.from <= EXACT;
        wish.windows.iter().any(is_at)
    };
    for nth in 0..chosen.len() {
        let start = chosen[nth].start;
        if !looks_like_a_place(start, chosen.len()) || is_wished(start) {
            continue;
        }
        let beside = [HALF_AN_HOUR, -HALF_AN_HOUR].into_iter().find_map(|beside| {
            let is_apart = |free: &&Free| {
                let others = chosen.iter().filter(|other| other.start != start);
                free.start - start == beside && others.map(|other| other.start).all(|other| other != free.start)
            };
            best_first.iter().find(is_apart)
        });
        if let Some(beside) = beside {
            chosen[nth] = *beside;
        }
    }
}

fn half(start: NaiveDateTime) -> (NaiveDate, bool) {
    (start.date(), start.hour() < 12)
}

/// How far from the nearest window, in minutes of inconvenience.
fn distance(start: NaiveDateTime, wish: &[LocalWindow]) -> i64 {
    let of = |window: &LocalWindow| {
        let last = (window.until - Duration::minutes(1)).max(window.from);
        let (first_day, last_day) = (window.from.date(), last.date());
        let earlier = (first_day - start.date()).num_days().max(0) * EARLIER_DAY_MINUTES;
        let later = (start.date() - last_day).num_days().max(0) * LATER_DAY_MINUTES;
        earlier + later + minutes_off(start.time(), window.from, last)
    };
    wish.iter().map(of).min().unwrap_or(0)
}

/// How far a time of day is from those of a window.
fn minutes_off(time: NaiveTime, from: NaiveDateTime, last: NaiveDateTime) -> i64 {
    if last - from >= Duration::hours(24) || from.date() != last.date() {
        return 0;
    }
    (from.time() - time).num_minutes().max((time - last.time()).num_minutes()).max(0)
}
