//! The test conversations as their files have them, checked before anything is played: see `evaluation/README.md`.

use std::fmt;

use chrono::{NaiveDateTime, TimeDelta};
use serde::Deserialize;

use super::business::{Business, Businesses, plainly};

/// The kinds of conversations; a file has those of one.
pub(crate) const CATEGORIES: [&str; 14] = [
    "booking",
    "change",
    "emergency",
    "injection",
    "job",
    "opt-out",
    "person",
    "pick",
    "picture",
    "price",
    "question",
    "slot-lost",
    "small-talk",
    "when",
];

/// The acts an answer can be expected to have.
const ACTS: [&str; 27] = [
    "ask-job",
    "ask-which",
    "ask-when",
    "ask-pick",
    "ask-name",
    "ask-address",
    "ask-confirm",
    "state-price",
    "keep-price",
    "list-items",
    "tell-item",
    "tell-hours",
    "tell-place",
    "offer",
    "none-free",
    "booked",
    "moved",
    "cancelled",
    "hand-over",
    "emergency",
    "not-understood",
    "thanks",
    "wrong-number",
    "no-pictures",
    "opted-out",
    "help",
    SILENT,
];

/// No text at all.
pub(crate) const SILENT: &str = "silent";

/// A conversation, and how it must go.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Conversation {
    pub(crate) id: String,
    pub(crate) category: String,
    /// What it is for.
    pub(crate) why: String,
    pub(crate) business: String,
    pub(crate) at: LocalTime,
    #[serde(default)]
    pub(crate) taken: Vec<Taken>,
    #[serde(default)]
    pub(crate) existing: Vec<Existing>,
    #[serde(rename = "turn")]
    pub(crate) turns: Vec<Turn>,
    #[serde(default)]
    pub(crate) outcome: Outcome,
    /// Why something else is expected than at first.
    #[serde(default, rename = "changed")]
    _changed: Option<String>,
}

/// What others have booked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Taken {
    pub(crate) resource: String,
    pub(crate) from: LocalTime,
    pub(crate) until: LocalTime,
}

/// What the caller has booked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Existing {
    pub(crate) item: String,
    pub(crate) resource: String,
    pub(crate) start: LocalTime,
}

/// A text of the caller's, and what its answer must have.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Turn {
    pub(crate) caller: String,
    #[serde(default)]
    replies: Option<Vec<String>>,
    #[serde(default)]
    one_of: Option<Vec<Vec<String>>>,
    pub(crate) item: Option<String>,
    #[serde(default)]
    pub(crate) offered: Ranges,
    at: Option<LocalTime>,
    #[serde(default)]
    pub(crate) media: u8,
    #[serde(default)]
    pub(crate) taken_before: Vec<TakenOffer>,
}

/// An offer that somebody else books.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TakenOffer {
    pub(crate) offer: usize,
}

/// How things stand at the end; what is left out is not checked.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Outcome {
    pub(crate) state: Option<State>,
    pub(crate) appointments: Option<Vec<Expected>>,
    pub(crate) opted_out: Option<bool>,
    pub(crate) task: Option<bool>,
    pub(crate) never: Vec<String>,
}

/// Who has the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    Open,
    Human,
    Closed,
}

/// An appointment the caller must have.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    pub(crate) item: String,
    pub(crate) offer: Option<usize>,
    from: Option<LocalTime>,
    until: Option<LocalTime>,
}

/// "2026-03-10 09:12", in the business's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct LocalTime(pub(crate) NaiveDateTime);

/// When something may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Range {
    from: LocalTime,
    /// Outside.
    until: LocalTime,
}

/// One range, or several.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "toml::Value")]
pub(crate) struct Ranges(pub(crate) Vec<Range>);

impl TryFrom<String> for LocalTime {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let time = NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M");
        time.map(Self).map_err(|_| format!("{text:?} is no time such as 2026-03-10 09:12"))
    }
}

impl TryFrom<toml::Value> for Ranges {
    type Error = toml::de::Error;

    fn try_from(value: toml::Value) -> Result<Self, toml::de::Error> {
        Ok(Self(if value.is_array() { value.try_into()? } else { vec![value.try_into()?] }))
    }
}

impl Range {
    pub(crate) fn has(&self, at: NaiveDateTime) -> bool {
        self.from.0 <= at && at < self.until.0
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [from, until] = [self.from.0, self.until.0].map(|at| at.format("%a %Y-%m-%d %H:%M"));
        write!(f, "{from} to {until}")
    }
}

impl Expected {
    /// Between which times it starts, where that is how it is named.
    pub(crate) fn range(&self) -> Option<Range> {
        Some(Range { from: self.from?, until: self.until? })
    }
}

impl Turn {
    /// The lists of acts of which the answer must have one in full; none: any answer will do.
    pub(crate) fn expected(&self) -> Vec<&[String]> {
        match (&self.replies, &self.one_of) {
            (Some(replies), _) => vec![replies],
            (None, Some(lists)) => lists.iter().map(Vec::as_slice).collect(),
            (None, None) => Vec::new(),
        }
    }

    /// Whether every answer that is fine has this act.
    pub(crate) fn demands(&self, act: &str) -> bool {
        let expected = self.expected();
        !expected.is_empty() && expected.iter().all(|list| list.iter().any(|word| word == act))
    }
}

impl Conversation {
    /// When each text is written: a minute after the one before where it does not say so itself.
    pub(crate) fn times(&self) -> Vec<NaiveDateTime> {
        let mut times: Vec<NaiveDateTime> = Vec::new();
        for turn in &self.turns {
            let next = times.last().map_or(self.at.0, |before| *before + TimeDelta::minutes(1));
            times.push(turn.at.map_or(next, |at| at.0));
        }
        times
    }

    /// Which turns are texts in a row, at the same minute.
    pub(crate) fn bursts(&self) -> Vec<(NaiveDateTime, Vec<usize>)> {
        let mut bursts: Vec<(NaiveDateTime, Vec<usize>)> = Vec::new();
        for (nth, at) in self.times().into_iter().enumerate() {
            match bursts.last_mut() {
                Some((same, turns)) if *same == at => turns.push(nth),
                _ => bursts.push((at, vec![nth])),
            }
        }
        bursts
    }

    /// What is wrong with it, if something is.
    fn check(&self, businesses: &Businesses) -> Result<(), String> {
        let business =
            businesses.get(&self.business).ok_or_else(|| format!("there is no business {:?}", self.business))?;
        if self.why.trim().is_empty() || self.turns.is_empty() {
            return Err("a reason (why) and at least one turn are expected".to_owned());
        }
        for taken in &self.taken {
            known_resource(business, &taken.resource)?;
            in_order(taken.from, taken.until)?;
        }
        for existing in &self.existing {
            known_item(business, &existing.item)?;
            known_resource(business, &existing.resource)?;
        }
        for (nth, turn) in self.turns.iter().enumerate() {
            turn.check(business).map_err(|error| format!("turn {}: {error}", nth + 1))?;
        }
        if !self.times().is_sorted() {
            return Err("a turn is before the one before it".to_owned());
        }
        for expected in self.outcome.appointments.iter().flatten() {
            known_item(business, &expected.item)?;
            match (expected.offer, expected.from, expected.until) {
                (Some(1..), None, None) => {}
                (None, Some(from), Some(until)) => in_order(from, until)?,
                _ => {
                    return Err("an appointment is named by its offer (1 is the first), or by from and until".to_owned());
                }
            }
        }
        Ok(())
    }
}

impl Turn {
    fn check(&self, business: &Business) -> Result<(), String> {
        if self.replies.is_some() && self.one_of.is_some() {
            return Err("replies or one_of is expected, not both".to_owned());
        }
        for act in self.expected().into_iter().flatten() {
            if !ACTS.contains(&act.as_str()) {
                return Err(format!("there is no act {act:?}"));
            }
        }
        if let Some(item) = &self.item {
            known_item(business, item)?;
        }
        if self.taken_before.iter().any(|taken| taken.offer == 0) {
            return Err("the first offer is 1".to_owned());
        }
        self.offered.0.iter().try_for_each(|range| in_order(range.from, range.until))
    }
}

fn known_item(business: &Business, item: &str) -> Result<(), String> {
    business.item(item).map(|_| ()).ok_or_else(|| format!("{} has no item {item:?}", business.name))
}

fn known_resource(business: &Business, resource: &str) -> Result<(), String> {
    business.resource(resource).map(|_| ()).ok_or_else(|| format!("{} has no resource {resource:?}", business.name))
}

fn in_order(from: LocalTime, until: LocalTime) -> Result<(), String> {
    if from < until { Ok(()) } else { Err(format!("{} is not before {}", from.0, until.0)) }
}

/// Reads the text of a file with the conversations of one category.
pub(crate) fn read(category: &str, text: &str, businesses: &Businesses) -> Result<Vec<Conversation>, String> {
    if !CATEGORIES.contains(&category) {
        return Err(format!("there is no category {category:?}"));
    }
    let mut table: toml::Table = text.parse().map_err(|error: toml::de::Error| plainly(&error))?;
    let listed = match table.remove("conversation") {
        Some(toml::Value::Array(listed)) if table.is_empty() => listed,
        _ => return Err("[[conversation]] and nothing else is expected".to_owned()),
    };
    let mut conversations: Vec<Conversation> = Vec::new();
    for (value, nth) in listed.into_iter().zip(1..) {
        let id = value.get("id").and_then(toml::Value::as_str).map_or_else(|| format!("number {nth}"), str::to_owned);
        let wrong = |error: String| format!("{id}: {error}");
        let conversation: Conversation = value.try_into().map_err(|error| wrong(plainly(&error)))?;
        if conversation.category != category {
            return Err(wrong(format!("its category is {:?}", conversation.category)));
        }
        conversation.check(businesses).map_err(wrong)?;
        conversations.push(conversation);
    }
    Ok(conversations)
}
