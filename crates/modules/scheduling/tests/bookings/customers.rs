//! What is known of a customer: given out, or erased.

use std::collections::BTreeSet;

use chrono::Duration;
use nmc_kernel::{E164, Random};
use nmc_scheduling::{NewAppointment, NewHold};

use crate::{
    play::{CALLER, TEN, an_hour, booking, caller, context, conversation},
    world::World,
};

#[tokio::test]
async fn a_caller_is_exported_and_erased_and_what_was_to_come_is_cancelled() {
    let world = World::new().await;
    let resource = world.resource("Alex").await.id;
    let past = world.booked(resource, TEN).await.appointment_id;
    let to_come = world.booked(resource, "2026-06-15T14:00:00Z").await.appointment_id;
    let under_way = world.booked(resource, "2026-06-12T17:30:00Z").await.appointment_id;
    // More than are read at once lie before it, and need no news.
    sqlx::query(
        "insert into sched_appointments (tenant_id, id, resource_id, service_item_id, price_cents, currency, customer_phone,
                                         correlation_id, booked_by, status, starts_at, ends_at, blocked_from, blocked_until,
                                         version, created_at)
         select tenant_id, gen_random_uuid(), resource_id, service_item_id, price_cents, currency, customer_phone,
                correlation_id, booked_by, 'cancelled', s, s + interval '1 hour', s, s + interval '1 hour', 1, created_at
         from sched_appointments, generate_series(1, 250), (select timestamptz '2026-06-12 20:00Z' as s) x where id = $1",
    )
    .bind(under_way.as_uuid())
    .execute(&mut world.superuser().await)
    .await
    .unwrap();
    let other = world.try_hold(&an_hour(resource, "2026-06-15T16:00:00Z")).await.unwrap().hold_id;
    let other = NewAppointment { customer_phone: E164::parse("+12125550143").unwrap(), ..booking(other, world.item) };
    world.scheduling.book(&world.owner(), &other, None).await.unwrap();
    world.clock.advance(Duration::days(2));
    let mut tx = world.db.begin(world.tenant).await.unwrap();
    let new = NewHold { conversation_id: Some(conversation(1)), ..an_hour(resource, "2026-06-16T16:00:00Z") };
    world.scheduling.hold_in(&mut tx, &world.system(), &new, context()).await.unwrap();
    tx.commit().await.unwrap();

    let db = world.database.dispatcher().clone().at(world.clock.clone(), Random::seeded(2));
    let mut tx = db.begin(world.tenant).await.unwrap();
    let exported = world.scheduling.export_caller(&mut tx, &caller()).await.unwrap();
    let appointments = exported["appointments"].as_array().unwrap();
    assert_eq!(appointments.len(), 253);
    assert!(exported.to_string().contains(CALLER) && !exported.to_string().contains("+12125550143"));
    assert_eq!(appointments[0]["changes"].as_array().unwrap().len(), 1);
    let erased = world.scheduling.erase_caller(&mut tx, &caller(), &[conversation(1)]).await.unwrap();
    assert_eq!(erased, 254);
    assert_eq!(world.scheduling.erase_caller(&mut tx, &caller(), &[conversation(1)]).await.unwrap(), 0);
    tx.commit().await.unwrap();

    let cancelled = world.events("nmc.scheduling.AppointmentCancelled").await;
    let ids: BTreeSet<_> = cancelled.iter().map(|event| event["appointment_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids, BTreeSet::from([under_way, to_come].map(|id| id.to_string())), "not {past}, which is over");
    assert!(cancelled.len() == 2 && cancelled.iter().all(|event| event["cancelled_reason"] == "system"));
    assert_eq!(world.count("select count(*) from sched_appointments").await, 1);
    assert_eq!(world.count("select count(*) from sched_appointment_changes").await, 1);
    assert_eq!(world.count("select count(*) from sched_holds").await, 0);
}

#[tokio::test]
async fn what_was_called_off_hides_nothing_that_is_to_be_kept() {
    let world = World::new().await;
    let resource = world.resource("Alex").await.id;
    let to_come = world.booked(resource, "2026-06-15T14:00:00Z").await.appointment_id;
    // More than one look reads lie before it.
    sqlx::query(
        "insert into sched_appointments (tenant_id, id, resource_id, service_item_id, price_cents, currency, customer_phone,
                                         correlation_id, booked_by, status, starts_at, ends_at, blocked_from, blocked_until,
                                         version, created_at)
         select tenant_id, gen_random_uuid(), resource_id, service_item_id, price_cents, currency, customer_phone,
                correlation_id, booked_by, 'cancelled', s, s + interval '1 hour', s, s + interval '1 hour', 1, created_at
         from sched_appointments, generate_series(1, 60), (select timestamptz '2026-06-12 20:00Z' as s) x where id = $1",
    )
    .bind(to_come.as_uuid())
    .execute(&mut world.superuser().await)
    .await
    .unwrap();
    let mut tx = world.db.read(world.tenant).await.unwrap();
    let found = world.scheduling.appointments_of_customer(&mut tx, &caller(), world.now()).await.unwrap();
    assert_eq!(found.iter().map(|one| one.id).collect::<Vec<_>>(), [to_come]);
    tx.finish().await.unwrap();
}

#[tokio::test]
async fn what_the_automation_holds_for_a_conversation_can_be_given_back_at_once() {
    let world = World::new().await;
    let resource = world.resource("Alex").await.id;
    let of = |number: u128, start| NewHold { conversation_id: Some(conversation(number)), ..an_hour(resource, start) };
    let mut tx = world.db.begin(world.tenant).await.unwrap();
    world.scheduling.hold_in(&mut tx, &world.system(), &of(1, TEN), context()).await.unwrap();
    world.scheduling.hold_in(&mut tx, &world.system(), &of(2, "2026-06-11T15:30:00Z"), context()).await.unwrap();
    tx.commit().await.unwrap();
    let persons = world.try_hold(&of(3, "2026-06-11T17:00:00Z")).await.unwrap().hold_id;
    for number in [1, 1, 3, 4] {
        let mut tx = world.db.begin(world.tenant).await.unwrap();
        world.scheduling.release_automatic_in(&mut tx, conversation(number)).await.unwrap();
        tx.commit().await.unwrap();
    }
    let held = world.get("/scheduling/holds").await.body();
    let left: Vec<_> = held["items"].as_array().unwrap().iter().map(|hold| hold["conversation_id"].clone()).collect();
    assert_eq!(
        left,
        [conversation(2), conversation(3)].map(|id| serde_json::json!(id)),
        "not {persons}, which a person holds"
    );
    let released = world.events("nmc.scheduling.AppointmentReleased").await;
    assert_eq!(released.len(), 1);
}
