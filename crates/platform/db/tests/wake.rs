//! Wake-ups cross processes, and many commits are announced by few of them.

#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

use std::time::Duration;

use nmc_db::{Db, PoolSettings, Topic, Wakes, WebhookProvider};
use nmc_kernel::TenantId;
use nmc_testkit::TestDatabase;
use sqlx::postgres::PgListener;
use tokio::{task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

/// A wake-up takes milliseconds; a busy machine gets this long.
const BOUND: Duration = Duration::from_secs(20);

/// One process: its own pool and its own wake-ups.
struct Process {
    db: Db,
    wakes: Wakes,
}

impl Process {
    fn new(database: &TestDatabase) -> Self {
        let wakes = Wakes::new();
        let db = Db::new(&database.app_url(), PoolSettings::default(), wakes.clone()).unwrap();
        Self { db, wakes }
    }

    fn run(&self, stop: &CancellationToken) -> JoinHandle<()> {
        let (db, wakes, stop) = (self.db.clone(), self.wakes.clone(), stop.clone());
        tokio::spawn(async move { wakes.run(&db, stop).await })
    }

    async fn commit(&self, topic: Topic, number: usize) {
        let tenant: TenantId = self.db.ids().next();
        let mut tx = self.db.begin(tenant).await.unwrap();
        tx.record_webhook(WebhookProvider::Twilio, &format!("{topic:?}-{number}"), [7; 32]).await.unwrap();
        tx.wake(topic);
        tx.commit().await.unwrap();
    }

    async fn woken(&self, topic: Topic) -> bool {
        timeout(BOUND, self.wakes.wait(topic)).await.is_ok()
    }
}

/// What is announced up to the first announcement of `last`, that one included.
async fn announced_until(listener: &mut PgListener, last: &str) -> Vec<String> {
    let mut announced = Vec::new();
    loop {
        let payload = timeout(BOUND, listener.recv()).await.unwrap().unwrap().payload().to_owned();
        let is_last = payload.split(',').any(|word| word == last);
        announced.push(payload);
        if is_last {
            return announced;
        }
    }
}

#[tokio::test]
async fn a_commit_in_one_process_wakes_a_waiter_in_another() {
    let database = TestDatabase::create().await.unwrap();
    let (one, other) = (Process::new(&database), Process::new(&database));
    let stop = CancellationToken::new();
    let running = [one.run(&stop), other.run(&stop)];
    // Whoever begins to listen looks at everything once: after this, it listens.
    for topic in [Topic::Outbox, Topic::Effects, Topic::Timers] {
        assert!(other.woken(topic).await, "{topic:?}: nobody listens");
    }
    for topic in [Topic::Effects, Topic::Outbox, Topic::Timers] {
        one.commit(topic, 0).await;
        assert!(other.woken(topic).await, "{topic:?} was not announced");
    }
    stop.cancel();
    for running in running {
        timeout(BOUND, running).await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_commits_fold_into_few_notifications() {
    const CLIENTS: usize = 16;
    const COMMITS: usize = 50;
    let database = TestDatabase::create().await.unwrap();
    let process = Process::new(&database);
    let mut listener = PgListener::connect(&database.superuser_url()).await.unwrap();
    listener.listen("nmc_wake").await.unwrap();

    // Nothing is told yet: all of these are one notification, with whatever a session before may not have told.
    for number in 0..COMMITS {
        process.commit(Topic::Outbox, number).await;
    }
    let stop = CancellationToken::new();
    let running = process.run(&stop);
    assert_eq!(announced_until(&mut listener, "outbox").await, ["outbox,effects,timers,news,turns"]);

    // While one is being sent, what becomes due waits for the next.
    let clients: Vec<_> = (1..=CLIENTS)
        .map(|client| {
            let process = Process { db: process.db.clone(), wakes: process.wakes.clone() };
            tokio::spawn(async move {
                for number in 0..COMMITS {
                    process.commit(Topic::Outbox, client * COMMITS + number).await;
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    process.commit(Topic::Timers, 0).await;
    let announced = announced_until(&mut listener, "timers").await.len();
    assert!(announced <= CLIENTS * COMMITS / 2, "{announced} notifications of {} commits", CLIENTS * COMMITS);
    stop.cancel();
    timeout(BOUND, running).await.unwrap().unwrap();
}
