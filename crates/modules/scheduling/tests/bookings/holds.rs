//! What becomes of a hold.

use axum::http::Method;
use chrono::Duration;
use nmc_kernel::{HoldId, IdempotencyKey};
use nmc_scheduling::{BookError, HoldError, NewAppointment, NewHold, Refusal, ReleaseError, WithAppointments};
use serde_json::json;
use uuid::Uuid;

use crate::{
    play::{TEN, an_hour, booking, caller, code_of, context, conversation},
    world::World,
};

fn code(error: BookError) -> &'static str {
    nmc_web::Problem::from(error).code()
}

impl World {
    async fn book_code(&self, new: &NewAppointment) -> &'static str {
        self.scheduling.book(&self.owner(), new, None).await.map_or_else(|refused| code(refused.error), |_| "booked")
    }
}

#[tokio::test]
async fn a_hold_is_booked_once_at_the_price_that_was_said() {
    let world = World::new().await;
    let resource = world.resource("Alex").await.id;
    let new = NewHold { service_item_id: Some(world.item), ..an_hour(resource, TEN) };
    let held = world.try_hold(&new).await.unwrap();
    assert_eq!(held.expires_at, world.now() + Duration::minutes(15));
    let listed = world.get("/scheduling/holds").await.body();
    assert_eq!(listed["items"][0]["hold_id"], json!(held.hold_id));
    assert_eq!(listed["items"][0]["price"], json!({ "amount_cents": 9500, "currency": "USD" }));
    // It gets dearer; what was said holds.
    let change = serde_json::from_value(json!({ "price": { "amount_cents": 20_000, "currency": "USD" } })).unwrap();
    world.catalog.change_item(&world.owner(), world.item, change).await.unwrap();
    let first = world.scheduling.book(&world.owner(), &booking(held.hold_id, world.item), None).await.unwrap();
    let again = world.scheduling.book(&world.owner(), &booking(held.hold_id, world.item), None).await.unwrap();
    assert_eq!(first, again);
    let appointment = world.get(&format!("/scheduling/appointments/{}", first.appointment_id)).await.body();
    assert_eq!(appointment["price"]["amount_cents"], 9500);
    assert_eq!(appointment["address"], "1 Main St");
    assert_eq!(appointment["history"].as_array().unwrap().len(), 1);
    assert_eq!(world.get("/scheduling/holds").await.body()["items"], json!([]));
    let events = world.events("nmc.scheduling.AppointmentBooked").await;
    assert_eq!(events.len(), 1);
    assert_eq!((&events[0]["price"]["amount_cents"], &events[0]["booked_by"]), (&json!(9500), &json!("user")));
    // Hold and booking belong together.
    let correlations =
        "select count(distinct correlation_id) from outbox_events where event_name like 'nmc.scheduling.%'";
    assert_eq!(world.count(correlations).await, 1);
    // Without a price it is quoted when it is booked.
    let later = world.booked(resource, "2026-06-11T16:00:00Z").await.appointment_id;
    let later = world.get(&format!("/scheduling/appointments/{later}")).await.body();
    assert_eq!(later["price"]["amount_cents"], 20_000);
    // For somebody else it is gone; what else could be had is said.
    let body = json!({ "hold_id": held.hold_id, "service_item_id": world.item, "customer_phone": "+12125550143" });
    let answer = world.post("/scheduling/book", body).await;
    assert_eq!(answer.problem(), (409, "hold_booked".to_owned()));
    assert_eq!(answer.body()["alternatives"].as_array().unwrap().len(), 3);
    assert!(matches!(world.scheduling.release(&world.owner(), held.hold_id).await, Err(ReleaseError::Booked)));
}

#[tokio::test]
async fn who_comes_late_is_told_so() {
    let world = World::new().await;
    let resource = world.resource("Alex").await.id;
    let hold = async |start: &str| world.try_hold(&an_hour(resource, start)).await.unwrap().hold_id;
    let released = hold(TEN).await;
    let path = format!("/scheduling/holds/{released}");
    for _ in 0..2 {
        assert_eq!(world.send(world.owner(), Method::DELETE, &path, None).await.status, 204);
    }
    assert_eq!(world.events("nmc.scheduling.AppointmentReleased").await.len(), 1);
    assert_eq!(world.book_code(&booking(released, world.item)).await, "hold_released");
    let expired = hold(TEN).await;
    world.clock.advance(Duration::minutes(15));
    assert_eq!(world.book_code(&booking(expired, world.item)).await, "hold_expired");
    assert_eq!(world.get("/scheduling/holds").await.body()["items"], json!([]));
    // Nobody has cleared it away, and nobody waits for that.
    let next = hold("2026-06-11T14:30:00Z").await;
    let events = world.events("nmc.scheduling.AppointmentReleased").await;
    assert_eq!((&events[1]["hold_id"], &events[1]["reason"]), (&json!(expired), &json!("expired")));
    assert_eq!(world.book_code(&booking(expired, world.item)).await, "hold_expired");
    assert_eq!(world.book_code(&booking(next, world.item)).await, "booked");
    assert_eq!(world.book_code(&booking(HoldId::from(Uuid::nil()), world.item)).await, "not_found");
    let other = world.item_of(world.tenant, "Roof").await;
    let roof = NewHold { service_item_id: Some(other), ..an_hour(resource, "2026-06-11T17:00:00Z") };
    let roof = world.try_hold(&roof).await.unwrap().hold_id;
    assert_eq!(world.book_code(&booking(roof, world.item)).await, "hold_for_another_item");
    assert_eq!(world.count("select count(*) from timers where kind = 'scheduling.hold-expiry'").await, 1);
}

#[tokio::test]
async fn a_repeat_gets_the_first_answer() {
    let world = World::new().await;
    let resource = world.resource("Alex").await.id;
    let key = IdempotencyKey { key: "one".to_owned(), fingerprint: [1; 32] };
    let other = IdempotencyKey { key: "one".to_owned(), fingerprint: [2; 32] };
    let first = world.scheduling.hold(&world.owner(), &an_hour(resource, TEN), Some(&key)).await.unwrap();
    let again = world.scheduling.hold(&world.owner(), &an_hour(resource, TEN), Some(&key)).await.unwrap();
    assert_eq!(first, again);
    let reused = world.scheduling.hold(&world.owner(), &an_hour(resource, TEN), Some(&other)).await;
    assert_eq!(code_of(reused), "idempotency_key_reused");
    let key = IdempotencyKey { key: "two".to_owned(), ..key };
    let new = booking(first.hold_id, world.item);
    let first = world.scheduling.book(&world.owner(), &new, Some(&key)).await.unwrap();
    assert_eq!(world.scheduling.book(&world.owner(), &new, Some(&key)).await.unwrap(), first);
    assert_eq!(world.count("select count(*) from sched_appointments").await, 1);
}

#[tokio::test]
async fn a_conversation_holds_one_slot_and_sees_its_own_as_free() {
    let world = World::new().await;
    let [alex, kim] = [world.resource("Alex").await.id, world.resource("Kim").await.id];
    let of = |number, resource, start: &str| NewHold {
        conversation_id: Some(conversation(number)),
        ..an_hour(resource, start)
    };
    let hold = async |new: &NewHold| {
        let mut tx = world.db.begin(world.tenant).await.unwrap();
        let held = world.scheduling.hold_in(&mut tx, &world.system(), new, context()).await;
        tx.commit().await.unwrap();
        held
    };
    let first = hold(&of(1, alex, TEN)).await.unwrap();
    // It overlaps its own, and gives that back.
    let second = hold(&of(1, alex, "2026-06-11T14:15:00Z")).await.unwrap();
    let third = hold(&of(1, kim, TEN)).await.unwrap();
    let released = world.events("nmc.scheduling.AppointmentReleased").await;
    let ids: Vec<_> = released.iter().map(|event| event["hold_id"].clone()).collect();
    assert_eq!(ids, [json!(first.hold_id), json!(second.hold_id)]);
    assert!(released.iter().all(|event| event["reason"] == "released"));
    // Another conversation finds it taken, and loses nothing it has.
    let theirs = hold(&of(2, alex, TEN)).await.unwrap();
    let refused = hold(&of(2, kim, TEN)).await;
    assert!(matches!(refused, Err(HoldError::Refused(Refusal::Taken))), "{refused:?}");
    assert_eq!(world.count("select count(*) from sched_holds").await, 2);
    // The automation books in the conversation's name.
    let mut tx = world.db.begin(world.tenant).await.unwrap();
    let new = booking(theirs.hold_id, world.item);
    world.scheduling.book_in(&mut tx, &world.system(), &new, context()).await.unwrap();
    world.scheduling.release_in(&mut tx, third.hold_id).await.unwrap();
    tx.commit().await.unwrap();
    let booked = world.events("nmc.scheduling.AppointmentBooked").await;
    assert_eq!(booked[0]["booked_by"], "automation");
    assert_eq!(booked[0]["conversation_id"], json!(conversation(2)));
    let of_turn = "select count(*) from outbox_events where correlation_id = '00000000-0000-0000-0000-00000000004d'";
    assert_eq!(world.count(of_turn).await, 4 + 3 + 1);
}

/// Whoever ends a hold that has run out, it has run out.
#[tokio::test]
async fn what_ran_out_is_not_told_as_given_back() {
    let world = World::new().await;
    let [alex, kim] = [world.resource("Alex").await.id, world.resource("Kim").await.id];
    let of_conversation = async |number: u128, start: &str| {
        let new = NewHold { conversation_id: Some(conversation(number)), ..an_hour(alex, start) };
        world.scheduling.hold(&world.system(), &new, None).await.unwrap().hold_id
    };
    let replaced = of_conversation(1, TEN).await;
    let erased = of_conversation(2, "2026-06-11T15:00:00Z").await;
    let given_back = world.try_hold(&an_hour(alex, "2026-06-11T16:00:00Z")).await.unwrap().hold_id;
    let of_resource = world.try_hold(&an_hour(kim, TEN)).await.unwrap().hold_id;
    world.clock.advance(Duration::minutes(15));
    of_conversation(1, "2026-06-11T18:00:00Z").await;
    let mut tx = world.db.begin(world.tenant).await.unwrap();
    world.scheduling.erase_caller(&mut tx, &caller(), &[conversation(2)]).await.unwrap();
    tx.commit().await.unwrap();
    world.scheduling.release(&world.owner(), given_back).await.unwrap();
    world.scheduling.deactivate_resource(&world.owner(), kim, WithAppointments::Refuse).await.unwrap();
    let events = world.events("nmc.scheduling.AppointmentReleased").await;
    assert!(events.len() == 4 && events.iter().all(|event| event["reason"] == "expired"), "{events:?}");
    for hold in [replaced, erased, given_back, of_resource] {
        assert_eq!(world.book_code(&booking(hold, world.item)).await, "hold_expired");
    }
}
