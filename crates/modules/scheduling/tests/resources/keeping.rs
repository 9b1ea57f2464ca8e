use axum::http::Method;
use nmc_scheduling::{ResourceError, WithAppointments};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{World, at, owner, tenant};

const RESOURCES: &str = "/scheduling/resources";

#[tokio::test]
async fn a_resource_is_added_shown_changed_and_listed() {
    let world = World::new().await;
    let added = world.send(world.tech(), Method::POST, RESOURCES, Some(json!({"name": " Alex "}))).await;
    assert_eq!(added.status, 201, "{}", added.text);
    let alex = added.body();
    let nine_hours = json!([{"opens": "08:00:00", "closes": "17:00:00"}]);
    assert_eq!((&alex["name"], &alex["time_zone"], &alex["skills"]), (&json!("Alex"), &Value::Null, &Value::Null));
    assert_eq!((&alex["weekly_hours"]["friday"], &alex["weekly_hours"]["saturday"]), (&nine_hours, &json!([])));
    assert_eq!((&alex["minimum_notice_minutes"], &alex["horizon_days"]), (&json!(120), &json!(60)));

    let address = format!("{RESOURCES}/{}", alex["id"].as_str().unwrap());
    let body = json!({"time_zone": "America/Denver", "buffer_after_minutes": 30, "skills": [world.item]});
    let changed = world.send(world.tech(), Method::PATCH, &address, Some(body)).await.body();
    assert_eq!(changed["time_zone"], "America/Denver");
    assert_eq!((&changed["buffer_after_minutes"], &changed["buffer_before_minutes"]), (&json!(30), &json!(0)));
    assert_eq!(changed["skills"], json!([world.item]));
    assert_eq!(world.send(world.tech(), Method::GET, &address, None).await.body(), changed);
    let back =
        world.send(world.tech(), Method::PATCH, &address, Some(json!({"time_zone": null, "skills": null}))).await;
    assert_eq!((&back.body()["time_zone"], &back.body()["skills"]), (&Value::Null, &Value::Null));

    let sam = world.resource("Sam").await;
    let listed = world.send(world.tech(), Method::GET, &format!("{RESOURCES}?limit=1"), None).await.body();
    assert_eq!((listed["items"].as_array().unwrap().len(), &listed["items"][0]["name"]), (1, &json!("Alex")));
    let next = format!("{RESOURCES}?limit=1&cursor={}", listed["next_cursor"].as_str().unwrap());
    let listed = world.send(world.tech(), Method::GET, &next, None).await.body();
    assert_eq!((&listed["items"][0]["id"], &listed["next_cursor"]), (&json!(sam.id), &Value::Null));

    assert_eq!(world.logged("resource.created").await.len(), 2);
    let logged = world.logged("resource.changed").await;
    assert_eq!(logged[0].0, json!({"time_zone": null, "buffer_after_minutes": 0, "skills": null}));
    // What changes nothing is not written down.
    world.send(world.tech(), Method::PATCH, &address, Some(json!({"horizon_days": 60}))).await;
    assert_eq!(world.logged("resource.changed").await.len(), 2);
}

#[tokio::test]
async fn a_new_resource_keeps_the_businesss_opening_hours() {
    let world = World::new().await;
    let saturdays = json!({"settings": {"opening_hours": {"saturday": [{"opens": "09:00:00", "closes": "12:00:00"}]}}});
    world.identity.change_tenant(&world.owner(), serde_json::from_value(saturdays).unwrap()).await.unwrap();
    let alex = world.resource("Alex").await;
    assert_eq!((alex.weekly_hours.saturday.len(), alex.weekly_hours.monday.len()), (1, 0));
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_field() {
    let world = World::new().await;
    let theirs = world.item_of(tenant(&world.identity, "Example Roofing").await, "Roof").await;
    let backwards = json!({"monday": [{"opens": "17:00:00", "closes": "08:00:00"}]});
    let alex = world.resource("Alex").await;
    for (field, value) in [
        ("name", json!("")),
        ("time_zone", json!("Mars/Olympus")),
        ("weekly_hours", backwards),
        ("buffer_before_minutes", json!(121)),
        ("buffer_after_minutes", json!(-1)),
        ("minimum_notice_minutes", json!(43_201)),
        ("horizon_days", json!(0)),
        ("skills", json!([Uuid::from_u128(9)])),
        // A neighbour's is as unknown as none.
        ("skills", json!([theirs])),
    ] {
        let change = json!({ field: value });
        let mut new = json!({"name": "Sam"});
        new[field] = value;
        let refused = world.send(world.owner(), Method::POST, RESOURCES, Some(new)).await;
        assert_eq!((refused.status.as_u16(), refused.fields()), (422, vec![field.to_owned()]), "{}", refused.text);
        let address = format!("{RESOURCES}/{}", alex.id);
        let refused = world.send(world.owner(), Method::PATCH, &address, Some(change)).await;
        assert_eq!((refused.status.as_u16(), refused.fields()), (422, vec![field.to_owned()]), "{}", refused.text);
    }
    let address = format!("{RESOURCES}/{}", alex.id);
    for field in ["name", "weekly_hours", "horizon_days", "active"] {
        let refused = world.send(world.owner(), Method::PATCH, &address, Some(json!({ field: null }))).await;
        assert_eq!((refused.status.as_u16(), refused.fields()), (422, vec![field.to_owned()]), "{}", refused.text);
    }
    assert_eq!(world.count("select count(*) from sched_resources").await, 1);
}

#[tokio::test]
async fn a_name_is_one_resources() {
    let world = World::new().await;
    let alex = world.resource("Alex").await;
    let taken = world.send(world.owner(), Method::POST, RESOURCES, Some(json!({"name": "ALEX"}))).await;
    assert_eq!(taken.problem(), (409, "name_taken".to_owned()));
    let sam = world.resource("Sam").await;
    let address = format!("{RESOURCES}/{}", sam.id);
    let taken = world.send(world.owner(), Method::PATCH, &address, Some(json!({"name": "alex"}))).await;
    assert_eq!(taken.problem(), (409, "name_taken".to_owned()));
    // Its own is no obstacle, and neither is a neighbour's.
    let address = format!("{RESOURCES}/{}", alex.id);
    assert_eq!(world.send(world.owner(), Method::PATCH, &address, Some(json!({"name": "alex"}))).await.status, 200);
    let other = owner(tenant(&world.identity, "Example Roofing").await);
    assert_eq!(world.send(other, Method::POST, RESOURCES, Some(json!({"name": "Alex"}))).await.status, 201);
}

#[tokio::test]
async fn a_repeat_gets_the_first_answer() {
    let world = World::new().await;
    let post = |name: &'static str| {
        world.send_keyed(world.owner(), Method::POST, RESOURCES, Some(json!({ "name": name })), "one")
    };
    let (first, again) = (post("Alex").await, post("Alex").await);
    assert_eq!((first.status, first.body()), (again.status, again.body()));
    assert_eq!(post("Sam").await.problem(), (409, "idempotency_key_reused".to_owned()));
    assert_eq!(world.count("select count(*) from sched_resources").await, 1);
}

#[tokio::test]
async fn a_business_has_fifty_resources_also_when_they_come_at_once() {
    let world = World::new().await;
    for number in 0..48 {
        world.resource(&format!("Worker {number}")).await;
    }
    let owner = world.owner();
    let create = async |number: u8| {
        let new = serde_json::from_value(json!({ "name": format!("Late {number}") })).unwrap();
        world.scheduling.create_resource(&owner, new, None).await
    };
    let (a, b, c, d) = tokio::join!(create(1), create(2), create(3), create(4));
    let outcomes = [a, b, c, d];
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 2);
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, Err(ResourceError::TooMany))).count(), 2);
    let full = world.send(world.owner(), Method::POST, RESOURCES, Some(json!({"name": "One more"}))).await;
    assert_eq!(full.problem(), (409, "too_many_resources".to_owned()));
    assert_eq!(world.count("select count(*) from sched_resources").await, 50);
}

#[tokio::test]
async fn a_resource_with_appointments_is_deactivated_only_on_purpose() {
    let world = World::new().await;
    let alex = world.resource("Alex").await;
    let address = format!("{RESOURCES}/{}", alex.id);
    world.book(alex.id, "2026-06-12T14:00:00Z", 60).await;
    world.book(alex.id, "2026-06-12T16:00:00Z", 60).await;
    let held = world.hold(alex.id, "2026-06-12T19:00:00Z", 60).await;

    let refused = world.send(world.owner(), Method::DELETE, &address, None).await;
    assert_eq!(refused.problem(), (409, "resource_has_appointments".to_owned()));
    assert_eq!(refused.body()["appointments"], 2);
    let refused = world.send(world.owner(), Method::PATCH, &address, Some(json!({"active": false}))).await;
    assert_eq!(refused.problem(), (409, "resource_has_appointments".to_owned()));
    assert_eq!(world.count("select count(*) from sched_holds").await, 1);

    let keep = format!("{address}?keep_appointments=true");
    for _ in 0..2 {
        assert_eq!(world.send(world.tech(), Method::DELETE, &keep, None).await.status, 204);
    }
    assert_eq!(world.count("select count(*) from sched_appointments where status = 'booked'").await, 2);
    assert_eq!(world.count("select count(*) from sched_holds").await, 0);
    assert_eq!(world.count("select count(*) from timers where kind = 'scheduling.hold-expiry'").await, 0);
    let released = world.events("nmc.scheduling.AppointmentReleased").await;
    assert_eq!(released.len(), 1);
    assert_eq!((&released[0]["hold_id"], &released[0]["reason"]), (&json!(held), &json!("released")));
    assert_eq!(world.logged("resource.deactivated").await, [(json!({"is_active": true}), json!({"is_active": false}))]);

    let back = world.send(world.owner(), Method::PATCH, &address, Some(json!({"active": true}))).await;
    assert_eq!(back.body()["active"], true);
    assert_eq!(world.logged("resource.reactivated").await.len(), 1);
}

#[tokio::test]
async fn what_is_over_or_cancelled_does_not_keep_a_resource() {
    let world = World::new().await;
    let alex = world.resource("Alex").await;
    let cancelled = world.book(alex.id, "2026-06-12T14:00:00Z", 60).await;
    world.book(alex.id, "2026-06-11T14:00:00Z", 60).await;
    let reason = nmc_scheduling::CancelledReason::Tenant;
    world.scheduling.cancel(&world.owner(), cancelled, reason).await.unwrap();
    let owner = world.owner();
    let deactivate = || world.scheduling.deactivate_resource(&owner, alex.id, WithAppointments::Refuse);
    // It is under way, and then over.
    world.clock.advance(at("2026-06-11T14:59:59Z") - world.clock.now());
    assert!(matches!(deactivate().await, Err(ResourceError::HasAppointments(1))));
    world.clock.advance(at("2026-06-11T15:00:00Z") - world.clock.now());
    deactivate().await.unwrap();
}

#[tokio::test]
async fn a_change_of_hours_and_buffers_leaves_what_is_booked() {
    let world = World::new().await;
    let alex = world.resource("Alex").await;
    let address = format!("{RESOURCES}/{}", alex.id);
    world.send(world.owner(), Method::PATCH, &address, Some(json!({"buffer_after_minutes": 30}))).await;
    world.book(alex.id, "2026-06-12T14:00:00Z", 60).await;
    let ranges = "select md5(string_agg(a::text, '' order by id)) from sched_appointments a";
    let ranges =
        async || -> String { sqlx::query_scalar(ranges).fetch_one(&mut world.superuser().await).await.unwrap() };
    let before = ranges().await;
    let change = json!({"buffer_after_minutes": 0, "buffer_before_minutes": 120, "weekly_hours": {}});
    assert_eq!(world.send(world.owner(), Method::PATCH, &address, Some(change)).await.status, 200);
    assert_eq!(ranges().await, before);
}

#[tokio::test]
async fn what_is_not_there_or_a_neighbours_is_404() {
    let world = World::new().await;
    let other = owner(tenant(&world.identity, "Example Roofing").await);
    let alex = world.resource("Alex").await;
    for id in [alex.id.as_uuid(), Uuid::from_u128(9)] {
        let address = format!("{RESOURCES}/{id}");
        for (method, body) in
            [(Method::GET, None), (Method::PATCH, Some(json!({"horizon_days": 7}))), (Method::DELETE, None)]
        {
            let answer = world.send(other, method.clone(), &address, body).await;
            assert_eq!(answer.problem(), (404, "not_found".to_owned()), "{method} {address}");
        }
    }
    assert_eq!(
        world.send(world.owner(), Method::GET, &format!("{RESOURCES}/{}", alex.id), None).await.body()["active"],
        true
    );
}
