//! Each named constraint of the module's tables, provoked.

use nmc_identity::CallMode;
use sqlx::Connection as _;

use crate::house::{ACCOUNT, BUSINESS, CALLER, House, mode};

/// A row that the table takes, column by column as SQL.
type Row = Vec<(&'static str, String)>;

fn quoted(text: &str) -> String {
    format!("'{text}'")
}

fn call() -> Row {
    vec![
        ("provider_ref", quoted("CA1")),
        ("from_phone", quoted(CALLER)),
        ("untextable_reason", "null".to_owned()),
        ("to_phone", quoted(BUSINESS)),
        ("way", quoted("dial")),
        ("forwarded_to", quoted("+14155550111")),
        ("whisper", "true".to_owned()),
        ("status", quoted("open")),
        ("reason", "null".to_owned()),
        ("answered", "false".to_owned()),
        ("duration_seconds", "null".to_owned()),
        ("promise", "null".to_owned()),
        ("correlation_id", quoted("00000000-0000-0000-0000-000000000001")),
        ("created_at", quoted("2026-03-04T17:00:00Z")),
        ("decided_at", "null".to_owned()),
    ]
}

fn sms() -> Row {
    vec![
        ("provider_ref", quoted("SM1")),
        ("from_phone", quoted(CALLER)),
        ("untextable_reason", "null".to_owned()),
        ("to_phone", quoted(BUSINESS)),
        ("body", quoted("hello")),
        ("media", quoted("[]")),
        ("keyword", "null".to_owned()),
        ("answered_by_provider", "false".to_owned()),
        ("correlation_id", quoted("00000000-0000-0000-0000-000000000001")),
        ("created_at", quoted("2026-03-04T17:00:00Z")),
    ]
}

fn poll() -> Row {
    vec![
        ("account", quoted(ACCOUNT)),
        ("list", quoted("calls")),
        ("since", quoted("2026-03-04T17:00:00Z")),
        ("read_up_to", quoted("2026-03-04T17:00:00Z")),
        ("due_at", quoted("2026-03-04T17:00:00Z")),
        ("failures", "0".to_owned()),
        ("last_error", "null".to_owned()),
        ("created_at", quoted("2026-03-04T17:00:00Z")),
    ]
}

fn changed(mut row: Row, changes: &[(&'static str, &str)]) -> Row {
    for (column, value) in changes {
        let cell = row.iter_mut().find(|(name, _)| name == column).unwrap();
        *cell = (*column, (*value).to_owned());
    }
    row
}

fn insert(house: &House, table: &str, id: u8, row: &Row) -> String {
    let (tenant, id) = (quoted(&house.tenant.to_string()), format!("'00000000-0000-0000-0000-0000000000{id:02x}'"));
    let mut row: Vec<_> = row.iter().map(|(column, value)| (*column, value.as_str())).collect();
    row.push(("tenant_id", &tenant));
    if table != "tel_polls" {
        row.push(("id", &id));
    }
    let (columns, values): (Vec<_>, Vec<_>) = row.into_iter().unzip();
    format!("insert into {table} ({}) values ({})", columns.join(", "), values.join(", "))
}

#[tokio::test]
async fn every_named_constraint_refuses() {
    let house = House::with(mode(CallMode::Forwarded)).await;
    let missed = |reason| [("status", "'missed'"), ("reason", reason), ("decided_at", "'2026-03-04T17:00:00Z'")];
    let of_calls = |changes: &[(&'static str, &str)]| ("tel_calls", changed(call(), changes));
    let of_texts = |changes: &[(&'static str, &str)]| ("tel_inbound_sms", changed(sms(), changes));
    let of_polls = |changes: &[(&'static str, &str)]| ("tel_polls", changed(poll(), changes));
    let long = format!("'{}'", "x".repeat(16_385));
    let mut cases = vec![
        ("tel_calls_provider_ref_length", of_calls(&[("provider_ref", "''")])),
        ("tel_calls_from_e164", of_calls(&[("from_phone", "'12125550123'")])),
        ("tel_calls_from_or_reason", of_calls(&[("from_phone", "null")])),
        ("tel_calls_untextable_words", of_calls(&[("untextable_reason", "'shy'")])),
        ("tel_calls_to_e164", of_calls(&[("to_phone", "'+0'")])),
        (
            "tel_calls_way_words",
            of_calls(&[("way", "'carrier-pigeon'"), ("forwarded_to", "null"), ("whisper", "false")]),
        ),
        ("tel_calls_forwarded_to_of_dial", of_calls(&[("forwarded_to", "null")])),
        ("tel_calls_forwarded_to_e164", of_calls(&[("forwarded_to", "'home'")])),
        ("tel_calls_whisper_of_dial", of_calls(&[("way", "'forwarded'"), ("forwarded_to", "null")])),
        ("tel_calls_status_words", of_calls(&[("status", "'gone'"), ("decided_at", "'2026-03-04T17:00:00Z'")])),
        ("tel_calls_reason_of_missed", of_calls(&missed("null"))),
        ("tel_calls_reason_words", of_calls(&missed("'asleep'"))),
        ("tel_calls_decided", of_calls(&[("decided_at", "'2026-03-04T17:00:00Z'")])),
        ("tel_calls_duration_bounds", of_calls(&[("duration_seconds", "-1")])),
        ("tel_calls_promise_words", of_calls(&[("promise", "'flowers'")])),
        ("tel_inbound_sms_provider_ref_length", of_texts(&[("provider_ref", "''")])),
        ("tel_inbound_sms_from_e164", of_texts(&[("from_phone", "'12125550123'")])),
        ("tel_inbound_sms_from_or_reason", of_texts(&[("from_phone", "null")])),
        ("tel_inbound_sms_untextable_words", of_texts(&[("untextable_reason", "'shy'")])),
        ("tel_inbound_sms_to_e164", of_texts(&[("to_phone", "'+0'")])),
        ("tel_inbound_sms_body_length", of_texts(&[("body", &long)])),
        ("tel_inbound_sms_media_list", of_texts(&[("media", "'{}'")])),
        ("tel_inbound_sms_keyword_words", of_texts(&[("keyword", "'MAYBE'")])),
        ("tel_inbound_sms_answered_keyword", of_texts(&[("answered_by_provider", "true")])),
        ("tel_polls_account_sid", of_polls(&[("account", "'AC1'")])),
        ("tel_polls_list_words", of_polls(&[("list", "'faxes'")])),
        ("tel_polls_forwards", of_polls(&[("read_up_to", "'2026-03-04T16:59:59Z'"), ("list", "'messages'")])),
        ("tel_polls_failures_counted", of_polls(&[("failures", "-1"), ("list", "'messages'")])),
        ("tel_polls_error_of_failure", of_polls(&[("last_error", "'x'"), ("list", "'messages'")])),
    ];
    let mut superuser = house.superuser().await;
    for (table, row) in [("tel_calls", call()), ("tel_inbound_sms", sms()), ("tel_polls", poll())] {
        run(&mut superuser, insert(&house, table, 1, &row)).await.unwrap();
    }
    // The rows above are there already: the same id, and the same call under another id.
    cases.push(("tel_calls_pkey", of_calls(&[("provider_ref", "'CA2'")])));
    cases.push(("tel_inbound_sms_pkey", of_texts(&[("provider_ref", "'SM2'")])));
    cases.push(("tel_polls_pkey", of_polls(&[])));
    cases.push(("tel_calls_once", of_calls(&[])));
    cases.push(("tel_inbound_sms_once", of_texts(&[])));

    for (name, (table, row)) in &cases {
        let id = if name.ends_with("_pkey") { 1 } else { 2 };
        let refused = run(&mut superuser, insert(&house, table, id, row)).await.unwrap_err();
        let constraint = refused.as_database_error().and_then(|error| error.constraint());
        assert_eq!(constraint, Some(*name), "{refused}");
    }
    let named: Vec<String> = sqlx::query_scalar(
        "select conname::text from pg_constraint c join pg_class t on t.oid = c.conrelid
         where t.relname like 'tel\\_%' and c.contype <> 'n' order by 1",
    )
    .fetch_all(&mut superuser)
    .await
    .unwrap();
    let mut provoked: Vec<_> = cases.iter().map(|(name, _)| (*name).to_owned()).collect();
    provoked.sort();
    assert_eq!(provoked, named, "a constraint that no case provokes");
    superuser.close().await.unwrap();
}

/// Runs a statement made of the constants above.
async fn run(connection: &mut sqlx::PgConnection, sql: String) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(connection).await.map(|_| ())
}
