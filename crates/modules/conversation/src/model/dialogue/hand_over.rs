//! A person takes the conversation.

pub(super) use super::HandOverReason as Why;
use super::{Act, Command, thought::Thought};
use crate::model::{task::TaskKind, understanding::Saying};

impl Thought<'_> {
    /// What gives the conversation to a person, whatever else is said.
    pub(super) fn wish_for_a_person(&self) -> Option<Why> {
        self.sayings().iter().find_map(|saying| match saying {
            Saying::Emergency => Some(Why::Emergency),
            Saying::Person => Some(Why::Person),
            Saying::CallMe => Some(Why::CallBack),
            Saying::Angry => Some(Why::Anger),
            _ => None,
        })
    }

    /// Gives the conversation to a person, who is told why. Nothing is asked any more.
    pub(super) fn hand_over(&mut self, why: Why) {
        let (kind, text) = why.task();
        let is_emergency = why == Why::Emergency;
        let act = if is_emergency { Act::Emergency } else { Act::HandOver { calls: why == Why::CallBack } };
        self.tell_and_hand_over(why, kind, text.to_owned(), act);
    }

    /// The same with words of its own, and more for the person to know.
    pub(super) fn hand_over_with(&mut self, why: Why, more: &str, act: Act) {
        let (kind, text) = why.task();
        self.tell_and_hand_over(why, kind, format!("{text} {more}"), act);
    }

    fn tell_and_hand_over(&mut self, why: Why, kind: TaskKind, text: String, act: Act) {
        self.is_used = true;
        self.dialogue.not_understood = 0;
        self.dialogue.circles = 0;
        self.acts.retain(|act| !act.asks());
        self.commands.push(Command::HandOver { why });
        self.commands.push(Command::Task { kind, text });
        self.close(act);
    }

    /// A person is told of something; the conversation goes on.
    pub(super) fn pass_on(&mut self, text: &str) {
        self.is_used = true;
        self.commands.push(Command::Task { kind: TaskKind::Reply, text: text.to_owned() });
        if !self.acts.contains(&Act::PassedOn) {
            self.acts.push(Act::PassedOn);
        }
    }
}

impl Why {
    const fn task(self) -> (TaskKind, &'static str) {
        match self {
            Self::Emergency => (TaskKind::Emergency, "Call at once: the caller writes of an emergency."),
            Self::Person => (TaskKind::Reply, "Reply to the caller, who asks for a person."),
            Self::CallBack => (TaskKind::CallBack, "Call back: the caller asks for a call."),
            Self::Anger => (TaskKind::CallBack, "Call back: the caller is angry."),
            Self::NotUnderstood => (TaskKind::Reply, "Reply to the caller, whom the automation did not understand."),
            Self::Circles => (TaskKind::Reply, "Reply to the caller: the automation did not get on."),
            Self::NoTime => (TaskKind::Reply, "Reply to the caller: there was no time to offer that suits."),
            Self::NoAppointment => {
                (TaskKind::Reply, "Reply to the caller about an appointment that is not booked under this number.")
            }
            Self::TooLate => (TaskKind::CallBack, "Call the customer at once about an appointment that begins soon."),
            Self::NoBooking => (TaskKind::Reply, "Reply to the caller: what they want cannot be booked by text."),
        }
    }
}
