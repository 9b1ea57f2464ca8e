//! The test conversations as their files have them, checked before anything is played: see `evaluation/README.md`.

mod check;

use std::fmt;

use chrono::{NaiveDateTime, TimeDelta};
use serde::Deserialize;

pub(crate) use check::read;

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
    /// Acts the answer must not have.
    #[serde(default)]
    pub(crate) without: Vec<String>,
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
}
