//! Streams that end, and streams that do not begin.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use nmc_kernel::{Clock, TenantId};
use nmc_live::{Settings, StillSignedIn};
use nmc_testkit::{TestDatabase, eventually};
use serde_json::Value;

use crate::support::{BOUND, Server, everybody, in_order, release, unblock};

#[tokio::test]
async fn a_person_who_may_not_sign_in_any_more_hears_nothing_more() {
    let database = TestDatabase::create().await.unwrap();
    let (active, asked) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
    let (now_active, so_often) = (active.clone(), asked.clone());
    let still: StillSignedIn = Arc::new(move |_| {
        so_often.fetch_add(1, Ordering::Relaxed);
        let active = now_active.load(Ordering::Relaxed);
        Box::pin(async move { active })
    });
    let settings = Settings { check_interval: Duration::from_millis(20), ..Settings::default() };
    let server = Server::start_with(&database, settings, still).await;
    let tenant: TenantId = database.app().ids().next();
    let mut client = server.open(tenant).await;
    assert_eq!(client.hear().await.name, "ready");
    assert!(eventually(BOUND, async || asked.load(Ordering::Relaxed) >= 5).await, "nobody looks at the person");
    let id = release(database.app(), tenant).await;
    assert_eq!(client.hear().await.data["event_id"], id, "an active person's goes on");
    active.store(false, Ordering::Relaxed);
    assert_eq!(client.next().await, None);
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let database = TestDatabase::create().await.unwrap();
    let server = Server::start(&database).await;
    let tenant: TenantId = database.app().ids().next();
    for lifetime in [chrono::TimeDelta::seconds(-5), chrono::TimeDelta::milliseconds(300)] {
        let until = (Clock::system().now() + lifetime).to_rfc3339();
        let mut response = server.ask(tenant, &[("x-until", &until)]).await;
        let rest = tokio::time::timeout(BOUND, async { while response.chunk().await.unwrap().is_some() {} }).await;
        assert!(rest.is_ok(), "a token that holds for {lifetime} keeps its stream open");
    }
}

#[tokio::test]
async fn a_server_that_stops_ends_its_streams() {
    let database = TestDatabase::create().await.unwrap();
    let server = Server::start(&database).await;
    let mut client = server.open(database.app().ids().next()).await;
    assert_eq!(client.hear().await.name, "ready");
    server.stop.cancel();
    // Not only cut: a body that breaks off would be an error here.
    assert_eq!(client.next().await, None);
}

#[tokio::test]
async fn there_are_no_more_streams_than_there_may_be_and_places_come_back() {
    let database = TestDatabase::create().await.unwrap();
    let settings = Settings { streams_max: 3, streams_per_tenant_max: 2, ..Settings::default() };
    let server = Server::start_with(&database, settings, everybody()).await;
    let (tenant, other): (TenantId, TenantId) = (database.app().ids().next(), database.app().ids().next());
    let held = [server.open(tenant).await, server.open(tenant).await, server.open(other).await];
    for (tenant, status, code) in [(tenant, 503, "overloaded"), (other, 503, "overloaded")] {
        let refused = server.ask(tenant, &[]).await;
        assert_eq!(refused.status(), status);
        assert!(refused.headers().contains_key("retry-after"));
        let problem: Value = serde_json::from_str(&refused.text().await.unwrap()).unwrap();
        assert_eq!(problem["code"], code);
    }
    let [first, second, third] = held;
    drop(third);
    let too_many = async || {
        let refused = server.ask(tenant, &[]).await;
        let status = refused.status();
        let problem: Value = serde_json::from_str(&refused.text().await.unwrap()).unwrap();
        status == 429 && problem["code"] == "too_many_streams"
    };
    assert!(eventually(BOUND, too_many).await, "the business has two already");
    drop((first, second));
    assert!(eventually(BOUND, async || server.ask(tenant, &[]).await.status() == 200).await, "places come back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_read_is_cut_and_goes_on_where_it_was() {
    // Enough that no buffer between here and the client's end of the socket holds it.
    const EVENTS: usize = 40_000;
    let database = TestDatabase::create().await.unwrap();
    let (db, server) = (database.app(), Server::start(&database).await);
    let tenant: TenantId = db.ids().next();
    let mut slow = server.open(tenant).await;
    assert_eq!(slow.hear().await.name, "ready");
    release(db, tenant).await;
    assert!(slow.hear().await.id.is_some());
    for _ in 0..EVENTS / 1000 {
        unblock(db, tenant, 1000).await;
    }
    let all = in_order(&database, tenant).await;
    let mut heard = vec![all[0].clone()];
    while let Some(event) = slow.next().await {
        heard.push(event.id.unwrap());
    }
    assert!(heard.len() < all.len(), "a client that read nothing got everything: it was buffered");
    let mut back = server.resume(tenant, heard.last().unwrap()).await;
    while heard.len() < all.len() {
        match back.next().await {
            Some(event) => heard.push(event.id.unwrap()),
            None => back = server.resume(tenant, heard.last().unwrap()).await,
        }
    }
    assert_eq!(heard, all);
}
