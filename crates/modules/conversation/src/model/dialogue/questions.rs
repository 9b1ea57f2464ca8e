//! What callers ask in between. The answers are the business's data; what it has not told is passed on.

use nmc_catalog::{Quote, matches};
use nmc_identity::OpeningHours;
use nmc_kernel::Minutes;

use super::{
    Act,
    jobs::{shares_thing, sure},
    thought::Thought,
};
use crate::model::understanding::{Question, Saying};

/// More questions at once are a case for the next text.
const ANSWERED_MAX: usize = 3;

impl Thought<'_> {
    pub(super) fn questions(&mut self) {
        let asked = self.sayings().iter().filter_map(|saying| match saying {
            Saying::Ask(question) => Some(question),
            _ => None,
        });
        for question in asked.take(ANSWERED_MAX) {
            self.is_used = true;
            match question {
                Question::Price | Question::HowLong => self.tell_price(),
                Question::Discount => self.keep_price(),
                Question::Hours => self.tell_hours(),
                Question::Place => self.tell_place(),
                Question::DoYouDo(words) => self.tell_item(words),
                Question::Who => self.acts.push(Act::TellWho),
                Question::Other => {
                    self.pass_on("Answer the caller's question: the automation does not know what they ask.");
                }
            }
        }
    }

    fn tell_price(&mut self) {
        // Asked for in passing, another job's price is no other wish.
        if let Some(other) = self.other_job() {
            self.acts.push(Act::StatePrice(other));
        } else if let Some(quote) = self.spoken_of()
            && !self.acts.contains(&Act::StatePrice(quote.clone()))
        {
            self.dialogue.told = Some(quote.clone());
            self.acts.push(Act::StatePrice(quote));
        }
    }

    fn keep_price(&mut self) {
        let quote = self.spoken_of();
        self.acts.push(Act::KeepPrice(quote));
    }

    /// The job at hand at the price it is held at; else what is booked.
    fn spoken_of(&self) -> Option<Quote> {
        if self.dialogue.item.is_some() && self.moving().is_none() {
            let chosen = self.dialogue.chosen.as_ref().filter(|_| self.is_held());
            return chosen.map(|chosen| chosen.quote.clone()).or_else(|| self.quote());
        }
        let booked = self
            .moving()
            .and_then(|id| self.world.appointment(id))
            .or_else(|| self.world.appointments.iter().max_by_key(|appointment| appointment.created_at))?;
        let minutes = i32::try_from((booked.slot.end() - booked.slot.start()).num_minutes()).ok()?;
        Some(Quote {
            service_item_id: booked.service_item_id,
            name: self.world.item(booked.service_item_id)?.name.clone(),
            duration: Minutes::new(minutes).ok()?,
            price: booked.price,
        })
    }

    fn tell_hours(&mut self) {
        let hours = &self.world.settings.opening_hours;
        if *hours == OpeningHours::default() {
            self.pass_on("Tell the caller when the business is open: the settings do not say.");
        } else {
            self.acts.push(Act::TellHours { hours: hours.clone(), today: self.world.local_now().date() });
        }
    }

    fn tell_place(&mut self) {
        match &self.world.settings.address {
            Some(address) => self.acts.push(Act::TellPlace(address.clone())),
            None => self.pass_on("Tell the caller where the business is: the settings do not say."),
        }
    }

    fn tell_item(&mut self, words: &str) {
        let is_open = self.dialogue.item.is_none() && self.dialogue.change.is_none() && !self.is_complete;
        let found = matches(&self.world.items, words);
        match sure(&found) {
            _ if words.is_empty() && is_open => self.list_items(),
            _ if words.is_empty() => {}
            Some(quote) => {
                self.acts.push(Act::TellItem(Some(quote.clone())));
                if is_open {
                    self.take_job(quote.service_item_id);
                }
            }
            None if shares_thing(&found, words) && is_open => self.ask_which_job(&found),
            None => {
                self.acts.push(Act::TellItem(None));
                if is_open {
                    self.list_items();
                }
            }
        }
    }
}
