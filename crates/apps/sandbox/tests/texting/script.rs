//! What callers write, and how that ends.

/// Words that the answers have: what a caller waits for.
const OFFER: &str = "Which one suits you";
const PRICE_STAYS: &str = "The price stays";
const CONFIRM: &str = "Reply 1 to book it";
const BOOKED: &str = "You are booked";
const CALL_OFF: &str = "Shall I call off";
const CALLED_OFF: &str = "is called off";
const A_PERSON: &str = "will get back to you here";
const UNSUBSCRIBED: &str = "You are unsubscribed";

/// What a caller writes at once, in pieces of which each is a text, and words of the answer that is waited for.
pub(crate) struct Line {
    pub(crate) pieces: &'static [&'static str],
    pub(crate) until: &'static str,
}

const fn line(pieces: &'static [&'static str], until: &'static str) -> Line {
    Line { pieces, until }
}

/// How a conversation ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// One appointment, for this job at this price in cents.
    Booked(&'static str, i64),
    /// One appointment, which is called off.
    CalledOff,
    /// A person has it; there is no appointment.
    Person,
    /// The caller gets no texts any more; there is no appointment.
    OptedOut,
}

/// Somebody who writes like this.
pub(crate) struct Script {
    pub(crate) name: &'static str,
    pub(crate) lines: &'static [Line],
    pub(crate) end: End,
}

/// A whole wish in one text.
const WISH: &str = "My kitchen sink is leaking, can you come on {day}? My name is Ann Example, 5 Elm St";
const LEAK: End = End::Booked("Leak repair", 15_900);

/// `{day}` is a day of the caller's own, `{other}` the next one.
pub(crate) const SCRIPTS: [Script; 8] = [
    Script {
        name: "takes the second time",
        lines: &[line(&[WISH], OFFER), line(&["2"], CONFIRM), line(&["1"], BOOKED)],
        end: LEAK,
    },
    Script {
        name: "has a change of mind",
        lines: &[
            line(&[WISH], OFFER),
            line(&["actually I need a drain cleaning instead"], OFFER),
            line(&["1"], CONFIRM),
            line(&["1"], BOOKED),
        ],
        end: End::Booked("Drain cleaning", 14_900),
    },
    Script {
        name: "wants none of the times",
        lines: &[
            line(&[WISH], OFFER),
            line(&["neither, on {other} please"], OFFER),
            line(&["1"], CONFIRM),
            line(&["1"], BOOKED),
        ],
        end: LEAK,
    },
    Script {
        name: "wants a discount",
        lines: &[
            line(&["Can you do a leak repair for $50? My name is Ann Example, 5 Elm St"], PRICE_STAYS),
            line(&["all right, on {day}"], OFFER),
            line(&["2"], CONFIRM),
            line(&["1"], BOOKED),
        ],
        end: LEAK,
    },
    Script {
        name: "calls it off",
        lines: &[
            line(&[WISH], OFFER),
            line(&["1"], CONFIRM),
            line(&["1"], BOOKED),
            line(&["please cancel my appointment"], CALL_OFF),
            line(&["1"], CALLED_OFF),
        ],
        end: End::CalledOff,
    },
    Script {
        name: "wants a person",
        lines: &[line(&[WISH], OFFER), line(&["can I talk to a person please"], A_PERSON)],
        end: End::Person,
    },
    Script {
        name: "has enough",
        lines: &[line(&[WISH], OFFER), line(&["1"], CONFIRM), line(&["Stop."], UNSUBSCRIBED)],
        end: End::OptedOut,
    },
    Script {
        name: "writes in pieces",
        lines: &[
            line(&["My kitchen sink is leaking", "on {day} please. My name is Ann Example, 5 Elm St"], OFFER),
            line(&["2"], CONFIRM),
            line(&["1"], BOOKED),
        ],
        end: LEAK,
    },
];

impl Script {
    /// Which line comes after an answer to this one. What is asked once more, because a timeslot is gone or the answer
    /// came before the question could be read, is answered once more. Nothing where the answer asks for none of them.
    pub(crate) fn after(&self, written: usize, answer: &str) -> Option<usize> {
        let asks_for =
            |line: &usize| line.checked_sub(1).is_some_and(|before| answer.contains(self.lines[before].until));
        (1..=written + 1).rev().find(asks_for)
    }
}

#[test]
fn what_is_asked_once_more_is_answered_once_more() {
    let script = &SCRIPTS[0];
    assert_eq!(script.after(0, "I can offer .. Which one suits you?"), Some(1));
    assert_eq!(script.after(1, "Sorry, that time was just taken. I can offer .. Which one suits you?"), Some(1));
    assert_eq!(script.after(2, "Leak repair on .. Reply 1 to book it, 2 for another time."), Some(2));
    assert_eq!(script.after(2, "You are booked: .."), Some(3));
    assert_eq!(script.after(0, "You are booked: .."), None);
    // The later of two questions that sound alike is the one that was waited for.
    assert_eq!(SCRIPTS[2].after(1, "I can offer .. Which one suits you?"), Some(2));
}
