//! The routes as signed-in people meet them. Who is signed in is put into the request as Identity's middleware does.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

mod setup;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Method, Request, StatusCode},
};
use nmc_kernel::Actor;
use serde_json::{Value, json};
use setup::{World, item_body};
use tower::ServiceExt as _;

struct Answer {
    status: StatusCode,
    body: Value,
}

async fn send(world: &World, actor: Option<Actor>, method: Method, path: &str, body: Option<Value>) -> Answer {
    let router: Router = world.catalog.v1_routes().into();
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    let mut request = request.body(body.map_or_else(Body::empty, |body| Body::from(body.to_string()))).unwrap();
    if let Some(actor) = actor {
        request.extensions_mut().insert(actor);
    }
    let response = router.oneshot(request).await.unwrap();
    let status = response.status();
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    Answer { status, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
}

#[tokio::test]
async fn owners_write_and_both_read() {
    let world = World::new().await;
    let item = world.create("Drain cleaning").await;
    let path = format!("/catalog/items/{}", item.id);
    let (aliases, quote) = (format!("{path}/aliases"), format!("/catalog/quote/{}", item.id));
    for (method, path, body, owners_only) in [
        (Method::GET, "/catalog/items", None, false),
        (Method::POST, "/catalog/items", Some(item_body("Leak repair")), true),
        (Method::GET, path.as_str(), None, false),
        (Method::PATCH, &path, Some(json!({"active": true})), true),
        (Method::DELETE, &path, None, true),
        (Method::PUT, &aliases, Some(json!({"aliases": []})), true),
        (Method::GET, &quote, None, false),
        (Method::POST, "/catalog/match", Some(json!({"text": "drain"})), false),
    ] {
        let nobody = send(&world, None, method.clone(), path, body.clone()).await;
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED, "{method} {path}");
        let tech = send(&world, Some(world.tech()), method.clone(), path, body.clone()).await;
        if owners_only {
            assert_eq!((tech.status, &tech.body["code"]), (StatusCode::FORBIDDEN, &json!("owner_required")), "{path}");
        } else {
            assert_eq!(tech.status, StatusCode::OK, "{method} {path}: {}", tech.body);
        }
    }
    assert_eq!(world.count("select count(*) from catalog_service_items where active").await, 1);
}

#[tokio::test]
async fn an_item_goes_through_its_life() {
    let world = World::new().await;
    let owner = Some(world.owner());
    let created = send(&world, owner, Method::POST, "/catalog/items", Some(item_body("Drain cleaning"))).await;
    assert_eq!((created.status, &created.body["active"]), (StatusCode::CREATED, &json!(true)));
    let id = created.body["id"].as_str().unwrap().to_owned();
    let (path, quote) = (format!("/catalog/items/{id}"), format!("/catalog/quote/{id}"));

    let taken = send(&world, owner, Method::POST, "/catalog/items", Some(item_body("drain CLEANING"))).await;
    assert_eq!((taken.status, &taken.body["code"]), (StatusCode::CONFLICT, &json!("name_taken")));

    let list = json!({"aliases": [{"text": " Clogged Drain", "priority": 2}, {"text": "clogged drain"}]});
    let put = send(&world, owner, Method::PUT, &format!("{path}/aliases"), Some(list)).await;
    assert_eq!(
        (put.status, &put.body["aliases"]),
        (StatusCode::OK, &json!([{"text": "clogged drain", "priority": 2}]))
    );

    let text = json!({"text": "Hi, my kitchen drain is cloged, how much?"});
    let matched = send(&world, owner, Method::POST, "/catalog/match", Some(text.clone())).await.body;
    let best = &matched["best"];
    assert_eq!((&best["item"]["service_item_id"], &best["by"]), (&json!(id), &json!("alias")));
    assert_eq!((&best["matched"], &matched["runners_up"]), (&json!("clogged drain"), &json!([])));
    assert_eq!(best["item"]["price"], json!({"amount_cents": 9500, "currency": "USD"}));

    let quoted = send(&world, owner, Method::GET, &quote, None).await;
    assert_eq!((quoted.status, &quoted.body["duration_minutes"]), (StatusCode::OK, &json!(60)));
    let gone = send(&world, owner, Method::DELETE, &path, None).await;
    assert_eq!((gone.status, &gone.body["active"]), (StatusCode::OK, &json!(false)));
    let again = send(&world, owner, Method::DELETE, &path, None).await;
    assert_eq!((again.status, &again.body), (StatusCode::OK, &gone.body));
    let quoted = send(&world, owner, Method::GET, &quote, None).await;
    assert_eq!((quoted.status, &quoted.body["code"]), (StatusCode::GONE, &json!("item_inactive")));
    assert_eq!(send(&world, owner, Method::POST, "/catalog/match", Some(text)).await.body["best"], Value::Null);
    let active = send(&world, owner, Method::GET, "/catalog/items?active=true", None).await;
    assert_eq!(active.body["items"], json!([]));
    let back = send(&world, owner, Method::PATCH, &path, Some(json!({"active": true}))).await;
    assert_eq!(send(&world, owner, Method::GET, "/catalog/items", None).await.body["items"], json!([back.body]));
}

#[tokio::test]
async fn what_cannot_be_is_422_with_its_field() {
    let world = World::new().await;
    let owner = Some(world.owner());
    let item = world.create("Drain cleaning").await;
    let (items, path) = ("/catalog/items", format!("/catalog/items/{}", item.id));
    let aliases = format!("{path}/aliases");
    let with = |field: &str, value: Value| {
        let mut body = item_body("Leak repair");
        body[field] = value;
        body
    };
    let many: Vec<Value> = (0..51).map(|n| json!({"text": format!("word {n}")})).collect();
    for (method, path, body, field) in [
        (Method::POST, items, with("name", json!("!")), "name"),
        (Method::POST, items, with("duration_minutes", json!(0)), "duration_minutes"),
        (Method::POST, items, with("price", json!({"amount_cents": -1, "currency": "USD"})), "price"),
        (Method::POST, items, with("price", json!({"amount_cents": 1, "currency": "EUR"})), "price.currency"),
        (Method::POST, items, with("colour", json!("blue")), "colour"),
        (Method::PATCH, &path, json!({"description": ""}), "description"),
        (Method::PATCH, &path, json!({"price": {"amount_cents": 1}}), "price.currency"),
        (Method::PUT, &aliases, json!({"aliases": [{"text": ""}]}), "aliases[0].text"),
        (Method::PUT, &aliases, json!({"aliases": [{"text": "x", "priority": 256}]}), "aliases[0].priority"),
        (Method::PUT, &aliases, json!({"aliases": many}), "aliases"),
        (Method::POST, "/catalog/match", json!({}), "text"),
        (Method::GET, "/catalog/items?active=maybe", Value::Null, "active"),
    ] {
        let body = (!body.is_null()).then_some(body);
        let refused = send(&world, owner, method.clone(), path, body.clone()).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{method} {path} {body:?}");
        assert_eq!(refused.body["errors"][0]["field"], field, "{method} {path}: {}", refused.body);
    }
}
