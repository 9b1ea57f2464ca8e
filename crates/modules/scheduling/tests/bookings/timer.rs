//! Holds that run out, and what is forgotten, as the dispatcher sees it.

use chrono::Duration;
use nmc_kernel::Random;
use nmc_retention::{Retention, Sweeps};
use nmc_scheduling::{Granularity, Scheduling};
use nmc_timers::Timers;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _};

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
            search_granularity: Granularity::default(),
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

/// What others have locked is passed by, and goes another time.
#[tokio::test]
async fn what_is_forgotten_waits_for_nobody() {
    let world = World::new().await;
    let (tenant, resource) = (world.tenant, world.resource("Alex").await.id);
    let rows = format!(
        "insert into sched_holidays (tenant_id, id, date, name, created_at)
           values ('{tenant}', gen_random_uuid(), '2020-01-01', 'x', '2020-01-01');
         insert into sched_time_off (tenant_id, id, absence_id, resource_id, starts_at, ends_at, created_at)
           values ('{tenant}', gen_random_uuid(), gen_random_uuid(), '{resource}', '2020-01-01', '2020-01-02', '2020-01-01');
         insert into sched_ext_busy (tenant_id, id, resource_id, calendar_id, source_ref, starts_at, ends_at, created_at)
           values ('{tenant}', gen_random_uuid(), '{resource}', gen_random_uuid(), 'x', '2020-01-01', '2020-01-02', '2020-01-01');
         insert into sched_ended_holds (tenant_id, id, became, created_at)
           values ('{tenant}', gen_random_uuid(), 'released', '2020-01-01')"
    );
    let mut superuser = world.superuser().await;
    sqlx::raw_sql(AssertSqlSafe(rows)).execute(&mut superuser).await.unwrap();
    let db = world.database.dispatcher().clone().at(world.clock.clone(), Random::seeded(2));
    let retention = Retention::new(db, world.scheduling.sweeps(Sweeps::default()), Random::seeded(3));
    let tables = ["sched_holidays", "sched_time_off", "sched_ext_busy", "sched_ended_holds"];
    let mut theirs = superuser.begin().await.unwrap();
    for table in tables {
        sqlx::query(AssertSqlSafe(format!("select from {table} for update"))).execute(&mut *theirs).await.unwrap();
    }
    let bound = std::time::Duration::from_secs(20);
    let swept = tokio::time::timeout(bound, retention.run_now()).await.expect("waits").unwrap();
    assert_eq!(tables.map(|table| swept[table]), [0; 4]);
    theirs.rollback().await.unwrap();
    let swept = retention.run_now().await.unwrap();
    assert_eq!(tables.map(|table| swept[table]), [1; 4]);
}
