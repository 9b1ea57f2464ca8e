//! What is asked next: it follows from what is known.

use nmc_catalog::{Quote, ServiceItem};

use super::{
    Act, Lost,
    hand_over::Why,
    state::ChangeKind,
    thought::{Thinking, Thought},
};
use crate::model::understanding::AskedAbout;

/// Whoever has so many appointments to come books the next one with a person: a caller could fill the calendar else.
pub(super) const APPOINTMENTS_MAX: usize = 3;

impl Thought<'_> {
    /// Says and asks what is due, unless all is said.
    pub(super) fn next(&mut self) -> Thinking {
        if self.is_complete {
            return Ok(());
        }
        match self.dialogue.change.map(|change| (change.kind, change.appointment)) {
            Some((_, None)) => {
                self.ask_which_appointment();
                return Ok(());
            }
            Some((ChangeKind::Cancel, Some(id))) => {
                self.ask_whether_to_cancel(id);
                return Ok(());
            }
            Some((ChangeKind::Move, Some(_))) | None => {}
        }
        if self.dialogue.item.is_none() {
            self.ask_job();
            return Ok(());
        }
        if !self.world.can_book || self.world.lost == Some(Lost::BookingClosed) {
            self.hand_over(Why::NoBooking);
            return Ok(());
        }
        if self.moving().is_none() && self.world.appointments.len() >= APPOINTMENTS_MAX {
            self.hand_over(Why::NoBooking);
            return Ok(());
        }
        self.state_price();
        if self.dialogue.chosen.is_some() {
            return self.book();
        }
        if self.has_wish() {
            return self.offer();
        }
        self.ask(Act::AskWhen, AskedAbout::When);
        Ok(())
    }

    fn ask_job(&mut self) {
        let choices: Vec<Quote> =
            self.dialogue.choices.iter().filter_map(|id| self.world.item(*id)).map(ServiceItem::quote).collect();
        if self.world.items.is_empty() {
            self.hand_over(Why::NoBooking);
        } else if !choices.is_empty() {
            self.ask(Act::AskWhich(choices), AskedAbout::WhichJob);
        } else if !self.dialogue.is_done || self.acts.is_empty() {
            self.ask(Act::AskJob, AskedAbout::Job);
        } else {
            // A question after the booking has been answered.
            self.is_complete = true;
        }
    }

    /// Says what the job lasts and costs, unless just that was said before. What moves or is held keeps its price.
    fn state_price(&mut self) {
        if self.moving().is_some() || self.is_held() {
            return;
        }
        let Some(quote) = self.quote() else { return };
        if self.dialogue.told.as_ref() != Some(&quote) {
            self.acts.push(Act::StatePrice(quote.clone()));
            self.dialogue.told = Some(quote);
        }
    }
}
