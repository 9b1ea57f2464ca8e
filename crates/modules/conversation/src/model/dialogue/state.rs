use std::fmt;

use nmc_catalog::Quote;
use nmc_identity::Language;
use nmc_kernel::{AppointmentId, ServiceItemId};
use nmc_scheduling::{Held, Slot};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{World, world::local};
use crate::model::understanding::{Asked, AskedAbout, When};

/// The version of the shape below. Raised when a field changes its meaning; a dialogue of another version begins anew.
pub(crate) const VERSION: u16 = 1;
/// The stored form has no more bytes: the longest name and address, every list full.
pub(crate) const STORED_BYTES_MAX: usize = 12_288;
/// So many offers that the caller did not want, and a person finds the time.
pub(super) const PASSED_MAX: usize = 12;

/// What is known of what the caller wants, and what they were told. Stored with the conversation. `Debug` does not show
/// name and address.
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Dialogue {
    /// [`VERSION`].
    pub(crate) version: u16,
    /// The conversation's epoch in which it was spoken: what was asked in an earlier one is not open any more.
    pub(crate) epoch: i32,
    /// What was asked last.
    pub(crate) about: AskedAbout,
    /// The language the caller writes, once a text told.
    pub(crate) language: Option<Language>,
    /// The job.
    pub(crate) item: Option<ServiceItemId>,
    /// The job as it was told: what it is called, lasts and costs.
    pub(crate) told: Option<Quote>,
    /// The jobs between which the caller was asked to choose, as they were numbered.
    pub(crate) choices: Vec<ServiceItemId>,
    /// When it would suit the caller.
    pub(crate) wish: Option<When>,
    /// What was offered last, as it was numbered.
    pub(crate) offers: Vec<Slot>,
    /// Whether the caller was asked once more about them.
    pub(crate) is_nudged: bool,
    /// What was offered before and not wanted.
    pub(crate) passed: Vec<Slot>,
    /// What the caller picked.
    pub(crate) chosen: Option<Chosen>,
    /// What becomes of an appointment.
    pub(crate) change: Option<Change>,
    /// The appointments between which the caller was asked to choose, as they were numbered.
    pub(crate) appointments: Vec<AppointmentId>,
    /// The caller's name.
    pub(crate) name: Option<String>,
    /// Where to come to.
    pub(crate) address: Option<String>,
    /// Whether something was booked, moved or called off, and nothing else begun since.
    pub(crate) is_done: bool,
    /// Whether the caller has the wrong number.
    pub(crate) is_wrong_number: bool,
    /// Whether a polite end was said.
    pub(crate) is_parted: bool,
    /// How many turns in a row were not understood.
    pub(crate) not_understood: u8,
    /// How many questions in a row brought nothing.
    pub(crate) circles: u8,
    /// How many texts the automation has written since a person had the conversation.
    pub(crate) texts: u8,
}

/// A slot that was picked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Chosen {
    /// The slot.
    pub(crate) slot: Slot,
    /// The job with the price the slot is held at.
    pub(crate) quote: Quote,
    /// What holds it; none where the turn did not get to it.
    pub(crate) held: Option<Held>,
}

/// What is to become of an appointment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Change {
    /// Which appointment; none while it is asked.
    pub(crate) appointment: Option<AppointmentId>,
    /// What.
    pub(crate) kind: ChangeKind,
}

/// The ways to change an appointment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ChangeKind {
    /// It moves to another time.
    Move,
    /// It is called off.
    Cancel,
}

impl Default for Dialogue {
    fn default() -> Self {
        Self {
            version: VERSION,
            epoch: 0,
            about: AskedAbout::Nothing,
            language: None,
            item: None,
            told: None,
            choices: Vec::new(),
            wish: None,
            offers: Vec::new(),
            is_nudged: false,
            passed: Vec::new(),
            chosen: None,
            change: None,
            appointments: Vec::new(),
            name: None,
            address: None,
            is_done: false,
            is_wrong_number: false,
            is_parted: false,
            not_understood: 0,
            circles: 0,
            texts: 0,
        }
    }
}

impl fmt::Debug for Dialogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialogue")
            .field("about", &self.about)
            .field("item", &self.item)
            .field("wish", &self.wish)
            .field("offers", &self.offers)
            .field("passed", &self.passed)
            .field("chosen", &self.chosen)
            .field("change", &self.change)
            .finish_non_exhaustive()
    }
}

impl Dialogue {
    /// As it was stored. What another version or nobody has written begins anew: the worst of it is a question asked
    /// twice.
    pub(crate) fn read(stored: Option<&Value>) -> Self {
        let read = stored.and_then(|stored| serde_json::from_value::<Self>(stored.clone()).ok());
        read.filter(|dialogue| dialogue.version == VERSION).unwrap_or_default()
    }

    /// As it is stored, at most [`STORED_BYTES_MAX`] long.
    pub(crate) fn stored(&self) -> Value {
        let stored = serde_json::to_value(self).unwrap_or_default();
        if stored.to_string().len() <= STORED_BYTES_MAX {
            stored
        } else {
            Self { epoch: self.epoch, ..Self::default() }.stored()
        }
    }

    /// The same once what it chose is held.
    #[must_use]
    pub(crate) fn held(mut self, held: Held) -> Self {
        if let Some(chosen) = &mut self.chosen {
            chosen.held = Some(held);
        }
        self
    }

    /// What a bare "2" or "10 works" of the caller would be about. After a person had the conversation: about nothing.
    pub(crate) fn asked(&self, world: &World) -> Asked {
        if world.after_human {
            return Asked::default();
        }
        // One of another list is not of the offers.
        let is_of_other = matches!(
            self.about,
            AskedAbout::Job
                | AskedAbout::WhichJob
                | AskedAbout::CancelConfirm
                | AskedAbout::WhichAppointment
                | AskedAbout::Reminder
        );
        let offers = if is_of_other { &[] } else { self.offers.as_slice() };
        let offers = offers.iter().map(|slot| local(slot.start, world.zone)).collect();
        Asked { about: self.about(world), offers, is_moving: self.is_moving() }
    }

    /// What the caller answers. What is booked or called off for a "1" that was written twice nobody has agreed to.
    pub(super) fn about(&self, world: &World) -> AskedAbout {
        match self.about {
            _ if world.after_human => AskedAbout::Nothing,
            AskedAbout::Confirm | AskedAbout::CancelConfirm | AskedAbout::Reminder if world.is_unread => {
                AskedAbout::Nothing
            }
            about => about,
        }
    }

    /// The same once a person has had the conversation: what was asked and offered before is not open any more.
    #[must_use]
    pub(crate) fn after_human(&self) -> Self {
        let mut dialogue = self.clone();
        dialogue.forget_slots();
        dialogue.wish = None;
        dialogue.change = None;
        dialogue.choices.clear();
        dialogue.about = AskedAbout::Nothing;
        (dialogue.not_understood, dialogue.circles, dialogue.texts) = (0, 0, 0);
        (dialogue.is_parted, dialogue.is_wrong_number) = (false, false);
        dialogue
    }

    /// Whether the same is known of what the caller wants.
    pub(super) fn knows_as_much_as(&self, other: &Self) -> bool {
        let known = |dialogue: &Self| {
            let slot = dialogue.chosen.as_ref().map(|chosen| chosen.slot);
            (dialogue.item, dialogue.offers.clone(), dialogue.passed.clone(), slot, dialogue.change, dialogue.is_done)
        };
        let told = |dialogue: &Self| (dialogue.wish.clone(), dialogue.name.clone(), dialogue.address.clone());
        known(self) == known(other) && told(self) == told(other)
    }

    /// Forgets the slot that was picked and what was offered.
    pub(super) fn forget_slots(&mut self) {
        self.chosen = None;
        self.offers.clear();
        self.is_nudged = false;
        self.passed.clear();
    }

    /// Forgets the job and all that belongs to it; what is known of the caller stays.
    pub(super) fn forget_job(&mut self) {
        self.forget_slots();
        self.item = None;
        self.told = None;
        self.wish = None;
        self.choices.clear();
        self.change = None;
        self.appointments.clear();
        self.about = AskedAbout::Nothing;
    }
}
