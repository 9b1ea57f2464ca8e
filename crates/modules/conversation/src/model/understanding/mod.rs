//! What the caller's texts say. Interpretation only: nothing in here is a fact, and a price, a duration or a time that
//! goes out never comes from here.
//!
//! ```text
//! texts -> words -> phrases                  -> questions, answers, alarms ...
//!               \-> clock + days -> when     -> a wish for a time, or with an offer at that time: pick
//!                \-> answers, pick, jobs     -> what is left is a name, an address, a place in a list, words for a job
//! ```
//!
//! Where to look: `phrases/` has the phrases by topic, English and Spanish together; `spelling.rs` misspellings and
//! abbreviations; `parts_of_day.rs` "first thing" and the like; `relative.rs`, `months.rs` and `dates.rs` the kinds of
//! days; `parts.rs` "not before", "any day but"; `spanish_words.rs` Spanish times in English; `jobs.rs` the words that
//! name no job. `reading/` puts it together, `reading/agreement.rs` says what is a yes. The labelled texts in
//! `tests/understanding/` say what must come out: a text that is read wrongly becomes a line there first.

mod answers;
mod calendar;
mod clock;
mod dates;
mod days;
mod jobs;
pub(crate) mod model;
mod months;
mod parts;
mod parts_of_day;
mod phrases;
mod pick;
mod reading;
mod relative;
mod shift;
mod spanish;
mod spanish_words;
mod spelling;
#[cfg(test)]
mod tests;
mod time_of_day;
mod when;
mod words;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
pub(crate) use jobs::is_done_to_many;
use nmc_identity::{Language, OpeningHours};
use serde::{Deserialize, Serialize};

/// Texts are looked at up to here: no wish needs more, and what reads dates takes its time with long ones.
pub(crate) const READ_CHARS: usize = 320;
/// So many texts of one turn are looked at, the newest: somebody who writes more of them wants a person.
pub(crate) const READ_TEXTS: usize = 10;
/// More windows than a month has days are no wish for a time.
pub(crate) const MAX_WINDOWS: usize = 31;

/// What the texts of one turn say, in the order in which it matters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Understood {
    /// What is said; [`Saying::Unclear`] alone where nothing was understood.
    pub(crate) sayings: Vec<Saying>,
    /// The language of the texts; none where they do not tell ("2", "ok").
    pub(crate) language: Option<Language>,
}

/// One thing said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Saying {
    /// Somebody or something is in danger: gas, fire, flood, no heat in the frost, somebody hurt.
    Emergency,
    /// A person is wanted.
    Person,
    /// A call back is wanted.
    CallMe,
    /// The caller is angry.
    Angry,
    /// Whoever this is has the wrong number, or says that we have.
    WrongNumber,
    /// An appointment is to be cancelled.
    Cancel,
    /// An appointment is to be moved.
    Reschedule,
    /// Words that may name a job.
    Job(String),
    /// A wish for a time.
    When(When),
    /// One of the offers.
    Pick(Pick),
    /// None of the offers.
    Neither {
        /// A later time is wanted.
        later: bool,
        /// An earlier time is wanted.
        earlier: bool,
    },
    /// A question.
    Ask(Question),
    /// Agreed.
    Yes,
    /// Not agreed.
    No,
    /// What was talked of is not wanted any more; stands beside what said so.
    NeverMind,
    /// The answer is to come later.
    Later,
    /// So many minutes later than what was talked of; earlier where there are fewer than none.
    Shift(i32),
    /// At the time of day that was talked of.
    SameTime,
    /// The caller's name, where it was asked for.
    Name(String),
    /// Where to come to, where it was asked for.
    Address(String),
    /// A picture came along.
    Picture,
    /// Thanks, or a good-bye.
    Thanks,
    /// Hello, or that something is wanted and not what.
    Greeting,
    /// Nothing that is known here.
    Unclear,
}

/// What a caller asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Question {
    /// What it costs.
    Price,
    /// Whether it can be cheaper, free, or what somebody once paid.
    Discount,
    /// When the business is open.
    Hours,
    /// Where the business is.
    Place,
    /// How long it takes.
    HowLong,
    /// Whether the business does something; no words: what it does at all.
    DoYouDo(String),
    /// Who writes, and whether it is a machine.
    Who,
    /// What only a person of the business can answer: licences, ways to pay, guarantees, a price for several.
    Other,
}

/// A wish for a time, in the business's local time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct When {
    /// Where a start would suit: in their order, apart from one another, in the future, at most [`MAX_WINDOWS`].
    pub(crate) windows: Vec<LocalWindow>,
    /// The sooner the better.
    pub(crate) asap: bool,
}

/// A half-open stretch `[from, until)` of local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LocalWindow {
    /// Its first moment.
    pub(crate) from: NaiveDateTime,
    /// The first moment after.
    pub(crate) until: NaiveDateTime,
}

/// Which of the offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Pick {
    /// By its place in the list, from 0.
    Nth(usize),
    /// The one at this time of day; where several are, it is to be asked which of them.
    Time(NaiveTime),
    /// The one on this day; where several are, it is to be asked which of them.
    Day(NaiveDate),
    /// The one at this time of this day.
    DayAndTime(NaiveDateTime),
    /// The first of them.
    Earliest,
    /// The last of them.
    Latest,
    /// Whichever.
    Any,
    /// One of them, and it takes a question to know which: "2" where the first is at 2 o'clock, "not 2".
    Unsure,
}

/// What the automation asked last, and what it offered: what a bare "2" or "10 works" means depends on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// What it asked.
    pub(crate) about: AskedAbout,
    /// The business-local starts of what it offered, in that order.
    pub(crate) offers: Vec<NaiveDateTime>,
    /// Whether what is picked moves an appointment, and at once.
    pub(crate) is_moving: bool,
}

/// What the automation may have asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AskedAbout {
    /// Nothing, or nothing that is open.
    #[default]
    Nothing,
    /// What is to be done.
    Job,
    /// Which of several jobs.
    WhichJob,
    /// When.
    When,
    /// Which of the offers.
    Pick,
    /// The caller's name.
    Name,
    /// Where to come to.
    Address,
    /// Whether to book what was said.
    Confirm,
    /// Whether to cancel the appointment that was said.
    CancelConfirm,
    /// Which appointment.
    WhichAppointment,
    /// Whether it stays with an appointment that the caller was reminded of.
    Reminder,
}

/// Reads a first text, so that the next does not wait for the tables to be built: call it once at the start.
pub(crate) fn warm_up() {
    let asked = Asked { about: AskedAbout::Pick, offers: vec![NaiveDateTime::default()], is_moving: false };
    understand(&["hola, 2 on the 14th of march"], &asked, NaiveDateTime::default(), &OpeningHours::default());
}

/// Whether a text tells of an emergency, however long it is. Without dates and questions, so that it takes no time.
pub(crate) fn is_alarm(text: &str) -> bool {
    phrases::find(&words::words(text)).iter().any(|hit| hit.meaning == phrases::Meaning::Emergency)
}

/// What texts say; the newest last. Deterministic and without I/O: hundredths of a millisecond for most texts, some
/// milliseconds for one that is made to be slow, and a third of a second more for the first of a process ([`warm_up`]).
/// Call it on a thread that may block.
pub(crate) fn understand(texts: &[&str], asked: &Asked, now: NaiveDateTime, hours: &OpeningHours) -> Understood {
    let newest = &texts[texts.len().saturating_sub(READ_TEXTS)..];
    let read: Vec<String> = newest.iter().map(|text| text.chars().take(READ_CHARS).collect()).collect();
    reading::Reading::of(&read.join("\n"), asked).understood(now, hours)
}
