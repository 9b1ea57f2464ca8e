//! What the automation answers: where a conversation stands, what was said and what is so make acts, commands and where
//! it stands then. Pure: the same three always make the same answer.
//!
//! ```text
//! Dialogue + Understood + World -> step --+--> Search: these times are to be looked up, then step again
//!                                         +--> Answer: acts -> word -> text; commands for scheduling; Dialogue
//! ```
//!
//! An act carries the facts it says; they come from the [`World`] and from slots that were offered, never from what the
//! caller wrote. How an act is worded is data (`texts/`), and [`check`] finds whatever a text says beyond its acts.
//!
//! What is asked next follows from what is known (`next.rs`), so that a question in between, a change of mind or an
//! hour with a person of the business need no states of their own.

mod act;
mod booking;
mod changes;
mod check;
mod dropped;
mod facts;
mod hand_over;
mod jobs;
mod next;
mod nudge;
mod offers;
mod options;
mod questions;
mod reminder;
mod replies;
mod spread;
mod state;
mod texts;
mod thought;
mod voice;
mod wishes;
mod wording;
mod world;

use nmc_catalog::Quote;
use nmc_kernel::{AppointmentId, HoldId, ServiceItemId};
use nmc_scheduling::{Details, Slot};

pub(crate) use act::{Act, Visit};
pub(crate) use check::check;
pub(crate) use state::{Chosen, Dialogue};
pub(crate) use voice::Voice;
pub(crate) use wording::word;
pub(crate) use world::{Found, Lost, SEARCHES_MAX, SlotWish, World};

use super::{task::TaskKind, understanding::Understood};

/// What comes of a thought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It has to be known what is free: to be added to [`World::found`], then it is thought again. At most
    /// [`world::SEARCHES_MAX`] times in a turn.
    Search(SlotWish),
    /// This is the answer.
    Answer(Box<Answer>),
}

/// What is said and done, and where the conversation stands then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// What the text says; none: no text.
    pub(crate) acts: Vec<Act>,
    /// What is done before it is said, in this order. If one of them does not hold, none is done and nothing is said.
    pub(crate) commands: Vec<Command>,
    /// Where the conversation stands then.
    pub(crate) dialogue: Dialogue,
}

impl Answer {
    /// The job it is about, as far as that is known.
    pub(crate) fn item(&self) -> Option<ServiceItemId> {
        let done = self.acts.iter().find_map(|act| match act {
            Act::Booked { quote, .. } | Act::Moved { quote, .. } => Some(quote.service_item_id),
            _ => None,
        });
        done.or(self.dialogue.item)
    }
}

/// What a turn does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Gives a hold back.
    Release(HoldId),
    /// Reserves a slot at the price that was told: if the item costs something else by then, the price has changed.
    /// What comes of it is to be kept by [`Dialogue::held`].
    Hold {
        /// The slot.
        slot: Slot,
        /// The job as it was told.
        quote: Quote,
        /// The appointment that is to move there.
        moving: Option<AppointmentId>,
    },
    /// Books what is held: by this hold, else by the one that was made just before.
    Book {
        /// The hold of an earlier turn.
        hold: Option<HoldId>,
        /// The job.
        item: ServiceItemId,
        /// What is known of the customer.
        details: Details,
    },
    /// Moves an appointment to what was held just before.
    Reschedule(AppointmentId),
    /// Calls an appointment off, as its customer wants.
    Cancel(AppointmentId),
    /// A person takes the conversation.
    HandOver {
        /// Why.
        why: HandOverReason,
    },
    /// A person is to do something.
    Task {
        /// What kind of thing.
        kind: TaskKind,
        /// What to do and why.
        text: String,
    },
}

/// Why the automation gives a conversation to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HandOverReason {
    /// Somebody or something is in danger.
    Emergency,
    /// The caller asked for a person.
    Person,
    /// The caller wants to be called.
    CallBack,
    /// The caller is angry.
    Anger,
    /// The caller was not understood, twice in a row.
    NotUnderstood,
    /// The conversation goes round in circles.
    Circles,
    /// There is no time to offer.
    NoTime,
    /// The caller speaks of an appointment that is not known.
    NoAppointment,
    /// The business sells nothing, or takes no bookings at this time.
    NoBooking,
    /// The appointment begins too soon to be changed without a person.
    TooLate,
}

impl HandOverReason {
    /// The stable word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Emergency => "emergency",
            Self::Person => "person",
            Self::CallBack => "call-back",
            Self::Anger => "anger",
            Self::NotUnderstood => "not-understood",
            Self::Circles => "circles",
            Self::NoTime => "no-time",
            Self::NoAppointment => "no-appointment",
            Self::NoBooking => "no-booking",
            Self::TooLate => "too-late",
        }
    }
}

/// What follows from what was said. The same for the same arguments.
pub(crate) fn step(dialogue: &Dialogue, understood: &Understood, world: &World) -> Step {
    match thought::Thought::new(dialogue, understood, world).think() {
        Ok(answer) => Step::Answer(Box::new(answer)),
        Err(wish) => Step::Search(wish),
    }
}

#[cfg(test)]
mod tests;
