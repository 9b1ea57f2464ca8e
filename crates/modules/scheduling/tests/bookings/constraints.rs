//! Every named constraint refuses what it is there for.

use std::collections::BTreeSet;

use nmc_db::DbError;
use serde_json::json;
use sqlx::AssertSqlSafe;

use crate::{
    play::{TEN, an_hour},
    world::World,
};

/// A copy of a row of a table, with other values in some columns.
const BROKEN: &[(&str, &str, &str)] = &[
    ("sched_resources_pkey", "sched_resources", "name = 'Sam'"),
    ("sched_resources_name_length", "sched_resources", "id = gen_random_uuid(), name = ''"),
    ("sched_resources_time_zone_length", "sched_resources", "id = gen_random_uuid(), name = 'Sam', time_zone = ''"),
    (
        "sched_resources_weekly_hours_small",
        "sched_resources",
        "id = gen_random_uuid(), name = 'Sam', weekly_hours = '[]'",
    ),
    ("sched_resources_buffers", "sched_resources", "id = gen_random_uuid(), name = 'Sam', buffer_after_minutes = 121"),
    (
        "sched_resources_minimum_notice",
        "sched_resources",
        "id = gen_random_uuid(), name = 'Sam', minimum_notice_minutes = 43201",
    ),
    ("sched_resources_horizon", "sched_resources", "id = gen_random_uuid(), name = 'Sam', horizon_days = 366"),
    (
        "sched_resources_skills_few",
        "sched_resources",
        "id = gen_random_uuid(), name = 'Sam', skills = array_fill(id,array[501])",
    ),
    ("sched_resources_feed_version", "sched_resources", "id = gen_random_uuid(), name = 'Sam', feed_version = 0"),
    ("sched_holidays_pkey", "sched_holidays", "date = date + 1"),
    ("sched_holidays_once", "sched_holidays", "id = gen_random_uuid()"),
    ("sched_holidays_name_length", "sched_holidays", "id = gen_random_uuid(), date = date + 1, name = ''"),
    ("sched_time_off_pkey", "sched_time_off", "reason = null"),
    ("sched_time_off_resource", "sched_time_off", "id = gen_random_uuid(), resource_id = gen_random_uuid()"),
    ("sched_time_off_piece", "sched_time_off", "id = gen_random_uuid(), ends_at = starts_at + interval '25 hours'"),
    ("sched_time_off_reason_length", "sched_time_off", "id = gen_random_uuid(), reason = ''"),
    ("sched_ext_busy_pkey", "sched_ext_busy", "source_ref = 'other'"),
    (
        "sched_ext_busy_resource",
        "sched_ext_busy",
        "id = gen_random_uuid(), source_ref = 'other', resource_id = gen_random_uuid()",
    ),
    ("sched_ext_busy_once", "sched_ext_busy", "id = gen_random_uuid()"),
    ("sched_ext_busy_piece", "sched_ext_busy", "id = gen_random_uuid(), source_ref = 'other', ends_at = starts_at"),
    ("sched_ext_busy_source_ref_length", "sched_ext_busy", "id = gen_random_uuid(), source_ref = ''"),
    ("sched_appointments_pkey", "sched_appointments", "status = 'cancelled'"),
    ("sched_appointments_resource", "sched_appointments", "id = gen_random_uuid(), resource_id = gen_random_uuid()"),
    ("sched_appointments_no_overlap", "sched_appointments", "id = gen_random_uuid()"),
    ("sched_appointments_in_order", "sched_appointments", "id = gen_random_uuid(), blocked_from = ends_at"),
    ("sched_appointments_status_words", "sched_appointments", "id = gen_random_uuid(), status = 'lost'"),
    ("sched_appointments_booked_by_words", "sched_appointments", "id = gen_random_uuid(), booked_by = 'nobody'"),
    ("sched_appointments_price", "sched_appointments", "id = gen_random_uuid(), price_cents = -1"),
    ("sched_appointments_currency_form", "sched_appointments", "id = gen_random_uuid(), currency = 'usd'"),
    ("sched_appointments_customer_name_length", "sched_appointments", "id = gen_random_uuid(), customer_name = ''"),
    (
        "sched_appointments_customer_address_length",
        "sched_appointments",
        "id = gen_random_uuid(), customer_address = ''",
    ),
    ("sched_appointments_notes_length", "sched_appointments", "id = gen_random_uuid(), notes = ''"),
    ("sched_appointments_version", "sched_appointments", "id = gen_random_uuid(), version = 0"),
    ("sched_appointment_changes_pkey", "sched_appointment_changes", "version = 2"),
    (
        "sched_appointment_changes_appointment",
        "sched_appointment_changes",
        "id = gen_random_uuid(), appointment_id = gen_random_uuid()",
    ),
    ("sched_appointment_changes_once", "sched_appointment_changes", "id = gen_random_uuid()"),
    ("sched_appointment_changes_what_words", "sched_appointment_changes", "id = gen_random_uuid(), what = 'lost'"),
    ("sched_appointment_changes_reason_words", "sched_appointment_changes", "id = gen_random_uuid(), reason = 'user'"),
    ("sched_holds_pkey", "sched_holds", "resource_id = resource_id"),
    ("sched_holds_resource", "sched_holds", "id = gen_random_uuid(), resource_id = gen_random_uuid()"),
    ("sched_holds_no_overlap", "sched_holds", "id = gen_random_uuid()"),
    ("sched_holds_in_order", "sched_holds", "id = gen_random_uuid(), blocked_from = ends_at"),
    (
        "sched_holds_price",
        "sched_holds",
        "id = gen_random_uuid(), price_cents = -1, currency = 'USD', service_item_id = id",
    ),
    ("sched_holds_quoted", "sched_holds", "id = gen_random_uuid(), price_cents = 1"),
    (
        "sched_holds_currency_form",
        "sched_holds",
        "id = gen_random_uuid(), price_cents = 1, currency = 'usd', service_item_id = id",
    ),
    ("sched_holds_expires", "sched_holds", "id = gen_random_uuid(), expires_at = created_at"),
    ("sched_ended_holds_pkey", "sched_ended_holds", "became = became"),
    (
        "sched_ended_holds_became_words",
        "sched_ended_holds",
        "id = gen_random_uuid(), became = 'lost', appointment_id = null",
    ),
    ("sched_ended_holds_booked", "sched_ended_holds", "id = gen_random_uuid(), appointment_id = null"),
];

#[tokio::test]
async fn every_constraint_refuses_what_it_is_there_for() {
    let world = World::new().await;
    let resource = world.resource("Alex").await.id;
    world.booked(resource, TEN).await;
    world.try_hold(&an_hour(resource, "2026-06-11T16:00:00Z")).await.unwrap();
    assert_eq!(world.post("/scheduling/holidays", json!({ "date": "2026-11-26", "name": "x" })).await.status, 201);
    let away = json!({ "first_day": "2026-07-06", "last_day": "2026-07-06" });
    assert_eq!(world.post(&format!("/scheduling/resources/{resource}/time-off"), away).await.status, 201);
    let mut superuser = world.superuser().await;
    sqlx::query(
        "insert into sched_ext_busy (tenant_id, id, resource_id, calendar_id, source_ref, starts_at, ends_at, created_at)
         select tenant_id, id, id, id, 'one', created_at, created_at + interval '1 hour', created_at from sched_resources",
    )
    .execute(&mut superuser)
    .await
    .unwrap();
    let known: BTreeSet<String> = sqlx::query_scalar(
        "select conname::text from pg_constraint where conrelid::regclass::text like 'sched\\_%' and contype <> 'n'",
    )
    .fetch_all(&mut superuser)
    .await
    .unwrap()
    .into_iter()
    .collect();
    let tried: BTreeSet<String> = BROKEN.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(known, tried);
    for (name, table, values) in BROKEN {
        let columns: Vec<String> = sqlx::query_scalar(
            "select attname::text from pg_attribute
             where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = '' order by attnum",
        )
        .bind(table)
        .fetch_all(&mut superuser)
        .await
        .unwrap();
        let given: Vec<(&str, &str)> = values.split(", ").filter_map(|pair| pair.split_once(" = ")).collect();
        let picked: Vec<String> = columns
            .iter()
            .map(|column| {
                let value = given.iter().find(|(name, _)| name == column).map(|(_, value)| *value);
                value.unwrap_or(column).to_owned()
            })
            .collect();
        let sql =
            format!("insert into {table} ({}) select {} from {table} limit 1", columns.join(", "), picked.join(", "));
        let refused = sqlx::query(AssertSqlSafe(sql.clone())).execute(&mut superuser).await.map_err(DbError::from);
        let error = refused.expect_err(name);
        assert_eq!(error.constraint(), Some(*name), "{sql}: {error:?}");
    }
}

/// A conversation's second hold is refused by a unique index, wherever it lies.
#[tokio::test]
async fn a_conversation_has_one_hold() {
    let world = World::new().await;
    let resource = world.resource("Alex").await.id;
    for start in [TEN, "2026-06-11T16:00:00Z"] {
        world.try_hold(&an_hour(resource, start)).await.unwrap();
    }
    let doubled = sqlx::query("update sched_holds set conversation_id = '00000000-0000-0000-0000-000000000001'")
        .execute(&mut world.superuser().await)
        .await
        .map_err(DbError::from)
        .unwrap_err();
    assert_eq!(doubled.constraint(), Some("sched_holds_one_of_conversation"));
}
