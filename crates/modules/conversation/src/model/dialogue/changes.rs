//! Appointments that are called off or moved.

use chrono::{Duration, NaiveDateTime};
use nmc_catalog::{ServiceItem, matches};
use nmc_kernel::AppointmentId;
use nmc_scheduling::Appointment;

use super::{
    Act, Command, Lost, Voice,
    act::Visit,
    hand_over::Why,
    jobs::sure,
    state::{Change, ChangeKind},
    thought::Thought,
    world::local,
};
use crate::model::understanding::{AskedAbout, LocalWindow, Pick, Saying, When};

/// A wish no longer than this that has the appointment in it is the day it is on.
const DAY: Duration = Duration::days(1);
/// More appointments do not fit into a question.
const LISTED_MAX: usize = 4;

impl Thought<'_> {
    pub(super) fn changes(&mut self) {
        if self.about() == AskedAbout::CancelConfirm && self.answer_to_cancel() {
            return;
        }
        if self.answer_to_reminder() {
            return;
        }
        if self.says(&Saying::Cancel) {
            self.begin(ChangeKind::Cancel);
        } else if self.says(&Saying::Reschedule) {
            self.begin(ChangeKind::Move);
        } else if let Some(Change { appointment: None, kind }) = self.dialogue.change {
            self.choose_appointment(kind);
        } else if self.is_shifted() {
            self.begin(ChangeKind::Move);
        } else if self.dialogue.is_done {
            self.other_time();
        }
    }

    /// Whether a time is told by that of an appointment: "30 minutes later", while nothing else is being booked.
    fn is_shifted(&self) -> bool {
        let is_told_by_another =
            self.sayings().iter().any(|saying| matches!(saying, Saying::Shift(_) | Saying::SameTime));
        is_told_by_another
            && self.dialogue.item.is_none()
            && self.dialogue.change.is_none()
            && !self.world.appointments.is_empty()
            && !self.is_of_a_job()
    }

    /// A time that is named right after a booking: "friday instead" moves it, "see you wednesday" does not.
    fn other_time(&mut self) {
        let named = self.sayings().iter().find_map(|saying| match saying {
            Saying::When(when) => Some(when),
            _ => None,
        });
        let Some(when) = named.filter(|_| !self.is_of_a_job() && !self.world.appointments.is_empty()) else { return };
        if self.world.appointments.iter().any(|appointment| starts_in(when, self.start(appointment))) {
            self.part();
        } else {
            self.begin(ChangeKind::Move);
        }
    }

    /// Whether a time that is named may be one for a job, or part of a question.
    pub(super) fn is_of_a_job(&self) -> bool {
        self.sayings().iter().any(|saying| match saying {
            Saying::Job(words) => sure(&matches(&self.world.items, words)).is_some(),
            saying => matches!(saying, Saying::Ask(_)),
        })
    }

    pub(super) fn begin(&mut self, kind: ChangeKind) {
        self.is_used = true;
        if !self.world.appointments.is_empty() {
            self.release();
            self.dialogue.forget_slots();
            self.dialogue.wish = None;
            self.change(kind, self.meant(kind));
        } else if self.dialogue.item.is_none() {
            self.hand_over(Why::NoAppointment);
        } else if kind == ChangeKind::Cancel {
            // Nothing is booked yet.
            self.release();
            self.dialogue.forget_job();
            self.close(Act::Dropped);
        } else {
            self.refuse(false, false);
        }
    }

    /// The answer to the question which appointment.
    fn choose_appointment(&mut self, kind: ChangeKind) {
        if let Some(id) = self.meant(kind) {
            self.is_used = true;
            self.change(kind, Some(id));
        } else if self.says(&Saying::No) {
            self.is_used = true;
            self.dialogue.forget_job();
            self.close(Act::Thanks);
        }
    }

    fn change(&mut self, kind: ChangeKind, appointment: Option<AppointmentId>) {
        if self.is_too_late(kind, appointment) {
            return;
        }
        self.dialogue.change = Some(Change { appointment, kind });
        self.dialogue.is_done = false;
        let Some(moved) = appointment.filter(|_| kind == ChangeKind::Move) else { return };
        let item = self.world.appointment(moved).map(|appointment| appointment.service_item_id);
        if item.is_none_or(|item| self.world.item(item).is_none()) {
            return self.hand_over(Why::NoBooking);
        }
        self.release();
        let wish = self.dialogue.wish.take();
        self.dialogue.forget_job();
        self.dialogue.item = item;
        self.dialogue.wish = wish;
        self.dialogue.change = Some(Change { appointment, kind });
    }

    /// Whether it begins so soon that a person has been asked to see to it. The customer hears that it stands until
    /// then.
    fn is_too_late(&mut self, kind: ChangeKind, appointment: Option<AppointmentId>) -> bool {
        let late = appointment.filter(|id| self.world.late.contains(id)).and_then(|id| self.visit(id));
        let Some(visit) = late else { return false };
        self.release();
        self.dialogue.forget_job();
        self.dialogue.is_done = true;
        let what = match kind {
            ChangeKind::Cancel => "call off",
            ChangeKind::Move => "move",
        };
        let told = visit.in_words(&Voice::to_people(self.world.zone, &self.world.business));
        self.hand_over_with(Why::TooLate, &format!("They want to {what} {told}."), Act::TooLate(visit));
        true
    }

    /// The appointment the caller speaks of, where it can be only one.
    fn meant(&self, kind: ChangeKind) -> Option<AppointmentId> {
        let known = &self.world.appointments;
        if let [only] = known.as_slice() {
            // What is picked moves at once: of another job it is asked first.
            return Some(only.id).filter(|id| kind == ChangeKind::Cancel || !self.names_another(*id));
        }
        // A day that is named is the one to move to.
        if let (ChangeKind::Move, Some(id)) = (kind, self.reminded()) {
            return Some(id);
        }
        let nth = self.sayings().iter().find_map(|saying| match saying {
            Saying::Pick(Pick::Nth(nth)) => Some(*nth),
            Saying::Pick(Pick::Earliest) => Some(0),
            Saying::Pick(Pick::Latest) => self.before.appointments.len().checked_sub(1),
            _ => None,
        });
        if let Some(id) = nth.and_then(|nth| self.before.appointments.get(nth)) {
            return Some(*id).filter(|id| self.world.appointment(*id).is_some());
        }
        let only = |is_meant: &dyn Fn(&Appointment) -> bool| {
            let mut meant = known.iter().filter(|appointment| is_meant(appointment));
            meant.next().filter(|_| meant.next().is_none()).map(|appointment| appointment.id)
        };
        let named = self.sayings().iter().find_map(|saying| match saying {
            Saying::Job(words) => {
                let is_booked = |item: &&ServiceItem| known.iter().any(|booked| booked.service_item_id == item.id);
                let booked: Vec<ServiceItem> = self.world.items.iter().filter(is_booked).cloned().collect();
                let item = sure(&matches(&booked, words))?.service_item_id;
                only(&|appointment| appointment.service_item_id == item)
            }
            Saying::When(when) => only(&|appointment| starts_in(when, self.start(appointment))),
            _ => None,
        });
        named.or_else(|| self.reminded())
    }

    /// Whether an appointment starts at a time that is named.
    pub(super) fn is_then(&self, when: &When, id: AppointmentId) -> bool {
        self.world.appointment(id).is_some_and(|appointment| starts_in(when, self.start(appointment)))
    }

    fn start(&self, appointment: &Appointment) -> NaiveDateTime {
        local(appointment.slot.start(), self.world.zone)
    }

    /// Whether a job is named that is not this appointment's.
    fn names_another(&self, id: AppointmentId) -> bool {
        let item = self.world.appointment(id).map(|appointment| appointment.service_item_id);
        self.sayings().iter().any(|saying| match saying {
            Saying::Job(words) => {
                sure(&matches(&self.world.items, words)).is_some_and(|quote| item != Some(quote.service_item_id))
            }
            _ => false,
        })
    }

    /// Says whether the question was answered.
    fn answer_to_cancel(&mut self) -> bool {
        let Some(Change { appointment: Some(id), kind: ChangeKind::Cancel }) = self.dialogue.change else {
            return false;
        };
        let Some(visit) = self.visit(id) else { return false };
        let moves = self.says(&Saying::Reschedule)
            || self.sayings().iter().any(|saying| matches!(saying, Saying::When(_) | Saying::Neither { .. }));
        if self.says(&Saying::No) && moves {
            self.is_used = true;
            self.change(ChangeKind::Move, Some(id));
        } else if self.says(&Saying::No) {
            self.is_used = true;
            self.dialogue.change = None;
            self.dialogue.is_done = self.dialogue.item.is_none();
            self.close(Act::Kept(visit));
        } else if self.says(&Saying::Yes) && !self.names_other_time(id) {
            self.is_used = true;
            if self.is_too_late(ChangeKind::Cancel, Some(id)) || self.world.lost == Some(Lost::AppointmentMoved) {
                // What was agreed to is not so any more: it is asked again, or a person asks.
                return true;
            }
            self.release();
            self.dialogue.forget_job();
            self.dialogue.is_done = true;
            self.commands.push(Command::Cancel(id));
            self.close(Act::Cancelled(visit));
        } else if self.says(&Saying::Cancel) && !moves && !self.names_another(id) {
            // To speak of cancelling is no agreement: it is asked again.
            self.is_used = true;
        } else {
            return false;
        }
        true
    }

    /// "Book me on friday", asked whether to cancel thursday: agrees to something else.
    fn names_other_time(&self, id: AppointmentId) -> bool {
        let start = self.world.appointment(id).map(|appointment| self.start(appointment));
        self.sayings().iter().any(|saying| match saying {
            Saying::When(when) => start.is_none_or(|start| !starts_in(when, start)),
            _ => false,
        })
    }

    pub(super) fn ask_whether_to_cancel(&mut self, id: AppointmentId) {
        if let Some(visit) = self.visit(id) {
            self.ask(Act::CancelConfirm(visit), AskedAbout::CancelConfirm);
        }
    }

    pub(super) fn ask_which_appointment(&mut self) {
        let listed: Vec<AppointmentId> = self.world.appointments.iter().take(LISTED_MAX).map(|one| one.id).collect();
        let visits = listed.iter().filter_map(|id| self.visit(*id)).collect();
        self.dialogue.appointments = listed;
        self.ask(Act::WhichAppointment(visits), AskedAbout::WhichAppointment);
    }

    /// Moves the appointment to what was picked.
    pub(super) fn reschedule(&mut self, id: AppointmentId) {
        if self.is_too_late(ChangeKind::Move, Some(id)) {
            return;
        }
        let Some(chosen) = self.dialogue.chosen.clone() else { return };
        let hold = Command::Hold { slot: chosen.slot, quote: chosen.quote.clone(), moving: Some(id) };
        self.commands.extend([hold, Command::Reschedule(id)]);
        self.dialogue.forget_job();
        self.dialogue.is_done = true;
        self.close(Act::Moved { quote: chosen.quote, slot: chosen.slot });
    }

    /// A wish without the days that only say which appointment is to move; none where nothing is left.
    pub(super) fn wish_to_move(&self, mut when: When) -> Option<When> {
        // Once that is settled, its day is as good as any other.
        let is_settled = self.before.change == self.dialogue.change;
        let moved = self.moving().filter(|_| !is_settled).and_then(|id| self.world.appointment(id));
        let Some(moved) = moved else { return Some(when) };
        let start = self.start(moved);
        let before = when.windows.len();
        let is_its_day =
            |window: &LocalWindow| window.until - window.from <= DAY && (window.from..window.until).contains(&start);
        when.windows.retain(|window| !is_its_day(window));
        let is_named = before > when.windows.len() && when.windows.is_empty() && !when.asap;
        (!is_named).then_some(when)
    }

    /// What is not understood of somebody who has booked is most often about that.
    pub(super) fn tell_what_is_booked(&mut self) {
        let next = self.world.appointments.first().map(|appointment| appointment.id);
        let is_open = self.dialogue.item.is_none() && self.dialogue.change.is_none();
        if let Some(visit) = next.filter(|_| is_open).and_then(|id| self.visit(id)) {
            self.close(Act::TellVisit(visit));
        }
    }

    pub(super) fn visit(&self, id: AppointmentId) -> Option<Visit> {
        let appointment = self.world.appointment(id)?;
        let job = self.world.item(appointment.service_item_id).map(|item| item.name.as_str());
        Some(Visit::new(appointment, job))
    }
}

fn starts_in(when: &When, start: NaiveDateTime) -> bool {
    when.windows.iter().any(|window| (window.from..window.until).contains(&start))
}
