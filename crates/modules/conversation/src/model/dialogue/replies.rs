//! What is said between people who do not talk business: thanks, hello, a wrong number, a picture; and what is not
//! understood.

use nmc_catalog::matches;

use super::{Act, Command, Lost, hand_over::Why, jobs::sure, thought::Thought};
use crate::model::{
    task::TaskKind,
    understanding::{AskedAbout, Saying},
};

/// What is not understood so many times in a row is left to a person.
const NOT_UNDERSTOOD_MAX: u8 = 2;

impl Thought<'_> {
    /// Whether nothing is to be said but a regret, or nothing at all.
    pub(super) fn is_wrong_number(&mut self) -> bool {
        if self.says(&Saying::WrongNumber) {
            if !self.dialogue.is_wrong_number {
                self.release();
                self.dialogue.forget_job();
                self.dialogue.is_wrong_number = true;
                if !self.world.appointments.is_empty() {
                    let text =
                        "See whose appointment it is: who has the number it was booked under says that it is wrong.";
                    self.commands.push(Command::Task { kind: TaskKind::Check, text: text.to_owned() });
                }
                self.close(Act::WrongNumber);
            }
            return true;
        }
        if self.dialogue.is_wrong_number && !self.talks_business() {
            return true;
        }
        self.dialogue.is_wrong_number = false;
        false
    }

    fn talks_business(&self) -> bool {
        self.sayings().iter().any(|saying| match saying {
            Saying::Cancel | Saying::Reschedule => true,
            Saying::Job(words) => sure(&matches(&self.world.items, words)).is_some(),
            _ => false,
        })
    }

    /// Forgets what is not so any more.
    pub(super) fn recover(&mut self) {
        let dialogue = &self.dialogue;
        let is_gone = dialogue.item.is_some_and(|item| self.world.item(item).is_none());
        let changed = dialogue.change.and_then(|change| change.appointment);
        let is_over = changed.is_some_and(|id| self.world.appointment(id).is_none());
        if is_gone || is_over || self.world.lost == Some(Lost::AppointmentGone) {
            self.release();
            let wish = self.dialogue.wish.take();
            self.dialogue.forget_job();
            self.dialogue.wish = wish;
            self.is_used = true;
            if is_gone {
                self.acts.push(Act::TellItem(None));
            }
        }
    }

    pub(super) fn pictures(&mut self) {
        if self.says(&Saying::Picture) {
            self.is_used = true;
            self.acts.push(Act::NoPictures);
            let text = "Look at the picture the caller sent.".to_owned();
            self.commands.push(Command::Task { kind: TaskKind::Check, text });
        }
    }

    /// Thanks, hello, and a yes or no to nothing that was asked.
    pub(super) fn courtesies(&mut self) {
        if self.is_used {
            self.dialogue.is_parted = false;
            return;
        }
        let about = self.about();
        let is_free = matches!(about, AskedAbout::Nothing | AskedAbout::Reminder);
        let is_open = !(is_free || matches!(about, AskedAbout::Job | AskedAbout::When));
        let is_talked_of = self.dialogue.is_done || self.dialogue.is_parted || self.world.after_human;
        if self.says(&Saying::Later) {
            self.part();
        } else if self.says(&Saying::Thanks) {
            if is_open { self.is_used = true } else { self.part() }
        } else if self.says(&Saying::Greeting) {
            self.is_used = true;
        } else if self.says(&Saying::Yes) {
            if is_free && is_talked_of { self.part() } else { self.is_used = true }
        } else if self.says(&Saying::No)
            && matches!(about, AskedAbout::Nothing | AskedAbout::Job | AskedAbout::WhichJob)
        {
            self.part();
        }
    }

    /// A polite end, once.
    pub(super) fn part(&mut self) {
        self.is_used = true;
        self.is_complete = true;
        if !self.dialogue.is_parted {
            self.dialogue.is_parted = true;
            self.acts.push(Act::Thanks);
        }
    }

    /// Whatever is not understood is asked once more; the next time a person takes it.
    pub(super) fn count_not_understood(&mut self) {
        if self.is_used && !self.is_puzzling {
            self.dialogue.not_understood = 0;
            return;
        }
        self.dialogue.not_understood = self.dialogue.not_understood.saturating_add(1);
        if self.dialogue.not_understood >= NOT_UNDERSTOOD_MAX {
            self.hand_over(Why::NotUnderstood);
        } else if !self.is_used {
            self.acts.push(Act::NotUnderstood);
            self.tell_what_is_booked();
        }
    }
}
