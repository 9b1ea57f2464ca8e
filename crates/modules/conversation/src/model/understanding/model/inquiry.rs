//! What a model is told: all of it belongs to this caller and this business.

use chrono::{Datelike as _, NaiveDateTime};
use nmc_identity::{Language, OpeningHours};
use serde::{Deserialize, Serialize};

use super::super::{Asked, AskedAbout, READ_TEXTS};

/// Of a text it is told so much: all of most, and not more than it reads in time.
const TEXT_CHARS: usize = 1_000;
/// Services it is told; nobody reads more in a list either.
const SERVICES_MAX: usize = 100;

/// What was asked, and the caller's texts: data, as JSON.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Inquiry {
    /// The local time of the newest text.
    pub(super) now: NaiveDateTime,
    /// Its weekday, which models count wrongly.
    today: String,
    asked: AskedAbout,
    offers: Vec<Offer>,
    options: Vec<Numbered>,
    services: Vec<Numbered>,
    languages: Vec<Language>,
    pub(super) opening_hours: OpeningHours,
    pub(super) texts: Vec<String>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Offer {
    number: usize,
    weekday: String,
    start: NaiveDateTime,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Numbered {
    number: usize,
    name: String,
}

impl Inquiry {
    /// About these texts, the newest last. `options` is what else the caller was asked to choose between.
    pub(crate) fn new(texts: &[&str], asked: &Asked, options: &[String], now: NaiveDateTime) -> Self {
        let newest = &texts[texts.len().saturating_sub(READ_TEXTS)..];
        let offer =
            |(start, number): (&NaiveDateTime, usize)| Offer { number, weekday: weekday(*start), start: *start };
        Self {
            now,
            today: weekday(now),
            asked: asked.about,
            offers: asked.offers.iter().zip(1..).map(offer).collect(),
            options: numbered(options),
            services: Vec::new(),
            languages: Vec::new(),
            opening_hours: OpeningHours::default(),
            texts: newest.iter().map(|text| text.chars().take(TEXT_CHARS).collect()).collect(),
        }
    }

    /// Of this business: the names of what it sells, the languages it writes, when it is open.
    #[must_use]
    pub(crate) fn of_business(mut self, services: &[String], languages: &[Language], hours: &OpeningHours) -> Self {
        self.services = numbered(&services[..services.len().min(SERVICES_MAX)]);
        self.languages = languages.to_vec();
        self.opening_hours = hours.clone();
        self
    }

    /// As the model gets it.
    pub(crate) fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(super) fn asked(&self) -> Asked {
        let offers = self.offers.iter().map(|offer| offer.start).collect();
        Asked { about: self.asked, offers, is_moving: false }
    }

    /// How many the caller could pick from by number.
    pub(super) fn numbers(&self) -> usize {
        if self.offers.is_empty() { self.options.len() } else { self.offers.len() }
    }

    /// The name of a service by its number.
    pub(super) fn service(&self, number: u64) -> Option<&str> {
        self.services.get(usize::try_from(number).ok()?.checked_sub(1)?).map(|service| service.name.as_str())
    }
}

fn numbered(names: &[String]) -> Vec<Numbered> {
    names.iter().zip(1..).map(|(name, number)| Numbered { number, name: name.clone() }).collect()
}

fn weekday(at: NaiveDateTime) -> String {
    at.date().weekday().to_string()
}
