//! What must hold when the crowd has gone, asked of the database as it is.

use std::{
    collections::HashMap,
    io::{Read as _, Seek as _, SeekFrom},
    path::Path,
    time::Duration,
};

use chrono::{DateTime, Utc};
use nmc_sandbox::Installation;
use nmc_testkit::eventually;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::client::{Slot, Told};

/// What is not finished yet.
const UNFINISHED: &str = "
    select (select count(*) from outbox_events where dispatched_at is null)
         + (select count(*) from timers where due_at <= now())
         + (select count(*) from sched_holds)";

async fn superuser(installation: &Installation) -> PgConnection {
    PgConnection::connect(&installation.database.superuser_url()).await.unwrap()
}

/// Everything that was begun has come to its end: events are delivered, and holds that nobody booked have expired.
pub(crate) async fn settled(installation: &Installation, bound: Duration) {
    let mut connection = superuser(installation).await;
    let finished = eventually(bound, async || {
        sqlx::query_scalar::<_, i64>(UNFINISHED).fetch_one(&mut connection).await.unwrap() == 0
    })
    .await;
    assert!(finished, "something is left unfinished {} s after the last attempt", bound.as_secs());
    let dead: i64 =
        sqlx::query_scalar("select count(*) from outbox_dead_letters").fetch_one(&mut connection).await.unwrap();
    assert_eq!(dead, 0, "dead letters");
}

pub(crate) async fn nothing_overlaps(installation: &Installation) {
    let overlaps: i64 = sqlx::query_scalar(
        "select count(*) from sched_appointments a
         join sched_appointments b on b.tenant_id = a.tenant_id and b.resource_id = a.resource_id and b.id > a.id
          and b.blocked_from < a.blocked_until and a.blocked_from < b.blocked_until
         where a.status = 'booked' and b.status = 'booked'",
    )
    .fetch_one(&mut superuser(installation).await)
    .await
    .unwrap();
    assert_eq!(overlaps, 0, "appointments overlap");
}

/// Each acknowledged appointment is there, where it was said to be, and no other is.
pub(crate) async fn everything_told_is_so(installation: &Installation, told: &Told) {
    let rows: Vec<(Uuid, Uuid, DateTime<Utc>, String)> =
        sqlx::query_as("select id, resource_id, starts_at, status from sched_appointments")
            .fetch_all(&mut superuser(installation).await)
            .await
            .unwrap();
    let stored: HashMap<String, Option<Slot>> = rows
        .into_iter()
        .map(|(id, resource, start, status)| {
            let slot = Slot { resource: resource.to_string(), start };
            (id.to_string(), (status == "booked").then_some(slot))
        })
        .collect();
    let missing: Vec<_> = told.appointments.keys().filter(|id| !stored.contains_key(*id)).collect();
    assert!(missing.is_empty(), "acknowledged and missing: {missing:?}");
    let unasked: Vec<_> = stored.keys().filter(|id| !told.appointments.contains_key(*id)).collect();
    assert!(unasked.is_empty(), "nobody was told of these: {unasked:?}");
    for (id, slot) in &told.appointments {
        assert_eq!(&stored[id], slot, "appointment {id}");
    }
    let moves: Vec<(Uuid, i64)> = sqlx::query_as(
        "select appointment_id, count(*) from sched_appointment_changes where what = 'moved' group by appointment_id",
    )
    .fetch_all(&mut superuser(installation).await)
    .await
    .unwrap();
    let moves: HashMap<String, usize> =
        moves.into_iter().map(|(id, count)| (id.to_string(), usize::try_from(count).unwrap())).collect();
    assert_eq!(moves, told.moves, "moves");
}

/// What must be as often in the outbox as in the tables, by the thing it is about: one row for each difference.
const DIFFERENCES: &[(&str, &str)] = &[
    (
        "AppointmentBooked",
        "select id from sched_appointments a where 1 <> (select count(*) from outbox_events e
          where e.event_name = 'nmc.scheduling.AppointmentBooked' and e.payload->>'appointment_id' = a.id::text)",
    ),
    (
        "AppointmentCancelled",
        "select id from sched_appointments a where (a.status = 'cancelled')::int <> (select count(*) from outbox_events e
          where e.event_name = 'nmc.scheduling.AppointmentCancelled' and e.payload->>'appointment_id' = a.id::text)",
    ),
    (
        "AppointmentRescheduled",
        "select id from sched_appointments a where
          (select count(*) from sched_appointment_changes c where c.appointment_id = a.id and c.what = 'moved')
          <> (select count(*) from outbox_events e
              where e.event_name = 'nmc.scheduling.AppointmentRescheduled' and e.payload->>'appointment_id' = a.id::text)",
    ),
    (
        "AppointmentHeld",
        "select id from sched_ended_holds h where 1 <> (select count(*) from outbox_events e
          where e.event_name = 'nmc.scheduling.AppointmentHeld' and e.payload->>'hold_id' = h.id::text)",
    ),
    (
        "AppointmentReleased",
        "select id from sched_ended_holds h where (h.became <> 'booked')::int <> (select count(*) from outbox_events e
          where e.event_name = 'nmc.scheduling.AppointmentReleased' and e.payload->>'hold_id' = h.id::text)",
    ),
    (
        "of nothing that is there",
        "select id from outbox_events e where e.event_name like 'nmc.scheduling.Appointment%'
          and not exists (select from sched_appointments a where a.id::text = e.payload->>'appointment_id')
          and not exists (select from sched_ended_holds h where h.id::text = e.payload->>'hold_id')",
    ),
];

pub(crate) async fn every_event_once(installation: &Installation) {
    let mut connection = superuser(installation).await;
    // Not an index of the product's: these questions are the test's alone.
    for by in ["appointment_id", "hold_id"] {
        let index = format!("create index on outbox_events (event_name, (payload->>'{by}'))");
        sqlx::raw_sql(sqlx::AssertSqlSafe(index)).execute(&mut connection).await.unwrap();
    }
    for (event, sql) in DIFFERENCES {
        let wrong: Vec<Uuid> = sqlx::query_scalar(*sql).fetch_all(&mut connection).await.unwrap();
        assert!(wrong.is_empty(), "{event}: missing or doubled for {wrong:?}");
    }
}

/// Postgres says of each deadlock in its log; its statistics do not outlive a crash.
pub(crate) fn no_deadlock(log: &Path, begins: u64) {
    let mut file = std::fs::File::open(log).unwrap();
    file.seek(SeekFrom::Start(begins)).unwrap();
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    let deadlocks = text.matches("deadlock detected").count();
    assert_eq!(deadlocks, 0, "deadlocks");
}
