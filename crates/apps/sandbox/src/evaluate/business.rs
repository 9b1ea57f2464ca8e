//! The example businesses as their file has them.

use std::collections::BTreeMap;

use chrono::NaiveTime;
use chrono_tz::Tz;
use nmc_identity::{OpenWindow, OpeningHours};
use serde::Deserialize;

/// The businesses by the word that conversations name them with.
pub(crate) type Businesses = BTreeMap<String, Business>;

/// A business.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Business {
    pub(crate) name: String,
    pub(crate) time_zone: Tz,
    pub(crate) address: String,
    pub(crate) ask_for_name: bool,
    pub(crate) ask_for_address: bool,
    pub(crate) opening_hours: Week,
    pub(crate) items: Vec<Item>,
    pub(crate) resources: Vec<Resource>,
}

/// What it sells.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) duration_minutes: i32,
    pub(crate) price_cents: i64,
    pub(crate) aliases: Vec<String>,
}

/// Who can be booked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resource {
    pub(crate) name: String,
    /// None: every item.
    pub(crate) skills: Option<Vec<String>>,
    pub(crate) hours: Week,
}

/// A week's hours.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Week {
    mon: Vec<Window>,
    tue: Vec<Window>,
    wed: Vec<Window>,
    thu: Vec<Window>,
    fri: Vec<Window>,
    sat: Vec<Window>,
    sun: Vec<Window>,
}

/// "08:00-18:00".
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Window(OpenWindow);

impl TryFrom<String> for Window {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let time = |text: &str| NaiveTime::parse_from_str(text, "%H:%M").ok();
        let window = text.split_once('-').and_then(|(opens, closes)| Some((time(opens)?, time(closes)?)));
        match window {
            Some((opens, closes)) if opens < closes => Ok(Self(OpenWindow { opens, closes })),
            _ => Err(format!("{text:?} is no stretch of a day such as 08:00-18:00")),
        }
    }
}

impl Week {
    /// As the modules take them.
    pub(crate) fn hours(&self) -> OpeningHours {
        let day = |windows: &[Window]| windows.iter().map(|window| window.0).collect();
        OpeningHours {
            monday: day(&self.mon),
            tuesday: day(&self.tue),
            wednesday: day(&self.wed),
            thursday: day(&self.thu),
            friday: day(&self.fri),
            saturday: day(&self.sat),
            sunday: day(&self.sun),
        }
    }
}

impl Business {
    /// The item of this name.
    pub(crate) fn item(&self, name: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.name == name)
    }

    /// The resource of this name.
    pub(crate) fn resource(&self, name: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.name == name)
    }
}

impl Resource {
    /// Whether it does the item.
    pub(crate) fn does(&self, item: &str) -> bool {
        self.skills.as_ref().is_none_or(|skills| skills.iter().any(|skill| skill == item))
    }
}

/// Reads the file's text.
pub(crate) fn read(text: &str) -> Result<Businesses, String> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
    let mut businesses = Businesses::new();
    for (word, value) in table {
        let business: Business = value.try_into().map_err(|error| format!("{word}: {}", plainly(&error)))?;
        for resource in &business.resources {
            for skill in resource.skills.iter().flatten() {
                if business.item(skill).is_none() {
                    return Err(format!("{word}: {} does {skill:?}, which is no item", resource.name));
                }
            }
        }
        businesses.insert(word, business);
    }
    Ok(businesses)
}

/// On one line.
pub(crate) fn plainly(error: &toml::de::Error) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}
