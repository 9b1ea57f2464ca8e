//! Wishes for a time, and what is offered.

use chrono::{Duration, NaiveDateTime};
use nmc_kernel::AppointmentId;
use nmc_scheduling::Slot;

use super::{
    Act, Chosen, SlotWish,
    hand_over::Why,
    spread::{looks_like_a_place, nearest, spread},
    state::{ChangeKind, PASSED_MAX},
    thought::{Thinking, Thought},
    world::{SEARCHES_MAX, local},
};
use crate::model::understanding::{AskedAbout, LocalWindow, Pick, Saying, When};

/// What is searched where a wish says no end.
const REACH: Duration = Duration::days(14);
/// A wish no longer than this is for just the time it begins with.
pub(super) const EXACT: Duration = Duration::minutes(60);
/// A wish as long as this is no wish for a day: what is near it comes after it.
const WIDE: Duration = Duration::days(7);
/// What is near a wish may come so much earlier.
const EARLIER: Duration = Duration::days(2);

impl Thought<'_> {
    /// What was said of times.
    pub(super) fn times(&mut self) {
        for saying in self.sayings() {
            match saying {
                Saying::When(when) => self.wish(when),
                _ if self.is_complete => {}
                Saying::Pick(pick) if !self.dialogue.offers.is_empty() => self.pick(*pick),
                Saying::Neither { later, earlier } => self.refuse(*later, *earlier),
                Saying::Yes => self.yes(),
                Saying::No => self.no(),
                _ => {}
            }
        }
    }

    fn wish(&mut self, when: &When) {
        // What is said of a time in a text that asks which job is remembered; in one that books it is not.
        if self.dialogue.is_done || self.chosen_is_in(when) {
            self.is_used |= !self.dialogue.is_done;
            return;
        }
        self.is_used = true;
        self.release();
        self.dialogue.forget_slots();
        self.dialogue.wish = self.wish_to_move(when.clone());
    }

    /// "Yes, thursday at 3" is no other wish than what was picked.
    fn chosen_is_in(&self, when: &When) -> bool {
        self.dialogue.chosen.as_ref().is_some_and(|chosen| {
            let start = local(chosen.slot.start, self.world.zone);
            when.windows.iter().any(|window| has(window, start))
        })
    }

    fn pick(&mut self, pick: Pick) {
        self.is_used = true;
        if let Some(slot) = self.offer_of(pick) {
            self.choose(slot);
        } else if pick == Pick::Unsure {
            self.ask(Act::AskTime(self.dialogue.offers.clone()), AskedAbout::Pick);
        }
    }

    /// The offer that is meant; none where it has to be asked.
    fn offer_of(&self, pick: Pick) -> Option<Slot> {
        let offers = &self.dialogue.offers;
        let only = |is_meant: &dyn Fn(NaiveDateTime) -> bool| {
            let mut meant = offers.iter().filter(|offer| is_meant(local(offer.start, self.world.zone)));
            meant.next().filter(|_| meant.next().is_none()).copied()
        };
        match pick {
            Pick::Nth(nth) => offers.get(nth).copied(),
            Pick::Time(time) => only(&|start| start.time() == time),
            Pick::Day(day) => only(&|start| start.date() == day),
            Pick::DayAndTime(at) => only(&|start| start == at),
            Pick::Earliest | Pick::Any => offers.iter().min_by_key(|offer| offer.start).copied(),
            Pick::Latest => offers.iter().max_by_key(|offer| offer.start).copied(),
            // Asked to write the time, the caller writes the number again: then it is the time.
            Pick::Unsure if self.dialogue.circles > 0 => only(&|start| looks_like_a_place(start, offers.len())),
            Pick::Unsure => None,
        }
    }

    /// The one that a yes is about: the only one, or that at just the time that was asked for.
    fn only_offer(&self) -> Option<Slot> {
        if let [only] = self.dialogue.offers[..] {
            return Some(only);
        }
        let windows = &self.dialogue.wish.as_ref()?.windows;
        let is_asked = |slot: &&Slot| {
            let start = local(slot.start, self.world.zone);
            windows.iter().any(|window| window.from == start && window.until - start <= EXACT)
        };
        let mut asked = self.dialogue.offers.iter().filter(is_asked);
        asked.next().filter(|_| asked.next().is_none()).copied()
    }

    fn choose(&mut self, slot: Slot) {
        let Some(quote) = self.quote() else { return };
        if self.dialogue.chosen.as_ref().is_none_or(|chosen| chosen.slot != slot) {
            // What the conversation holds is given back by the next hold.
            self.dialogue.chosen = Some(Chosen { slot, quote, held: None });
        }
    }

    /// None of what was offered.
    pub(super) fn refuse(&mut self, later: bool, earlier: bool) {
        let mut refused = self.dialogue.offers.clone();
        if let Some(chosen) = &self.dialogue.chosen
            && !refused.contains(&chosen.slot)
        {
            refused.push(chosen.slot);
        }
        if refused.is_empty() {
            return;
        }
        self.is_used = true;
        self.release();
        self.dialogue.chosen = None;
        self.dialogue.offers.clear();
        self.dialogue.passed.extend(&refused);
        // A wish of the same text says more.
        if self.sayings().iter().any(|saying| matches!(saying, Saying::When(_))) {
            return;
        }
        let starts = || refused.iter().map(|slot| local(slot.start, self.world.zone));
        let now = self.world.local_now();
        let window = match (later, earlier, starts().max(), starts().min()) {
            (true, false, Some(last), _) => {
                last.checked_add_signed(REACH).map(|until| LocalWindow { from: last + Duration::minutes(1), until })
            }
            (false, true, _, Some(first)) => Some(LocalWindow { from: now, until: first }),
            _ => return,
        };
        let windows = window.filter(|window| window.from < window.until).into_iter().collect();
        self.dialogue.wish = Some(When { windows, asap: false });
    }

    fn yes(&mut self) {
        match self.about() {
            AskedAbout::Confirm => self.is_used = true,
            AskedAbout::Pick => {
                self.is_used = true;
                if let Some(slot) = self.only_offer() {
                    self.choose(slot);
                }
            }
            _ => {}
        }
    }

    fn no(&mut self) {
        if matches!(self.about(), AskedAbout::Confirm | AskedAbout::Pick) {
            self.refuse(false, false);
        }
    }

    /// Whether it is known when; what has passed meanwhile is no wish any more.
    pub(super) fn has_wish(&mut self) -> bool {
        let now = self.world.local_now();
        if let Some(wish) = &mut self.dialogue.wish
            && !wish.windows.is_empty()
        {
            wish.windows.retain_mut(|window| {
                window.from = window.from.max(now);
                window.from < window.until
            });
            if wish.windows.is_empty() {
                self.dialogue.wish = None;
                self.dialogue.offers.clear();
            }
        }
        self.dialogue.wish.is_some()
    }

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
            self.acts.push(Act::NoneFree);
            let near = SlotWish::new(item, &[self.near(&wish)], moving);
            offers = nearest(&self.free(&near)?, &refused, &wish, self.world.zone);
        }
        if offers.is_empty() {
            self.hand_over(Why::NoTime);
            return Ok(());
        }
        self.dialogue.offers.clone_from(&offers);
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
                && Some(slot.start) != is_now
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

fn has(window: &LocalWindow, at: NaiveDateTime) -> bool {
    (window.from..window.until).contains(&at)
}
