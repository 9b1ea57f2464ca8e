//! What is offered: what is free of the wish, else what is near it.

use chrono::{Duration, NaiveDateTime};
use nmc_kernel::AppointmentId;
use nmc_scheduling::Slot;

use super::{
    Act, SlotWish,
    hand_over::Why,
    spread::{nearest, spread},
    state::{ChangeKind, PASSED_MAX},
    thought::{Thinking, Thought},
    world::{SEARCHES_MAX, local},
};
use crate::model::understanding::{AskedAbout, LocalWindow, When};

/// What is searched where a wish says no end.
pub(super) const REACH: Duration = Duration::days(14);
/// A wish no longer than this is for just the time it begins with.
pub(super) const EXACT: Duration = Duration::minutes(60);
/// A wish as long as this is no wish for a day: what is near it comes after it.
pub(super) const WIDE: Duration = Duration::days(7);
/// What is near a wish may come so much earlier.
const EARLIER: Duration = Duration::days(2);

impl Thought<'_> {
    /// Offers what is free, or asks again which of the offers.
    pub(super) fn offer(&mut self) -> Thinking {
        if !self.dialogue.offers.is_empty() {
            self.ask(Act::AskPick(self.dialogue.offers.clone()), AskedAbout::Pick);
            return Ok(());
        }
        let (Some(item), Some(wish)) = (self.dialogue.item, self.dialogue.wish.clone()) else { return Ok(()) };
        if self.dialogue.passed.len() >= PASSED_MAX {
            self.hand_over(Why::NoTime);
            return Ok(());
        }
        let moving = self.moving();
        let refused = self.refused();
        let wished = SlotWish::new(item, &wish.windows, moving);
        let mut offers = spread(&self.free(&wished)?, &refused, &wish, self.world.zone);
        if offers.is_empty() {
            // "Any tuesday": what of the wish is further off than one search reaches.
            let later = SlotWish::new(item, &after(&wished, &wish.windows), moving);
            offers = spread(&self.free(&later)?, &refused, &wish, self.world.zone);
        }
        if offers.is_empty() {
            // What was refused was free.
            self.acts.extend(refused.is_empty().then_some(Act::NoneFree));
            let near = SlotWish::new(item, &[self.near(&wish)], moving);
            offers = nearest(&self.free(&near)?, &refused, &wish, self.world.zone);
        }
        if offers.is_empty() {
            self.hand_over(Why::NoTime);
            return Ok(());
        }
        self.dialogue.offers.clone_from(&offers);
        self.dialogue.is_nudged = false;
        self.ask(Act::Offer(offers), AskedAbout::Pick);
        Ok(())
    }

    /// What is free in the windows and was not refused; to be looked up, where it is not known yet.
    fn free(&self, wish: &SlotWish) -> Thinking<Vec<Slot>> {
        if wish.windows.is_empty() {
            return Ok(Vec::new());
        }
        let Some(found) = self.world.found.iter().find(|found| found.wish == *wish) else {
            return if self.world.found.len() < SEARCHES_MAX { Err(wish.clone()) } else { Ok(Vec::new()) };
        };
        let is_now = wish.moving.and_then(|id| self.world.appointment(id)).map(|moved| moved.slot.start());
        let is_wanted = |slot: &&Slot| {
            slot.start > self.world.now
                && wish.has(slot, self.world.zone)
                && ![is_now, self.taken].contains(&Some(slot.start))
                && !self.dialogue.passed.iter().any(|passed| passed.start == slot.start)
        };
        Ok(found.slots.iter().filter(is_wanted).copied().collect())
    }

    /// When what was refused would have started.
    fn refused(&self) -> Vec<NaiveDateTime> {
        self.dialogue.passed.iter().map(|slot| local(slot.start, self.world.zone)).collect()
    }

    /// Where to look when the wish has nothing.
    fn near(&self, wish: &When) -> LocalWindow {
        let now = self.world.local_now();
        let from = match wish.windows.first() {
            Some(first) if first.until - first.from >= WIDE => first.until,
            Some(first) => first.from.checked_sub_signed(EARLIER).unwrap_or(now),
            None => now,
        };
        let from = from.max(now);
        LocalWindow { from, until: from.checked_add_signed(REACH).unwrap_or(from) }
    }

    /// The appointment that is to move.
    pub(super) fn moving(&self) -> Option<AppointmentId> {
        self.dialogue.change.filter(|change| change.kind == ChangeKind::Move)?.appointment
    }
}

/// What of the windows comes after those that were searched.
fn after(searched: &SlotWish, windows: &[LocalWindow]) -> Vec<LocalWindow> {
    let Some(end) = searched.windows.last().map(|window| window.until) else { return Vec::new() };
    let left = windows.iter().map(|window| LocalWindow { from: window.from.max(end), until: window.until });
    left.filter(|window| window.from < window.until).collect()
}
