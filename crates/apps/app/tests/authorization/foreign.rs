//! Every id by somebody it does not belong to.

use uuid::Uuid;

use crate::{
    api::{Ask, send},
    document::operations,
    harness::{App, dialling},
    table::{Kind, Role},
    world::World,
};

/// Every foreign id in every place of every route is answered like one that does not exist, and nothing of its owner's
/// changes. The answer of `base_url`.
pub(crate) async fn a_foreign_id_is_a_missing_one(world: &World, base_url: &str) -> usize {
    let owner = world.people.owner.token();
    let before = world.rows_of(world.theirs.tenant).await;
    let mut tried = 0;
    for operation in operations(&world.app) {
        let row = World::row(&operation);
        if row.role == Role::SignUp {
            continue;
        }
        for &(place, kind) in row.ids {
            if matches!(kind, Kind::Word(_)) {
                continue;
            }
            let ask = async |id: Uuid| {
                let (address, body) = world.ours.fill_at(&operation, place, id);
                let ask = Ask { operation: &operation, address, token: Some(&owner), body };
                send(base_url, &ask).await.apart_from(&id.to_string())
            };
            let foreign = ask(world.theirs.id(kind)).await;
            let missing = ask(world.missing()).await;
            assert_eq!(foreign, missing, "{}: {place}", operation.name());
            // A filter of a list may find nothing instead.
            let finds_nothing = foreign.status == 200 && foreign.body["items"].as_array().is_some_and(Vec::is_empty);
            // Of a list in a body one value may be what is wrong with it.
            let is_refused_for_it = foreign.status == 422 && foreign.wrong_fields() == [place];
            let is_nothing = foreign.status == 404 || finds_nothing || is_refused_for_it;
            assert!(is_nothing, "{}: {place}: {foreign:?}", operation.name());
            tried += 1;
        }
    }
    assert_eq!(world.rows_of(world.theirs.tenant).await, before, "a stranger changed something");
    tried
}

#[tokio::test]
async fn a_foreign_id_looks_like_a_missing_one() {
    let world = World::start().await;
    let tried = a_foreign_id_is_a_missing_one(&world, &world.app.base_url).await;
    assert!(tried > 10, "only {tried} places hold an id");
}

#[tokio::test]
async fn every_id_in_a_body_or_query_is_in_the_table() {
    let app = App::start(dialling()).await;
    for operation in operations(&app) {
        let row = World::row(&operation);
        let known = |name: &str| row.ids.iter().any(|(place, _)| *place == name);
        let in_path = operation.parameters("path").into_iter().map(ToOwned::to_owned);
        for name in in_path.chain(operation.ids_beside_the_path()) {
            assert!(known(&name), "{}: what is {name}?", operation.name());
        }
    }
}

/// The first wall alone: the application connected as a role that row security does not bind.
#[tokio::test]
async fn code_alone_keeps_strangers_out() {
    let world = World::start().await;
    let server = world.serve_without_row_security().await;
    let tried = a_foreign_id_is_a_missing_one(&world, &server).await;
    assert!(tried > 10, "only {tried} places hold an id");
    // What lists show is one's own as well.
    let owner = world.people.owner.token();
    for operation in operations(&world.app).into_iter().filter(|operation| operation.method == "GET") {
        let (address, body) = world.ours.fill(&operation);
        let ask = Ask { operation: &operation, address, token: Some(&owner), body };
        let (walled, unwalled) = (send(&world.app.base_url, &ask).await, send(&server, &ask).await);
        assert_eq!(walled.status, 200, "{}: {walled:?}", operation.name());
        // An address of this server's own is the other's there.
        let unwalled = unwalled.body.to_string().replace(&server, &world.app.base_url);
        assert_eq!(walled.body.to_string(), unwalled, "{}", operation.name());
    }
}
