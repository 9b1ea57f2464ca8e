//! Every named constraint refuses what it is there for, and the services' rights end where they should.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

mod setup;

use std::collections::BTreeSet;

use nmc_db::{Db, DbError, PoolSettings, Wakes};
use nmc_kernel::TenantId;
use setup::World;

/// A tenant that has a brand, a campaign, an opt-out, a confirmation, a number, a listed number and a decision, all with
/// the id 1.
const EXAMPLE: &str = "
insert into comp_brands values ($1, id(1), 'Example', t(), t());
insert into comp_campaigns values ($1, id(1), id(1), 'd', 's', 'pending', t(), t());
insert into comp_phone_numbers values ($1, id(1), '+12125550100', true, t());
insert into comp_registration_history values ($1, id(1), 1, 'brand', 'pending', null, 'owner', t());
insert into comp_loop_watch values ($1, id(1), '+12125550142', 0, sha256(''), t());
insert into comp_opt_outs values ($1, id(1), '+12125550142', 1, 'opt-out', 'STOP', 'keyword', t());
insert into comp_opt_out_confirmations values ($1, id(1), 'message', id(1), t());
insert into comp_do_not_text values ($1, id(1), '+12125550142', 'l', t());
insert into comp_gate_decisions values ($1, id(1), 'message', id(1), 1, 'reply', '+12125550142', 'allow', null, null, '{}', t())";

/// Each constraint with a statement that breaks it and nothing else; `$1` is the tenant.
const BROKEN: &[(&str, &str)] = &[
    ("comp_brands_pkey", "insert into comp_brands values ($1, id(1), 'x', t(), t())"),
    ("comp_brands_one_per_tenant", "insert into comp_brands values ($1, id(2), 'x', t(), t())"),
    ("comp_brands_legal_name_length", "update comp_brands set legal_name = ''"),
    ("comp_brands_status_words", "update comp_brands set status = 'maybe'"),
    ("comp_brands_version_counted", "update comp_brands set version = 0"),
    ("comp_brands_registration_small", "update comp_brands set registration = '[]'"),
    (
        "comp_registration_history_pkey",
        "insert into comp_registration_history values ($1, id(1), 2, 'brand', 'pending', null, 'owner', t())",
    ),
    (
        "comp_registration_history_in_order",
        "insert into comp_registration_history values ($1, id(2), 1, 'brand', 'pending', null, 'owner', t())",
    ),
    (
        "comp_registration_history_counted",
        "insert into comp_registration_history values ($1, id(2), 0, 'brand', 'pending', null, 'owner', t())",
    ),
    (
        "comp_registration_history_subject_words",
        "insert into comp_registration_history values ($1, id(2), 2, 'weather', 'pending', null, 'owner', t())",
    ),
    (
        "comp_registration_history_status_words",
        "insert into comp_registration_history values ($1, id(2), 2, 'brand', 'maybe', null, 'owner', t())",
    ),
    (
        "comp_registration_history_reason_length",
        "insert into comp_registration_history values ($1, id(2), 2, 'brand', 'pending', '', 'owner', t())",
    ),
    (
        "comp_registration_history_said_by_words",
        "insert into comp_registration_history values ($1, id(2), 2, 'brand', 'pending', null, 'nobody', t())",
    ),
    ("comp_loop_watch_pkey", "insert into comp_loop_watch values ($1, id(1), '+12125550143', 0, sha256(''), t())"),
    ("comp_loop_watch_once", "insert into comp_loop_watch values ($1, id(2), '+12125550142', 0, sha256(''), t())"),
    ("comp_loop_watch_e164", "insert into comp_loop_watch values ($1, id(2), '12125550143', 0, sha256(''), t())"),
    ("comp_loop_watch_counted", "insert into comp_loop_watch values ($1, id(2), '+12125550143', 101, sha256(''), t())"),
    ("comp_loop_watch_hash_length", "insert into comp_loop_watch values ($1, id(2), '+12125550143', 0, 'x', t())"),
    ("comp_campaigns_pkey", "insert into comp_campaigns values ($1, id(1), id(1), 'd', 's', 'pending', t(), t())"),
    (
        "comp_campaigns_one_per_tenant",
        "insert into comp_campaigns values ($1, id(2), id(1), 'd', 's', 'pending', t(), t())",
    ),
    ("comp_campaigns_brand", "update comp_campaigns set brand_id = id(9)"),
    ("comp_campaigns_description_length", "update comp_campaigns set description = ''"),
    ("comp_campaigns_sample_length", "update comp_campaigns set sample_message = repeat('x', 1601)"),
    ("comp_campaigns_status_words", "update comp_campaigns set status = 'maybe'"),
    ("comp_phone_numbers_pkey", "insert into comp_phone_numbers values ($1, id(1), '+12125550101', true, t())"),
    ("comp_phone_numbers_once", "insert into comp_phone_numbers values ($1, id(2), '+12125550100', true, t())"),
    ("comp_phone_numbers_e164", "insert into comp_phone_numbers values ($1, id(2), '2125550101', true, t())"),
    (
        "comp_phone_numbers_status_words",
        "insert into comp_phone_numbers values ($1, id(2), '+12125550101', false, t(), 'lost', null, t())",
    ),
    (
        "comp_phone_numbers_receiving",
        "insert into comp_phone_numbers values ($1, id(2), '+12125550101', true, t(), 'requested', null, t())",
    ),
    (
        "comp_phone_numbers_reason_length",
        "insert into comp_phone_numbers values ($1, id(2), '+12125550101', false, t(), 'rejected', '', t())",
    ),
    (
        "comp_opt_outs_pkey",
        "insert into comp_opt_outs values ($1, id(1), '+12125550142', 2, 'opt-in', 'START', 'keyword', t())",
    ),
    (
        "comp_opt_outs_in_order",
        "insert into comp_opt_outs values ($1, id(2), '+12125550142', 1, 'opt-out', 'STOP', 'keyword', t())",
    ),
    ("comp_opt_outs_e164", "insert into comp_opt_outs values ($1, id(2), '+0', 1, 'opt-out', 'STOP', 'keyword', t())"),
    (
        "comp_opt_outs_counted",
        "insert into comp_opt_outs values ($1, id(2), '+12125550143', 0, 'opt-in', 'START', 'keyword', t())",
    ),
    (
        "comp_opt_outs_alternate",
        "insert into comp_opt_outs values ($1, id(2), '+12125550142', 2, 'opt-out', 'STOP', 'keyword', t())",
    ),
    (
        "comp_opt_outs_keyword_length",
        "insert into comp_opt_outs values ($1, id(2), '+12125550142', 2, 'opt-in', '', 'keyword', t())",
    ),
    (
        "comp_opt_outs_source_words",
        "insert into comp_opt_outs values ($1, id(2), '+12125550142', 2, 'opt-in', 'START', 'rumour', t())",
    ),
    (
        "comp_opt_out_confirmations_pkey",
        "insert into comp_opt_out_confirmations values ($1, id(1), 'message', id(2), t())",
    ),
    (
        "comp_opt_out_confirmations_opt_out",
        "insert into comp_opt_out_confirmations values ($1, id(9), 'message', id(2), t())",
    ),
    (
        "comp_opt_out_confirmations_subject_words",
        "insert into comp_opt_out_confirmations values ($1, id(1), 'letter', id(2), t())",
    ),
    ("comp_do_not_text_pkey", "insert into comp_do_not_text values ($1, id(1), '+12125550143', 'l', t())"),
    ("comp_do_not_text_once", "insert into comp_do_not_text values ($1, id(2), '+12125550142', 'l', t())"),
    ("comp_do_not_text_e164", "insert into comp_do_not_text values ($1, id(2), '+1212555014x', 'l', t())"),
    ("comp_do_not_text_label_length", "insert into comp_do_not_text values ($1, id(2), '+12125550143', '', t())"),
    (
        "comp_gate_decisions_pkey",
        "insert into comp_gate_decisions values ($1, id(1), 'message', id(2), 1, 'reply', '+12125550142', 'allow', null, null, '{}', t())",
    ),
    (
        "comp_gate_decisions_in_order",
        "insert into comp_gate_decisions values ($1, id(2), 'message', id(1), 1, 'reply', '+12125550142', 'allow', null, null, '{}', t())",
    ),
    (
        "comp_gate_decisions_counted",
        "insert into comp_gate_decisions values ($1, id(2), 'message', id(1), 0, 'reply', '+12125550142', 'allow', null, null, '{}', t())",
    ),
    (
        "comp_gate_decisions_subject_words",
        "insert into comp_gate_decisions values ($1, id(2), 'letter', id(1), 2, 'reply', '+12125550142', 'allow', null, null, '{}', t())",
    ),
    (
        "comp_gate_decisions_purpose_words",
        "insert into comp_gate_decisions values ($1, id(2), 'message', id(1), 2, 'chat', '+12125550142', 'allow', null, null, '{}', t())",
    ),
    (
        "comp_gate_decisions_e164",
        "insert into comp_gate_decisions values ($1, id(2), 'message', id(1), 2, 'reply', 'anonymous', 'allow', null, null, '{}', t())",
    ),
    (
        "comp_gate_decisions_outcome_words",
        "insert into comp_gate_decisions values ($1, id(2), 'message', id(1), 2, 'reply', '+12125550142', 'perhaps', 'expired', null, '{}', t())",
    ),
    (
        "comp_gate_decisions_reason_words",
        "insert into comp_gate_decisions values ($1, id(2), 'message', id(1), 2, 'reply', '+12125550142', 'block', 'paused', null, '{}', t())",
    ),
    (
        "comp_gate_decisions_until_of_defer",
        "insert into comp_gate_decisions values ($1, id(2), 'message', id(1), 2, 'reply', '+12125550142', 'defer', 'paused', null, '{}', t())",
    ),
    (
        "comp_gate_decisions_inputs_small",
        "insert into comp_gate_decisions values ($1, id(2), 'message', id(1), 2, 'reply', '+12125550142', 'allow', null, null, '[]', t())",
    ),
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
         where conrelid::regclass::text like 'comp\\_%' and contype in ('c', 'f', 'p', 'u', 'x')",
    )
    .fetch_all(&mut world.superuser().await)
    .await
    .unwrap();
    let all: BTreeSet<&str> = all.iter().map(String::as_str).collect();
    assert_eq!(all, BROKEN.iter().map(|(name, _)| *name).collect());
}

#[tokio::test]
async fn ledgers_take_inserts_only_and_foreign_rows_are_not_there() {
    let world = example().await;
    let tables = [
        "brands",
        "campaigns",
        "registration_history",
        "phone_numbers",
        "opt_outs",
        "opt_out_confirmations",
        "do_not_text",
        "gate_decisions",
        "loop_watch",
    ];
    let neighbour = setup::tenant(&world.app, "Example Electric", nmc_identity::TenantSettings::default()).await;
    for db in [&world.app.db, &world.dispatcher.db] {
        for ledger in ["opt_outs", "opt_out_confirmations", "gate_decisions", "registration_history"] {
            let update = format!("update comp_{ledger} set id = id");
            assert!(matches!(run(db, world.tenant, &update).await, Err(DbError::Other(_))), "{update}");
        }
        for table in tables {
            let select = format!("select 1 from comp_{table}");
            assert_eq!(run(db, world.tenant, &select).await.unwrap(), 1, "{table}");
            assert_eq!(run(db, neighbour, &select).await.unwrap(), 0, "{table}");
            let truncated = run(db, world.tenant, &format!("truncate comp_{table}")).await;
            assert!(truncated.is_err(), "{table}");
        }
        // The neighbour's transaction cannot write a row of this tenant's.
        let foreign = format!("insert into comp_brands values ('{}', id(2), 'x', t(), t())", world.tenant);
        assert!(matches!(run(db, neighbour, &foreign).await, Err(DbError::Other(_))));
    }
    // The dispatcher forgets decisions with age; nobody forgets an opt-out.
    for (db, ledgers) in [
        (&world.app.db, &["opt_outs", "opt_out_confirmations", "registration_history", "gate_decisions"][..]),
        (&world.dispatcher.db, &["opt_outs", "opt_out_confirmations", "registration_history"][..]),
    ] {
        for ledger in ledgers {
            let delete = format!("delete from comp_{ledger}");
            assert!(matches!(run(db, world.tenant, &delete).await, Err(DbError::Other(_))), "{delete}");
        }
    }
    let delete = "delete from comp_do_not_text";
    assert_eq!(run(&world.app.db, neighbour, delete).await.unwrap(), 0);
    assert!(run(&world.dispatcher.db, world.tenant, delete).await.is_err());
}
