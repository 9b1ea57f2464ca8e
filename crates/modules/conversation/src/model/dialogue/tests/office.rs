//! A business with its calendar, as simple as can be: the businesses of the test conversations.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, NaiveDateTime, NaiveTime, Utc};
use nmc_catalog::{Alias, AliasText, ServiceItem};
use nmc_identity::{Language, OpenWindow, OpeningHours, TenantSettings};
use nmc_kernel::{AppointmentId, Currency, E164, Minutes, Money, ResourceId, ServiceItemId, Timeslot};
use nmc_scheduling::{Appointment, AppointmentStatus, BookedBy, Details, Held, Slot};
use serde::Deserialize;
use uuid::Uuid;

use crate::model::dialogue::{Command, Dialogue, Found, Lost, SlotWish, World, world::instant};

/// As in `evaluation/businesses.toml`, which other test conversations use as well.
#[derive(Deserialize)]
struct Business {
    name: String,
    time_zone: String,
    address: String,
    ask_for_name: bool,
    ask_for_address: bool,
    opening_hours: BTreeMap<String, Vec<String>>,
    items: Vec<Item>,
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Item {
    name: String,
    duration_minutes: i32,
    price_cents: i64,
    aliases: Vec<String>,
}

#[derive(Clone, Deserialize)]
struct Resource {
    hours: BTreeMap<String, Vec<String>>,
    skills: Option<Vec<String>>,
}

/// The business, what it has in its calendar, and the time.
pub(super) struct Office {
    pub(super) world: World,
    resources: Vec<Resource>,
    /// What others have, by resource.
    taken: Vec<(Option<usize>, DateTime<Utc>, DateTime<Utc>)>,
    /// What the caller holds.
    hold: Option<(Held, Slot, Money)>,
    /// What somebody snatches while the next answer is being thought.
    pub(super) snatched: Option<Slot>,
    made: u128,
}

const GRANULARITY: i64 = 15;
const HOLD_MINUTES: i64 = 15;

impl Office {
    pub(super) fn new(business: &str, now: NaiveDateTime) -> Self {
        let all: BTreeMap<String, Business> =
            toml::from_str(include_str!("../../../../../../../evaluation/businesses.toml")).unwrap();
        let business = &all[business];
        let items = business.items.iter().zip(1..).map(|(item, id)| ServiceItem {
            id: ServiceItemId::from(Uuid::from_u128(id)),
            name: item.name.clone(),
            duration: Minutes::new(item.duration_minutes).unwrap(),
            price: Money::new(item.price_cents, Currency::Usd).unwrap(),
            is_active: true,
            description: None,
            aliases: item
                .aliases
                .iter()
                .map(|text| Alias { text: AliasText::parse(text).unwrap(), priority: 0 })
                .collect(),
            created_at: DateTime::UNIX_EPOCH,
        });
        let zone = business.time_zone.parse().unwrap();
        let settings = TenantSettings {
            opening_hours: opening_hours(&business.opening_hours),
            address: Some(business.address.clone()),
            ask_for_name: business.ask_for_name,
            ask_for_address: business.ask_for_address,
            ..TenantSettings::default()
        };
        let world = World {
            now: instant(now, zone),
            zone,
            settings,
            business: business.name.clone(),
            items: items.collect(),
            appointments: Vec::new(),
            late: Vec::new(),
            found: Vec::new(),
            lost: None,
            after_human: false,
            is_unread: false,
            are_offers_unread: false,
            can_book: true,
        };
        Self { world, resources: business.resources.clone(), taken: Vec::new(), hold: None, snatched: None, made: 100 }
    }

    pub(super) fn item(&self, name: &str) -> &ServiceItem {
        self.world.items.iter().find(|item| item.name == name).unwrap_or_else(|| panic!("{name}"))
    }

    pub(super) fn at(&self, text: &str) -> DateTime<Utc> {
        instant(
            NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap_or_else(|_| panic!("{text}")),
            self.world.zone,
        )
    }

    /// Somebody else has booked this time: of one resource, or of all.
    pub(super) fn take(&mut self, resource: Option<usize>, from: DateTime<Utc>, until: DateTime<Utc>) {
        self.taken.push((resource, from, until));
    }

    pub(super) fn take_slot(&mut self, slot: Slot) {
        self.taken.push((None, slot.start, slot.end));
    }

    /// The caller has an appointment.
    pub(super) fn appoint(&mut self, item: &str, start: DateTime<Utc>) -> AppointmentId {
        let item = self.item(item).clone();
        let resource = self.resources.iter().position(|resource| resource.can_do(&item.name)).unwrap();
        let slot = Slot { resource_id: resource_id(resource), start, end: start + item.duration.duration() };
        self.insert(slot, item.id, item.price, Details::default())
    }

    fn insert(&mut self, slot: Slot, item: ServiceItemId, price: Money, details: Details) -> AppointmentId {
        self.made += 1;
        let id = AppointmentId::from(Uuid::from_u128(self.made));
        let timeslot = Timeslot::new(slot.start, slot.end).unwrap();
        self.world.appointments.push(Appointment {
            id,
            resource_id: slot.resource_id,
            slot: timeslot,
            blocked: timeslot,
            service_item_id: item,
            price,
            customer_phone: E164::parse("+14155550123").unwrap(),
            details,
            conversation_id: None,
            correlation_id: Uuid::from_u128(1).into(),
            booked_by: BookedBy::Automation,
            status: AppointmentStatus::Booked,
            version: 1,
            created_at: self.world.now,
        });
        self.world.appointments.sort_by_key(|appointment| appointment.slot.start());
        id
    }

    /// What begins within two hours only a person changes.
    pub(super) fn know_what_is_late(&mut self) {
        let world = &mut self.world;
        let soon = world.now + Duration::hours(2);
        let late = world.appointments.iter().filter(|appointment| appointment.slot.start() <= soon);
        world.late = late.map(|appointment| appointment.id).collect();
    }

    pub(super) fn search(&self, wish: SlotWish) -> Found {
        let Some(item) = self.world.items.iter().find(|item| item.id == wish.item) else {
            return Found { wish, slots: Vec::new() };
        };
        let mut slots = Vec::new();
        for stretch in wish.stretches(self.world.zone, item.duration) {
            for (nth, resource) in self.resources.iter().enumerate().filter(|(_, one)| one.can_do(&item.name)) {
                let mut start = stretch.start();
                start += Duration::minutes((-start.timestamp() / 60).rem_euclid(GRANULARITY));
                while start < stretch.end() {
                    let slot = Slot { resource_id: resource_id(nth), start, end: start + item.duration.duration() };
                    if resource.works(&slot, &self.world) && self.is_free(&slot, nth, wish.moving) {
                        slots.push(slot);
                    }
                    start += Duration::minutes(GRANULARITY);
                }
            }
        }
        slots.retain(|slot| wish.has(slot, self.world.zone));
        slots.sort_by_key(|slot| (slot.start, slot.resource_id));
        Found { wish, slots }
    }

    fn is_free(&self, slot: &Slot, resource: usize, moving: Option<AppointmentId>) -> bool {
        let meets = |start: DateTime<Utc>, end: DateTime<Utc>| start < slot.end && slot.start < end;
        let is_taken =
            self.taken.iter().any(|(of, from, until)| of.is_none_or(|of| of == resource) && meets(*from, *until));
        let is_own = self.world.appointments.iter().any(|own| {
            own.resource_id == slot.resource_id && Some(own.id) != moving && meets(own.slot.start(), own.slot.end())
        });
        slot.start > self.world.now && !is_taken && !is_own
    }

    /// Does what an answer wants done; all or nothing.
    pub(super) fn carry_out(&mut self, commands: &[Command], dialogue: Dialogue) -> Result<Dialogue, Lost> {
        if let Some(slot) = self.snatched.take() {
            self.take_slot(slot);
        }
        let (before, hold) = (self.world.appointments.clone(), self.hold);
        let done = self.all(commands, dialogue);
        if done.is_err() {
            (self.world.appointments, self.hold) = (before, hold);
        }
        done
    }

    fn all(&mut self, commands: &[Command], mut dialogue: Dialogue) -> Result<Dialogue, Lost> {
        for command in commands {
            match command {
                Command::Release(id) => self.hold = self.hold.filter(|(held, ..)| held.hold_id != *id),
                Command::Hold { slot, quote, moving } => {
                    let sold =
                        self.world.items.iter().find(|item| item.id == quote.service_item_id).ok_or(Lost::ItemGone)?;
                    if moving.is_none() && sold.quote() != *quote {
                        return Err(Lost::PriceChanged);
                    }
                    let resource = usize::try_from(slot.resource_id.as_uuid().as_u128()).unwrap();
                    if !self.is_free(slot, resource, *moving) {
                        return Err(Lost::SlotTaken);
                    }
                    self.made += 1;
                    let held = Held {
                        hold_id: Uuid::from_u128(self.made).into(),
                        expires_at: self.world.now + Duration::minutes(HOLD_MINUTES),
                    };
                    self.hold = Some((held, *slot, quote.price));
                    dialogue = dialogue.held(held);
                }
                Command::Book { hold, item, details } => {
                    let (held, slot, price) = self.hold.take().ok_or(Lost::HoldExpired)?;
                    assert!(hold.is_none_or(|hold| hold == held.hold_id), "what is booked is held");
                    if held.expires_at <= self.world.now {
                        return Err(Lost::HoldExpired);
                    }
                    self.insert(slot, *item, price, details.clone());
                }
                Command::Reschedule(id) => {
                    let (_, slot, _) = self.hold.take().ok_or(Lost::HoldExpired)?;
                    let found =
                        self.world.appointments.iter_mut().find(|one| one.id == *id).ok_or(Lost::AppointmentGone)?;
                    found.slot = Timeslot::new(slot.start, slot.end).unwrap();
                    found.resource_id = slot.resource_id;
                    self.world.appointments.sort_by_key(|one| one.slot.start());
                }
                Command::Cancel(id) => {
                    let at =
                        self.world.appointments.iter().position(|one| one.id == *id).ok_or(Lost::AppointmentGone)?;
                    self.world.appointments.remove(at);
                }
                Command::HandOver { .. } | Command::Task { .. } => {}
            }
        }
        Ok(dialogue)
    }

    /// The caller's hold is over before its time.
    pub(super) fn end_hold(&mut self) {
        self.hold = None;
    }

    pub(super) fn spanish_too(&mut self) {
        self.world.settings.languages = vec![Language::En, Language::Es];
    }
}

impl Resource {
    fn can_do(&self, item: &str) -> bool {
        self.skills.as_ref().is_none_or(|skills| skills.iter().any(|skill| skill == item))
    }

    fn works(&self, slot: &Slot, world: &World) -> bool {
        let at = |at: DateTime<Utc>| at.with_timezone(&world.zone).naive_local();
        let (start, end) = (at(slot.start), at(slot.end));
        let day = &self.hours[&start.format("%a").to_string().to_lowercase()];
        day.iter()
            .map(|window| open(window))
            .any(|(opens, closes)| start.date() == end.date() && opens <= start.time() && end.time() <= closes)
    }
}

fn resource_id(nth: usize) -> ResourceId {
    Uuid::from_u128(nth as u128).into()
}

fn open(window: &str) -> (NaiveTime, NaiveTime) {
    let (opens, closes) = window.split_once('-').unwrap();
    let time = |text| NaiveTime::parse_from_str(text, "%H:%M").unwrap();
    (time(opens), time(closes))
}

fn opening_hours(hours: &BTreeMap<String, Vec<String>>) -> OpeningHours {
    let of = |day: &str| {
        hours[day].iter().map(|window| open(window)).map(|(opens, closes)| OpenWindow { opens, closes }).collect()
    };
    OpeningHours {
        monday: of("mon"),
        tuesday: of("tue"),
        wednesday: of("wed"),
        thursday: of("thu"),
        friday: of("fri"),
        saturday: of("sat"),
        sunday: of("sun"),
    }
}
