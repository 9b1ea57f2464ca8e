//! Rows of any age in any table, made from the catalog: every text says where it stands.

use std::{collections::BTreeMap, fmt::Write as _};

use chrono::{DateTime, Utc};
use nmc_app::Modules;
use nmc_config::Config;
use nmc_db::Db;
use nmc_kernel::{Clock, Ids, Random, TenantId};
use nmc_retention::Retention;
use nmc_testkit::TestDatabase;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use uuid::Uuid;

use crate::harness::{ACCOUNT_SID, AUTH_TOKEN, CALENDAR_FEED_KEY, CLERK_WEBHOOK_SECRET};

/// Begins every text that is planted.
pub(crate) const CANARY: &str = "canary";

/// Values that make a planted row the one a rule is about; everything else is filled by type.
pub(crate) type Values = &'static [(&'static str, &'static str)];

/// What makes rows such as are swept: finished, dispatched, closed.
pub(crate) const SETTLED: &[(&str, Values)] = &[
    ("conv_conversations", &[("state", "'closed'")]),
    ("effect_intents", &[("state", "'accepted'")]),
    (
        "outbox_dead_letters",
        &[("envelope", r#"'{"payload": {"body": "canary of a payload"}, "order_key": "+14155550142"}'"#)],
    ),
];

/// A database in which rows of any kind can stand, and its retention at a time that stands still.
pub(crate) struct Stand {
    pub(crate) database: TestDatabase,
    pub(crate) superuser: PgConnection,
    pub(crate) tenant: TenantId,
    pub(crate) now: DateTime<Utc>,
    pub(crate) retention: Retention,
}

impl Stand {
    /// Rules about words and lengths are taken away, so that a text can stand in every column; keys stay.
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::create().await.unwrap();
        let mut superuser = database.superuser().await.unwrap();
        let checks: Vec<String> = sqlx::query_scalar(
            "select format('alter table %s drop constraint %I', conrelid::regclass, conname) from pg_constraint
             where contype = 'c' and connamespace = 'public'::regnamespace",
        )
        .fetch_all(&mut superuser)
        .await
        .unwrap();
        for check in checks {
            run(&mut superuser, &check).await;
        }
        // Rows are planted without the rows they point to. What deletes has its own session and its own rules.
        run(&mut superuser, "set session_replication_role = replica").await;
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let tenant = Ids::new(Clock::fixed(now), Random::seeded(1)).next();
        let retention = retention(&database, now);
        let mut stand = Self { database, superuser, tenant, now, retention };
        stand.plant("id_tenants", tenant, now, 1, &[]).await;
        stand
    }

    /// Puts `count` rows of one age into a table.
    pub(crate) async fn plant(
        &mut self,
        table: &str,
        tenant: TenantId,
        at: DateTime<Utc>,
        count: i64,
        values: &[(&str, &str)],
    ) {
        let columns = columns(&mut self.superuser, table).await;
        let settled = SETTLED.iter().find(|(name, _)| *name == table).map_or(&[][..], |(_, values)| values);
        let (mut names, mut filled) = (Vec::new(), Vec::new());
        for (column, kind) in &columns {
            let given =
                values.iter().chain(settled).find(|(name, _)| name == column).map(|(_, value)| (*value).to_owned());
            let value = match (given, column.as_str()) {
                (Some(value), _) => value,
                (None, "tenant_id") => format!("'{tenant}'::uuid"),
                (None, _) => match kind.as_str() {
                    "uuid" if table == "id_tenants" => format!("'{tenant}'::uuid"),
                    // An id of that time; the rows differ in its end.
                    "uuid" => format!("(left('{}', 24) || lpad(to_hex(n), 12, '0'))::uuid", id_at(at)),
                    "text" => format!("'{CANARY} {table}.{column} {} ' || n", at.timestamp()),
                    "jsonb" => format!("jsonb_build_object('body', '{CANARY} {table}.{column}')"),
                    "timestamp with time zone" => format!("'{}'::timestamptz", at.to_rfc3339()),
                    "boolean" => "false".to_owned(),
                    "bytea" => "decode(lpad(to_hex(n), 64, '0'), 'hex')".to_owned(),
                    "smallint" | "integer" | "bigint" => "1".to_owned(),
                    "bigint[]" | "uuid[]" => "'{}'".to_owned(),
                    // Days are told apart by their rows' keys.
                    "date" => format!("'{}'::date + n::integer - 1", at.date_naive()),
                    "xid8" => "pg_current_xact_id()".to_owned(),
                    other => panic!("{table}.{column} is a {other}: say what a row has there"),
                },
            };
            names.push(column.clone());
            filled.push(value);
        }
        let sql = format!(
            "insert into {table} ({}) select {} from generate_series(1, {count}) n on conflict do nothing",
            names.join(", "),
            filled.join(", ")
        );
        run(&mut self.superuser, &sql).await;
    }

    pub(crate) async fn count(&mut self, sql: &str) -> i64 {
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&mut self.superuser).await.unwrap()
    }
}

/// All rules, at a moment.
pub(crate) fn retention(database: &TestDatabase, now: DateTime<Utc>) -> Retention {
    let db = database.dispatcher().clone().at(Clock::fixed(now), Random::seeded(2));
    modules(database, &db).retention(&db, Random::seeded(3))
}

/// The modules over this database, with providers that nobody reaches.
pub(crate) fn modules(database: &TestDatabase, db: &Db) -> Modules {
    let nowhere = "http://127.0.0.1:9";
    let values = [
        ("DATABASE_URL", database.dispatcher_url()),
        ("PUBLIC_BASE_URL", nowhere.to_owned()),
        ("TWILIO_ACCOUNT_SID", ACCOUNT_SID.to_owned()),
        ("TWILIO_AUTH_TOKEN", AUTH_TOKEN.to_owned()),
        ("TWILIO_BASE_URL", nowhere.to_owned()),
        ("CLERK_JWT_ISSUER", nowhere.to_owned()),
        ("CLERK_JWKS_URL", format!("{nowhere}/.well-known/jwks.json")),
        ("CLERK_AUTHORIZED_PARTIES", "https://app.example.com".to_owned()),
        ("CLERK_BASE_URL", nowhere.to_owned()),
        ("CLERK_SECRET_KEY", "sk_test_nobody".to_owned()),
        ("CLERK_WEBHOOK_SECRET", CLERK_WEBHOOK_SECRET.to_owned()),
        ("CALENDAR_FEED_KEY", CALENDAR_FEED_KEY.to_owned()),
    ];
    let config =
        Config::from_lookup(&|name| values.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone()));
    Modules::new(db, &config.unwrap()).unwrap()
}

/// An id as it is made at that moment.
fn id_at(at: DateTime<Utc>) -> Uuid {
    Ids::new(Clock::fixed(at), Random::seeded(4)).next()
}

/// What a row is written with; what the database makes by itself is left out.
async fn columns(connection: &mut PgConnection, table: &str) -> Vec<(String, String)> {
    sqlx::query(
        "select attname::text as name, format_type(atttypid, atttypmod) as kind from pg_attribute
         where attrelid = $1::regclass and attnum > 0 and not attisdropped and attidentity = '' and attgenerated = ''
         order by attnum",
    )
    .bind(table)
    .fetch_all(connection)
    .await
    .unwrap()
    .into_iter()
    .map(|row| (row.get("name"), row.get("kind")))
    .collect()
}

/// Every column of every table that can hold words, with how many rows have `wanted` in it; those with none left out.
pub(crate) async fn holding(connection: &mut PgConnection, wanted: &str) -> BTreeMap<String, i64> {
    let texts = sqlx::query(
        "select c.relname::text as of, a.attname::text as name from pg_class c join pg_attribute a on a.attrelid = c.oid
         where c.relkind in ('r', 'p', 'm') and c.relnamespace = 'public'::regnamespace and a.attnum > 0
           and not a.attisdropped and format_type(a.atttypid, null) in
             ('text', 'character varying', 'character', 'json', 'jsonb', 'text[]', 'bytea', 'xml')
         order by 1, 2",
    )
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    assert!(texts.len() > 100, "{} columns can hold words", texts.len());
    let mut found = BTreeMap::new();
    for row in texts {
        let (table, column): (String, String) = (row.get("of"), row.get("name"));
        let mut sql = String::new();
        // Bytes are looked at as words, too.
        let _ = write!(
            sql,
            "select count(*) from {table} where position($1 in {column}::text) > 0
               or position(encode(convert_to($1, 'UTF8'), 'hex') in {column}::text) > 0"
        );
        let rows: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).bind(wanted).fetch_one(&mut *connection).await.unwrap();
        if rows > 0 {
            found.insert(format!("{table}.{column}"), rows);
        }
    }
    found
}

pub(crate) async fn tables(connection: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar("select tablename::text from pg_tables where schemaname = 'public' order by 1")
        .fetch_all(connection)
        .await
        .unwrap()
}

pub(crate) async fn run(connection: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(connection)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}
