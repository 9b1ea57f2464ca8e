//! The catalog through the facade.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

mod setup;

use nmc_catalog::{AliasesError, ChangeItemError, CreateItemError, ItemChange, QuoteError, ServiceItem, matches};
use nmc_kernel::{Actor, IdempotencyKey, ServiceItemId};
use serde_json::{Value, json};
use setup::{World, alias, new_item};
use uuid::Uuid;

fn change(json: Value) -> ItemChange {
    serde_json::from_value(json).unwrap()
}

async fn found(world: &World, id: ServiceItemId) -> ServiceItem {
    let mut tx = world.db.read(world.tenant).await.unwrap();
    let item = world.catalog.item(&mut tx, id).await.unwrap().unwrap();
    tx.finish().await.unwrap();
    item
}

#[tokio::test]
async fn an_item_is_created_changed_and_found() {
    let world = World::new().await;
    let owner = world.owner();
    let item = world.create("Drain cleaning").await;
    assert_eq!(found(&world, item.id).await, item);
    assert!(item.is_active && item.aliases.is_empty() && item.description.is_none());

    let dearer = change(json!({"price": {"amount_cents": 12000, "currency": "USD"}, "description": "Any drain."}));
    let changed = world.catalog.change_item(&owner, item.id, dearer.clone()).await.unwrap();
    assert_eq!((changed.price.amount_cents(), changed.name.as_str()), (12_000, "Drain cleaning"));
    assert_eq!(found(&world, item.id).await, changed);
    // The same again changes nothing, and is no news.
    assert_eq!(world.catalog.change_item(&owner, item.id, dearer).await.unwrap(), changed);

    assert_eq!(world.news().await, [json!([item.id]), json!([item.id])]);
    let log = world.log().await;
    assert_eq!(
        log.iter().map(|(action, ..)| action.as_str()).collect::<Vec<_>>(),
        ["service-item.created", "service-item.changed"]
    );
    assert_eq!(log[0].1, Value::Null);
    assert_eq!(
        (&log[1].1, &log[1].2),
        (
            &json!({"price_cents": 9500, "currency": "USD", "description": null}),
            &json!({"price_cents": 12000, "currency": "USD", "description": "set"})
        )
    );
    assert!(!log.iter().any(|(_, before, after)| format!("{before}{after}").to_lowercase().contains("drain")));
}

#[tokio::test]
async fn what_is_deactivated_is_not_quoted_and_comes_back() {
    let world = World::new().await;
    let owner = world.owner();
    let item = world.create("Drain cleaning").await;
    let quote = async |id| {
        let mut tx = world.db.begin(world.tenant).await.unwrap();
        let quote = world.catalog.quote(&mut tx, id).await;
        tx.commit().await.unwrap();
        quote
    };
    assert_eq!(quote(item.id).await.unwrap(), item.quote());

    let inactive = world.catalog.deactivate_item(&owner, item.id).await.unwrap();
    assert_eq!(inactive, ServiceItem { is_active: false, ..item.clone() });
    assert_eq!(world.catalog.deactivate_item(&owner, item.id).await.unwrap(), inactive);
    assert_eq!(world.news().await.len(), 2);
    assert!(matches!(quote(item.id).await, Err(QuoteError::Inactive)));
    assert!(matches!(quote(Uuid::from_u128(9).into()).await, Err(QuoteError::Unknown)));

    let back = world.catalog.change_item(&owner, item.id, change(json!({"active": true}))).await.unwrap();
    assert_eq!(back, item);
    assert_eq!(quote(item.id).await.unwrap(), item.quote());
}

#[tokio::test]
async fn a_name_is_one_items_whatever_its_capitals() {
    let world = World::new().await;
    let owner = world.owner();
    let (drain, toilet) = (world.create("Drain cleaning").await, world.create("Toilet repair").await);
    world.catalog.deactivate_item(&owner, drain.id).await.unwrap();
    let again = world.catalog.create_item(&owner, &new_item("DRAIN  cleaning"), None).await;
    assert!(matches!(again, Err(CreateItemError::NameTaken)), "{again:?}");
    let renamed = world.catalog.change_item(&owner, toilet.id, change(json!({"name": "drain Cleaning"}))).await;
    assert!(matches!(renamed, Err(ChangeItemError::NameTaken)), "{renamed:?}");
    // Its own name in other capitals is no other's.
    let shouted = world.catalog.change_item(&owner, toilet.id, change(json!({"name": "TOILET repair"}))).await;
    assert_eq!(shouted.unwrap().name, "TOILET repair");
    assert_eq!(world.count("select count(*) from catalog_service_items").await, 2);
}

#[tokio::test]
async fn two_who_swap_names_at_once_both_get_an_answer() {
    let world = World::new().await;
    let owner = world.owner();
    let (a, b) = (world.create("A").await, world.create("B").await);
    for _ in 0..20 {
        let (one, other) = tokio::join!(
            world.catalog.change_item(&owner, a.id, change(json!({"name": "B"}))),
            world.catalog.change_item(&owner, b.id, change(json!({"name": "A"}))),
        );
        assert!(matches!(one, Err(ChangeItemError::NameTaken)) && matches!(other, Err(ChangeItemError::NameTaken)));
    }
}

#[tokio::test]
async fn the_whole_list_of_aliases_is_replaced() {
    let world = World::new().await;
    let owner = world.owner();
    let item = world.create("Drain cleaning").await;
    let given = vec![alias(" Clogged DRAIN ", 0), alias("sewer", 9), alias("clogged drain", 3)];
    let put = world.catalog.put_aliases(&owner, item.id, given.clone()).await.unwrap();
    assert_eq!(put.aliases, [alias("sewer", 9), alias("clogged drain", 3)]);
    assert_eq!(found(&world, item.id).await, put);
    assert_eq!(world.catalog.put_aliases(&owner, item.id, given).await.unwrap(), put);
    let other = world.catalog.put_aliases(&owner, item.id, vec![alias("unclog", 0)]).await.unwrap();
    assert_eq!(found(&world, item.id).await.aliases, other.aliases);
    assert!(world.catalog.put_aliases(&owner, item.id, vec![]).await.unwrap().aliases.is_empty());
    assert_eq!(world.count("select count(*) from catalog_item_aliases").await, 0);
    // Created, and three lists of which one came twice.
    assert_eq!(world.news().await.len(), 4);
    assert_eq!(world.log().await[1].2, json!({"aliases": 2}));

    let fifty: Vec<_> = (0..50).map(|n| alias(&format!("word {n}"), 0)).collect();
    let fifty_one = fifty.iter().cloned().chain([alias("one more", 0)]).collect();
    let refused = world.catalog.put_aliases(&owner, item.id, fifty_one).await;
    assert!(matches!(refused, Err(AliasesError::TooMany)), "{refused:?}");
    // A repeated text is no other alias.
    let repeated = fifty.iter().cloned().chain([alias("WORD 7", 1)]).collect();
    assert_eq!(world.catalog.put_aliases(&owner, item.id, repeated).await.unwrap().aliases.len(), 50);
    let nothing = world.catalog.put_aliases(&owner, Uuid::from_u128(9).into(), vec![]).await;
    assert!(matches!(nothing, Err(AliasesError::NotFound)));
}

#[tokio::test]
async fn only_owners_and_operators_change_the_catalog() {
    let world = World::new().await;
    let item = world.create("Drain cleaning").await;
    for actor in [world.tech(), Actor::System { tenant: world.tenant }] {
        let created = world.catalog.create_item(&actor, &new_item("Another"), None).await;
        assert!(matches!(created, Err(CreateItemError::Forbidden)));
        assert!(matches!(world.catalog.deactivate_item(&actor, item.id).await, Err(ChangeItemError::Forbidden)));
        let put = world.catalog.put_aliases(&actor, item.id, vec![]).await;
        assert!(matches!(put, Err(AliasesError::Forbidden)));
    }
    let operator = Actor::Operator { tenant: world.tenant };
    assert!(world.catalog.deactivate_item(&operator, item.id).await.is_ok());
}

#[tokio::test]
async fn a_catalog_has_500_items_however_many_are_added_at_once() {
    let world = World::new().await;
    sqlx::query(
        "insert into catalog_service_items
         select $1, gen_random_uuid(), 'Item ' || n, 60, 0, 'USD', n % 2 = 0, null, '2026-06-01T00:00:00Z'
         from generate_series(1, 498) n",
    )
    .bind(world.tenant.as_uuid())
    .execute(&mut world.superuser().await)
    .await
    .unwrap();
    let owner = world.owner();
    let items = ["A", "B", "C", "D"].map(new_item);
    let add = |n: usize| world.catalog.create_item(&owner, &items[n], None);
    let (a, b, c, d) = tokio::join!(add(0), add(1), add(2), add(3));
    let refused = [a, b, c, d].into_iter().filter(|added| matches!(added, Err(CreateItemError::Full))).count();
    assert_eq!(refused, 2);
    assert_eq!(world.count("select count(*) from catalog_service_items").await, 500);
}

#[tokio::test]
async fn a_repeat_with_its_key_gets_the_first_answer() {
    let world = World::new().await;
    let owner = world.owner();
    let key = |fingerprint| IdempotencyKey { key: "one".to_owned(), fingerprint: [fingerprint; 32] };
    let first = world.catalog.create_item(&owner, &new_item("Drain cleaning"), Some(&key(1))).await.unwrap();
    let again = world.catalog.create_item(&owner, &new_item("Drain cleaning"), Some(&key(1))).await.unwrap();
    assert_eq!(first, again);
    let other = world.catalog.create_item(&owner, &new_item("Other"), Some(&key(2))).await;
    assert!(matches!(other, Err(CreateItemError::KeyReused)));
    assert_eq!(world.news().await.len(), 1);
}

#[tokio::test]
async fn a_neighbours_item_is_not_there() {
    let world = World::new().await;
    let item = world.create("Drain cleaning").await;
    let neighbour = setup::tenant(&world.identity, "Example Electric").await;
    let theirs = setup::owner_of(neighbour);
    assert!(matches!(world.catalog.deactivate_item(&theirs, item.id).await, Err(ChangeItemError::NotFound)));
    let mut tx = world.db.read(neighbour).await.unwrap();
    assert!(world.catalog.item(&mut tx, item.id).await.unwrap().is_none());
    assert!(world.catalog.names(&mut tx, &[item.id]).await.unwrap().is_empty());
    assert!(world.catalog.items(&mut tx, None, None, 10).await.unwrap().is_empty());
    assert!(matches(&world.catalog.sold(&mut tx).await.unwrap(), "drain cleaning").best.is_none());
    tx.finish().await.unwrap();
}

#[tokio::test]
async fn names_pages_and_matches_are_read_on_the_callers_transaction() {
    let world = World::new().await;
    let mut all = Vec::new();
    for name in ["Drain cleaning", "Toilet repair", "Leak repair"] {
        all.push(world.create(name).await);
        world.clock.advance(chrono::Duration::seconds(1));
    }
    let toilet = world.catalog.deactivate_item(&world.owner(), all[1].id).await.unwrap();
    let mut tx = world.db.begin(world.tenant).await.unwrap();
    let names = world.catalog.names(&mut tx, &[all[0].id, toilet.id, Uuid::from_u128(9).into()]).await.unwrap();
    assert_eq!(names.len(), 2);
    assert_eq!(names[&toilet.id], "Toilet repair");

    let first = world.catalog.items(&mut tx, None, None, 2).await.unwrap();
    assert_eq!(first, [all[0].clone(), toilet.clone()]);
    let rest = world.catalog.items(&mut tx, None, Some((toilet.created_at, toilet.id)), 2).await.unwrap();
    assert_eq!(rest, [all[2].clone()]);
    assert_eq!(world.catalog.items(&mut tx, Some(false), None, 9).await.unwrap(), std::slice::from_ref(&toilet));
    assert_eq!(world.catalog.items(&mut tx, Some(true), None, 9).await.unwrap().len(), 2);

    let best = matches(&world.catalog.sold(&mut tx).await.unwrap(), "my drain needs cleaning").best.unwrap();
    assert_eq!(best.item, all[0].quote());
    // What is not sold is never meant.
    assert!(matches(&world.catalog.sold(&mut tx).await.unwrap(), "toilet").best.is_none());
    tx.commit().await.unwrap();
}
