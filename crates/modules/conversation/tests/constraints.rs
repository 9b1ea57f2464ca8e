//! Every named constraint refuses what it is there for, and the services' rights end where they should.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets the unexpected stops there")]

use nmc_testkit::TestDatabase;
use serde_json::{Map, Value, json};
use sqlx::{AssertSqlSafe, PgConnection};

const TENANT: &str = "00000000-0000-0000-0000-000000000001";
const AT: &str = "2026-06-10T18:00:00Z";

fn id(number: u8) -> String {
    format!("00000000-0000-0000-0000-0000000000{number:02x}")
}

/// A row of each table that every constraint takes.
fn good(table: &str) -> Value {
    match table {
        "conv_conversations" => json!({
            "tenant_id": TENANT, "id": id(1), "caller_phone": "+12125550142", "business_phone": "+12125550100",
            "state": "open", "epoch": 0, "correlation_id": id(9), "opened_at": AT, "last_activity_at": AT, "created_at": AT,
        }),
        "conv_contacts" => json!({
            "tenant_id": TENANT, "id": id(2), "kind": "call", "caller_phone": "+12125550142",
            "business_phone": "+12125550100", "conversation_id": id(1), "outcome": "greeted", "occurred_at": AT,
            "created_at": AT,
        }),
        "conv_messages" => json!({
            "tenant_id": TENANT, "id": id(3), "conversation_id": id(1), "direction": "out", "author": "automation",
            "purpose": "greeting", "body": "Hi", "media_count": 0, "segments": 1, "status": "pending",
            "provider_message_id": "SM1", "client_dedup_key": "a", "intent_id": id(8), "why": {}, "created_at": AT,
            "updated_at": AT,
        }),
        "conv_templates" => json!({
            "tenant_id": TENANT, "id": id(4), "key": "help", "body": "Hi", "created_at": AT, "updated_at": AT,
        }),
        "conv_human_stretches" => json!({
            "tenant_id": TENANT, "id": id(6), "conversation_id": id(1), "began_at": AT, "began_because": "taken-over",
        }),
        "conv_stopped_wordings" => json!({
            "tenant_id": TENANT, "id": id(7), "key": "help", "wording": "product", "error_code": 30007, "stopped_at": AT,
        }),
        "conv_tasks" => json!({
            "tenant_id": TENANT, "id": id(5), "purpose_key": "reply:a", "kind": "reply", "conversation_id": id(1),
            "caller_phone": "+12125550142", "text": "Reply", "created_at": AT,
        }),
        "conv_turns" => json!({
            "tenant_id": TENANT, "conversation_id": id(1), "due_at": AT, "first_text_at": AT, "attempts": 0,
            "created_at": AT,
        }),
        other => panic!("no row for {other}"),
    }
}

const TABLES: [&str; 8] = [
    "conv_conversations",
    "conv_contacts",
    "conv_messages",
    "conv_templates",
    "conv_tasks",
    "conv_human_stretches",
    "conv_stopped_wordings",
    "conv_turns",
];

/// Each constraint with the change to a good row that breaks it. A row that is not to collide has another id.
fn broken() -> Vec<(&'static str, &'static str, Value)> {
    let conversation =
        |change: Value| ("conv_conversations", with(&json!({"id": id(11), "caller_phone": "+12125550177"}), &change));
    let contact = |change: Value| ("conv_contacts", with(&json!({"id": id(12)}), &change));
    let fresh = json!({"id": id(13), "provider_message_id": null, "client_dedup_key": null, "intent_id": null});
    let message = |change: Value| ("conv_messages", with(&fresh, &change));
    let template = |change: Value| ("conv_templates", with(&json!({"id": id(14), "key": "greeting-call"}), &change));
    let over = json!({"id": id(16), "ended_at": AT, "ended_because": "released"});
    let stretch = |change: Value| ("conv_human_stretches", with(&over, &change));
    let stopped =
        |change: Value| ("conv_stopped_wordings", with(&json!({"id": id(17), "key": "greeting-call"}), &change));
    let task =
        |change: Value| ("conv_tasks", with(&json!({"id": id(15), "purpose_key": "b", "kind": "check"}), &change));
    let turn = |change: Value| ("conv_turns", with(&json!({"conversation_id": id(10)}), &change));
    [
        ("conv_conversations_pkey", conversation(json!({"id": id(1)}))),
        ("conv_conversations_caller_e164", conversation(json!({"caller_phone": "anonymous"}))),
        ("conv_conversations_business_e164", conversation(json!({"business_phone": "72345"}))),
        ("conv_conversations_state_words", conversation(json!({"state": "asleep"}))),
        ("conv_conversations_epoch_counted", conversation(json!({"epoch": -1}))),
        (
            "conv_conversations_closed_reason_words",
            conversation(json!({"state": "closed", "closed_at": AT, "closed_reason": "bored"})),
        ),
        ("conv_conversations_closed_whole", conversation(json!({"state": "closed"}))),
        ("conv_conversations_closed_whole", conversation(json!({"closed_at": AT, "closed_reason": "user"}))),
        ("conv_conversations_dialogue_bounds", conversation(json!({"dialogue": []}))),
        ("conv_conversations_dialogue_bounds", conversation(json!({"dialogue": {"name": "x".repeat(16_384)}}))),
        ("conv_conversations_one_live", conversation(json!({"caller_phone": "+12125550142", "state": "human"}))),
        ("conv_conversations_one_live", conversation(json!({"caller_phone": "+12125550142", "state": "blocked"}))),
        ("conv_contacts_pkey", contact(json!({"id": id(2)}))),
        ("conv_contacts_conversation", contact(json!({"conversation_id": id(77)}))),
        ("conv_contacts_kind_words", contact(json!({"kind": "letter"}))),
        ("conv_contacts_caller_e164", contact(json!({"caller_phone": "anonymous"}))),
        ("conv_contacts_business_e164", contact(json!({"business_phone": ""}))),
        ("conv_contacts_outcome_words", contact(json!({"outcome": "lost"}))),
        ("conv_messages_pkey", message(json!({"id": id(3)}))),
        ("conv_messages_conversation", message(json!({"conversation_id": id(77)}))),
        ("conv_messages_direction_words", message(json!({"direction": "up", "purpose": null}))),
        ("conv_messages_author_words", message(json!({"author": "ghost"}))),
        ("conv_messages_author_fits", message(json!({"author": "caller"}))),
        ("conv_messages_user_of_author", message(json!({"author": "user"}))),
        ("conv_messages_purpose_words", message(json!({"purpose": "fun"}))),
        ("conv_messages_purpose_of_outbound", message(json!({"purpose": null}))),
        ("conv_messages_status_words", message(json!({"status": "lost"}))),
        ("conv_messages_status_fits", message(json!({"status": "received"}))),
        ("conv_messages_segments_bounds", message(json!({"segments": 0}))),
        ("conv_messages_media_bounds", message(json!({"media_count": 11}))),
        ("conv_messages_provider_id_length", message(json!({"provider_message_id": ""}))),
        ("conv_messages_dedup_key_length", message(json!({"client_dedup_key": "x".repeat(129)}))),
        ("conv_messages_why_object", message(json!({"why": []}))),
        ("conv_messages_provider_id_once", message(json!({"provider_message_id": "SM1"}))),
        ("conv_messages_dedup_key_once", message(json!({"client_dedup_key": "a"}))),
        ("conv_messages_intent_once", message(json!({"intent_id": id(8)}))),
        ("conv_templates_pkey", template(json!({"id": id(4)}))),
        ("conv_templates_once", template(json!({"key": "help"}))),
        ("conv_templates_key_words", template(json!({"key": "joke"}))),
        ("conv_templates_body_length", template(json!({"body": ""}))),
        ("conv_human_stretches_pkey", stretch(json!({"id": id(6)}))),
        ("conv_human_stretches_conversation", stretch(json!({"conversation_id": id(77)}))),
        ("conv_human_stretches_began_words", stretch(json!({"began_because": "bored"}))),
        ("conv_human_stretches_ended_words", stretch(json!({"ended_because": "bored"}))),
        ("conv_human_stretches_ended_whole", stretch(json!({"ended_because": null}))),
        (
            "conv_human_stretches_ended_whole",
            stretch(json!({"ended_at": null, "ended_because": null, "ended_by": id(7)})),
        ),
        ("conv_human_stretches_in_order", stretch(json!({"ended_at": "2026-06-10T17:59:59Z"}))),
        ("conv_human_stretches_one_open", stretch(json!({"ended_at": null, "ended_because": null}))),
        ("conv_stopped_wordings_pkey", stopped(json!({"id": id(7)}))),
        ("conv_stopped_wordings_once", stopped(json!({"key": "help"}))),
        ("conv_stopped_wordings_key_words", stopped(json!({"key": "joke"}))),
        ("conv_stopped_wordings_wording_words", stopped(json!({"wording": "nobody's"}))),
        ("conv_tasks_pkey", task(json!({"id": id(5)}))),
        ("conv_tasks_once", task(json!({"purpose_key": "reply:a"}))),
        ("conv_tasks_one_reply", task(json!({"kind": "reply", "purpose_key": "reply:b"}))),
        ("conv_tasks_conversation", task(json!({"conversation_id": id(77)}))),
        ("conv_tasks_purpose_key_length", task(json!({"purpose_key": ""}))),
        ("conv_tasks_kind_words", task(json!({"kind": "nap"}))),
        ("conv_tasks_caller_e164", task(json!({"caller_phone": "1"}))),
        ("conv_tasks_text_length", task(json!({"text": ""}))),
        ("conv_tasks_done_by_of_done", task(json!({"done_by": id(7)}))),
        ("conv_turns_pkey", turn(json!({"conversation_id": id(1)}))),
        ("conv_turns_conversation", turn(json!({"conversation_id": id(77)}))),
        ("conv_turns_attempts_counted", turn(json!({"attempts": -1}))),
        ("conv_turns_claim_leased", turn(json!({"claim": id(7)}))),
        ("conv_turns_last_error_length", turn(json!({"last_error": "x".repeat(201)}))),
    ]
    .into_iter()
    .map(|(constraint, (table, change))| (constraint, table, change))
    .collect()
}

fn with(row: &Value, change: &Value) -> Value {
    let mut merged: Map<String, Value> = row.as_object().unwrap().clone();
    merged.extend(change.as_object().unwrap().clone());
    Value::Object(merged)
}

async fn insert(connection: &mut PgConnection, table: &str, row: &Value) -> Result<(), sqlx::Error> {
    let sql = format!("insert into {table} select * from jsonb_populate_record(null::{table}, $1)");
    sqlx::query(AssertSqlSafe(sql)).bind(row).execute(connection).await.map(drop)
}

#[tokio::test]
async fn every_constraint_refuses_what_breaks_it() {
    let database = TestDatabase::create().await.unwrap();
    let mut connection = database.superuser().await.unwrap();
    for table in TABLES {
        insert(&mut connection, table, &good(table)).await.unwrap();
    }
    let broken = broken();
    for (constraint, table, change) in &broken {
        let refused = insert(&mut connection, table, &with(&good(table), change)).await;
        let name = refused.as_ref().err().and_then(|error| error.as_database_error()).and_then(|e| e.constraint());
        assert_eq!(name, Some(*constraint), "{change}: {refused:?}");
    }
    let mut names: Vec<String> = sqlx::query_scalar(
        "select c.conname::text from pg_constraint c join pg_class t on t.oid = c.conrelid
         where t.relname like 'conv\\_%' and c.contype in ('c', 'f', 'p', 'u')
         union select indexname::text from pg_indexes where tablename like 'conv\\_%' and indexdef like '%UNIQUE%' order by 1",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    names.retain(|name| !broken.iter().any(|(constraint, ..)| constraint == name));
    assert!(names.is_empty(), "nothing provokes {names:?}");
}

#[tokio::test]
async fn a_conversation_takes_what_belongs_to_it_along() {
    let database = TestDatabase::create().await.unwrap();
    let mut connection = database.superuser().await.unwrap();
    for table in TABLES {
        insert(&mut connection, table, &good(table)).await.unwrap();
    }
    sqlx::query("delete from conv_conversations").execute(&mut connection).await.unwrap();
    for table in ["conv_contacts", "conv_messages", "conv_tasks", "conv_human_stretches", "conv_turns"] {
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(format!("select count(*) from {table}")))
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(count, 0, "{table}");
    }
}

#[tokio::test]
async fn the_services_have_the_rights_they_need_and_no_more() {
    let database = TestDatabase::create().await.unwrap();
    let mut connection = database.superuser().await.unwrap();
    let granted: Vec<String> = sqlx::query_scalar(
        "select grantee || ' ' || lower(string_agg(distinct privilege_type, ', ' order by privilege_type)) || ' ' || table_name
         from information_schema.role_table_grants
         where table_name like 'conv\\_%' and grantee in ('nmc_app', 'nmc_dispatcher')
         group by grantee, table_name order by 1",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    assert_eq!(
        granted,
        [
            "nmc_app delete, insert, select conv_stopped_wordings",
            "nmc_app delete, insert, select conv_templates",
            "nmc_app delete, insert, select conv_turns",
            "nmc_app insert, select conv_conversations",
            "nmc_app insert, select conv_human_stretches",
            "nmc_app insert, select conv_messages",
            "nmc_app insert, select conv_tasks",
            "nmc_app select conv_contacts",
            "nmc_dispatcher delete, insert, select conv_contacts",
            "nmc_dispatcher delete, insert, select conv_conversations",
            "nmc_dispatcher delete, insert, select conv_messages",
            "nmc_dispatcher delete, insert, select conv_tasks",
            "nmc_dispatcher delete, insert, select conv_turns",
            "nmc_dispatcher insert, select conv_human_stretches",
            "nmc_dispatcher insert, select conv_stopped_wordings",
            "nmc_dispatcher select conv_templates",
        ]
    );
}
