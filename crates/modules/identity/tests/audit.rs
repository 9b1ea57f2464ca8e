//! The log of who changed what: grows in order, and shows what was done to it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets the unexpected stops there")]

mod setup;

use nmc_db::DbError;
use nmc_identity::{AuditChain, AuditEntry, Broken};
use nmc_kernel::{Actor, TenantId};
use serde_json::json;
use setup::World;
use sqlx::{AssertSqlSafe, Connection as _, types::Uuid};

async fn change(world: &World, tenant: TenantId, number: u32) {
    let mut tx = world.database.app().begin(tenant).await.unwrap();
    let entry = AuditEntry {
        action: "thing.changed",
        object: "thing",
        object_id: Uuid::from_u128(7),
        before: json!({"z": number, "a": [1.5, null, {"y": true, "b": "\"quoted\" é"}]}),
        after: json!({"number": number + 1}),
    };
    world.identity.audit(&mut tx, &Actor::System { tenant }, &entry).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn entries_of_many_at_once_are_one_chain_per_business() {
    let world = World::start().await;
    let (ours, theirs) = (world.tenant().await, world.tenant().await);
    futures::future::join_all((0..20).map(|n| change(&world, if n % 4 == 0 { theirs } else { ours }, n))).await;
    for (tenant, count) in [(ours, 16), (theirs, 6)] {
        let chain = world.identity.verify_audit(&Actor::Operator { tenant }).await.unwrap();
        assert!(matches!(chain, AuditChain::Whole { entries, .. } if entries == count), "{chain:?}");
    }
}

/// Each way to tamper, and the entry at which it shows.
const TAMPERED: &[(&str, i64)] = &[
    ("update id_audit_log set after = '{}' where seq = 3", 3),
    ("update id_audit_log set before = '{\"z\": 9}' where seq = 3", 3),
    ("update id_audit_log set actor_kind = 'operator' where seq = 3", 3),
    ("update id_audit_log set action = 'x' where seq = 3", 3),
    ("update id_audit_log set object = 'x' where seq = 3", 3),
    ("update id_audit_log set object_id = gen_random_uuid() where seq = 3", 3),
    ("update id_audit_log set id = gen_random_uuid() where seq = 3", 3),
    ("update id_audit_log set created_at = created_at + interval '1 microsecond' where seq = 3", 3),
    ("update id_audit_log set hash = sha256('x') where seq = 3", 3),
    ("update id_audit_log set prev_hash = sha256('x') where seq = 3", 3),
    ("delete from id_audit_log where seq = 1", 1),
    ("delete from id_audit_log where seq = 3", 3),
    ("delete from id_audit_log where seq = 3; update id_audit_log set seq = seq - 1 where seq > 3", 3),
    (
        "delete from id_audit_log where seq = 3; update id_audit_log set seq = seq - 1 where seq > 3;
         update id_audit_log set prev_hash = (select hash from id_audit_log where seq = 2) where seq = 3",
        3,
    ),
];

#[tokio::test]
async fn what_a_superuser_does_to_the_log_shows() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    for number in 0..5 {
        change(&world, tenant, number).await;
    }
    let operator = Actor::Operator { tenant };
    let whole = world.identity.verify_audit(&operator).await.unwrap();
    let AuditChain::Whole { entries: 6, newest_hash } = &whole else { panic!("{whole:?}") };
    let mut superuser = world.database.superuser().await.unwrap();
    sqlx::raw_sql("create table kept as select * from id_audit_log").execute(&mut superuser).await.unwrap();
    for (tampering, seq) in TAMPERED {
        sqlx::raw_sql(AssertSqlSafe(*tampering)).execute(&mut superuser).await.unwrap();
        let found = world.identity.verify_audit(&operator).await.unwrap();
        assert_eq!(found, AuditChain::Broken(Broken { seq: *seq }), "{tampering}");
        let restore = "delete from id_audit_log; insert into id_audit_log select * from kept";
        sqlx::raw_sql(restore).execute(&mut superuser).await.unwrap();
        assert_eq!(world.identity.verify_audit(&operator).await.unwrap(), whole);
    }
    // What is cut off at the end shows in what was printed before.
    sqlx::raw_sql("delete from id_audit_log where seq = 6").execute(&mut superuser).await.unwrap();
    let shorter = world.identity.verify_audit(&operator).await.unwrap();
    assert!(matches!(&shorter, AuditChain::Whole { entries: 5, newest_hash: hash } if hash != newest_hash));
    superuser.close().await.unwrap();
}

#[tokio::test]
async fn the_services_add_to_the_log_and_change_nothing_in_it() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    change(&world, tenant, 1).await;
    for db in [world.database.app(), world.database.dispatcher()] {
        for statement in ["update id_audit_log set action = 'x'", "delete from id_audit_log", "truncate id_audit_log"] {
            let mut tx = db.begin(tenant).await.unwrap();
            let refused = sqlx::query(statement).execute(tx.conn().await.unwrap()).await.map_err(DbError::from);
            assert!(matches!(&refused, Err(DbError::Other(_))), "{statement}: {refused:?}");
        }
    }
    // What is rolled back was never done, and leaves no gap.
    let mut tx = world.database.app().begin(tenant).await.unwrap();
    let entry =
        AuditEntry { action: "x", object: "x", object_id: Uuid::nil(), before: json!(null), after: json!(null) };
    world.identity.audit(&mut tx, &Actor::System { tenant }, &entry).await.unwrap();
    tx.roll_back().await.unwrap();
    change(&world, tenant, 2).await;
    let chain = world.identity.verify_audit(&Actor::Operator { tenant }).await.unwrap();
    assert!(matches!(chain, AuditChain::Whole { entries: 3, .. }), "{chain:?}");
}
