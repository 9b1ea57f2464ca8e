//! What was talked of is not wanted any more: nothing is offered again, and what was held is given back.

use nmc_catalog::matches;

use super::{
    Act,
    jobs::sure,
    state::{Change, ChangeKind},
    thought::Thought,
};
use crate::model::understanding::{AskedAbout, Question, Saying};

impl Thought<'_> {
    /// Says whether that is all there is to say.
    pub(super) fn is_dropped(&mut self) -> bool {
        let is_answer = matches!(self.about(), AskedAbout::CancelConfirm | AskedAbout::Reminder);
        if !self.says(&Saying::NeverMind) || is_answer || self.wants_more() {
            return false;
        }
        let is_under_way = self.dialogue.item.is_some() || self.dialogue.change.is_some();
        if !is_under_way && self.says(&Saying::Cancel) && !self.world.appointments.is_empty() {
            return false;
        }
        let moved = self.dialogue.change.and_then(|Change { appointment, kind }| match kind {
            ChangeKind::Move => self.visit(appointment?),
            ChangeKind::Cancel => None,
        });
        self.is_used = true;
        self.dialogue.not_understood = 0;
        self.release();
        self.dialogue.forget_job();
        if let Some(visit) = moved {
            self.dialogue.is_done = true;
            self.close(Act::Kept(visit));
            return true;
        }
        if is_under_way && self.world.appointments.is_empty() {
            self.dialogue.is_parted = false;
            self.acts.push(Act::Dropped);
        }
        self.part();
        true
    }

    /// Whether something else is asked for in the same text.
    fn wants_more(&self) -> bool {
        self.sayings().iter().any(|saying| match saying {
            Saying::Job(words) => sure(&matches(&self.world.items, words))
                .is_some_and(|quote| self.dialogue.item != Some(quote.service_item_id)),
            Saying::Ask(question) => *question != Question::Discount,
            Saying::When(_)
            | Saying::Pick(_)
            | Saying::Neither { .. }
            | Saying::Reschedule
            | Saying::Shift(_)
            | Saying::Name(_)
            | Saying::Address(_)
            | Saying::Picture => true,
            _ => false,
        })
    }
}
