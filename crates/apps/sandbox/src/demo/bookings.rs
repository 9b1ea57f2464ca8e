//! From a caller's words to an appointment, and what can become of one: through the API, as people of the business with
//! customers on the phone.

use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use nmc_db::LONGEST_REST;
use nmc_kernel::{Clock, Role};
use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::{Value, json};

use super::{CALLER, Demo, STEP_TIMEOUT, api::Answer};
use crate::{SandboxError, installation::http_client, run::say};

/// What the caller said.
const WORDS: &str = "my kitchen sink is leaking";
/// Somebody else who calls.
const NEIGHBOUR: &str = "+14155550124";
/// Timeslots whose starts are as far apart are on different days: nobody works so long.
const APART: TimeDelta = TimeDelta::hours(12);
/// The days of a search.
const DAYS: TimeDelta = TimeDelta::days(7);

/// A timeslot of somebody who can be booked.
#[derive(Clone, PartialEq, Eq)]
struct Slot {
    resource: String,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
}

/// What both customers want, and who serves them.
struct Desk {
    tech: String,
    owner: String,
    item: Value,
    price: Value,
    /// Of one resource, on a day each: first wanted, wanted by two, moved to, left alone.
    slots: [Slot; 4],
}

impl Demo {
    /// The whole way, twice: one appointment moves and is called off, the other one stays.
    pub(super) async fn a_slot_is_booked(&mut self) -> Result<(), SandboxError> {
        let desk = self.words_become_a_job().await?;
        let appointment = self.a_slot_is_held_and_booked(&desk).await?;
        self.two_want_the_same_slot(&desk).await?;
        self.it_moves(&desk, &appointment).await?;
        self.it_stands_in_the_calendar(&desk, &appointment).await?;
        self.nobody_works_at_night(&desk).await?;
        self.a_hold_is_left_alone(&desk).await?;
        self.it_is_called_off(&desk, &appointment).await?;
        self.each_is_told_once().await
    }

    async fn words_become_a_job(&mut self) -> Result<Desk, SandboxError> {
        say("The caller's words become a job, a price and timeslots");
        let began = Instant::now();
        let (tech, owner) = (self.installation.token(Role::Tech)?, self.installation.token(Role::Owner)?);
        let words = json!({"text": WORDS});
        let best = self.api(Method::POST, "/catalog/match", Some(&tech), Some(&words)).await?.body["best"].clone();
        let is_sure = best["confidence"].as_f64().is_some_and(|confidence| confidence >= 0.5);
        self.check("the job is known from them", began, best["item"]["name"] == "Leak repair" && is_sure);
        let item = best["item"]["service_item_id"].clone();
        let path = format!("/catalog/quote/{}", text(&item));
        let quote = self.api(Method::GET, &path, Some(&tech), None).await?.body;
        let (price, minutes) = (quote["price"].clone(), quote["duration_minutes"].as_i64().unwrap_or_default());
        self.check("it is quoted from the catalog", began, price["amount_cents"] == 15_900 && minutes == 60);
        let from = Clock::system().now() + TimeDelta::days(1);
        let found = self.search(&tech, &item, None, (from, from + DAYS)).await?;
        let last_as_long = found.iter().all(|slot| slot.end - slot.start == TimeDelta::minutes(minutes));
        let first = found.first().cloned();
        let both = first.as_ref().is_some_and(|first| found.iter().any(|slot| slot.resource != first.resource));
        self.check("both who do it are free in the seven days from tomorrow on", began, last_as_long && both);
        let whose = first.map(|first| first.resource).unwrap_or_default();
        let mut slots: Vec<Slot> = Vec::new();
        for slot in found.iter().filter(|slot| slot.resource == whose) {
            if slots.last().is_none_or(|last| slot.start - last.start >= APART) {
                slots.push(slot.clone());
            }
        }
        slots.truncate(4);
        let too_few = |_: Vec<Slot>| SandboxError::Demo("there are too few free timeslots".to_owned());
        let slots: [Slot; 4] = slots.try_into().map_err(too_few)?;
        let cents = price["amount_cents"].as_i64().unwrap_or_default();
        let told = format!("{}, {minutes} minutes, ${}.{:02}", text(&quote["name"]), cents / 100, cents % 100);
        say(&format!("             \"{WORDS}\": {told}"));
        Ok(Desk { tech, owner, item, price, slots })
    }

    async fn a_slot_is_held_and_booked(&mut self, desk: &Desk) -> Result<String, SandboxError> {
        say("A timeslot is held, wanted by somebody else, and booked");
        let (began, slot) = (Instant::now(), &desk.slots[0]);
        let held = self.hold(desk, &desk.tech, slot, None).await?;
        self.check("it is held", began, held.status == 201);
        let refused = self.hold(desk, &desk.owner, slot, None).await?;
        let others = slots(&refused.body["alternatives"]);
        let is_taken = (refused.status, refused.code()) == (409, "slot_taken");
        let offers_others = others.len() == 3 && !others.contains(slot);
        self.check("another customer cannot have it, and is offered three others", began, is_taken && offers_others);
        let booked = self.book(desk, &held, CALLER).await?;
        let again = self.book(desk, &held, CALLER).await?;
        let id = text(&booked.body["appointment_id"]).to_owned();
        self.check("the hold is booked", began, booked.status == 201);
        self.check("booked again it is the same appointment", began, again.status == 201 && again.body == booked.body);
        let is_one = self.holds("select count(*) = 1 from sched_appointments where status = 'booked'").await?;
        let shown =
            self.api(Method::GET, &format!("/scheduling/appointments/{id}"), Some(&desk.tech), None).await?.body;
        let as_quoted = shown["price"] == desk.price && shown["customer_phone"] == CALLER;
        self.check("there is one, at the price that was quoted", began, is_one && as_quoted);
        Ok(id)
    }

    async fn two_want_the_same_slot(&mut self, desk: &Desk) -> Result<(), SandboxError> {
        say("Two want the same timeslot at once");
        let (began, slot) = (Instant::now(), &desk.slots[1]);
        let both = tokio::join!(self.hold(desk, &desk.tech, slot, None), self.hold(desk, &desk.owner, slot, None));
        let (first, second) = (both.0?, both.1?);
        let (winner, loser) = if first.status == 201 { (first, second) } else { (second, first) };
        let is_won = (winner.status, loser.status, loser.code()) == (201, 409, "slot_taken");
        self.check("exactly one has it", began, is_won);
        let booked = self.book(desk, &winner, NEIGHBOUR).await?;
        self.check("and books it", began, booked.status == 201);
        let apart = self
            .holds(
                "with taken as (
                     select id, resource_id, tstzrange(blocked_from, blocked_until) as during
                     from sched_appointments where status = 'booked'
                     union all select id, resource_id, tstzrange(blocked_from, blocked_until) from sched_holds)
                 select count(*) = 2 and not exists (
                     select from taken a join taken b
                       on a.resource_id = b.resource_id and a.id < b.id and a.during && b.during)
                 from taken",
            )
            .await?;
        self.check("two appointments are in the database, and none lies over another", began, apart);
        Ok(())
    }

    async fn it_moves(&mut self, desk: &Desk, appointment: &str) -> Result<(), SandboxError> {
        say("The first appointment moves");
        let (began, [before, _, after, _]) = (Instant::now(), &desk.slots);
        let held = self.hold(desk, &desk.tech, after, Some(appointment)).await?;
        let body = json!({"appointment_id": appointment, "hold_id": held.body["hold_id"]});
        let moved = self.api(Method::POST, "/scheduling/reschedule", Some(&desk.tech), Some(&body)).await?;
        let is_there = moved.status == 200 && time(&moved.body["start"]) == Some(after.start);
        self.check("it is at the new time, at the same price", began, is_there && moved.body["price"] == desk.price);
        let is_free = self.is_free(desk, before).await? && !self.is_free(desk, after).await?;
        self.check("the old time is free again, the new one is not", began, is_free);
        Ok(())
    }

    async fn it_stands_in_the_calendar(&mut self, desk: &Desk, appointment: &str) -> Result<(), SandboxError> {
        say("Its worker's calendar program reads the feed");
        let (began, slot) = (Instant::now(), &desk.slots[2]);
        let failed = |error: reqwest::Error| SandboxError::Demo(format!("the feed did not answer: {error}"));
        let path = format!("/scheduling/resources/{}/feed", slot.resource);
        let address = self.api(Method::GET, &path, Some(&desk.tech), None).await?.body["url"].clone();
        let feed = http_client()?.get(text(&address)).send().await.map_err(failed)?;
        let kind = feed.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let is_calendar = feed.status().is_success() && kind.starts_with("text/calendar");
        self.check("its address alone answers text/calendar", began, is_calendar);
        let calendar = feed.text().await.map_err(failed)?;
        let start = slot.start.format("DTSTART:%Y%m%dT%H%M%SZ").to_string();
        let event = calendar.split("BEGIN:VEVENT").find(|event| event.contains(&format!("UID:{appointment}")));
        self.check(
            "the appointment is in it, at its new time",
            began,
            event.is_some_and(|event| event.contains(&start)),
        );
        Ok(())
    }

    async fn nobody_works_at_night(&mut self, desk: &Desk) -> Result<(), SandboxError> {
        say("A timeslot at night");
        let began = Instant::now();
        // The second day's first timeslot is when work begins.
        let Slot { resource, start, end } = desk.slots[1].clone();
        let night = Slot { resource, start: start - TimeDelta::hours(2), end: end - TimeDelta::hours(2) };
        let refused = self.hold(desk, &desk.tech, &night, None).await?;
        let is_refused = (refused.status, refused.code()) == (409, "outside_hours");
        let offers_others = !slots(&refused.body["alternatives"]).is_empty();
        self.check("is refused as outside of the hours, and others are offered", began, is_refused && offers_others);
        Ok(())
    }

    async fn a_hold_is_left_alone(&mut self, desk: &Desk) -> Result<(), SandboxError> {
        say("A hold that nobody books; its quarter of an hour passes in a moment here");
        let (began, slot) = (Instant::now(), &desk.slots[3]);
        let held = self.hold(desk, &desk.tech, slot, None).await?;
        let keeps = held.status == 201 && !self.is_free(desk, slot).await?;
        self.check("it keeps its time for a while", began, keeps);
        // What a quarter of an hour does, done by hand.
        sqlx::raw_sql(
            "update sched_holds set created_at = created_at - interval '15 minutes', expires_at = expires_at - interval '15 minutes';
             update timers set due_at = due_at - interval '15 minutes' where kind = 'scheduling.hold-expiry'",
        )
        .execute(&mut self.checks)
        .await?;
        let expired = self
            .becomes_within(
                LONGEST_REST + STEP_TIMEOUT,
                "select count(*) = 1 from outbox_events
                 where event_name = 'nmc.scheduling.AppointmentReleased' and payload->>'reason' = 'expired'",
            )
            .await?;
        self.check("the dispatcher lets it expire, and tells it", began, expired);
        let is_free = self.is_free(desk, slot).await?;
        let late = self.book(desk, &held, CALLER).await?;
        let is_late = (late.status, late.code()) == (410, "hold_expired");
        self.check("its time is free again, and whoever books it is late: 410", began, is_free && is_late);
        Ok(())
    }

    async fn it_is_called_off(&mut self, desk: &Desk, appointment: &str) -> Result<(), SandboxError> {
        say("The first appointment is cancelled");
        let (began, slot) = (Instant::now(), &desk.slots[2]);
        let body = json!({"appointment_id": appointment, "reason": "user"});
        let cancelled = self.api(Method::POST, "/scheduling/cancel", Some(&desk.tech), Some(&body)).await?;
        let again = self.api(Method::POST, "/scheduling/cancel", Some(&desk.tech), Some(&body)).await?;
        let is_cancelled = cancelled.status == 200 && cancelled.body["status"] == "cancelled";
        self.check("it is cancelled, once", began, is_cancelled && again.body == cancelled.body);
        let is_free = self.is_free(desk, slot).await?;
        self.check("its time is free again", began, is_free);
        Ok(())
    }

    async fn each_is_told_once(&mut self) -> Result<(), SandboxError> {
        let began = Instant::now();
        let told = self
            .holds(
                r#"select jsonb_object_agg(name, count) = '{"AppointmentHeld": 4, "AppointmentBooked": 2,
                     "AppointmentRescheduled": 1, "AppointmentReleased": 1, "AppointmentCancelled": 1}'
                   from (select split_part(event_name, '.', 3) as name, count(*) as count
                         from outbox_events where event_name like 'nmc.scheduling.%' group by name) as told"#,
            )
            .await?;
        self.check("of all this each event was published once, of what was refused none", began, told);
        Ok(())
    }

    async fn hold(&self, desk: &Desk, token: &str, slot: &Slot, moves: Option<&str>) -> Result<Answer, SandboxError> {
        let body = json!({
            "resource_id": slot.resource, "start": slot.start, "end": slot.end, "service_item_id": desk.item,
            "moves_appointment_id": moves,
        });
        self.api(Method::POST, "/scheduling/holds", Some(token), Some(&body)).await
    }

    async fn book(&self, desk: &Desk, held: &Answer, customer: &str) -> Result<Answer, SandboxError> {
        let body = json!({
            "hold_id": held.body["hold_id"], "service_item_id": desk.item, "customer_phone": customer,
            "customer_name": "Kim Example", "address": "1 Main St",
        });
        self.api(Method::POST, "/scheduling/book", Some(&desk.tech), Some(&body)).await
    }

    /// Whether a search lists it.
    async fn is_free(&self, desk: &Desk, slot: &Slot) -> Result<bool, SandboxError> {
        let window = (slot.start, slot.end);
        Ok(self.search(&desk.tech, &desk.item, Some(&slot.resource), window).await?.contains(slot))
    }

    async fn search(
        &self,
        token: &str,
        item: &Value,
        resource: Option<&str>,
        (from, until): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<Vec<Slot>, SandboxError> {
        let body = json!({
            "service_item_id": item, "window_start": from, "window_end": until,
            "resource_ids": resource.map(|resource| [resource]),
        });
        let found = self.api(Method::POST, "/scheduling/search", Some(token), Some(&body)).await?;
        Ok(slots(&found.body["slots"]))
    }
}

fn slots(list: &Value) -> Vec<Slot> {
    let slot = |slot: &Value| {
        let (start, end) = (time(&slot["start"])?, time(&slot["end"])?);
        Some(Slot { resource: text(&slot["resource_id"]).to_owned(), start, end })
    };
    list.as_array().into_iter().flatten().filter_map(slot).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn time(value: &Value) -> Option<DateTime<Utc>> {
    text(value).parse().ok()
}
