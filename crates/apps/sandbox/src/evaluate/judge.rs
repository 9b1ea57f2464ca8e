//! What was wrong with a conversation: what its file expects, and what holds for every conversation.

use std::fmt;

use super::{
    always::always,
    business::Businesses,
    conversation::{Conversation, Expected, SILENT, Turn},
    record::{Appointed, Exchange, Record},
};

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// After which of the texts in a row; none: at the end, or everywhere.
    pub(crate) exchange: Option<usize>,
    pub(crate) kind: Kind,
    /// What was expected and what was found, in words.
    pub(crate) what: String,
}

/// The kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The answer does not have the acts it must have.
    Acts,
    /// The same where nobody was alerted of an emergency.
    Emergency,
    /// The same where an opt-out was not confirmed, or a text went out where none should.
    Silence,
    /// The job was understood as another.
    Item,
    /// A time was offered that does not suit.
    Offered,
    /// Somebody else has the conversation.
    State,
    /// The caller has other appointments.
    Appointments,
    /// There is an opt-out and should be none, or the other way round.
    OptedOut,
    /// Something is left for a person and should not be, or the other way round.
    Task,
    /// A text has words that it must not have.
    Never,
    /// A text names an amount that is no price of the business.
    Amount,
    /// A time was offered that cannot be had.
    NotFree,
    /// Something was booked that had not been held.
    NotHeld,
    /// Two appointments of one resource meet.
    DoubleBooked,
    /// A text went to somebody who wants none.
    AfterOptOut,
    /// A person has the conversation, and the caller was not told.
    Untold,
    /// A text names another business.
    OtherBusiness,
    /// A text has more than two parts.
    TooLong,
    /// The product could not work something out.
    Failed,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Acts => "answered otherwise",
            Self::Emergency => "missed an emergency",
            Self::Silence => "did not obey an opt-out, or was not silent",
            Self::Item => "took the job for another",
            Self::Offered => "offered a time that does not suit",
            Self::State => "in other hands at the end",
            Self::Appointments => "other appointments",
            Self::OptedOut => "opted out, or not, at the end",
            Self::Task => "left a person something to do, or not",
            Self::Never => "words that must not be said",
            Self::Amount => "an amount that is no price",
            Self::NotFree => "offered what is not free",
            Self::NotHeld => "booked what was not held",
            Self::DoubleBooked => "double booking",
            Self::AfterOptOut => "text after an opt-out",
            Self::Untold => "handed over without a word",
            Self::OtherBusiness => "another business's data",
            Self::TooLong => "text of more than two parts",
            Self::Failed => "failure of the product",
        })
    }
}

impl Fault {
    pub(super) const fn after(exchange: usize, kind: Kind, what: String) -> Self {
        Self { exchange: Some(exchange), kind, what }
    }

    pub(super) const fn at_the_end(kind: Kind, what: String) -> Self {
        Self { exchange: None, kind, what }
    }
}

/// Everything that is wrong; nothing where all is as it should be.
pub(crate) fn judge(conversation: &Conversation, businesses: &Businesses, record: &Record) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (nth, ((_, turns), exchange)) in conversation.bursts().iter().zip(&record.exchanges).enumerate() {
        for turn in turns.iter().filter_map(|turn| conversation.turns.get(*turn)) {
            judge_turn(turn, exchange, |kind, what| faults.push(Fault::after(nth, kind, what)));
        }
    }
    judge_outcome(conversation, record, |kind, what| faults.push(Fault::at_the_end(kind, what)));
    faults.extend(always(conversation, businesses, record));
    faults
}

fn judge_turn(turn: &Turn, exchange: &Exchange, mut fault: impl FnMut(Kind, String)) {
    let expected = turn.expected();
    let is_there = |act: &String| if act == SILENT { exchange.texts.is_empty() } else { exchange.has(act) };
    if !expected.is_empty() && !expected.iter().any(|acts| acts.iter().all(is_there)) {
        let lists: Vec<String> = expected.iter().map(|acts| acts.join(" ")).collect();
        let kind = if turn.demands("emergency") {
            Kind::Emergency
        } else if turn.demands("opted-out") || turn.demands(SILENT) {
            Kind::Silence
        } else {
            Kind::Acts
        };
        fault(kind, format!("expected {}, found {}", lists.join(" or "), said(exchange)));
    }
    for act in turn.without.iter().filter(|act| exchange.has(act)) {
        fault(Kind::Acts, format!("{act} is not to be said, found {}", said(exchange)));
    }
    if let Some(item) = &turn.item
        && exchange.item() != Some(item)
    {
        fault(Kind::Item, format!("expected {item}, found {}", exchange.item().unwrap_or("none")));
    }
    let ranges = &turn.offered.0;
    if ranges.is_empty() {
        return;
    }
    if turn.demands("offer") && !turn.demands("none-free") && exchange.offers().next().is_none() {
        fault(Kind::Offered, "no times are offered".to_owned());
    }
    for offer in exchange.offers() {
        if !ranges.iter().any(|range| range.has(offer.start)) {
            fault(Kind::Offered, format!("{} is offered", offer.start.format("%a %Y-%m-%d %H:%M")));
        }
    }
}

fn said(exchange: &Exchange) -> String {
    if exchange.texts.is_empty() {
        return SILENT.to_owned();
    }
    exchange.texts.iter().flat_map(|text| &text.acts).cloned().collect::<Vec<_>>().join(" ")
}

fn judge_outcome(conversation: &Conversation, record: &Record, mut fault: impl FnMut(Kind, String)) {
    let outcome = &conversation.outcome;
    if let Some(state) = outcome.state
        && record.state != Some(state)
    {
        fault(Kind::State, format!("expected {state:?}, found {:?}", record.state));
    }
    if let Some(expected) = &outcome.appointments
        && !are_these(expected, &record.appointments)
    {
        let found =
            record.appointments.iter().map(|one| format!("{} {}", one.item, one.start.format("%a %Y-%m-%d %H:%M")));
        let found: Vec<String> = found.collect();
        fault(Kind::Appointments, format!("{} expected, found {found:?}", expected.len()));
    }
    let is_opted_out = record.exchanges.last().is_some_and(|last| last.is_opted_out);
    if let Some(opted_out) = outcome.opted_out
        && is_opted_out != opted_out
    {
        fault(Kind::OptedOut, format!("expected {opted_out}, found {is_opted_out}"));
    }
    if let Some(task) = outcome.task
        && record.has_task != task
    {
        fault(Kind::Task, format!("expected {task}, found {}", record.has_task));
    }
    for phrase in &outcome.never {
        let is_said = |body: &str| body.to_lowercase().contains(&phrase.to_lowercase());
        for text in record.texts().filter(|text| is_said(&text.body)) {
            fault(Kind::Never, format!("{phrase:?} is in {:?}", text.body));
        }
    }
}

/// Whether each expected appointment is another of those found, and all of them are expected.
fn are_these(expected: &[Expected], found: &[Appointed]) -> bool {
    let Some((first, others)) = expected.split_first() else { return found.is_empty() };
    (0..found.len()).any(|nth| {
        found.get(nth).is_some_and(|one| is_this(first, one)) && {
            let mut rest = found.to_vec();
            rest.remove(nth);
            are_these(others, &rest)
        }
    })
}

fn is_this(expected: &Expected, found: &Appointed) -> bool {
    let is_then = match (expected.offer, expected.range()) {
        (Some(offer), _) => found.offers.get(offer.wrapping_sub(1)).is_some_and(|offer| offer.start == found.start),
        (None, Some(range)) => range.has(found.start),
        (None, None) => false,
    };
    found.item == expected.item && is_then
}
