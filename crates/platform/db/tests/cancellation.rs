//! Requests that are dropped at any moment poison no connection and lose nothing that was acknowledged.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use nmc_db::{Db, DbError, Seen, WebhookProvider};
use nmc_kernel::{Random, TenantId};
use nmc_testkit::TestDatabase;
use sqlx::Connection as _;

const REQUESTS: usize = 10_000;
const CLIENTS: usize = 16;
/// Longer than a whole transaction takes, so that some are dropped at every await and some finish.
const LONGEST_LIFE: Duration = Duration::from_millis(3);

async fn request(db: &Db, tenant: TenantId, id: &str) -> Result<Seen, DbError> {
    let mut tx = db.begin(tenant).await?;
    let seen = tx.record_webhook(WebhookProvider::Twilio, id, [7; 32]).await?;
    tx.commit().await?;
    Ok(seen)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_dropped_requests_poison_nothing_and_lose_nothing() {
    let database = TestDatabase::create().await.unwrap();
    let db = database.app().clone();
    let tenant: TenantId = db.ids().next();
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (db, acknowledged) = (db.clone(), Arc::clone(&acknowledged));
            tokio::spawn(async move {
                let random = Random::seeded(client as u64);
                let (mut dropped, mut refused) = (0, 0);
                for n in 0..REQUESTS / CLIENTS {
                    let id = format!("request-{client}-{n}");
                    let life = LONGEST_LIFE.mul_f64(random.unit());
                    match tokio::time::timeout(life, request(&db, tenant, &id)).await {
                        Ok(Ok(seen)) => {
                            assert_eq!(seen, Seen::First);
                            acknowledged.lock().unwrap().push(id);
                        }
                        // The pool may be busy rolling back, the server may have no room for another connection yet;
                        // what must never be said is that a transaction was stale.
                        Ok(Err(DbError::PoolExhausted | DbError::Unavailable(_))) => refused += 1,
                        Ok(Err(error)) => panic!("{error:?}"),
                        Err(_) => dropped += 1,
                    }
                }
                assert!(refused < REQUESTS / CLIENTS / 10, "{refused} requests were refused");
                dropped
            })
        })
        .collect();
    let mut dropped = 0;
    for client in clients {
        dropped += client.await.unwrap();
    }
    let acknowledged = acknowledged.lock().unwrap().clone();
    assert!(dropped > REQUESTS / 10, "only {dropped} requests were dropped: the test tests nothing");
    assert!(acknowledged.len() > REQUESTS / 100, "only {} finished: the test tests nothing", acknowledged.len());

    // Every connection of the pool is clean.
    for n in 0..200 {
        assert_eq!(request(&db, tenant, &format!("after-{n}")).await.unwrap(), Seen::First);
    }
    let mut superuser = sqlx::PgConnection::connect(&database.superuser_url()).await.unwrap();
    let kept: i64 = sqlx::query_scalar("select count(*) from webhook_events where event_id = any($1)")
        .bind(&acknowledged)
        .fetch_one(&mut superuser)
        .await
        .unwrap();
    assert_eq!(usize::try_from(kept).unwrap(), acknowledged.len(), "acknowledged rows are missing");
}

#[tokio::test]
async fn a_commit_after_a_swallowed_error_is_an_error() {
    let database = TestDatabase::create().await.unwrap();
    let tenant: TenantId = database.app().ids().next();
    let mut tx = database.app().begin(tenant).await.unwrap();
    tx.record_webhook(WebhookProvider::Twilio, "before", [7; 32]).await.unwrap();
    let _swallowed = sqlx::query("select 1 / 0").execute(tx.conn().await.unwrap()).await.unwrap_err();
    assert!(tx.commit().await.is_err());
}
