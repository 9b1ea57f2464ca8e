//! What somebody is asked once more who has fallen silent before a booking.

use chrono::{DateTime, Utc};

use super::{Act, Dialogue};
use crate::model::understanding::AskedAbout;

/// What of a booking is still open. It says nothing of what is free by now: that is seen once the caller answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Open {
    /// Which of the times.
    Pick,
    /// The name.
    Name,
    /// The address.
    Address,
    /// The yes.
    Confirm,
}

impl Dialogue {
    /// What the caller can be asked once more; none where nothing of a booking is open, where it was asked before, and
    /// where the first of the times it is about has come.
    pub(crate) fn nudge(&self, now: DateTime<Utc>) -> Option<Act> {
        let (open, first) = match self.about {
            AskedAbout::Pick => (Open::Pick, self.offers.iter().map(|offer| offer.start).min()),
            AskedAbout::Name => (Open::Name, self.chosen_start()),
            AskedAbout::Address => (Open::Address, self.chosen_start()),
            AskedAbout::Confirm => (Open::Confirm, self.chosen_start()),
            AskedAbout::Nothing
            | AskedAbout::Job
            | AskedAbout::WhichJob
            | AskedAbout::When
            | AskedAbout::CancelConfirm
            | AskedAbout::WhichAppointment
            | AskedAbout::Reminder => return None,
        };
        let is_ahead = first.is_some_and(|first| first > now);
        let is_over = self.is_nudged || self.is_parted || self.is_wrong_number;
        (is_ahead && !is_over).then_some(Act::Nudge(open))
    }

    /// The same once the caller was asked.
    #[must_use]
    pub(crate) fn nudged(self) -> Self {
        Self { is_nudged: true, texts: self.texts.saturating_add(1), ..self }
    }

    fn chosen_start(&self) -> Option<DateTime<Utc>> {
        self.chosen.as_ref().map(|chosen| chosen.slot.start)
    }
}
