//! What is answered to the reminder of an appointment.

use nmc_kernel::AppointmentId;

use super::{Act, Dialogue, Visit, Voice, facts::Facts, state::ChangeKind, thought::Thought, wording::NAME_CHARS};
use crate::model::understanding::{AskedAbout, Saying};

impl Dialogue {
    /// The same once the caller was reminded of an appointment: what they answer is about that.
    #[must_use]
    pub(crate) fn reminded(mut self, appointment: AppointmentId) -> Self {
        self.about = AskedAbout::Reminder;
        self.appointments = vec![appointment];
        // Which one is to change was not said yet, and is asked no more.
        self.change = self.change.filter(|change| change.appointment.is_some());
        self.is_done |= self.item.is_none();
        self.is_parted = false;
        self.texts = self.texts.saturating_add(1);
        self
    }
}

impl Visit {
    /// "Leak repair on Wednesday, March 11 at 3:30 PM".
    pub(crate) fn in_words(&self, voice: &Voice) -> String {
        Facts::new(voice, NAME_CHARS[0]).visit(self)
    }

    /// "Wednesday, March 11 at 3:30 PM".
    pub(crate) fn moment_in_words(&self, voice: &Voice) -> String {
        Facts::new(voice, NAME_CHARS[0]).moment(self.start)
    }
}

impl Thought<'_> {
    /// Says whether it was answered. What calls off or moves in so many words is heard elsewhere.
    pub(super) fn answer_to_reminder(&mut self) -> bool {
        let Some(id) = self.reminded() else { return false };
        let Some(visit) = self.visit(id) else { return false };
        let is_elsewhere = |saying: &Saying| {
            matches!(saying, Saying::Cancel | Saying::Reschedule | Saying::Shift(_) | Saying::SameTime)
        };
        if self.sayings().iter().any(is_elsewhere) {
            return false;
        }
        if self.is_of_a_job() {
            // The time is the other job's, or the question's.
            return self.says(&Saying::Yes) && self.confirm(Act::Confirmed(visit));
        }
        let any = |is_meant: fn(&Saying) -> bool| self.sayings().iter().any(is_meant);
        let is_then =
            self.sayings().iter().any(|saying| matches!(saying, Saying::When(when) if self.is_then(when, id)));
        let other_time = !is_then && any(|saying| matches!(saying, Saying::When(_)))
            || any(|saying| matches!(saying, Saying::Neither { later, earlier } if *later || *earlier));
        if other_time {
            self.begin(ChangeKind::Move);
            true
        } else if any(|saying| matches!(saying, Saying::No | Saying::Neither { .. } | Saying::NeverMind)) {
            self.begin(ChangeKind::Cancel);
            true
        } else if any(|saying| matches!(saying, Saying::Yes | Saying::Thanks)) {
            self.confirm(Act::Confirmed(visit))
        } else {
            is_then && self.confirm(Act::TellVisit(visit))
        }
    }

    /// What was talked of besides goes on.
    fn confirm(&mut self, act: Act) -> bool {
        self.is_used = true;
        self.dialogue.about = AskedAbout::Nothing;
        self.acts.push(act);
        true
    }

    /// The appointment that the caller was reminded of just before.
    pub(super) fn reminded(&self) -> Option<AppointmentId> {
        let id = self.before.appointments.first().filter(|_| self.about() == AskedAbout::Reminder)?;
        self.world.appointment(*id).map(|appointment| appointment.id)
    }
}
