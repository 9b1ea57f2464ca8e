//! What is said of times: wishes, picks, and that nothing of it suits.

use chrono::{Duration, NaiveDateTime};
use nmc_scheduling::Slot;

use super::{
    Act, Chosen,
    offers::{EXACT, REACH, WIDE},
    spread::looks_like_a_place,
    thought::Thought,
    world::local,
};
use crate::model::understanding::{AskedAbout, LocalWindow, Pick, Saying, When};

/// So many days in a row are no days that were named.
const DAILY: usize = 7;

impl Thought<'_> {
    /// What was said of times.
    pub(super) fn times(&mut self) {
        for saying in self.sayings() {
            match saying {
                Saying::Shift(minutes) => self.wish_later(*minutes),
                // "An hour later on wednesday": the day only says of what.
                Saying::When(_) if self.is_told_by_another() => {}
                Saying::When(when) => self.wish(when),
                _ if self.is_complete => {}
                // Said of times that do not stand any more: it is asked again.
                Saying::Pick(_) | Saying::Neither { .. } if self.world.are_offers_unread => self.is_used = true,
                Saying::Yes | Saying::No if self.world.are_offers_unread && self.about() == AskedAbout::Pick => {
                    self.is_used = true;
                }
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
        let when = self.at_the_same_time(self.on_days_spoken_of(when));
        self.release();
        self.dialogue.forget_slots();
        self.dialogue.wish = self.wish_to_move(when);
    }

    fn is_told_by_another(&self) -> bool {
        self.spoken_start().is_some() && self.sayings().iter().any(|saying| matches!(saying, Saying::Shift(_)))
    }

    /// The start that was talked of: of the appointment that moves, of what was picked, of what was offered first.
    fn spoken_start(&self) -> Option<NaiveDateTime> {
        let moved = self.moving().and_then(|id| self.world.appointment(id)).map(|moved| moved.slot.start());
        let chosen = self.before.chosen.as_ref().map(|chosen| chosen.slot.start);
        let offered = self.before.offers.first().map(|offer| offer.start);
        Some(local(moved.or(chosen).or(offered)?, self.world.zone))
    }

    /// So much later than what was talked of, and at no other time.
    fn wish_later(&mut self, minutes: i32) {
        let Some(from) =
            self.spoken_start().and_then(|start| start.checked_add_signed(Duration::minutes(minutes.into())))
        else {
            return;
        };
        self.is_used = true;
        if self.dialogue.is_done || from <= self.world.local_now() {
            return;
        }
        self.release();
        self.dialogue.forget_slots();
        self.dialogue.wish = Some(When { windows: vec![moment(from)], asap: false });
    }

    /// "The same time on friday".
    fn at_the_same_time(&self, mut when: When) -> When {
        let start = self.spoken_start().filter(|_| self.says(&Saying::SameTime));
        if let Some(start) = start {
            let at = |window: &LocalWindow| window.from.date().and_time(start.time());
            let windows: Vec<LocalWindow> =
                when.windows.iter().filter(|window| has(window, at(window))).map(|window| moment(at(window))).collect();
            if !windows.is_empty() {
                when.windows = windows;
            }
        }
        when
    }

    /// "Yes, thursday at 3" is no other wish than what was picked.
    fn chosen_is_in(&self, when: &When) -> bool {
        self.dialogue.chosen.as_ref().is_some_and(|chosen| {
            let start = local(chosen.slot.start, self.world.zone);
            when.windows.iter().any(|window| has(window, start))
        })
    }

    /// A time of day alone is one of the days that were spoken of: "3pm?" after offers of friday.
    fn on_days_spoken_of(&self, when: &When) -> When {
        let is_daily = when.windows.len() >= DAILY
            && when.windows.windows(2).all(|pair| (pair[1].from.date() - pair[0].from.date()).num_days() <= 1);
        let windows = self.dialogue.wish.as_ref().map_or(&[][..], |wish| wish.windows.as_slice());
        let last = |window: &LocalWindow| (window.until - Duration::minutes(1)).date();
        let days = windows.first().zip(windows.last()).map(|(first, end)| (first.from.date(), last(end)));
        let Some((from, until)) = days.filter(|(from, until)| is_daily && *until - *from < WIDE) else {
            return when.clone();
        };
        let mut of_those = when.clone();
        of_those.windows.retain(|window| (from..=until).contains(&window.from.date()));
        if of_those.windows.is_empty() { when.clone() } else { of_those }
    }

    fn pick(&mut self, pick: Pick) {
        self.is_used = true;
        if let Some(slot) = self.offer_of(pick) {
            self.choose(slot);
        } else if pick == Pick::Unsure {
            self.ask(Act::AskTime(self.dialogue.offers.clone()), AskedAbout::Pick);
        } else if let Pick::Day(day) = pick {
            // "The wednesday one", and there are two: asked again is which of those.
            let is_meant = |offer: &Slot| local(offer.start, self.world.zone).date() == day;
            if self.dialogue.offers.iter().any(is_meant) {
                self.dialogue.offers.retain(is_meant);
            }
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
}

/// A wish for just one start.
fn moment(from: NaiveDateTime) -> LocalWindow {
    LocalWindow { from, until: from + Duration::minutes(1) }
}

fn has(window: &LocalWindow, at: NaiveDateTime) -> bool {
    (window.from..window.until).contains(&at)
}
