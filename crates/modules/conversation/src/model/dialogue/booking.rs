//! What was picked is held; then what the business asks for, a yes, and it is booked.

use nmc_kernel::HoldId;
use nmc_scheduling::{Appointment, Details};

use super::{
    Act, Chosen, Command, Lost,
    check::can_be_read_back,
    thought::{Thinking, Thought},
    world::local,
};
use crate::model::understanding::{AskedAbout, LocalWindow, Saying, When};

impl Thought<'_> {
    /// Name and address, where they are told.
    pub(super) fn details(&mut self) {
        for saying in self.sayings() {
            match saying {
                Saying::Name(name) if Details::new(Some(name), None, None).is_ok() => {
                    self.learn(|dialogue| &mut dialogue.name, name);
                }
                Saying::Address(address) if Details::new(None, Some(address), None).is_ok() => {
                    self.learn(|dialogue| &mut dialogue.address, address);
                }
                _ => {}
            }
        }
    }

    fn learn(&mut self, field: fn(&mut super::Dialogue) -> &mut Option<String>, text: &str) {
        self.is_used = true;
        let field = field(&mut self.dialogue);
        if field.as_deref() == Some(text) {
            return;
        }
        *field = Some(text.to_owned());
        if self.dialogue.is_done {
            self.pass_on("The caller told a name or an address after the booking: see whether it has to be corrected.");
        }
    }

    /// Goes on towards the booking of what was picked.
    pub(super) fn book(&mut self) -> Thinking {
        let (Some(mut chosen), Some(quote)) = (self.dialogue.chosen.clone(), self.quote()) else { return Ok(()) };
        if self.world.lost == Some(Lost::SlotTaken) {
            return self.lose_slot();
        }
        if let Some(id) = self.moving() {
            self.reschedule(id);
            return Ok(());
        }
        let mut is_agreed = self.is_agreed(&chosen);
        let held = chosen.held.filter(|_| self.is_held());
        if held.is_none() {
            // What was held at another price is offered at that of today, and has to be agreed to anew.
            is_agreed &= chosen.quote == quote;
            chosen.quote = quote;
            chosen.held = None;
            self.dialogue.chosen = Some(chosen.clone());
            self.commands.push(Command::Hold { slot: chosen.slot, quote: chosen.quote.clone(), moving: None });
        }
        self.know_from_before();
        let settings = &self.world.settings;
        if settings.ask_for_name && self.dialogue.name.is_none() {
            self.ask(Act::AskName, AskedAbout::Name);
        } else if settings.ask_for_address && self.dialogue.address.is_none() {
            self.ask(Act::AskAddress, AskedAbout::Address);
        } else if is_agreed {
            self.book_now(held.map(|held| held.hold_id));
        } else {
            let is_shown = |address: &String| settings.ask_for_address && can_be_read_back(address);
            let address = self.dialogue.address.clone().filter(is_shown);
            let act = Act::AskConfirm { quote: chosen.quote, slot: chosen.slot, address };
            self.ask(act, AskedAbout::Confirm);
        }
        Ok(())
    }

    /// Whether the caller says yes to just this.
    fn is_agreed(&self, chosen: &Chosen) -> bool {
        let was_asked = self.before.chosen.as_ref().is_some_and(|before| before.slot == chosen.slot);
        was_asked && self.about() == AskedAbout::Confirm && self.says(&Saying::Yes) && !self.says(&Saying::No)
    }

    /// Whether what was picked is held still.
    pub(super) fn is_held(&self) -> bool {
        let is_lost = matches!(self.world.lost, Some(Lost::HoldExpired | Lost::PriceChanged));
        let held = self.dialogue.chosen.as_ref().and_then(|chosen| chosen.held);
        held.is_some_and(|held| held.expires_at > self.world.now && !is_lost)
    }

    fn book_now(&mut self, hold: Option<HoldId>) {
        let Some(chosen) = self.dialogue.chosen.clone() else { return };
        let (name, address) = (self.dialogue.name.as_deref(), self.dialogue.address.as_deref());
        // Both were checked when they were told.
        let details = Details::new(name, address, None).unwrap_or_default();
        self.commands.push(Command::Book { hold, item: chosen.quote.service_item_id, details });
        self.dialogue.forget_job();
        self.dialogue.is_done = true;
        self.close(Act::Booked { quote: chosen.quote, slot: chosen.slot });
    }

    /// Who has booked before is not asked for the same again.
    fn know_from_before(&mut self) {
        let known = |of: fn(&Appointment) -> Option<&str>| self.world.appointments.iter().rev().find_map(of);
        let (name, address) = (known(|known| known.details.name()), known(|known| known.details.address()));
        self.dialogue.name = self.dialogue.name.take().or_else(|| name.map(str::to_owned));
        self.dialogue.address = self.dialogue.address.take().or_else(|| address.map(str::to_owned));
    }

    /// Somebody else was faster: says so, and offers what is left of the wish.
    fn lose_slot(&mut self) -> Thinking {
        let Some(lost) = self.dialogue.chosen.take() else { return Ok(()) };
        self.acts.push(Act::SlotLost);
        self.dialogue.offers.clear();
        self.taken = Some(lost.slot.start);
        if !self.has_wish() {
            let day = local(lost.slot.start, self.world.zone).date();
            let from = day.and_time(chrono::NaiveTime::MIN);
            let until = from + chrono::Duration::days(1);
            self.dialogue.wish = Some(When { windows: vec![LocalWindow { from, until }], asap: false });
        }
        self.offer()
    }

    /// Gives back what is held.
    pub(super) fn release(&mut self) {
        let held = self.dialogue.chosen.as_mut().and_then(|chosen| chosen.held.take());
        self.commands.extend(held.map(|held| Command::Release(held.hold_id)));
    }
}
