//! Service items, and what is changed about them.

use chrono::{DateTime, Utc};
use nmc_kernel::{Minutes, Money, ServiceItemId, given};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::words::{AliasText, Description, ItemName};

/// A bookable job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "0197c0de-0000-7000-8000-000000000001", "name": "Drain cleaning", "duration_minutes": 60,
    "price": {"amount_cents": 14900, "currency": "USD"}, "active": true, "description": "Kitchen, bath or main line.",
    "aliases": [{"text": "clogged drain", "priority": 0}], "created_at": "2026-06-10T18:00:00Z"
}))]
pub struct ServiceItem {
    /// Its id.
    pub id: ServiceItemId,
    /// What it is called, in texts to callers as well.
    pub name: String,
    /// How long it takes.
    #[serde(rename = "duration_minutes")]
    pub duration: Minutes,
    /// What it costs.
    pub price: Money,
    /// Whether it is sold; what is not is neither quoted nor matched.
    #[serde(rename = "active")]
    pub is_active: bool,
    /// What it is, for people.
    pub description: Option<String>,
    /// Other words for it, those with the highest priority first.
    pub aliases: Vec<Alias>,
    /// Since when it is in the catalog, UTC.
    pub created_at: DateTime<Utc>,
}

/// Another word for a service item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"text": "clogged drain", "priority": 0}))]
pub struct Alias {
    /// The words; kept in lower case.
    #[schema(min_length = 1, max_length = 120)]
    pub text: AliasText,
    /// Of aliases that match equally well, that with the highest counts.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 255, required = false)]
    pub priority: u8,
}

/// What a job is and costs: nothing else is ever said to a caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "service_item_id": "0197c0de-0000-7000-8000-000000000001", "name": "Drain cleaning", "duration_minutes": 60,
    "price": {"amount_cents": 14900, "currency": "USD"}
}))]
pub struct Quote {
    /// Which job.
    pub service_item_id: ServiceItemId,
    /// What it is called.
    pub name: String,
    /// How long it takes.
    #[serde(rename = "duration_minutes")]
    pub duration: Minutes,
    /// What it costs.
    pub price: Money,
}

/// A service item that is to be.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Drain cleaning", "duration_minutes": 60, "price": {"amount_cents": 14900, "currency": "USD"},
    "description": "Kitchen, bath or main line."
}))]
pub struct NewItem {
    /// What it is called: one line of 1 to 80 characters, which no other item of the business has.
    pub name: ItemName,
    /// How long it takes.
    #[serde(rename = "duration_minutes")]
    pub duration: Minutes,
    /// What it costs.
    pub price: Money,
    /// What it is, for people: 1 to 500 characters.
    pub description: Option<Description>,
}

/// What is to be different about a service item: only the fields that are given change.
#[allow(clippy::option_option, reason = "a field that is not given, one that is null, and one with a value")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"price": {"amount_cents": 15900, "currency": "USD"}, "description": null}))]
pub struct ItemChange {
    /// What it is called: one line of 1 to 80 characters, which no other item of the business has.
    pub name: Option<ItemName>,
    /// How long it takes.
    #[serde(rename = "duration_minutes")]
    pub duration: Option<Minutes>,
    /// What it costs.
    pub price: Option<Money>,
    /// Whether it is sold.
    #[serde(rename = "active")]
    pub is_active: Option<bool>,
    /// What it is, for people: 1 to 500 characters; null for nothing.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub description: Option<Option<Description>>,
}

impl ItemChange {
    /// The item after the change.
    pub(crate) fn apply(self, item: &ServiceItem) -> ServiceItem {
        let item = item.clone();
        ServiceItem {
            name: self.name.map_or(item.name, String::from),
            duration: self.duration.unwrap_or(item.duration),
            price: self.price.unwrap_or(item.price),
            is_active: self.is_active.unwrap_or(item.is_active),
            description: self.description.map_or(item.description, |given| given.map(String::from)),
            ..item
        }
    }
}

impl ServiceItem {
    /// What may be said of it.
    pub fn quote(&self) -> Quote {
        Quote { service_item_id: self.id, name: self.name.clone(), duration: self.duration, price: self.price }
    }
}

/// The list as it is kept: each text once, with the highest priority it was given, the highest first.
pub(crate) fn deduplicated(mut aliases: Vec<Alias>) -> Vec<Alias> {
    aliases.sort_by(|a, b| a.text.cmp(&b.text).then(b.priority.cmp(&a.priority)));
    aliases.dedup_by(|later, earlier| later.text == earlier.text);
    aliases.sort_by(|a, b| b.priority.cmp(&a.priority).then(a.text.cmp(&b.text)));
    aliases
}

#[cfg(test)]
mod tests {
    use nmc_kernel::Currency;
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;

    fn item() -> ServiceItem {
        ServiceItem {
            id: ServiceItemId::from(Uuid::from_u128(1)),
            name: "Drain cleaning".to_owned(),
            duration: Minutes::new(60).unwrap(),
            price: Money::new(14_900, Currency::Usd).unwrap(),
            is_active: true,
            description: Some("Any drain.".to_owned()),
            aliases: vec![],
            created_at: DateTime::UNIX_EPOCH,
        }
    }

    fn changed(json: Value) -> ServiceItem {
        serde_json::from_value::<ItemChange>(json).unwrap().apply(&item())
    }

    #[test]
    fn only_the_fields_that_are_given_change() {
        assert_eq!(changed(json!({})), item());
        assert_eq!(changed(json!({"name": " Drain  flush "})), ServiceItem { name: "Drain flush".into(), ..item() });
        assert_eq!(changed(json!({"description": null})), ServiceItem { description: None, ..item() });
        assert_eq!(changed(json!({"active": false})), ServiceItem { is_active: false, ..item() });
        let (duration, price) = (Minutes::new(30).unwrap(), Money::new(1, Currency::Usd).unwrap());
        let both = json!({"duration_minutes": 30, "price": {"amount_cents": 1, "currency": "USD"}});
        assert_eq!(changed(both), ServiceItem { duration, price, ..item() });
    }

    #[test]
    fn what_is_unknown_or_wrong_is_refused() {
        for wrong in [
            json!({"id": "0197c0de-0000-7000-8000-000000000001"}),
            json!({"aliases": []}),
            json!({"name": " "}),
            json!({"duration_minutes": 0}),
            json!({"duration_minutes": 481}),
            json!({"price": {"amount_cents": -1, "currency": "USD"}}),
            json!({"price": {"amount_cents": 1, "currency": "XXX"}}),
            json!({"price": {"amount_cents": 1}}),
            json!({"description": ""}),
        ] {
            assert!(serde_json::from_value::<ItemChange>(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn of_an_alias_given_twice_the_higher_priority_stays() {
        let alias = |text: &str, priority| Alias { text: AliasText::parse(text).unwrap(), priority };
        let given = vec![alias("clog", 0), alias("Blocked drain", 0), alias(" CLOG ", 9), alias("sewer", 3)];
        assert_eq!(deduplicated(given), [alias("clog", 9), alias("sewer", 3), alias("blocked drain", 0)]);
    }
}
