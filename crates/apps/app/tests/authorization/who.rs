//! Every route by everybody.

use std::collections::BTreeSet;

use crate::{
    api::{Ask, send},
    document::{document, operations},
    harness::{App, dialling},
    table::{Role, TABLE},
    world::World,
};

#[tokio::test]
async fn every_route_has_its_row_and_every_row_its_route() {
    let app = App::start(dialling()).await;
    let routes: BTreeSet<_> = operations(&app).iter().map(crate::document::Operation::name).collect();
    let rows: BTreeSet<_> = TABLE.iter().map(|row| row.route.to_owned()).collect();
    assert_eq!(rows.len(), TABLE.len(), "a route stands twice");
    assert_eq!(routes, rows);
}

#[tokio::test]
async fn every_route_is_described() {
    let app = App::start(dialling()).await;
    let document = document(&app);
    let tags: Vec<_> = document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    let scheme = &document["components"]["securitySchemes"]["clerk"];
    assert_eq!((&scheme["type"], &scheme["scheme"]), (&"http".into(), &"bearer".into()));
    let (mut used, mut without_example) = (BTreeSet::new(), Vec::new());
    for operation in operations(&app) {
        let name = operation.name();
        assert_eq!(operation.security(), &serde_json::json!([{ "clerk": [] }]), "{name}");
        assert!(operation.has_summary(), "{name}: says in its first line what it does");
        if !operation.shows_a_success() {
            without_example.push(name.clone());
        }
        // The example of the body: `example` stops the test where there is none.
        operation.example();
        assert_eq!(operation.tags().len(), 1, "{name}");
        used.extend(operation.tags().into_iter().map(ToOwned::to_owned));
        for status in [401, 403, 429, 503] {
            assert!(operation.documents(status), "{name}: {status}");
        }
    }
    assert!(without_example.is_empty(), "a success without an example: {without_example:#?}");
    let unknown: Vec<_> = used.iter().filter(|tag| !tags.contains(&tag.as_str())).collect();
    assert!(unknown.is_empty(), "tags without a description: {unknown:?}");
}

/// Ids that exist nowhere: what a person may do is asked before what is there.
#[tokio::test]
async fn every_route_asks_who_it_is_first() {
    let world = World::start().await;
    let people = &world.people;
    for operation in operations(&world.app) {
        let row = World::row(&operation);
        let name = operation.name();
        let ask = async |token: Option<&str>| {
            let (address, body) = world.fill_with_missing(&operation);
            send(&world.app.base_url, &Ask { operation: &operation, address, token, body }).await
        };
        for token in [None, Some("garbage"), Some("a.b.c"), Some(people.forged.as_str()), Some(people.expired.as_str())]
        {
            assert_eq!(ask(token).await.status, 401, "{name} with {token:?}");
        }
        let denied = async |token: &str| {
            let answer = ask(Some(token)).await;
            (answer.status, answer.code().to_owned())
        };
        if row.role == Role::SignUp {
            continue;
        }
        assert_eq!(denied(&people.nobody.token()).await, (403, "no_business".to_owned()), "{name}");
        assert_eq!(denied(&people.deactivated.token()).await, (403, "user_inactive".to_owned()), "{name}");
        let owner = denied(&people.owner.token()).await;
        assert!(owner.0 != 401 && owner.1 != "owner_required", "{name}: {owner:?}");
        // A token that still says OWNER changes nothing for somebody who is one no longer.
        for who in [&people.tech, &people.demoted] {
            let tech = denied(&who.token()).await;
            match row.role {
                Role::Owner => assert_eq!(tech, (403, "owner_required".to_owned()), "{name}"),
                Role::Any => assert!(tech.0 != 401 && tech.1 != "owner_required", "{name}: {tech:?}"),
                Role::SignUp => {}
            }
        }
    }
}

#[tokio::test]
async fn what_is_not_routed_under_v1_is_404_for_everybody() {
    let world = World::start().await;
    let owner = world.people.owner.token();
    for token in [None, Some(owner.as_str())] {
        #[expect(clippy::disallowed_methods, reason = "a browser")]
        let mut request = reqwest::Client::new().get(format!("{}/v1/nothing", world.app.base_url));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        assert_eq!(request.send().await.unwrap().status(), 404);
    }
}
