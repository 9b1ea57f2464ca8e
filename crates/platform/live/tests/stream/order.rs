//! What is told, in which order, and what must not be skipped.

use std::time::Duration;

use chrono::{DateTime, Utc};
use nmc_db::DbError;
use nmc_events::{
    CATALOG, Context, Event,
    catalog_items::CatalogUpdated,
    conversation::{ConversationReleased, MessageSent},
};
use nmc_kernel::TenantId;
use nmc_live::{STREAMED, Settings};
use nmc_testkit::{TestDatabase, eventually};
use sqlx::{Connection as _, PgConnection};

use crate::support::{BOUND, Server, everybody, in_order, release, unblock};

#[tokio::test]
async fn a_stream_begins_ready_and_tells_what_people_are_told() {
    let database = TestDatabase::create().await.unwrap();
    let (db, server) = (database.app(), Server::start(&database).await);
    let (tenant, neighbour): (TenantId, TenantId) = (db.ids().next(), db.ids().next());
    release(db, tenant).await;
    let before = in_order(&database, tenant).await;
    let mut client = server.open(tenant).await;
    let ready = client.hear().await;
    assert_eq!((ready.name.as_str(), ready.data), ("ready", serde_json::json!({})));
    assert_eq!(ready.id.as_ref(), before.last(), "there is an event to go on from");

    release(db, neighbour).await;
    let mut tx = db.begin(tenant).await.unwrap();
    let context = Context { correlation: tx.ids().next(), causation: None };
    tx.publish(&CatalogUpdated { updated_item_ids: Vec::new(), full_refresh: true }, context).unwrap();
    tx.commit().await.unwrap();
    // Only this one, although the two others came first.
    let id = release(db, tenant).await;
    let heard = client.hear().await;
    assert_eq!(heard.name, ConversationReleased::NAME);
    assert_eq!(heard.data["event_id"], id);
    assert_eq!(heard.data["schema_version"], "1.0.0");
    assert!(heard.data["payload"]["conversation_id"].is_string(), "{heard:?}");
    // A request as long would have been ended.
    server.outlast_a_request().await;
    unblock(db, tenant, 3).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(client.hear().await.id.unwrap());
    }
    assert!(ids.is_sorted() && heard.id.unwrap() < ids[0], "{ids:?}");
}

#[tokio::test]
async fn what_commits_late_is_not_skipped() {
    let database = TestDatabase::create().await.unwrap();
    let settings = Settings { poll_interval: Duration::from_millis(50), ..Settings::default() };
    let (db, server) = (database.app(), Server::start_with(&database, settings, everybody()).await);
    let tenant: TenantId = db.ids().next();
    let mut client = server.open(tenant).await;
    assert_eq!(client.hear().await.name, "ready");
    for insert_first in [true, false] {
        // A lower transaction; and with `insert_first` a lower number as well.
        let mut late = PgConnection::connect(&database.superuser_url()).await.unwrap();
        sqlx::raw_sql("begin; select pg_current_xact_id()").execute(&mut late).await.unwrap();
        if insert_first {
            insert(&mut late, tenant).await;
        }
        let early_id = release(db, tenant).await;
        // An older transaction still runs: whatever the server tells now is heard before the late one.
        has_looked(&database).await;
        if !insert_first {
            insert(&mut late, tenant).await;
        }
        sqlx::raw_sql("commit").execute(&mut late).await.unwrap();
        let (first, second) = (client.hear().await, client.hear().await);
        assert_eq!(second.data["event_id"], early_id);
        assert_eq!(first.data["payload"], serde_json::json!({ "late": true }));
        // Nothing comes twice: what is heard next is what is published next.
        let next_id = release(db, tenant).await;
        assert_eq!(client.hear().await.data["event_id"], next_id);
    }
}

/// Waits until the server, which alone asks this database meanwhile, has looked for events from beginning to end.
async fn has_looked(database: &TestDatabase) {
    let mut superuser = database.superuser().await.unwrap();
    // The first look to end may have begun before.
    for _ in 0..2 {
        let begun: DateTime<Utc> =
            sqlx::query_scalar("select clock_timestamp()").fetch_one(&mut superuser).await.unwrap();
        let has_ended = async || {
            let ended = "select exists (select from pg_stat_activity where datname = current_database()
                 and usename = 'nmc_app' and state = 'idle' and query like '%commit' and state_change > $1)";
            sqlx::query_scalar(ended).bind(begun).fetch_one(&mut superuser).await.unwrap()
        };
        assert!(eventually(BOUND, has_ended).await, "the server does not look for events");
    }
}

/// An event of a transaction that this test holds open.
async fn insert(connection: &mut PgConnection, tenant: TenantId) {
    sqlx::query(
        "insert into outbox_events (tenant_id, id, event_name, schema_version, occurred_at, correlation_id, payload, available_at)
         values ($1, gen_random_uuid(), $2, '1.0.0', clock_timestamp(), gen_random_uuid(), '{\"late\": true}', clock_timestamp())",
    )
    .bind(tenant.as_uuid())
    .bind(MessageSent::NAME)
    .execute(connection)
    .await
    .unwrap();
}

#[test]
fn every_event_is_told_or_is_none_of_peoples_business() {
    let told = |name: &str| STREAMED.contains(&name);
    let (told, untold): (Vec<_>, Vec<_>) = CATALOG.iter().map(|entry| entry.name).partition(|name| told(name));
    assert_eq!(told.len(), STREAMED.len(), "a name stands twice or is not in the catalog");
    assert_eq!(
        untold,
        [
            "nmc.telephony.CallDetected",
            "nmc.telephony.InboundSmsReceived",
            "nmc.catalog.CatalogUpdated",
            "nmc.compliance.ComplianceStatusChanged",
            "nmc.compliance.OptOutRecorded",
            "nmc.compliance.OptOutRevoked",
            "nmc.billing.SubscriptionUpdated",
        ]
    );
}

/// As the application's role, behind row security: without the key's columns as a condition of the index, each look
/// would read all of a business's events.
#[tokio::test]
async fn reading_on_uses_the_index() {
    let database = TestDatabase::create().await.unwrap();
    let tenant: TenantId = database.app().ids().next();
    let mut tx = database.app().begin(tenant).await.unwrap();
    let explain = async |sql: &'static str| -> Result<String, DbError> {
        let mut tx = database.app().begin(tenant).await?;
        sqlx::raw_sql("set local enable_seqscan = off").execute(tx.conn().await?).await?;
        let lines: Vec<String> = sqlx::query_scalar(sql)
            .bind(tenant.as_uuid())
            .bind(812_i64)
            .bind(44_i64)
            .fetch_all(tx.conn().await?)
            .await?;
        Ok(lines.join("\n"))
    };
    let plan = explain(
        "explain select seq from outbox_events where tenant_id = $1 and (xid, seq) > ($2::bigint::text::xid8, $3)
           and xid < pg_snapshot_xmin(pg_current_snapshot()) order by xid, seq limit 200",
    )
    .await
    .unwrap();
    assert!(plan.contains("outbox_events_in_order"), "{plan}");
    let condition = plan.lines().find(|line| line.contains("Index Cond")).unwrap();
    assert!(condition.contains("ROW(xid, seq) >") && condition.contains("pg_snapshot_xmin"), "{plan}");
    tx.conn().await.unwrap();
    tx.roll_back().await.unwrap();
}
