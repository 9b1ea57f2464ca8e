//! What becomes of an appointment.

use axum::http::Method;
use chrono::Duration;
use nmc_scheduling::{CancelledReason, ChangeError, NewHold};
use serde_json::{Value, json};

use crate::{
    play::{TEN, an_hour, booking, code_of, context},
    world::World,
};

const LATER: &str = "2026-06-11T18:00:00Z";

#[tokio::test]
async fn an_appointment_moves_to_what_is_held_for_it() {
    let world = World::new().await;
    let [alex, kim] = [world.apart("Alex").await.id, world.apart("Kim").await.id];
    let id = world.booked(alex, TEN).await.appointment_id;
    let to = |resource, start: &str| NewHold { moves_appointment_id: Some(id), ..an_hour(resource, start) };
    let hold = async |new: &NewHold| world.try_hold(new).await.unwrap().hold_id;
    // Half an hour later: it is no obstacle to itself.
    let nearby = hold(&to(alex, "2026-06-11T14:30:00Z")).await;
    let body = json!({ "appointment_id": id, "hold_id": nearby });
    let moved = world.post("/scheduling/reschedule", body.clone()).await.body();
    assert_eq!((&moved["start"], &moved["version"]), (&json!("2026-06-11T14:30:00Z"), &json!(2)));
    assert_eq!(world.post("/scheduling/reschedule", body).await.body(), moved, "twice is once");
    let event = &world.events("nmc.scheduling.AppointmentRescheduled").await[..];
    assert_eq!(event.len(), 1);
    assert_eq!((&event[0]["old_start"], &event[0]["new_start"]), (&json!(TEN), &moved["start"]));
    // To somebody else; where it was is free.
    let elsewhere = hold(&to(kim, TEN)).await;
    world.scheduling.reschedule(&world.owner(), id, elsewhere).await.unwrap();
    assert_eq!(code_of(world.try_hold(&an_hour(alex, TEN)).await), "held");
    // A hold that was made to move it is not booked, and moves no other.
    let own = hold(&to(kim, LATER)).await;
    let booked = world.scheduling.book(&world.owner(), &booking(own, world.item), None).await.unwrap_err();
    assert_eq!(nmc_web::Problem::from(booked.error).code(), "hold_moves_appointment");
    let other = world.booked(alex, "2026-06-12T14:00:00Z").await.appointment_id;
    let refused = world.post("/scheduling/reschedule", json!({ "appointment_id": other, "hold_id": own })).await;
    assert_eq!(refused.problem(), (409, "hold_moves_appointment".to_owned()));
    assert_eq!(refused.body()["alternatives"].as_array().unwrap().len(), 3);
    let used = world.post("/scheduling/reschedule", json!({ "appointment_id": other, "hold_id": elsewhere })).await;
    assert_eq!(used.problem(), (409, "hold_booked".to_owned()));
    world.clock.advance(Duration::minutes(15));
    let late = world.post("/scheduling/reschedule", json!({ "appointment_id": id, "hold_id": own })).await;
    assert_eq!(late.problem(), (410, "hold_expired".to_owned()));
    // What is over moves nowhere, and nothing is held for it.
    world.scheduling.cancel(&world.owner(), id, CancelledReason::User).await.unwrap();
    assert_eq!(code_of(world.try_hold(&to(kim, "2026-06-12T14:00:00Z")).await), "appointment_over");
    let history = world.get(&format!("/scheduling/appointments/{id}")).await.body()["history"].clone();
    let what: Vec<_> = history.as_array().unwrap().iter().map(|change| change["what"].as_str().unwrap()).collect();
    assert_eq!(what, ["booked", "moved", "moved", "cancelled"]);
    assert_eq!(history[3]["reason"], "user");
    assert!(history.as_array().unwrap().iter().all(|change| change["user_id"].is_string()));
}

#[tokio::test]
async fn what_is_cancelled_is_free_and_cancelled_once() {
    let world = World::new().await;
    let resource = world.resource("Alex").await.id;
    let id = world.booked(resource, TEN).await.appointment_id;
    let body = json!({ "appointment_id": id, "reason": "conflict" });
    let first = world.post("/scheduling/cancel", body.clone()).await.body();
    assert_eq!(first["status"], "cancelled");
    assert_eq!(world.post("/scheduling/cancel", body).await.body(), first);
    let events = world.events("nmc.scheduling.AppointmentCancelled").await;
    assert_eq!((events.len(), &events[0]["cancelled_reason"]), (1, &json!("conflict")));
    // In a conversation's turn as well; by nobody's request as the service.
    let again = world.booked(resource, TEN).await.appointment_id;
    let mut tx = world.db.begin(world.tenant).await.unwrap();
    let reason = CancelledReason::User;
    world.scheduling.cancel_in(&mut tx, &world.system(), again, reason, context()).await.unwrap();
    tx.commit().await.unwrap();
    world.booked(resource, TEN).await;
    let body = json!({ "appointment_id": id, "reason": "system" });
    assert_eq!(world.post("/scheduling/cancel", body).await.problem().0, 422);
}

#[tokio::test]
async fn what_came_of_it_is_said_once_it_has_begun() {
    let world = World::new().await;
    let resource = world.resource("Alex").await.id;
    let [done, missed] = [
        world.booked(resource, TEN).await.appointment_id,
        world.booked(resource, "2026-06-11T15:00:00Z").await.appointment_id,
    ];
    let early = world.post("/scheduling/complete", json!({ "appointment_id": done })).await;
    assert_eq!(early.problem(), (409, "appointment_not_begun".to_owned()));
    world.clock.advance(Duration::hours(24));
    for (path, id, status) in [("complete", done, "completed"), ("no-show", missed, "no_show")] {
        for _ in 0..2 {
            let answer = world.post(&format!("/scheduling/{path}"), json!({ "appointment_id": id })).await;
            assert_eq!(answer.body()["status"], status, "{}", answer.text);
        }
    }
    assert_eq!(world.events("nmc.scheduling.AppointmentCompleted").await, [json!({ "appointment_id": done })]);
    assert_eq!(world.events("nmc.scheduling.AppointmentNoShow").await, [json!({ "appointment_id": missed })]);
    for path in ["complete", "cancel"] {
        let answer = world.post(&format!("/scheduling/{path}"), json!({ "appointment_id": missed })).await;
        assert_eq!(answer.problem(), (409, "appointment_over".to_owned()), "{path}");
    }
    let cancelled = world.scheduling.cancel(&world.owner(), done, CancelledReason::Tenant).await;
    assert!(matches!(cancelled, Err(ChangeError::Over)), "{cancelled:?}");
}

#[tokio::test]
async fn details_are_corrected_one_by_one() {
    let world = World::new().await;
    let resource = world.resource("Alex").await.id;
    let id = world.booked(resource, TEN).await.appointment_id;
    let address = format!("/scheduling/appointments/{id}");
    let patch = async |body: Value| world.send(world.tech(), Method::PATCH, &address, Some(body)).await;
    let changed = patch(json!({ "customer_name": "Pat Other", "notes": null })).await.body();
    assert_eq!(
        (&changed["customer_name"], &changed["address"], &changed["notes"], &changed["version"]),
        (&json!("Pat Other"), &json!("1 Main St"), &json!(null), &json!(2))
    );
    assert_eq!(patch(json!({})).await.body(), changed, "what is the same raises no version");
    let long = patch(json!({ "address": "x".repeat(301) })).await;
    assert_eq!((long.problem().0, long.fields()), (422, vec!["address".to_owned()]));
    let history = world.get(&address).await.body()["history"].clone();
    assert_eq!(history[1]["what"], "corrected");
    assert_eq!(world.count("select count(*) from outbox_events where event_name like '%.Appointment%'").await, 2);
}

#[tokio::test]
async fn appointments_are_listed_by_what_is_asked_for() {
    let world = World::new().await;
    let [alex, kim] = [world.resource("Alex").await.id, world.resource("Kim").await.id];
    let first = world.booked(alex, TEN).await.appointment_id;
    let second = world.booked(kim, "2026-06-11T15:00:00Z").await.appointment_id;
    let third = world.booked(alex, "2026-06-12T14:00:00Z").await.appointment_id;
    world.scheduling.cancel(&world.owner(), third, CancelledReason::Tenant).await.unwrap();
    for (query, expected) in [
        (String::new(), vec![first, second, third]),
        ("from=2026-06-11T14:30:00Z&to=2026-06-12T00:00:00Z".to_owned(), vec![second]),
        (format!("resource_id={alex}"), vec![first, third]),
        (format!("resource_id={alex}&status=booked"), vec![first]),
        ("status=cancelled".to_owned(), vec![third]),
        ("customer_phone=%2B12125550142".to_owned(), vec![first, second, third]),
        (format!("customer_phone=%2B12125550142&resource_id={kim}"), vec![second]),
        ("customer_phone=%2B12125550143".to_owned(), vec![]),
    ] {
        let mut cursor = String::new();
        let mut found = Vec::new();
        loop {
            let page = world.get(&format!("/scheduling/appointments?limit=1&{query}{cursor}")).await.body();
            found.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].clone()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let expected: Vec<Value> = expected.iter().map(|id| json!(id)).collect();
        assert_eq!(found, expected, "{query}");
    }
    for query in ["from=x", "status=gone", "customer_phone=5", "from=%2B10000-01-01T00:00:00Z"] {
        assert_eq!(world.get(&format!("/scheduling/appointments?{query}")).await.problem().0, 422, "{query}");
    }
}
