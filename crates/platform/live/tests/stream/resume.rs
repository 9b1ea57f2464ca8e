//! Coming back with the last id.

use nmc_kernel::TenantId;
use nmc_testkit::TestDatabase;
use serde_json::Value;

use crate::support::{Server, in_order, release, unblock};

#[tokio::test]
async fn a_client_that_comes_back_hears_what_it_missed_once_and_in_order() {
    let database = TestDatabase::create().await.unwrap();
    let (db, server) = (database.app(), Server::start(&database).await);
    let tenant: TenantId = db.ids().next();
    release(db, tenant).await;
    assert_eq!(in_order(&database, tenant).await.len(), 1);
    let mut first = server.open(tenant).await;
    let ready = first.hear().await.id.unwrap();
    // More than a page, some of them in one transaction, and some while nobody listens.
    unblock(db, tenant, 250).await;
    drop(first);
    for _ in 0..5 {
        release(db, tenant).await;
    }
    let all = in_order(&database, tenant).await;
    let another_server = Server::start(&database).await;
    for seen in [0, 1, 100, 250, 255] {
        let at = if seen == 0 { &ready } else { &all[seen] };
        let server = if seen % 2 == 0 { &server } else { &another_server };
        // Beside somebody who has been listening, so that the business is being read already.
        let mut listening = server.open(tenant).await;
        assert_eq!(listening.hear().await.name, "ready");
        let mut back = server.resume(tenant, at).await;
        for expected in &all[seen + 1..] {
            assert_eq!(back.hear().await.id.as_ref(), Some(expected), "after {seen}");
        }
        // Nothing comes twice: what is heard next is what is published next.
        let id = release(db, tenant).await;
        assert_eq!(back.hear().await.data["event_id"], id);
        assert_eq!(listening.hear().await.data["event_id"], id);
        // For the next round this has been seen as well.
        let mut rest = server.resume(tenant, all.last().unwrap()).await;
        assert!(rest.hear().await.id > Some(all[255].clone()));
        sqlx::query("delete from outbox_events where id = $1::uuid")
            .bind(id)
            .execute(&mut database.superuser().await.unwrap())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn what_cannot_be_gone_on_from_is_reset() {
    let database = TestDatabase::create().await.unwrap();
    let (db, server) = (database.app(), Server::start(&database).await);
    let (tenant, neighbour): (TenantId, TenantId) = (db.ids().next(), db.ids().next());
    for _ in 0..3 {
        release(db, tenant).await;
    }
    release(db, neighbour).await;
    let [deleted, old, latest] = <[String; 3]>::try_from(in_order(&database, tenant).await).unwrap();
    let neighbours = in_order(&database, neighbour).await.remove(0);
    let mut superuser = database.superuser().await.unwrap();
    let by_id =
        |sql: &'static str, id: &str| sqlx::query(sql).bind(id.split_once('.').unwrap().1.parse::<i64>().unwrap());
    by_id("delete from outbox_events where seq = $1", &deleted).execute(&mut superuser).await.unwrap();
    by_id("update outbox_events set occurred_at = occurred_at - interval '30 days' where seq = $1", &old)
        .execute(&mut superuser)
        .await
        .unwrap();
    let (xid, seq) = latest.split_once('.').unwrap();
    let future = format!("{}.{seq}", xid.parse::<i64>().unwrap() + 1_000_000);
    let unheard_of = format!("{xid}.{}", seq.parse::<i64>().unwrap() + 1);
    for id in [&deleted, &old, &future, &unheard_of, &neighbours, "0.0", "9223372036854775807.9223372036854775807"] {
        let mut client = server.resume(tenant, id).await;
        let reset = client.hear().await;
        assert_eq!((reset.name.as_str(), reset.id.as_ref()), ("reset", Some(&latest)), "{id}");
        let event = release(db, tenant).await;
        assert_eq!(client.hear().await.data["event_id"], event, "{id}");
        sqlx::query("delete from outbox_events where id = $1::uuid").bind(event).execute(&mut superuser).await.unwrap();
    }
}

#[tokio::test]
async fn a_business_in_which_nothing_has_happened_begins_without_an_id() {
    let database = TestDatabase::create().await.unwrap();
    let (db, server) = (database.app(), Server::start(&database).await);
    let tenant: TenantId = db.ids().next();
    for (mut client, greeting) in [(server.open(tenant).await, "ready"), (server.resume(tenant, "1.1").await, "reset")]
    {
        let begun = client.hear().await;
        assert_eq!((begun.name.as_str(), begun.id), (greeting, None));
    }
    let empty = server.ask(tenant, &[("last-event-id", "")]).await;
    assert_eq!(empty.status(), 200, "an empty id says that nothing was seen");
}

#[tokio::test]
async fn an_id_that_is_none_is_422() {
    let database = TestDatabase::create().await.unwrap();
    let server = Server::start(&database).await;
    for id in ["x", "1", "1.", "-1.2", "1.2.3"] {
        let refused = server.ask(database.app().ids().next(), &[("last-event-id", id)]).await;
        assert_eq!(refused.status(), 422, "{id}");
        let problem: Value = serde_json::from_str(&refused.text().await.unwrap()).unwrap();
        assert_eq!(problem["errors"][0]["field"], "Last-Event-ID", "{id}: {problem}");
    }
}
