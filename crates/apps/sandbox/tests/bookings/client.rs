//! Somebody who wants timeslots, and remembers what was acknowledged.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use nmc_kernel::Random;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api::{Answer, Api, Kills, Try};

const RESOURCES: usize = 4;
/// With what everybody keeps and what nobody comes back for, about half of it is taken at any time.
const DAYS: u64 = 28;
/// Timeslots a day and resource: eight hours in quarters, so that most overlap several others.
const STARTS_A_DAY: u64 = 32;
/// Nobody keeps more, so that there is always something free and something taken.
const KEPT_MAX: usize = 4;

/// What everybody wants a part of.
pub(crate) struct Calendar {
    resources: Vec<String>,
    item: String,
    first_start: DateTime<Utc>,
}

impl Calendar {
    pub(crate) async fn make(api: &Api) -> Self {
        let item = json!({
            "name": "Crowded job", "duration_minutes": 60,
            "price": {"amount_cents": 9500, "currency": "USD"},
        });
        let item = created(api, "/catalog/items", &item).await;
        let day = json!([{"opens": "08:00:00", "closes": "17:00:00"}]);
        let hours = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        let hours: Value =
            hours.into_iter().map(|name| (name.to_owned(), day.clone())).collect::<serde_json::Map<_, _>>().into();
        let mut resources = Vec::new();
        for n in 0..RESOURCES {
            let resource = json!({
                "name": format!("Team {n}"), "time_zone": "Etc/UTC", "weekly_hours": hours,
                "minimum_notice_minutes": 0, "horizon_days": 60, "buffer_before_minutes": 0, "buffer_after_minutes": 15,
            });
            resources.push(created(api, "/scheduling/resources", &resource).await);
        }
        // Far enough ahead that no time passes out of reach.
        #[expect(clippy::disallowed_methods, reason = "what the service calls ahead")]
        let day = Utc::now().date_naive() + Days::new(3);
        Self { resources, item, first_start: day.and_time(NaiveTime::from_hms_opt(8, 0, 0).unwrap()).and_utc() }
    }

    fn slot(&self, random: &Random) -> Slot {
        let resource = self.resources[usize::try_from(random.u64()).unwrap_or_default() % RESOURCES].clone();
        let quarters = TimeDelta::minutes(i64::try_from(random.u64() % STARTS_A_DAY * 15).unwrap());
        let days = TimeDelta::days(i64::try_from(random.u64() % DAYS).unwrap());
        Slot { resource, start: self.first_start + days + quarters }
    }
}

async fn created(api: &Api, path: &str, body: &Value) -> String {
    let answer = api.ask(Method::POST, path, body, None, &mut Vec::new()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{path}: {}", answer.body);
    answer.body["id"].as_str().unwrap().to_owned()
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) resource: String,
    pub(crate) start: DateTime<Utc>,
}

/// What clients were told, and how long it took.
#[derive(Default)]
pub(crate) struct Told {
    /// Every appointment that was acknowledged: where it lies, or nothing where it was cancelled.
    pub(crate) appointments: HashMap<String, Option<Slot>>,
    /// Moves that were acknowledged, by appointment.
    pub(crate) moves: HashMap<String, usize>,
    /// How often each was answered: what was asked, and the code or status.
    answers: BTreeMap<(&'static str, String), usize>,
    tries: Vec<Try>,
}

impl Told {
    pub(crate) fn add(&mut self, other: Self) {
        self.appointments.extend(other.appointments);
        self.moves.extend(other.moves);
        self.tries.extend(other.tries);
        for (what, count) in other.answers {
            *self.answers.entry(what).or_default() += count;
        }
    }

    pub(crate) fn report(&self, attempts: usize, took: Duration, kills: &Kills) {
        let (mut uncut, mut turned_away): (Vec<Duration>, usize) = (Vec::new(), 0);
        for attempt in &self.tries {
            if !kills.cut(attempt.began, attempt.ended) {
                // A machine that cannot keep up says 503 and is asked again.
                turned_away += usize::from(attempt.failed);
                uncut.push(attempt.ended - attempt.began);
            }
        }
        uncut.sort_unstable();
        let at = |part: f64| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "a share"
            )]
            let index = ((uncut.len() - 1) as f64 * part) as usize;
            uncut[index].as_secs_f64() * 1_000.0
        };
        println!(
            "{attempts} attempts in {:.0} s, {} requests, {} kills: {} not cut by one ({turned_away} turned away), \
             P50/P95/max {:.0}/{:.0}/{:.0} ms",
            took.as_secs_f64(),
            self.tries.len(),
            kills.count(),
            uncut.len(),
            at(0.5),
            at(0.95),
            at(1.0)
        );
        for ((what, answer), count) in &self.answers {
            println!("{what:>10} {answer:<20} {count}");
        }
    }
}

pub(crate) struct Client {
    number: usize,
    random: Random,
    api: Api,
    calendar: Arc<Calendar>,
    keys: usize,
    kept: Vec<(String, Slot)>,
    pub(crate) told: Told,
}

impl Client {
    pub(crate) fn new(number: usize, random: Random, api: Api, calendar: Arc<Calendar>) -> Self {
        Self { number, random, api, calendar, keys: 0, kept: Vec::new(), told: Told::default() }
    }

    /// One thing somebody wants, with all the requests it takes.
    pub(crate) async fn attempt(&mut self) {
        let dice = self.random.u64() % 100;
        if self.kept.len() >= KEPT_MAX || (dice < 25 && !self.kept.is_empty()) {
            self.cancel().await;
        } else if dice < 50 && !self.kept.is_empty() {
            self.reschedule().await;
        } else {
            self.book().await;
        }
    }

    async fn book(&mut self) {
        let slot = self.calendar.slot(&self.random);
        let Some(hold) = self.hold(&slot, None).await else { return };
        match self.random.u64() % 50 {
            // Nobody comes back for it: it expires.
            0 => {}
            1..=5 => {
                let answer =
                    self.ask("release", Method::DELETE, &format!("/scheduling/holds/{hold}"), Value::Null).await;
                assert!(matches!(answer.status.as_u16(), 204 | 410), "{}", answer.body);
            }
            _ => {
                let body = json!({
                    "hold_id": hold, "service_item_id": self.calendar.item,
                    "customer_phone": format!("+1415555{:04}", 100 + self.number % 100),
                });
                let answer = self.ask("book", Method::POST, "/scheduling/book", body).await;
                match answer.status {
                    StatusCode::CREATED => {
                        let id = answer.body["appointment_id"].as_str().unwrap().to_owned();
                        self.told.appointments.insert(id.clone(), Some(slot.clone()));
                        self.kept.push((id, slot));
                    }
                    StatusCode::GONE => assert_eq!(answer.code(), "hold_expired"),
                    status => panic!("booking was answered with {status}: {}", answer.body),
                }
            }
        }
    }

    async fn cancel(&mut self) {
        let (id, _) = self.kept.swap_remove(usize::try_from(self.random.u64()).unwrap_or_default() % self.kept.len());
        let answer = self.ask("cancel", Method::POST, "/scheduling/cancel", json!({"appointment_id": id})).await;
        assert!(answer.status.is_success(), "{}", answer.body);
        self.told.appointments.insert(id, None);
    }

    async fn reschedule(&mut self) {
        let at = usize::try_from(self.random.u64()).unwrap_or_default() % self.kept.len();
        let id = self.kept[at].0.clone();
        let slot = self.calendar.slot(&self.random);
        let Some(hold) = self.hold(&slot, Some(&id)).await else { return };
        let body = json!({"appointment_id": id, "hold_id": hold});
        let answer = self.ask("reschedule", Method::POST, "/scheduling/reschedule", body).await;
        match answer.status {
            status if status.is_success() => {
                *self.told.moves.entry(id.clone()).or_default() += 1;
                self.told.appointments.insert(id, Some(slot.clone()));
                self.kept[at].1 = slot;
            }
            StatusCode::GONE => assert_eq!(answer.code(), "hold_expired"),
            status => panic!("moving was answered with {status}: {}", answer.body),
        }
    }

    /// A hold, or nothing where somebody else was faster.
    async fn hold(&mut self, slot: &Slot, moves: Option<&str>) -> Option<String> {
        let body = json!({
            "resource_id": slot.resource, "start": slot.start, "end": slot.start + TimeDelta::minutes(60),
            "service_item_id": self.calendar.item, "moves_appointment_id": moves,
        });
        let answer = self.ask("hold", Method::POST, "/scheduling/holds", body).await;
        match answer.status {
            StatusCode::CREATED => Some(answer.body["hold_id"].as_str().unwrap().to_owned()),
            StatusCode::CONFLICT => {
                assert!(matches!(answer.code(), "slot_taken" | "buffer_conflict"), "{}", answer.body);
                let alternatives = answer.body["alternatives"].as_array().unwrap();
                assert!(!alternatives.is_empty(), "a loser is offered something else: {}", answer.body);
                None
            }
            status => panic!("holding was answered with {status}: {}", answer.body),
        }
    }

    async fn ask(&mut self, what: &'static str, method: Method, path: &str, body: Value) -> Answer {
        self.keys += 1;
        let key = format!("client-{}-{}", self.number, self.keys);
        let answer = self.api.ask(method, path, &body, Some(&key), &mut self.told.tries).await;
        let code = match answer.code() {
            "" => answer.status.as_u16().to_string(),
            code => code.to_owned(),
        };
        *self.told.answers.entry((what, code)).or_default() += 1;
        answer
    }
}
