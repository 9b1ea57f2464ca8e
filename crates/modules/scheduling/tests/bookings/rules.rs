//! Every rule, with its code; a list and a hold follow the same ones.

use axum::http::Method;
use chrono::Duration;
use nmc_identity::TenantStatus;
use nmc_kernel::{Actor, Minutes, Timeslot};
use nmc_scheduling::{Granularity, Job, NewHold, Search, WithAppointments};
use serde_json::json;
use uuid::Uuid;

use crate::{
    play::{TEN, an_hour, booking, code_of, slot},
    world::{World, at, owner, tenant},
};

#[tokio::test]
async fn each_rule_refuses_with_its_code_and_offers_something_else() {
    let world = World::new().await;
    let resource = world.apart("Alex").await.id;
    world.booked(resource, TEN).await;
    let post = async |path: &str, body| {
        let answer = world.post(path, body).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text);
    };
    post("/scheduling/holidays", json!({ "date": "2026-06-19", "name": "Juneteenth" })).await;
    let away = json!({ "start": "2026-06-12T16:00:00Z", "end": "2026-06-12T18:00:00Z" });
    post(&format!("/scheduling/resources/{resource}/time-off"), away).await;
    sqlx::query(
        "insert into sched_ext_busy (tenant_id, id, resource_id, calendar_id, source_ref, starts_at, ends_at, created_at)
         values ($1, gen_random_uuid(), $2, gen_random_uuid(), 'lunch', '2026-06-15 16:00Z', '2026-06-15 17:00Z', now())",
    )
    .bind(world.tenant.as_uuid())
    .bind(resource.as_uuid())
    .execute(&mut world.superuser().await)
    .await
    .unwrap();
    for (start, code) in [
        (TEN, "slot_taken"),
        ("2026-06-11T15:15:00Z", "buffer_conflict"),
        ("2026-06-11T20:30:00Z", "outside_hours"),
        ("2026-06-13T14:00:00Z", "outside_hours"),
        ("2026-06-19T14:00:00Z", "holiday"),
        ("2026-06-12T15:00:00Z", "time_off"),
        ("2026-06-15T16:00:00Z", "external_busy"),
        ("2026-06-10T19:00:00Z", "minimum_notice"),
        ("2026-09-10T14:00:00Z", "beyond_horizon"),
        ("2026-06-11T17:05:00Z", "slot_not_aligned"),
        ("2026-06-10T17:00:00Z", "in_the_past"),
    ] {
        let body = json!({ "resource_id": resource, "start": start, "end": at(start) + Duration::hours(1) });
        let answer = world.post("/scheduling/holds", body).await;
        assert_eq!(answer.problem(), (409, code.to_owned()), "{start}");
        let problem = answer.body();
        let alternatives = problem["alternatives"].as_array().map_or(0, Vec::len);
        assert_eq!(alternatives, 3, "{start}: {problem}");
        for other in problem["alternatives"].as_array().into_iter().flatten() {
            let start = other["start"].as_str().unwrap();
            let can_be_held = world.hold_and_release(&an_hour(resource, start)).await;
            assert_eq!(can_be_held, "held", "{start} was offered");
        }
    }
}

impl World {
    async fn hold_and_release(&self, new: &NewHold) -> String {
        let held = self.try_hold(new).await;
        if let Ok(held) = &held {
            self.scheduling.release(&self.owner(), held.hold_id).await.unwrap();
        }
        code_of(held)
    }
}

/// What is listed can be held, and nothing else.
#[tokio::test]
async fn the_list_and_the_hold_follow_the_same_rules() {
    let world = World::new().await;
    let resource = world.apart("Alex").await.id;
    world.booked(resource, TEN).await;
    let window = slot("2026-06-11T11:00:00Z", 11 * 60);
    let search = Search {
        resource_ids: None,
        job: Job::Length(Minutes::new(60).unwrap()),
        window,
        granularity: Some(Granularity::Quarter),
        conversation_id: None,
        moves_appointment_id: None,
    };
    let found = world.scheduling.search(&world.owner(), &search).await.unwrap();
    assert!(found.is_complete);
    let mut start = window.start();
    let mut listed = 0;
    while start + Duration::minutes(60) <= window.end() {
        let new =
            NewHold { slot: Timeslot::new(start, start + Duration::minutes(60)).unwrap(), ..an_hour(resource, TEN) };
        let is_listed = found.slots.iter().any(|slot| slot.start == start);
        assert_eq!(world.hold_and_release(&new).await == "held", is_listed, "{start}");
        listed += usize::from(is_listed);
        start += Duration::minutes(15);
    }
    assert_eq!(listed, found.slots.len());
    assert!(listed > 10);
}

#[tokio::test]
async fn skills_durations_and_inactive_things() {
    let world = World::new().await;
    let other = world.item_of(world.tenant, "Roof").await;
    let plumber = world.made(json!({ "name": "Alex", "skills": [world.item] })).await.id;
    let of = |item, minutes| NewHold { service_item_id: Some(item), slot: slot(TEN, minutes), ..an_hour(plumber, TEN) };
    assert_eq!(code_of(world.try_hold(&of(other, 60)).await), "lacks_skill");
    assert_eq!(code_of(world.try_hold(&of(world.item, 45)).await), "duration_mismatch");
    assert_eq!(code_of(world.try_hold(&of(Uuid::nil().into(), 60)).await), "not_found");
    let body = json!({
        "resource_id": plumber, "start": TEN, "end": "2026-06-11T14:45:00Z", "service_item_id": world.item
    });
    let answer = world.post("/scheduling/holds", body).await;
    assert_eq!((answer.problem(), answer.fields()), ((422, "duration_mismatch".to_owned()), vec!["end".to_owned()]));
    for minutes in [0, 481] {
        let body = json!({ "resource_id": plumber, "start": TEN, "end": at(TEN) + Duration::minutes(minutes) });
        let answer = world.post("/scheduling/holds", body).await;
        assert_eq!((answer.problem().0, answer.fields()), (422, vec!["end".to_owned()]), "{minutes}");
    }
    // Nobody but the plumber is asked what a plumber does.
    let roofer = world.made(json!({ "name": "Kim", "skills": [other] })).await.id;
    let body = json!({
        "service_item_id": other, "window_start": "2026-06-11T00:00:00Z", "window_end": "2026-06-12T00:00:00Z",
        "granularity_minutes": 60
    });
    let found = world.post("/scheduling/search", body.clone()).await.body();
    let slots = found["slots"].as_array().unwrap();
    assert!(!slots.is_empty() && slots.iter().all(|slot| slot["resource_id"] == json!(roofer)), "{found}");
    // A hold without an item is booked for what its resource does.
    let held = world.try_hold(&an_hour(plumber, TEN)).await.unwrap();
    let refused = world.scheduling.book(&world.owner(), &booking(held.hold_id, other), None).await.unwrap_err();
    assert_eq!(nmc_web::Problem::from(refused.error).code(), "lacks_skill");

    world.catalog.deactivate_item(&world.owner(), other).await.unwrap();
    assert_eq!(world.post("/scheduling/search", body).await.problem(), (410, "item_inactive".to_owned()));
    assert_eq!(code_of(world.try_hold(&NewHold { resource_id: roofer, ..of(other, 60) }).await), "item_inactive");
    let path = format!("/scheduling/resources/{roofer}");
    assert!(world.send(world.owner(), Method::DELETE, &path, None).await.status.is_success());
    assert_eq!(code_of(world.try_hold(&an_hour(roofer, TEN)).await), "resource_inactive");
}

/// A hold for nothing said is no way around the length of what is booked, or moved, in the end.
#[tokio::test]
async fn what_is_held_for_no_item_lasts_as_long_as_what_becomes_of_it() {
    let world = World::new().await;
    let resource = world.resource("Alex").await.id;
    let id = world.booked(resource, TEN).await.appointment_id;
    let short = |is_override| NewHold { slot: slot("2026-06-11T16:00:00Z", 15), is_override, ..an_hour(resource, TEN) };
    let by_the_rules = world.try_hold(&short(false)).await.unwrap().hold_id;
    let book = json!({ "hold_id": by_the_rules, "service_item_id": world.item, "customer_phone": "+12125550142" });
    let moved = json!({ "hold_id": by_the_rules, "appointment_id": id });
    for (path, body) in [("book", book), ("reschedule", moved)] {
        let answer = world.post(&format!("/scheduling/{path}"), body).await;
        let expected = ((422, "duration_mismatch".to_owned()), vec!["hold_id".to_owned()]);
        assert_eq!((answer.problem(), answer.fields()), expected, "{path}");
    }
    world.scheduling.release(&world.owner(), by_the_rules).await.unwrap();
    let on_purpose = world.try_hold(&short(true)).await.unwrap().hold_id;
    world.scheduling.book(&world.owner(), &booking(on_purpose, world.item), None).await.unwrap();
}

#[tokio::test]
async fn a_slot_is_of_whole_minutes_also_on_purpose() {
    let world = World::new().await;
    let resource = world.resource("Alex").await.id;
    for (start, end, field) in [
        ("2026-06-11T14:00:00.000001Z", "2026-06-11T15:00:00Z", "start"),
        ("2026-06-11T14:00:30Z", "2026-06-11T15:00:30Z", "start"),
        ("2026-06-11T14:00:00Z", "2026-06-11T15:00:01Z", "end"),
    ] {
        for on_purpose in [false, true] {
            let body = json!({ "resource_id": resource, "start": start, "end": end, "override": on_purpose });
            let answer = world.post("/scheduling/holds", body).await;
            let expected = ((422, "invalid_input".to_owned()), vec![field.to_owned()]);
            assert_eq!((answer.problem(), answer.fields()), expected, "{start} {end}");
        }
    }
}

/// What is offered instead is for the job at hand, whatever was held.
#[tokio::test]
async fn alternatives_are_for_what_is_booked_or_moved() {
    let world = World::new().await;
    let long = serde_json::from_value(json!({
        "name": "Roof", "duration_minutes": 120, "price": { "amount_cents": 1, "currency": "USD" }
    }))
    .unwrap();
    let long = world.catalog.create_item(&world.owner(), &long, None).await.unwrap().id;
    let plumber = world.made(json!({ "name": "Alex", "skills": [world.item] })).await.id;
    let roofer = world.made(json!({ "name": "Kim" })).await.id;
    let held = world.try_hold(&an_hour(plumber, TEN)).await.unwrap().hold_id;
    let refused = world.scheduling.book(&world.owner(), &booking(held, long), None).await.unwrap_err();
    assert_eq!(refused.alternatives.len(), 3);
    for other in refused.alternatives {
        assert_eq!((other.resource_id, other.end - other.start), (roofer, Duration::hours(2)));
    }
    // Its own time is free to what moves.
    world.scheduling.deactivate_resource(&world.owner(), plumber, WithAppointments::Refuse).await.unwrap();
    let id = world.booked(roofer, TEN).await.appointment_id;
    let new = NewHold {
        slot: slot("2026-06-11T14:15:00Z", 120),
        service_item_id: Some(long),
        moves_appointment_id: Some(id),
        ..an_hour(roofer, TEN)
    };
    let held = world.try_hold(&new).await.unwrap().hold_id;
    let refused = world.scheduling.reschedule(&world.owner(), id, held).await.unwrap_err();
    let nearest = refused.alternatives[0];
    assert_eq!((nearest.start, nearest.end), (at("2026-06-11T13:15:00Z"), at("2026-06-11T14:15:00Z")));
}

#[tokio::test]
async fn a_person_sets_rules_aside_and_never_an_appointment_a_hold_or_the_past() {
    let world = World::new().await;
    let resource = world.apart("Alex").await.id;
    world.booked(resource, TEN).await;
    let over = |start: &str| NewHold { is_override: true, ..an_hour(resource, start) };
    for start in ["2026-06-14T03:05:00Z", "2026-06-11T15:15:00Z", "2027-06-11T14:00:00Z"] {
        assert_eq!(code_of(world.try_hold(&over(start)).await), "held", "{start}");
    }
    for (start, code) in [
        ("2026-06-11T14:30:00Z", "slot_taken"),
        ("2026-06-14T03:30:00Z", "slot_taken"),
        ("2026-06-10T17:00:00Z", "in_the_past"),
    ] {
        assert_eq!(code_of(world.try_hold(&over(start)).await), code, "{start}");
    }
    // The automation follows the rules.
    let refused = world.scheduling.hold(&world.system(), &over("2026-06-14T08:00:00Z"), None).await;
    assert_eq!(code_of(refused), "person_required");
}

#[tokio::test]
async fn a_closed_gate_or_a_suspended_business_takes_no_bookings_and_still_lets_go() {
    let world = World::new().await;
    let resource = world.resource("Alex").await.id;
    let appointment = world.booked(resource, TEN).await.appointment_id;
    let held = world.try_hold(&an_hour(resource, "2026-06-11T16:00:00Z")).await.unwrap().hold_id;
    let spare = world.try_hold(&an_hour(resource, "2026-06-11T18:00:00Z")).await.unwrap().hold_id;
    world.close_gate().await;
    let refused = async |code: &str| {
        let another =
            json!({ "resource_id": resource, "start": "2026-06-12T14:00:00Z", "end": "2026-06-12T15:00:00Z" });
        let book = json!({ "hold_id": held, "service_item_id": world.item, "customer_phone": "+12125550142" });
        let moved = json!({ "appointment_id": appointment, "hold_id": held });
        for (path, body) in [("holds", another), ("book", book), ("reschedule", moved)] {
            let answer = world.post(&format!("/scheduling/{path}"), body).await;
            assert_eq!(answer.problem(), (403, code.to_owned()), "{path}");
        }
    };
    refused("booking_closed").await;
    world.scheduling.release(&world.owner(), spare).await.unwrap();
    let operator = Actor::Operator { tenant: world.tenant };
    world.identity.set_status(&operator, TenantStatus::Suspended).await.unwrap();
    refused("tenant_suspended").await;
    world.scheduling.release(&world.owner(), held).await.unwrap();
    let body = json!({ "appointment_id": appointment });
    assert_eq!(world.post("/scheduling/cancel", body).await.body()["status"], "cancelled");
}

#[tokio::test]
async fn a_search_is_bounded_and_says_what_is_wrong_with_it() {
    let world = World::new().await;
    world.resource("Alex").await;
    let (start, end) = ("2026-06-11T00:00:00Z", "2026-06-25T00:00:00Z");
    for (body, field) in [
        (json!({ "duration_minutes": 60, "window_start": start, "window_end": "2026-06-25T00:00:01Z" }), "window_end"),
        (json!({ "duration_minutes": 60, "window_start": end, "window_end": start }), "window_end"),
        (json!({ "window_start": start, "window_end": end }), "service_item_id"),
        (
            json!({ "duration_minutes": 60, "service_item_id": world.item, "window_start": start, "window_end": end }),
            "service_item_id",
        ),
        (json!({ "duration_minutes": 0, "window_start": start, "window_end": end }), "duration_minutes"),
        (
            json!({ "duration_minutes": 60, "granularity_minutes": 20, "window_start": start, "window_end": end }),
            "granularity_minutes",
        ),
        (
            json!({ "duration_minutes": 60, "window_start": start, "window_end": "+10000-01-01T00:00:00Z" }),
            "window_end",
        ),
    ] {
        let answer = world.post("/scheduling/search", body.clone()).await;
        assert_eq!((answer.problem().0, answer.fields()), (422, vec![field.to_owned()]), "{body}");
    }
    // Of everybody's quarters of an hour more than two thousand are not told.
    for number in 0..6 {
        world.resource(&format!("Helper {number}")).await;
    }
    let body = json!({ "duration_minutes": 1, "window_start": start, "window_end": end });
    let found = world.post("/scheduling/search", body).await.body();
    assert_eq!((found["slots"].as_array().unwrap().len(), &found["complete"]), (2000, &json!(false)));
    let starts: Vec<_> =
        found["slots"].as_array().unwrap().iter().map(|slot| slot["start"].as_str().unwrap()).collect();
    assert!(starts.is_sorted());
}

/// The second wall alone is tried over all routes and tables in the application's tests.
#[tokio::test]
async fn a_neighbours_ids_lead_nowhere() {
    let world = World::new().await;
    let resource = world.resource("Alex").await.id;
    let appointment = world.booked(resource, TEN).await.appointment_id;
    let held = world.try_hold(&an_hour(resource, "2026-06-11T16:00:00Z")).await.unwrap().hold_id;
    let stranger = owner(tenant(&world.identity, "Example Roofing").await);
    let body = json!({ "resource_id": resource, "start": TEN, "end": "2026-06-11T15:00:00Z" });
    let answer = world.send(stranger, Method::POST, "/scheduling/holds", Some(body)).await;
    assert_eq!(answer.problem(), (404, "not_found".to_owned()));
    for (method, path, body) in [
        (Method::DELETE, format!("/scheduling/holds/{held}"), None),
        (Method::GET, format!("/scheduling/appointments/{appointment}"), None),
        (Method::PATCH, format!("/scheduling/appointments/{appointment}"), Some(json!({ "notes": "mine" }))),
        (Method::POST, "/scheduling/cancel".to_owned(), Some(json!({ "appointment_id": appointment }))),
        (Method::POST, "/scheduling/complete".to_owned(), Some(json!({ "appointment_id": appointment }))),
        (Method::POST, "/scheduling/no-show".to_owned(), Some(json!({ "appointment_id": appointment }))),
    ] {
        let answer = world.send(stranger, method.clone(), &path, body).await;
        assert_eq!(answer.problem(), (404, "not_found".to_owned()), "{method} {path}");
    }
    for path in ["/scheduling/holds", "/scheduling/appointments"] {
        let answer = world.send(stranger, Method::GET, path, None).await;
        assert_eq!(answer.body()["items"], json!([]), "{path}");
    }
}
