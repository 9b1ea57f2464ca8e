//! A plumber with one worker, who repairs leaks for 120 dollars an hour.
#![allow(dead_code, reason = "shared by tests, each of which uses a part")]

use chrono::Duration;
use nmc_catalog::{Alias, AliasText, ItemName, NewItem};
use nmc_conversation::{Author, Direction, Message};
use nmc_identity::TenantSettings;
use nmc_kernel::{AppointmentId, Currency, E164, Minutes, Money, ServiceItemId};
use nmc_scheduling::NewResource;
use serde_json::Value;
use uuid::Uuid;

use crate::setup::{World, settings};

/// Who asks for nothing but the job and the time.
pub(crate) fn brief() -> TenantSettings {
    TenantSettings { ask_for_name: false, ask_for_address: false, ..TenantSettings::default() }
}

/// One that may send and has the job and the worker.
pub(crate) async fn shop() -> World {
    shop_with(brief()).await
}

pub(crate) async fn shop_with(tenant_settings: TenantSettings) -> World {
    let world = World::with(settings(), tenant_settings).await;
    world.approve().await;
    stock(&world).await;
    world
}

/// Puts the job and the worker there.
pub(crate) async fn stock(world: &World) -> ServiceItemId {
    let item = NewItem {
        name: ItemName::parse("Leak repair").unwrap(),
        duration: Minutes::new(60).unwrap(),
        price: dollars(120),
        description: None,
    };
    let item = world.app.catalog.create_item(&world.owner(), &item, None).await.unwrap();
    let alias = |text: &str| Alias { text: AliasText::parse(text).unwrap(), priority: 0 };
    let aliases = vec![alias("leak"), alias("sink leaks"), alias("leaking sink")];
    world.app.catalog.put_aliases(&world.owner(), item.id, aliases).await.unwrap();
    let worker: NewResource = serde_json::from_value(serde_json::json!({ "name": "Pat" })).unwrap();
    world.app.scheduling.create_resource(&world.owner(), worker, None).await.unwrap();
    item.id
}

pub(crate) fn dollars(amount: i64) -> Money {
    Money::new(amount * 100, Currency::Usd).unwrap()
}

impl World {
    /// The caller writes, and is answered once it is time; the acts of the answer, none where there was none.
    pub(crate) async fn says(&self, who: &E164, body: &str) -> Vec<String> {
        let before = self.answers(who).await.len();
        // People read before they write.
        self.wait(Duration::seconds(5));
        self.text(who, body).await;
        self.answer().await;
        let answers = self.answers(who).await;
        assert!(answers.len() <= before + 1, "one text is answered once");
        answers.get(before).map(acts).unwrap_or_default()
    }

    /// What the automation has answered to the caller, in order; greetings are no answers.
    pub(crate) async fn answers(&self, who: &E164) -> Vec<Message> {
        let messages = self.messages(who).await.into_iter();
        let is_answer = |message: &Message| message.author == Author::Automation && message.why["acts"].is_array();
        messages.filter(|message| message.direction == Direction::Out && is_answer(message)).collect()
    }

    /// The caller, who was greeted, books a leak repair at a time that is free.
    pub(crate) async fn books(&self, who: &E164, when: &str) -> AppointmentId {
        self.says(who, &format!("leak repair {when}")).await;
        for says in ["the first one", "yes"] {
            self.wait(Duration::minutes(1));
            if self.says(who, says).await.contains(&"booked".to_owned()) {
                break;
            }
        }
        let booked = "select id from sched_appointments where customer_phone = $1 and status = 'booked'";
        let id: Uuid =
            sqlx::query_scalar(booked).bind(who.as_str()).fetch_one(&mut self.superuser().await).await.unwrap();
        id.into()
    }

    /// Turns that are to be worked out.
    pub(crate) async fn turns_left(&self) -> i64 {
        self.count("select count(*) from conv_turns").await
    }

    /// Starts and names of what is booked.
    pub(crate) async fn booked(&self) -> i64 {
        self.count("select count(*) from sched_appointments where status = 'booked'").await
    }
}

/// The words of an answer's acts.
pub(crate) fn acts(message: &Message) -> Vec<String> {
    let words = message.why["acts"].as_array().into_iter().flatten();
    words.filter_map(Value::as_str).map(str::to_owned).collect()
}
