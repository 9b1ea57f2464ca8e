//! What is known of a customer: given out, or erased.

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
    assert_eq!(appointments.len(), 2, "{exported}");
    assert!(exported.to_string().contains(CALLER) && !exported.to_string().contains("+12125550143"));
    assert_eq!(appointments[0]["changes"].as_array().unwrap().len(), 1);
    let erased = world.scheduling.erase_caller(&mut tx, &caller(), &[conversation(1)]).await.unwrap();
    assert_eq!(erased, 3);
    assert_eq!(world.scheduling.erase_caller(&mut tx, &caller(), &[conversation(1)]).await.unwrap(), 0);
    tx.commit().await.unwrap();

    let cancelled = world.events("nmc.scheduling.AppointmentCancelled").await;
    assert_eq!(cancelled.len(), 1, "not {past}, which is over");
    assert_eq!(cancelled[0]["appointment_id"], serde_json::json!(to_come));
    assert_eq!(cancelled[0]["cancelled_reason"], "system");
    assert_eq!(world.count("select count(*) from sched_appointments").await, 1);
    assert_eq!(world.count("select count(*) from sched_appointment_changes").await, 1);
    assert_eq!(world.count("select count(*) from sched_holds").await, 0);
}
