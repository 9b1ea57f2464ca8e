//! What every body and every list has to refuse.

use chrono::TimeDelta;
use nmc_kernel::Actor;
use serde_json::{Value, json};

use crate::{
    api::{Ask, send},
    document::operations,
    table::Role,
    world::{World, in_days},
};

/// A list whose items are fixed in code: always one page.
const ALWAYS_WHOLE: &str = "GET /v1/templates";

#[tokio::test]
async fn every_body_refuses_a_field_it_does_not_know() {
    let world = World::start().await;
    let owner = world.people.owner.token();
    let mut tried = 0;
    for operation in operations(&world.app) {
        let (address, Some(mut body)) = world.fill_with_missing(&operation) else { continue };
        body["surprise"] = json!(true);
        let ask = Ask { operation: &operation, address, token: Some(&owner), body: Some(body) };
        let answer = send(&world.app.base_url, &ask).await;
        assert_eq!((answer.status, answer.wrong_fields()), (422, vec!["surprise"]), "{}: {answer:?}", operation.name());
        tried += 1;
    }
    assert!(tried > 5, "only {tried} routes take a body");
}

#[tokio::test]
async fn every_list_has_pages_and_refuses_what_is_none() {
    let world = World::start().await;
    let owner = world.people.owner.token();
    let mut tried = 0;
    for operation in operations(&world.app) {
        let query = operation.parameters("query");
        let takes_a_page = query.contains(&"limit") && query.contains(&"cursor");
        let is_page = operation.answers_with_a_page() && operation.name() != ALWAYS_WHOLE;
        assert_eq!(is_page, takes_a_page, "{}: a page comes with `limit` and `cursor`", operation.name());
        if !is_page {
            continue;
        }
        tried += 1;
        let (address, _) = world.ours.fill(&operation);
        let ask = async |query: &str| {
            let separator = if address.contains('?') { '&' } else { '?' };
            let address = format!("{address}{separator}{query}");
            send(&world.app.base_url, &Ask { operation: &operation, address, token: Some(&owner), body: None }).await
        };
        for (query, field) in
            [("limit=0", "limit"), ("limit=201", "limit"), ("limit=x", "limit"), ("cursor=x", "cursor")]
        {
            let answer = ask(query).await;
            assert_eq!((answer.status, answer.wrong_fields()), (422, vec![field]), "{} {query}", operation.name());
        }
        let all = ask("limit=200").await;
        assert_eq!(all.status, 200, "{}: {all:?}", operation.name());
        assert!(all.body["next_cursor"].is_null(), "{}", operation.name());
        let (mut one_by_one, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = ask(&format!("limit=1{cursor}")).await;
            let items = page.body["items"].as_array().unwrap();
            assert!(items.len() <= 1, "{}: {page:?}", operation.name());
            one_by_one.extend(items.clone());
            let Some(next) = page.body["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(&one_by_one, all.body["items"].as_array().unwrap(), "{}", operation.name());
        assert!(!one_by_one.is_empty(), "{}: nothing was listed, so nothing was shown", operation.name());
    }
    assert!(tried > 5, "only {tried} routes are lists");
}

#[tokio::test]
async fn every_creation_repeated_with_its_key_is_answered_the_same() {
    let world = World::start().await;
    let owner = world.people.owner.token();
    let mut tried = 0;
    let mut operations = operations(&world.app);
    // Last, what takes the right to send away.
    operations.sort_by_key(|operation| operation.path.starts_with("/v1/compliance"));
    for operation in operations {
        if !operation.parameters("header").contains(&"Idempotency-Key") || World::row(&operation).role == Role::SignUp {
            continue;
        }
        tried += 1;
        let (address, body) = world.ours.fill(&operation);
        let mut body = body.unwrap();
        if operation.path == "/v1/scheduling/holds" {
            // The example's day is over.
            let start = in_days(7);
            body["start"] = json!(start);
            body["end"] = json!(start + TimeDelta::hours(1));
            body["override"] = json!(true);
        }
        if operation.path == "/v1/compliance/submit" {
            // What is approved cannot be submitted again; what was refused can.
            let operator = Actor::Operator { tenant: world.ours.tenant };
            let compliance = &world.app.modules.compliance;
            let mut tx = world.app.database.app().read(world.ours.tenant).await.unwrap();
            let version = compliance.standing(&mut tx).await.unwrap().brand.unwrap().version;
            tx.finish().await.unwrap();
            compliance.reject_campaign(&operator, version).await.unwrap();
        }
        let body = body.to_string();
        let send = async |body: String| {
            #[expect(clippy::disallowed_methods, reason = "a browser")]
            let request = reqwest::Client::new().post(format!("{}{address}", world.app.base_url));
            let key = format!("again-{}", operation.path.replace('/', "-"));
            let request = request.bearer_auth(&owner).header("idempotency-key", key);
            let response = request.header("content-type", "application/json").body(body).send().await.unwrap();
            (response.status().as_u16(), response.json::<Value>().await.unwrap())
        };
        let first = send(body.clone()).await;
        assert!((200..300).contains(&first.0), "{}: {first:?}", operation.name());
        assert_eq!(send(body.clone()).await, first, "{}", operation.name());
        let reused = send(format!("{body} ")).await;
        let code = reused.1["code"].as_str().unwrap_or_default();
        assert_eq!((reused.0, code), (409, "idempotency_key_reused"), "{}", operation.name());
    }
    assert!(tried > 2, "only {tried} routes take a key");
}
