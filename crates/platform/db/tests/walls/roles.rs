//! What each role can and cannot do, by acting as it.

use nmc_db::RouteKind;
use nmc_kernel::TenantId;
use nmc_testkit::TestDatabase;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

const SERVICES: [&str; 2] = ["nmc_app", "nmc_dispatcher"];
/// Everybody but the owner.
const ROLES: [&str; 4] = ["nmc_app", "nmc_dispatcher", "nmc_readonly", "nmc_backup"];
/// Rows of these are only ever added, whoever asks. Retention does not touch them either.
const LEDGERS: [&str; 4] = ["comp_opt_outs", "comp_opt_out_confirmations", "comp_registration_history", "id_audit_log"];

const RIGHT_MISSING: &str = "42501";

async fn connect(database: &TestDatabase, role: &str) -> PgConnection {
    PgConnection::connect(&database.url(role)).await.unwrap()
}

/// The SQLSTATE a statement ends with; none where it works.
async fn refusal(connection: &mut PgConnection, sql: &str) -> Option<String> {
    let answer = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await;
    answer.err().and_then(|error| error.into_database_error()?.code().map(Into::into))
}

async fn tables(database: &TestDatabase) -> Vec<String> {
    sqlx::query_scalar("select tablename::text from pg_tables where schemaname = 'public' order by 1")
        .fetch_all(&mut database.superuser().await.unwrap())
        .await
        .unwrap()
}

#[tokio::test]
async fn nobody_but_the_owner_makes_or_changes_anything() {
    let database = TestDatabase::create().await.unwrap();
    let tables = tables(&database).await;
    assert!(tables.len() > 20, "{tables:?}");
    for role in ROLES {
        let mut connection = connect(&database, role).await;
        for attempt in [
            "create table tel_new (id uuid)",
            "create temporary table new (id uuid)",
            "create schema aside",
            "create function tel_new() returns int language sql as 'select 1'",
            "create view tel_new as select 1 as one",
            "create extension hstore",
            "create role intruder",
            "alter role nmc_app superuser",
            "set role nmc_owner",
            "set session authorization nmc_owner",
            "set session_replication_role = replica",
            "alter database postgres rename to other",
            "copy (select 1) to program 'true'",
            "select pg_read_file('PG_VERSION')",
        ] {
            assert_eq!(refusal(&mut connection, attempt).await.as_deref(), Some(RIGHT_MISSING), "{role}: {attempt}");
        }
        for table in &tables {
            for attempt in [
                format!("truncate {table}"),
                format!("drop table {table}"),
                format!("alter table {table} disable row level security"),
                format!("create policy more on {table} using (true)"),
                format!("grant select on {table} to public"),
                format!("create index on {table} ((1))"),
            ] {
                let refused = refusal(&mut connection, &attempt).await;
                // Granting what one cannot grant is a warning as long as one has a right of one's own.
                if attempt.starts_with("grant") && refused.is_none() {
                    continue;
                }
                assert_eq!(refused.as_deref(), Some(RIGHT_MISSING), "{role}: {attempt}");
            }
        }
    }
    // What was only warned of did not happen.
    let mut superuser = database.superuser().await.unwrap();
    let public: i64 = sqlx::query_scalar(
        "select count(*) from information_schema.table_privileges where grantee = 'PUBLIC' and table_schema = 'public'",
    )
    .fetch_one(&mut superuser)
    .await
    .unwrap();
    assert_eq!(public, 0);
}

#[tokio::test]
async fn nobody_enters_another_database() {
    let database = TestDatabase::create().await.unwrap();
    for role in ["nmc_owner"].into_iter().chain(ROLES) {
        for elsewhere in ["postgres", "template1"] {
            let refused = PgConnection::connect(&database.server().url(role, elsewhere)).await.unwrap_err();
            let code = refused.into_database_error().and_then(|error| error.code().map(Into::<String>::into));
            assert_eq!(code.as_deref(), Some(RIGHT_MISSING), "{role} in {elsewhere}");
        }
    }
}

#[tokio::test]
async fn a_ledger_is_added_to_and_nothing_else() {
    let database = TestDatabase::create().await.unwrap();
    for role in ROLES {
        let mut connection = connect(&database, role).await;
        for table in LEDGERS {
            for attempt in [format!("update {table} set tenant_id = tenant_id"), format!("delete from {table}")] {
                assert_eq!(
                    refusal(&mut connection, &attempt).await.as_deref(),
                    Some(RIGHT_MISSING),
                    "{role}: {attempt}"
                );
            }
        }
    }
}

#[tokio::test]
async fn those_who_look_change_nothing() {
    let database = TestDatabase::create().await.unwrap();
    let tables = tables(&database).await;
    for role in ["nmc_readonly", "nmc_backup"] {
        let mut connection = connect(&database, role).await;
        for table in &tables {
            assert_eq!(refusal(&mut connection, &format!("select from {table}")).await, None, "{role}: {table}");
            for attempt in [format!("delete from {table}"), format!("insert into {table} default values")] {
                assert_eq!(
                    refusal(&mut connection, &attempt).await.as_deref(),
                    Some(RIGHT_MISSING),
                    "{role}: {attempt}"
                );
            }
        }
    }
}

#[tokio::test]
async fn without_a_tenant_a_row_is_seen_by_backups_and_where_the_dispatcher_works_only() {
    let database = TestDatabase::create().await.unwrap();
    let db = database.app();
    let tenant: TenantId = db.ids().next();
    let mut tx = db.begin(tenant).await.unwrap();
    nmc_rows(&mut tx).await;
    tx.commit().await.unwrap();
    for (role, routes, timers) in
        [("nmc_app", 0, 0), ("nmc_readonly", 0, 0), ("nmc_owner", 1, 0), ("nmc_dispatcher", 0, 1), ("nmc_backup", 1, 1)]
    {
        let mut connection = connect(&database, role).await;
        for (table, expected) in [("tenant_routes", routes), ("timers", timers)] {
            let sql = format!("select count(*) from {table}");
            let seen: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection).await.unwrap();
            assert_eq!(seen, expected, "{role}: {table}");
        }
    }
}

/// One row in a table the dispatcher looks through and one in a table it does not.
async fn nmc_rows(tx: &mut nmc_db::Tx) {
    let tenant = tx.tenant().as_uuid();
    tx.add_route(RouteKind::TwilioNumber, "+15005550100", tenant).await.unwrap();
    sqlx::query("insert into timers (tenant_id, kind, ref_id, due_at, created_at) values ($1, 'x', $1, now(), now())")
        .bind(tenant)
        .execute(tx.conn().await.unwrap())
        .await
        .unwrap();
}

#[tokio::test]
async fn the_server_gives_routes_up_and_the_dispatcher_cannot() {
    let database = TestDatabase::create().await.unwrap();
    let ours: TenantId = database.app().ids().next();
    let key = "+15005550100";
    let mut tx = database.app().begin(ours).await.unwrap();
    assert!(tx.add_route(RouteKind::TwilioNumber, key, ours.as_uuid()).await.unwrap());
    tx.commit().await.unwrap();

    let mut tx = database.dispatcher().begin(ours).await.unwrap();
    tx.remove_route(RouteKind::TwilioNumber, key).await.unwrap_err();
    drop(tx);
    // Another tenant's stays, even for a statement that forgot its condition.
    let mut tx = database.app().begin(database.app().ids().next()).await.unwrap();
    sqlx::query("delete from tenant_routes").execute(tx.conn().await.unwrap()).await.unwrap();
    tx.commit().await.unwrap();
    assert!(database.app().route(RouteKind::TwilioNumber, key).await.unwrap().is_some());

    let mut tx = database.app().begin(ours).await.unwrap();
    tx.remove_route(RouteKind::TwilioNumber, key).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(database.app().route(RouteKind::TwilioNumber, key).await.unwrap(), None);
}

#[tokio::test]
async fn services_cannot_change_what_their_columns_leave_out() {
    let database = TestDatabase::create().await.unwrap();
    // The dispatcher empties texts that are old; who it is about and what was decided is nobody's to change.
    let by_none = [
        "update outbox_events set tenant_id = tenant_id",
        "update outbox_events set occurred_at = occurred_at",
        "update outbox_consumed set event_id = event_id",
        "update effect_intents set tenant_id = tenant_id",
        "update effect_intents set purpose_key = purpose_key",
        "update timers set tenant_id = tenant_id",
        "update conv_turns set tenant_id = tenant_id",
        "update conv_turns set conversation_id = conversation_id",
        "update webhook_events set payload_hash = payload_hash",
        "update comp_gate_decisions set outcome = outcome",
        "update tel_calls set provider_ref = provider_ref",
        "update tel_inbound_sms set tenant_id = tenant_id",
        "update conv_messages set direction = direction",
        "update tenant_routes set tenant_id = tenant_id",
        "update _sqlx_migrations set success = true",
        "delete from comp_opt_outs",
        "delete from id_tenants",
        "delete from _sqlx_migrations",
    ];
    let by_the_dispatcher_alone = [
        "update outbox_events set payload = payload",
        "update outbox_events set dispatched_at = dispatched_at",
        "update outbox_dead_letters set envelope = envelope",
        "update effect_intents set request = request",
        "update effect_intents set attempt = attempt",
        "update tel_inbound_sms set body = body",
        "update conv_messages set body = body",
        "delete from outbox_events",
        "delete from outbox_consumed",
        "delete from outbox_dead_letters",
        "delete from effect_intents",
        "delete from idempotency_keys",
        "delete from webhook_events",
        "delete from comp_gate_decisions",
        "delete from tel_calls",
        "delete from tel_inbound_sms",
        "delete from conv_messages",
        "delete from conv_conversations",
    ];
    for role in SERVICES {
        let mut connection = connect(&database, role).await;
        for attempt in by_none {
            assert_eq!(refusal(&mut connection, attempt).await.as_deref(), Some(RIGHT_MISSING), "{role}: {attempt}");
        }
        for attempt in by_the_dispatcher_alone {
            let expected = (role == "nmc_app").then_some(RIGHT_MISSING);
            assert_eq!(refusal(&mut connection, attempt).await.as_deref(), expected, "{role}: {attempt}");
        }
    }
}
