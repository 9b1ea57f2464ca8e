//! Reads a file, and names the first mistake with its conversation.

use super::{CATEGORIES, Conversation, LocalTime, SILENT, Turn};
use crate::evaluate::business::{Business, Businesses, plainly};

/// The acts an answer can be expected to have.
const ACTS: [&str; 33] = [
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
    "tell-who",
    "tell-visit",
    "passed-on",
    "offer",
    "none-free",
    "slot-lost",
    "booked",
    "moved",
    "cancelled",
    "kept",
    "dropped",
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

impl Conversation {
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
                    return Err(
                        "an appointment is named by its offer (1 is the first), or by from and until".to_owned()
                    );
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
        for act in self.expected().into_iter().flatten().chain(&self.without) {
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
