use axum::http::Method;
use nmc_kernel::ResourceId;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{World, owner, tenant};

fn of(resource: ResourceId) -> String {
    format!("/scheduling/resources/{resource}/time-off")
}

async fn add(world: &World, resource: ResourceId, body: Value) -> Value {
    let added = world.send(world.tech(), Method::POST, &of(resource), Some(body)).await;
    assert_eq!(added.status, 201, "{}", added.text);
    added.body()
}

#[tokio::test]
async fn an_absence_is_stored_in_pieces_and_shown_as_one() {
    let world = World::new().await;
    let alex = world.resource("Alex").await;
    // Over the end of daylight saving time: six days and an hour.
    let days = json!({"first_day": "2026-10-28", "last_day": "2026-11-02", "reason": " Away "});
    let added = add(&world, alex.id, days).await;
    assert_eq!((&added["start"], &added["end"]), (&json!("2026-10-28T04:00:00Z"), &json!("2026-11-03T05:00:00Z")));
    assert_eq!((&added["reason"], &added["appointments_affected"]), (&json!("Away"), &json!([])));
    assert_eq!(world.count("select count(*) from sched_time_off").await, 7);
    let whole = "select count(*) from (select min(starts_at) s, max(ends_at) e, sum(ends_at - starts_at) l, count(distinct id) n
                 from sched_time_off) t where e - s = l and n = 7";
    assert_eq!(world.count(whole).await, 1);

    add(&world, alex.id, json!({"start": "2026-06-12T14:00:00Z", "end": "2026-06-12T16:00:00Z"})).await;
    let list = async |query: &str| {
        world.send(world.tech(), Method::GET, &format!("{}{query}", of(alex.id)), None).await.body()
    };
    let listed = list("").await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    let mut shown = added.clone();
    shown.as_object_mut().unwrap().remove("appointments_affected");
    assert_eq!(listed["items"][1], shown);
    // From its middle, and up to its beginning.
    let middle = list("?from=2026-10-30T00:00:00Z&to=2026-10-30T01:00:00Z").await;
    assert_eq!(middle["items"], json!([shown]));
    assert_eq!(list("?from=2026-06-12T16:00:00Z&to=2026-10-28T04:00:00Z").await["items"], json!([]));
    let first = list("?limit=1").await;
    let next = list(&format!("?limit=1&cursor={}", first["next_cursor"].as_str().unwrap())).await;
    assert_eq!((&next["items"], &next["next_cursor"]), (&json!([shown]), &Value::Null));
    for window in ["?from=2026-06-12T14:00:00Z&to=2027-06-14T14:00:00Z", "?to=2026-01-01T00:00:00Z"] {
        let refused = world.send(world.tech(), Method::GET, &format!("{}{window}", of(alex.id)), None).await;
        assert_eq!((refused.status.as_u16(), refused.fields()), (422, vec!["to".to_owned()]), "{window}");
    }
}

#[tokio::test]
async fn what_it_lies_over_stays_and_is_named() {
    let world = World::new().await;
    let (alex, sam) = (world.resource("Alex").await, world.resource("Sam").await);
    let under =
        [world.book(alex.id, "2026-06-12T13:30:00Z", 60).await, world.book(alex.id, "2026-06-12T15:00:00Z", 60).await];
    world.book(alex.id, "2026-06-12T16:00:00Z", 60).await;
    world.book(sam.id, "2026-06-12T15:00:00Z", 60).await;
    let held = world.hold(alex.id, "2026-06-12T14:30:00Z", 15).await;
    let added = add(&world, alex.id, json!({"start": "2026-06-12T14:00:00Z", "end": "2026-06-12T16:00:00Z"})).await;
    assert_eq!(added["appointments_affected"], json!(under));
    // A hold is a promise.
    assert_eq!(world.count("select count(*) from sched_holds").await, 1);
    assert!(world.scheduling.release(&world.owner(), held).await.is_ok());
}

#[tokio::test]
async fn an_absence_is_taken_away_whole_and_by_its_own_business() {
    let world = World::new().await;
    let alex = world.resource("Alex").await;
    let days = json!({"first_day": "2026-07-06", "last_day": "2026-07-10"});
    let id = add(&world, alex.id, days.clone()).await["id"].as_str().unwrap().to_owned();
    let address = format!("/scheduling/time-off/{id}");
    let other = owner(tenant(&world.identity, "Example Roofing").await);
    assert_eq!(world.send(other, Method::DELETE, &address, None).await.status, 404);
    assert_eq!(world.send(other, Method::GET, &of(alex.id), None).await.status, 404);
    assert_eq!(world.send(other, Method::POST, &of(alex.id), Some(days)).await.status, 404);
    assert_eq!(world.count("select count(*) from sched_time_off").await, 5);
    assert_eq!(world.send(world.tech(), Method::DELETE, &address, None).await.status, 204);
    assert_eq!(world.send(world.tech(), Method::DELETE, &address, None).await.status, 404);
    assert_eq!(world.count("select count(*) from sched_time_off").await, 0);
    let (added, removed) = (world.logged("time-off.added").await, world.logged("time-off.removed").await);
    assert_eq!((added.len(), removed.len()), (1, 1));
    assert_eq!(removed[0].0, json!({"resource_id": alex.id}));
}

#[tokio::test]
async fn wrong_fields_are_named_and_a_repeat_gets_the_first_answer() {
    let world = World::new().await;
    let alex = world.resource("Alex").await;
    let at = "2026-07-06T14:00:00Z";
    for (field, body) in [
        ("start", json!({})),
        ("start", json!({"start": at, "last_day": "2026-07-06"})),
        ("end", json!({"start": at, "end": at})),
        ("end", json!({"start": at, "end": "2027-07-09T14:00:00Z"})),
        ("last_day", json!({"first_day": "2026-07-06", "last_day": "2026-07-05"})),
        ("end", json!({"start": "2026-06-10T17:00:00Z", "end": "2026-06-10T18:00:00Z"})),
        ("last_day", json!({"first_day": "2026-06-09", "last_day": "2026-06-09"})),
        ("reason", json!({"first_day": "2026-07-06", "last_day": "2026-07-06", "reason": "a\nb"})),
        ("start", json!({"start": "soon", "end": at})),
    ] {
        let refused = world.send(world.owner(), Method::POST, &of(alex.id), Some(body)).await;
        assert_eq!((refused.status.as_u16(), refused.fields()), (422, vec![field.to_owned()]), "{}", refused.text);
    }
    let missing = of(Uuid::from_u128(9).into());
    let day = json!({"first_day": "2026-07-06", "last_day": "2026-07-06"});
    let answer = world.send(world.owner(), Method::POST, &missing, Some(day.clone())).await;
    assert_eq!(answer.problem(), (404, "not_found".to_owned()));
    let address = of(alex.id);
    let post = || world.send_keyed(world.owner(), Method::POST, &address, Some(day.clone()), "one");
    let (first, again) = (post().await, post().await);
    assert_eq!((first.status.as_u16(), first.body()), (201, again.body()));
    assert_eq!(world.count("select count(*) from sched_time_off").await, 1);
}

#[tokio::test]
async fn a_resource_has_two_hundred_absences_to_come() {
    let world = World::new().await;
    let alex = world.resource("Alex").await;
    sqlx::query(
        "insert into sched_time_off (tenant_id, id, absence_id, resource_id, starts_at, ends_at, created_at)
         select $1, gen_random_uuid(), gen_random_uuid(), $2, t, t + interval '1 hour', t
         from generate_series('2026-07-01T14:00:00Z'::timestamptz, '2027-01-16T14:00:00Z', '1 day') t",
    )
    .bind(world.tenant.as_uuid())
    .bind(alex.id.as_uuid())
    .execute(&mut world.superuser().await)
    .await
    .unwrap();
    assert_eq!(world.count("select count(*) from sched_time_off").await, 200);
    let day = json!({"first_day": "2026-07-06", "last_day": "2026-07-06"});
    let full = world.send(world.owner(), Method::POST, &of(alex.id), Some(day)).await;
    assert_eq!(full.problem(), (409, "too_many_absences".to_owned()));
    assert_eq!(world.count("select count(*) from sched_time_off").await, 200);
}
