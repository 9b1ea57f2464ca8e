use axum::http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{World, owner, tenant};

const HOLIDAYS: &str = "/scheduling/holidays";

async fn add(world: &World, date: &str) -> Value {
    let added = world.send(world.tech(), Method::POST, HOLIDAYS, Some(json!({"date": date, "name": " A day "}))).await;
    assert_eq!(added.status, 201, "{}", added.text);
    added.body()
}

#[tokio::test]
async fn a_holiday_is_added_listed_and_taken_away() {
    let world = World::new().await;
    for date in ["2026-12-25", "2026-07-03", "2026-11-26"] {
        let added = add(&world, date).await;
        assert_eq!((&added["date"], &added["name"]), (&json!(date), &json!("A day")));
        assert_eq!(added["appointments_affected"], json!([]));
    }
    let list = async |query: &str| {
        let page = world.send(world.tech(), Method::GET, &format!("{HOLIDAYS}{query}"), None).await.body();
        let dates = page["items"].as_array().unwrap().iter().map(|holiday| holiday["date"].clone()).collect();
        (Value::Array(dates), page["next_cursor"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(list("").await.0, json!(["2026-07-03", "2026-11-26", "2026-12-25"]));
    assert_eq!(list("?from=2026-11-26&to=2026-12-25").await.0, json!(["2026-11-26"]));
    let (first, cursor) = list("?limit=2").await;
    assert_eq!(first, json!(["2026-07-03", "2026-11-26"]));
    assert_eq!(list(&format!("?limit=2&cursor={cursor}")).await.0, json!(["2026-12-25"]));
    let refused = world.send(world.tech(), Method::GET, &format!("{HOLIDAYS}?from=0000-01-01"), None).await;
    assert_eq!((refused.status.as_u16(), refused.fields()), (422, vec!["from".to_owned()]));

    let again =
        world.send(world.tech(), Method::POST, HOLIDAYS, Some(json!({"date": "2026-07-03", "name": "x"}))).await;
    assert_eq!(again.problem(), (409, "holiday_exists".to_owned()));
    let id: Uuid = sqlx::query_scalar("select id from sched_holidays where date = '2026-07-03'")
        .fetch_one(&mut world.superuser().await)
        .await
        .unwrap();
    let address = format!("{HOLIDAYS}/{id}");
    let other = owner(tenant(&world.identity, "Example Roofing").await);
    assert_eq!(world.send(other, Method::DELETE, &address, None).await.status, 404);
    assert_eq!(world.send(world.tech(), Method::DELETE, &address, None).await.status, 204);
    assert_eq!(world.send(world.tech(), Method::DELETE, &address, None).await.status, 404);
    assert_eq!(world.logged("holiday.added").await.len(), 3);
    assert_eq!(world.logged("holiday.removed").await, [(json!({"date": "2026-07-03"}), Value::Null)]);
}

#[tokio::test]
async fn what_lies_on_the_day_where_its_resource_is_stays_and_is_named() {
    let world = World::new().await;
    let (alex, sam) = (world.resource("Alex").await, world.resource("Sam").await);
    let change = serde_json::from_value(json!({"time_zone": "America/Los_Angeles"})).unwrap();
    world.scheduling.change_resource(&world.owner(), sam.id, change).await.unwrap();
    // The third of July begins at four o'clock UTC in New York, at seven in Los Angeles.
    let mut on_it = Vec::new();
    on_it.push(world.book(alex.id, "2026-07-03T03:30:00Z", 60).await);
    on_it.push(world.book(alex.id, "2026-07-03T14:00:00Z", 60).await);
    on_it.push(world.book(sam.id, "2026-07-04T06:00:00Z", 60).await);
    for (resource, before_or_after) in [
        (alex.id, "2026-07-03T02:30:00Z"),
        (alex.id, "2026-07-04T04:00:00Z"),
        (sam.id, "2026-07-03T06:00:00Z"),
        (sam.id, "2026-07-04T07:00:00Z"),
    ] {
        world.book(resource, before_or_after, 60).await;
    }
    let added = add(&world, "2026-07-03").await;
    assert_eq!(added["appointments_affected"], json!(on_it));
    assert_eq!(world.count("select count(*) from sched_appointments where status = 'booked'").await, 7);
}

#[tokio::test]
async fn a_repeat_gets_the_first_answer_and_wrong_fields_are_named() {
    let world = World::new().await;
    let body = json!({"date": "2026-07-03", "name": "A day"});
    let post = || world.send_keyed(world.owner(), Method::POST, HOLIDAYS, Some(body.clone()), "one");
    let (first, again) = (post().await, post().await);
    assert_eq!((first.status.as_u16(), first.body()), (201, again.body()));
    for (field, body) in [
        ("name", json!({"date": "2026-07-04", "name": ""})),
        ("date", json!({"date": "9999-12-31", "name": "x"})),
        ("date", json!({"date": "tomorrow", "name": "x"})),
    ] {
        let refused = world.send(world.owner(), Method::POST, HOLIDAYS, Some(body)).await;
        assert_eq!((refused.status.as_u16(), refused.fields()), (422, vec![field.to_owned()]));
    }
}

#[tokio::test]
async fn a_business_has_five_hundred_holidays() {
    let world = World::new().await;
    sqlx::query(
        "insert into sched_holidays (tenant_id, id, date, name, created_at)
         select $1, gen_random_uuid(), '2030-01-01'::date + n, 'x', now() from generate_series(1, 500) n",
    )
    .bind(world.tenant.as_uuid())
    .execute(&mut world.superuser().await)
    .await
    .unwrap();
    let body = json!({"date": "2026-07-03", "name": "One more"});
    let full = world.send(world.owner(), Method::POST, HOLIDAYS, Some(body)).await;
    assert_eq!(full.problem(), (409, "too_many_holidays".to_owned()));
    assert_eq!(world.count("select count(*) from sched_holidays").await, 500);
}
