//! Holds that run out, as the dispatcher sees it.

use chrono::Duration;
use nmc_kernel::Random;
use nmc_scheduling::Scheduling;
use nmc_timers::Timers;
use serde_json::json;

use crate::{
    play::{TEN, an_hour, booking, code_of},
    world::{World, key},
};

impl World {
    fn dispatcher(&self) -> Timers {
        let db = self.database.dispatcher().clone().at(self.clock.clone(), Random::seeded(2));
        let settings = nmc_scheduling::Settings {
            hold_ttl: Duration::minutes(15),
            public_base_url: "https://api.example.com".to_owned(),
            feed_key: key(),
        };
        let scheduling = Scheduling::new(db.clone(), self.identity.clone(), self.catalog.clone(), settings);
        scheduling.timers(Timers::new(db, nmc_timers::Settings::default(), Random::seeded(3)))
    }
}

#[tokio::test]
async fn a_hold_runs_out_and_is_told_of_once() {
    let world = World::new().await;
    let timers = world.dispatcher();
    let resource = world.resource("Alex").await.id;
    let held = world.try_hold(&an_hour(resource, TEN)).await.unwrap();
    let booked = world.try_hold(&an_hour(resource, "2026-06-11T16:00:00Z")).await.unwrap();
    world.scheduling.book(&world.owner(), &booking(booked.hold_id, world.item), None).await.unwrap();
    assert_eq!(world.count("select count(*) from timers").await, 1, "what is booked runs out no more");
    world.clock.advance(Duration::minutes(15) - Duration::seconds(1));
    assert_eq!(timers.fire_due().await.unwrap(), 0);
    world.clock.advance(Duration::seconds(1));
    assert_eq!(timers.fire_due().await.unwrap(), 1);
    assert_eq!(timers.fire_due().await.unwrap(), 0);
    let events = world.events("nmc.scheduling.AppointmentReleased").await;
    assert_eq!(events.len(), 1);
    assert_eq!((&events[0]["hold_id"], &events[0]["reason"]), (&json!(held.hold_id), &json!("expired")));
    assert_eq!(world.count("select count(*) from sched_holds").await, 0);
    assert_eq!(world.count("select count(*) from timers").await, 0);
}

/// A timer that is late, lost, or fires for what has ended long ago changes nothing for anybody.
#[tokio::test]
async fn a_timer_that_is_late_or_lost_blocks_nothing() {
    let world = World::new().await;
    let timers = world.dispatcher();
    let resource = world.resource("Alex").await.id;
    world.try_hold(&an_hour(resource, TEN)).await.unwrap();
    sqlx::query("update timers set due_at = due_at + interval '1 day'")
        .execute(&mut world.superuser().await)
        .await
        .unwrap();
    world.clock.advance(Duration::minutes(15));
    assert_eq!(timers.fire_due().await.unwrap(), 0);
    assert_eq!(code_of(world.try_hold(&an_hour(resource, "2026-06-11T14:15:00Z")).await), "held");
    // The first one's went with it; its own is lost.
    assert_eq!(world.count("select count(*) from timers").await, 1);
    sqlx::query("delete from timers").execute(&mut world.superuser().await).await.unwrap();
    world.clock.advance(Duration::minutes(15));
    assert_eq!(code_of(world.try_hold(&an_hour(resource, TEN)).await), "held");
    assert_eq!(world.events("nmc.scheduling.AppointmentReleased").await.len(), 2);
    // One that fires too early, for a hold that has been set no new time.
    sqlx::query("update timers set due_at = due_at - interval '1 hour'")
        .execute(&mut world.superuser().await)
        .await
        .unwrap();
    assert_eq!(timers.fire_due().await.unwrap(), 1);
    assert_eq!(world.count("select count(*) from sched_holds").await, 1);
}
