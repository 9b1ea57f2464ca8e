//! What happened in a conversation: all that is judged.

use chrono::NaiveDateTime;

use super::conversation::State;

/// A conversation as it went.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    /// What the missed call before it brought.
    pub(crate) greeting: Vec<Sent>,
    /// The caller's texts, those in a row together, and what they brought.
    pub(crate) exchanges: Vec<Exchange>,
    /// All the caller has at the end.
    pub(crate) appointments: Vec<Appointed>,
    /// Nothing where nobody can go on with it (it waits for the campaign), or where there is none.
    pub(crate) state: Option<State>,
    pub(crate) has_task: bool,
    /// Appointments that the automation made or moved without having held their time.
    pub(crate) not_held: i64,
    /// Appointments of one resource that meet.
    pub(crate) double_booked: i64,
    /// What the product could not work out.
    pub(crate) errors: Vec<String>,
}

/// Texts in a row, and what came back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exchange {
    pub(crate) at: NaiveDateTime,
    pub(crate) caller: Vec<String>,
    pub(crate) texts: Vec<Sent>,
    /// What others had in the calendar then.
    pub(crate) busy: Vec<Slot>,
    /// Whether a person has the conversation since then.
    pub(crate) is_handed_over: bool,
    pub(crate) was_opted_out: bool,
    pub(crate) is_opted_out: bool,
}

/// A text that has gone out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent {
    pub(crate) body: String,
    pub(crate) acts: Vec<String>,
    pub(crate) item: Option<String>,
    /// What it offers.
    pub(crate) offers: Vec<Slot>,
    pub(crate) segments: i16,
}

/// A stretch of somebody's calendar, in local time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) resource: String,
    pub(crate) start: NaiveDateTime,
    pub(crate) end: NaiveDateTime,
}

/// An appointment of the caller's.
#[derive(Clone, Debug)]
pub(crate) struct Appointed {
    pub(crate) item: String,
    pub(crate) start: NaiveDateTime,
    /// What had been offered last when it was booked, or moved to where it is.
    pub(crate) offers: Vec<Slot>,
}

impl Record {
    /// Every text that has gone out, in order.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &Sent> {
        self.greeting.iter().chain(self.exchanges.iter().flat_map(|exchange| &exchange.texts))
    }
}

impl Exchange {
    /// What the job was understood as in the end.
    pub(crate) fn item(&self) -> Option<&str> {
        self.texts.iter().rev().find_map(|text| text.item.as_deref())
    }

    /// Whether some text has this act.
    pub(crate) fn has(&self, act: &str) -> bool {
        self.texts.iter().any(|text| text.acts.iter().any(|word| word == act))
    }

    /// Every start that was offered.
    pub(crate) fn offers(&self) -> impl Iterator<Item = &Slot> {
        self.texts.iter().flat_map(|text| &text.offers)
    }
}
