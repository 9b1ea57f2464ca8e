//! Every named constraint refuses what it is there for, and the services' rights end where they should.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

mod setup;

use std::collections::BTreeSet;

use nmc_db::{Db, DbError, PoolSettings, Wakes};
use nmc_kernel::TenantId;
use setup::World;

/// A tenant that has an item with an alias, both with the id 1.
const EXAMPLE: &str = "
insert into catalog_service_items values ($1, id(1), 'Drain cleaning', 60, 9500, 'USD', true, null, t());
insert into catalog_item_aliases values ($1, id(1), id(1), 'clogged drain', 0, t())";

/// Each constraint with a statement that breaks it and nothing else; `$1` is the tenant.
const BROKEN: &[(&str, &str)] = &[
    (
        "catalog_service_items_pkey",
        "insert into catalog_service_items values ($1, id(1), 'x', 60, 0, 'USD', true, null, t())",
    ),
    (
        "catalog_service_items_name",
        "insert into catalog_service_items values ($1, id(2), 'DRAIN Cleaning', 60, 0, 'USD', false, null, t())",
    ),
    (
        "catalog_service_items_one_currency",
        "insert into catalog_service_items values ($1, id(2), 'x', 60, 0, 'CAD', false, null, t())",
    ),
    ("catalog_service_items_name_length", "update catalog_service_items set name = repeat('x', 81)"),
    ("catalog_service_items_duration", "update catalog_service_items set duration_minutes = 481"),
    ("catalog_service_items_price", "update catalog_service_items set price_cents = -1"),
    ("catalog_service_items_currency_form", "update catalog_service_items set currency = 'usd'"),
    ("catalog_service_items_description_length", "update catalog_service_items set description = ''"),
    ("catalog_item_aliases_pkey", "insert into catalog_item_aliases values ($1, id(1), id(1), 'x', 0, t())"),
    ("catalog_item_aliases_item", "insert into catalog_item_aliases values ($1, id(2), id(9), 'x', 0, t())"),
    (
        "catalog_item_aliases_once",
        "insert into catalog_item_aliases values ($1, id(2), id(1), 'clogged drain', 1, t())",
    ),
    ("catalog_item_aliases_text_length", "insert into catalog_item_aliases values ($1, id(2), id(1), '', 0, t())"),
    ("catalog_item_aliases_text_lower", "insert into catalog_item_aliases values ($1, id(2), id(1), 'Clog', 0, t())"),
    ("catalog_item_aliases_priority", "insert into catalog_item_aliases values ($1, id(2), id(1), 'x', 256, t())"),
];

/// Reads the short forms of the statements above.
fn spelled(sql: &str, tenant: TenantId) -> String {
    sql.replace("id(1)", "'00000000-0000-0000-0000-000000000001'")
        .replace("id(2)", "'00000000-0000-0000-0000-000000000002'")
        .replace("id(9)", "'00000000-0000-0000-0000-000000000009'")
        .replace("t()", "'2026-06-10T18:00:00Z'")
        .replace("$1", &format!("'{tenant}'"))
}

/// Runs a statement in a transaction that is given up.
async fn run(db: &Db, tenant: TenantId, sql: &str) -> Result<u64, DbError> {
    let mut tx = db.begin(tenant).await?;
    let sql = sqlx::AssertSqlSafe(spelled(sql, tenant));
    Ok(sqlx::raw_sql(sql).execute(tx.conn().await?).await?.rows_affected())
}

async fn example() -> World {
    let world = World::new().await;
    let sql = sqlx::AssertSqlSafe(spelled(EXAMPLE, world.tenant));
    sqlx::raw_sql(sql).execute(&mut world.superuser().await).await.unwrap();
    world
}

#[tokio::test]
async fn every_constraint_refuses_what_breaks_it() {
    let world = example().await;
    // The owner's rights, under the tenants' row security all the same: the services may not even try most of this.
    let everything = Db::new(&world.database.owner_url(), PoolSettings::default(), Wakes::new()).unwrap();
    for (name, sql) in BROKEN {
        let refused = run(&everything, world.tenant, sql).await;
        assert_eq!(refused.as_ref().err().and_then(DbError::constraint), Some(*name), "{sql}: {refused:?}");
    }
    let all: Vec<String> = sqlx::query_scalar(
        "select conname::text from pg_constraint
         where conrelid::regclass::text like 'catalog\\_%' and contype in ('c', 'f', 'p', 'u', 'x')
         union select 'catalog_service_items_name'",
    )
    .fetch_all(&mut world.superuser().await)
    .await
    .unwrap();
    let all: BTreeSet<&str> = all.iter().map(String::as_str).collect();
    assert_eq!(all, BROKEN.iter().map(|(name, _)| *name).collect());
}

#[tokio::test]
async fn two_businesses_may_have_two_currencies_and_the_same_names() {
    let world = example().await;
    let everything = Db::new(&world.database.owner_url(), PoolSettings::default(), Wakes::new()).unwrap();
    let neighbour = setup::tenant(&world.identity, "Example Electric").await;
    let same = "insert into catalog_service_items values ($1, id(1), 'Drain cleaning', 60, 0, 'CAD', true, null, t())";
    assert_eq!(run(&everything, neighbour, same).await.unwrap(), 1);
}

#[tokio::test]
async fn nobody_deletes_an_item_and_foreign_rows_are_not_there() {
    let world = example().await;
    let neighbour = setup::tenant(&world.identity, "Example Electric").await;
    for db in [&world.db, world.database.dispatcher()] {
        for table in ["catalog_service_items", "catalog_item_aliases"] {
            let select = format!("select 1 from {table}");
            assert_eq!(run(db, world.tenant, &select).await.unwrap(), 1, "{table}");
            assert_eq!(run(db, neighbour, &select).await.unwrap(), 0, "{table}");
        }
        assert!(matches!(run(db, world.tenant, "delete from catalog_service_items").await, Err(DbError::Other(_))));
        let foreign =
            format!("insert into catalog_item_aliases values ('{}', id(2), id(1), 'x', 0, t())", world.tenant);
        assert!(matches!(run(db, neighbour, &foreign).await, Err(DbError::Other(_))));
    }
    let of_dispatcher =
        run(world.database.dispatcher(), world.tenant, "update catalog_service_items set active = false");
    assert!(matches!(of_dispatcher.await, Err(DbError::Other(_))));
}
