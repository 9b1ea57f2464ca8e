use chrono::{DateTime, NaiveDate, Utc};
use nmc_catalog::Quote;
use nmc_identity::OpeningHours;
use nmc_scheduling::{Appointment, Slot};

use super::nudge::Open;

/// What a text says, with its facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Asks what is needed.
    AskJob,
    /// Asks which of these jobs.
    AskWhich(Vec<Quote>),
    /// Says what there is, and asks whether it is one of these.
    ListItems {
        /// The jobs.
        quotes: Vec<Quote>,
        /// Whether these are all.
        are_all: bool,
    },
    /// Says what the job lasts and costs.
    StatePrice(Quote),
    /// Says that the price stays as it is; none where no job is known yet.
    KeepPrice(Option<Quote>),
    /// Asks when.
    AskWhen,
    /// Offers these times.
    Offer(Vec<Slot>),
    /// Asks which of these times.
    AskPick(Vec<Slot>),
    /// The same where a number may be a place in the list or a time of day.
    AskTime(Vec<Slot>),
    /// Says that nothing is free at the wished time.
    NoneFree,
    /// Says that the time is taken by now.
    SlotLost,
    /// Asks for the name.
    AskName,
    /// Asks where to come to.
    AskAddress,
    /// Asks whether to book this.
    AskConfirm {
        /// The job.
        quote: Quote,
        /// The time.
        slot: Slot,
        /// Where to come to, as the caller wrote it.
        address: Option<String>,
    },
    /// Says what was booked.
    Booked {
        /// The job.
        quote: Quote,
        /// The time.
        slot: Slot,
    },
    /// Says what was moved, and to when.
    Moved {
        /// The job.
        quote: Quote,
        /// The new time.
        slot: Slot,
    },
    /// Says what was called off.
    Cancelled(Visit),
    /// Asks whether to call this off.
    CancelConfirm(Visit),
    /// Says that this stays as it is.
    Kept(Visit),
    /// Asks which appointment.
    WhichAppointment(Vec<Visit>),
    /// Says what is booked.
    TellVisit(Visit),
    /// Says that this is kept, as the caller has said as well.
    Confirmed(Visit),
    /// Says that nothing is booked.
    Dropped,
    /// Says when the business is open.
    TellHours {
        /// The hours.
        hours: OpeningHours,
        /// The local day on which it is told.
        today: NaiveDate,
    },
    /// Says where the business is.
    TellPlace(String),
    /// Says whose automated assistant this is.
    TellWho,
    /// Says that this is done here; none: that it is not.
    TellItem(Option<Quote>),
    /// Says that a person has been told.
    PassedOn,
    /// Says that a person takes it from here.
    HandOver {
        /// Whether the person will call.
        calls: bool,
    },
    /// The same where this begins too soon to be changed without one.
    TooLate(Visit),
    /// The same where somebody may be in danger.
    Emergency,
    /// Says that it was not understood.
    NotUnderstood,
    /// Thanks, and a good-bye.
    Thanks,
    /// Regrets the trouble of somebody with the wrong number.
    WrongNumber,
    /// Says that pictures cannot be looked at.
    NoPictures,
    /// Asks somebody once more who has fallen silent.
    Nudge(Open),
    /// Reminds of an appointment.
    Reminder {
        /// Which.
        visit: Visit,
        /// Whether the caller has to be told first who writes, that it is automated, and how to end it.
        introduces: bool,
    },
}

/// An appointment as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Visit {
    /// What the job is called; none where it is not in the catalog any more.
    pub(crate) job: Option<String>,
    /// When it starts.
    pub(crate) start: DateTime<Utc>,
}

impl Visit {
    /// An appointment, and what its job is called.
    pub(crate) fn new(appointment: &Appointment, job: Option<&str>) -> Self {
        Self { job: job.map(str::to_owned), start: appointment.slot.start() }
    }
}

impl Act {
    /// The stable word: it is stored with the text, and test conversations expect it.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::AskJob => "ask-job",
            Self::AskWhich(_) | Self::WhichAppointment(_) => "ask-which",
            Self::ListItems { .. } => "list-items",
            Self::StatePrice(_) => "state-price",
            Self::KeepPrice(_) => "keep-price",
            Self::AskWhen => "ask-when",
            Self::Offer(_) => "offer",
            Self::AskPick(_) | Self::AskTime(_) => "ask-pick",
            Self::NoneFree => "none-free",
            Self::SlotLost => "slot-lost",
            Self::AskName => "ask-name",
            Self::AskAddress => "ask-address",
            Self::AskConfirm { .. } | Self::CancelConfirm(_) => "ask-confirm",
            Self::Booked { .. } => "booked",
            Self::Moved { .. } => "moved",
            Self::Cancelled(_) => "cancelled",
            Self::Kept(_) => "kept",
            Self::TellVisit(_) => "tell-visit",
            Self::Confirmed(_) => "confirmed",
            Self::Dropped => "dropped",
            Self::TellHours { .. } => "tell-hours",
            Self::TellPlace(_) => "tell-place",
            Self::TellWho => "tell-who",
            Self::TellItem(_) => "tell-item",
            Self::PassedOn => "passed-on",
            Self::HandOver { .. } | Self::TooLate(_) => "hand-over",
            Self::Emergency => "emergency",
            Self::NotUnderstood => "not-understood",
            Self::Thanks => "thanks",
            Self::WrongNumber => "wrong-number",
            Self::NoPictures => "no-pictures",
            Self::Nudge(_) => "nudge",
            Self::Reminder { .. } => "reminder",
        }
    }

    /// Whether it can be left out of a text that would be too long.
    pub(super) const fn is_aside(&self) -> bool {
        matches!(
            self,
            Self::KeepPrice(_)
                | Self::TellHours { .. }
                | Self::TellPlace(_)
                | Self::TellWho
                | Self::TellItem(_)
                | Self::PassedOn
                | Self::NotUnderstood
                | Self::NoPictures
        )
    }

    /// Whether an answer is awaited.
    pub(crate) const fn asks(&self) -> bool {
        matches!(
            self,
            Self::AskJob
                | Self::AskWhich(_)
                | Self::ListItems { .. }
                | Self::AskWhen
                | Self::Offer(_)
                | Self::AskPick(_)
                | Self::AskTime(_)
                | Self::AskName
                | Self::AskAddress
                | Self::AskConfirm { .. }
                | Self::CancelConfirm(_)
                | Self::WhichAppointment(_)
        )
    }
}
