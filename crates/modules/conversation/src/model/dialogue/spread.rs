//! Which of many free slots are told.

use chrono::{Duration, NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use chrono_tz::Tz;
use nmc_scheduling::Slot;

use super::world::local;
use crate::model::understanding::LocalWindow;

/// More does nobody choose from in a text.
const OFFERS_MAX: usize = 3;
/// Slots closer than this are one choice, as long as there are others.
const APART: Duration = Duration::minutes(60);
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

/// Two or three of the slots, where there are as many: of different days and halves of a day, else well apart. The first
/// there is, where it is to be soon.
pub(super) fn spread(slots: &[Slot], zone: Tz, asap: bool) -> Vec<Slot> {
    let all = free(slots, zone);
    if asap { chosen(&all) } else { chosen(&round(all)) }
}

/// Two or three of the slots nearest to the wish: the same day at another time, or another day at that time.
pub(super) fn nearest(slots: &[Slot], wish: &[LocalWindow], zone: Tz) -> Vec<Slot> {
    let mut near = round(free(slots, zone));
    near.sort_by_key(|free| (distance(free.start, wish), free.start));
    chosen(&near)
}

/// One of each time, in their order.
fn free(slots: &[Slot], zone: Tz) -> Vec<Free> {
    let mut free: Vec<Free> = slots.iter().map(|slot| Free { slot: *slot, start: local(slot.start, zone) }).collect();
    free.sort_by_key(|free| (free.slot.start, free.slot.resource_id));
    free.dedup_by_key(|free| free.slot.start);
    free
}

/// Whole and half hours; quarters only where there is nothing else.
fn round(all: Vec<Free>) -> Vec<Free> {
    let round: Vec<Free> = all.iter().filter(|free| free.start.minute() % 30 == 0).copied().collect();
    if round.len() < OFFERS_MAX { all } else { round }
}

/// The first of each half of a day, the best first; then what is furthest from those.
fn chosen(best_first: &[Free]) -> Vec<Slot> {
    let mut chosen: Vec<Free> = Vec::new();
    for free in best_first {
        if chosen.len() < OFFERS_MAX && !chosen.iter().any(|other| half(other.start) == half(free.start)) {
            chosen.push(*free);
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
    chosen.sort_by_key(|free| free.start);
    chosen.into_iter().map(|free| free.slot).collect()
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
