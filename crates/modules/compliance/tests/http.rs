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
use setup::{World, caller, registration};
use tower::ServiceExt as _;

struct Answer {
    status: StatusCode,
    body: Value,
}

async fn send(world: &World, actor: Option<Actor>, method: Method, path: &str, body: Option<Value>) -> Answer {
    send_keyed(world, actor, method, path, body, None).await
}

async fn send_keyed(
    world: &World,
    actor: Option<Actor>,
    method: Method,
    path: &str,
    body: Option<Value>,
    key: Option<&str>,
) -> Answer {
    let router: Router = world.app.compliance.v1_routes().into();
    let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    let mut request = request.body(body.map_or_else(Body::empty, |body| Body::from(body.to_string()))).unwrap();
    if let Some(actor) = actor {
        request.extensions_mut().insert(actor);
    }
    let response = router.oneshot(request).await.unwrap();
    let status = response.status();
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    Answer { status, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
}

/// Every route, with a body that it takes.
fn routes() -> Vec<(Method, &'static str, Option<Value>, bool)> {
    let entry = "/do-not-text/0197c0de-0000-7000-8000-000000000001";
    vec![
        (Method::POST, "/compliance/submit", Some(json!(registration())), true),
        (Method::GET, "/compliance/status", None, true),
        (Method::GET, "/compliance/numbers", None, true),
        (Method::POST, "/compliance/numbers", Some(json!({"phone": "+12125550100"})), true),
        (Method::GET, "/compliance/opt-outs", None, true),
        (Method::GET, "/do-not-text", None, false),
        (Method::POST, "/do-not-text", Some(json!({"phone": "+12125550142", "label": "brother"})), false),
        (Method::DELETE, entry, None, false),
    ]
}

#[tokio::test]
async fn nobody_is_401_and_a_technician_is_403_where_an_owner_is_asked_for() {
    let world = World::new().await;
    for (method, path, body, owners_only) in routes() {
        let nobody = send(&world, None, method.clone(), path, body.clone()).await;
        assert_eq!(
            (nobody.status, &nobody.body["code"]),
            (StatusCode::UNAUTHORIZED, &json!("unauthenticated")),
            "{path}"
        );
        let tech = send(&world, Some(world.tech()), method.clone(), path, body.clone()).await;
        if owners_only {
            assert_eq!((tech.status, &tech.body["code"]), (StatusCode::FORBIDDEN, &json!("owner_required")), "{path}");
        } else {
            assert!(tech.status.is_success() || tech.status == StatusCode::NOT_FOUND, "{path}: {}", tech.status);
        }
    }
    assert_eq!(world.count("select count(*) from comp_phone_numbers").await, 0);
    assert_eq!(world.count("select count(*) from comp_brands").await, 0);
}

#[tokio::test]
async fn an_owner_registers_and_reads_what_is_missing() {
    let world = World::new().await;
    let owner = Some(world.owner());
    let status = async || send(&world, owner, Method::GET, "/compliance/status", None).await.body;
    let codes = |status: &Value| {
        let missing = status["missing"].as_array().unwrap();
        missing.iter().map(|missing| missing["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let before = status().await;
    assert_eq!((&before["can_send"], &before["brand"]), (&json!(false), &Value::Null));
    assert_eq!(codes(&before), ["registration", "number"]);

    let submit = "/compliance/submit";
    let submitted = send_keyed(&world, owner, Method::POST, submit, Some(json!(registration())), Some("one")).await;
    assert_eq!((submitted.status, &submitted.body["status"]), (StatusCode::ACCEPTED, &json!("pending")));
    let again = send_keyed(&world, owner, Method::POST, submit, Some(json!(registration())), Some("one")).await;
    assert_eq!(again.body, submitted.body);
    let mut other = registration();
    other.legal_name = "Example Plumbing Inc".into();
    let other_body = send_keyed(&world, owner, Method::POST, submit, Some(json!(other)), Some("one")).await;
    assert_eq!((other_body.status, &other_body.body["code"]), (StatusCode::CONFLICT, &json!("idempotency_key_reused")));

    let mut bad = json!(registration());
    bad["ein"] = json!("12");
    bad["sample_messages"] = json!(["too short"]);
    let refused = send(&world, owner, Method::POST, submit, Some(bad)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields: Vec<_> = refused.body["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
    assert_eq!(fields, ["ein", "sample_messages", "sample_messages", "sample_messages"]);
    let mut unknown = json!(registration());
    unknown["favourite_colour"] = json!("blue");
    let refused = send(&world, owner, Method::POST, submit, Some(unknown)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);

    let number = json!({"phone": "+12125550100"});
    let requested = send(&world, owner, Method::POST, "/compliance/numbers", Some(number.clone())).await;
    assert_eq!((requested.status, &requested.body["status"]), (StatusCode::CREATED, &json!("requested")));
    assert_eq!(codes(&status().await), ["brand-pending", "campaign-pending", "number-requested"]);
    let listed = send(&world, owner, Method::GET, "/compliance/numbers", None).await;
    assert_eq!(listed.body["items"], json!([requested.body]));

    world.app.compliance.approve_campaign(&world.operator(), world.version().await).await.unwrap();
    world.app.compliance.confirm_number(&world.operator(), &setup::phone("+12125550100")).await.unwrap();
    let after = status().await;
    assert_eq!((&after["can_send"], &after["missing"]), (&json!(true), &json!([])));
    assert_eq!((&after["brand"]["registration"]["ein"], &after["brand"]["version"]), (&json!("12-3456789"), &json!(1)));
    assert_eq!(after["numbers"][0]["status"], "active");
    assert_eq!(after["history"][0]["said_by"], "operator");
    let late = send(&world, owner, Method::POST, submit, Some(json!(registration()))).await;
    assert_eq!((late.status, &late.body["code"]), (StatusCode::CONFLICT, &json!("campaign_approved")));
    let nonsense = send(&world, owner, Method::POST, "/compliance/numbers", Some(json!({"phone": "555"}))).await;
    assert_eq!(nonsense.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn the_ledger_is_read_page_by_page_with_its_history() {
    let world = World::new().await;
    let owner = Some(world.owner());
    for last in 0..5 {
        let phone = setup::phone(&format!("+1212555014{last}"));
        world.app.stop(world.tenant, &phone).await;
        world.clock.advance(chrono::Duration::seconds(1));
    }
    world.app.start(world.tenant, &setup::phone("+12125550141")).await;
    let (mut told, mut path) = (Vec::new(), "/compliance/opt-outs?limit=2".to_owned());
    loop {
        let page = send(&world, owner, Method::GET, &path, None).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        told.extend(page.body["items"].as_array().unwrap().iter().map(|row| {
            (
                row["phone"].as_str().unwrap()[11..].to_owned(),
                row["action"].as_str().unwrap().to_owned(),
                row["holds"] == true,
            )
        }));
        let Some(next) = page.body["next_cursor"].as_str() else { break };
        path = format!("/compliance/opt-outs?limit=2&cursor={next}");
    }
    let expected = [
        ("1", "opt-in", true),
        ("4", "opt-out", true),
        ("3", "opt-out", true),
        ("2", "opt-out", true),
        ("1", "opt-out", false),
        ("0", "opt-out", true),
    ];
    let told: Vec<_> = told.iter().map(|(phone, action, holds)| (phone.as_str(), action.as_str(), *holds)).collect();
    assert_eq!(told, expected);
    let one = send(&world, owner, Method::GET, "/compliance/opt-outs?phone=%2B12125550141", None).await;
    assert_eq!(one.body["items"].as_array().unwrap().len(), 2);
    assert_eq!(one.body["items"][1]["keyword"], "STOP");
    for bad in ["?phone=555", "?limit=0", "?cursor=zzz"] {
        let refused = send(&world, owner, Method::GET, &format!("/compliance/opt-outs{bad}"), None).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
}

#[tokio::test]
async fn the_list_is_added_to_paged_and_shortened_and_a_neighbour_s_entry_is_not_there() {
    let world = World::new().await;
    let tech = Some(world.tech());
    let entry = json!({"phone": caller().as_str(), "label": "brother"});
    let added = send_keyed(&world, tech, Method::POST, "/do-not-text", Some(entry.clone()), Some("k")).await;
    assert_eq!((added.status, &added.body["label"]), (StatusCode::CREATED, &json!("brother")));
    let again = send_keyed(&world, tech, Method::POST, "/do-not-text", Some(entry), Some("k")).await;
    assert_eq!(again.body, added.body);
    let bad =
        send(&world, tech, Method::POST, "/do-not-text", Some(json!({"phone": "+12125550142", "label": " "}))).await;
    assert_eq!((bad.status, &bad.body["errors"][0]["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("label")));
    let listed = send(&world, tech, Method::GET, "/do-not-text?limit=1", None).await;
    assert_eq!((&listed.body["items"], &listed.body["next_cursor"]), (&json!([added.body]), &Value::Null));

    let neighbour = setup::tenant(&world.app, "Example Electric", nmc_identity::TenantSettings::default()).await;
    let stranger =
        Actor::User { tenant: neighbour, user: uuid::Uuid::from_u128(9).into(), role: nmc_kernel::Role::Owner };
    let path = format!("/do-not-text/{}", added.body["id"].as_str().unwrap());
    let foreign = send(&world, Some(stranger), Method::DELETE, &path, None).await;
    let missing = send(&world, tech, Method::DELETE, "/do-not-text/0197c0de-0000-7000-8000-00000000ffff", None).await;
    assert_eq!((foreign.status, &foreign.body), (StatusCode::NOT_FOUND, &missing.body));
    assert_eq!(send(&world, tech, Method::DELETE, &path, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(send(&world, tech, Method::DELETE, &path, None).await.status, StatusCode::NOT_FOUND);
}
