//! Every committed event reaches each consumer once, or the dead letters, whatever a consumer does.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets the unexpected stops there")]

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use nmc_db::{Db, DbError, PoolSettings, Tx, Wakes};
use nmc_events::{Context, Envelope, Event, SchemaVersion};
use nmc_kernel::{EventId, Random, TenantId};
use nmc_outbox::{ConsumeError, Consumer, Consumers, DeadLetters, Dispatcher, Settings};
use nmc_testkit::{TestDatabase, eventually};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use tokio_util::sync::CancellationToken;

/// What the consumers of these tests are told to do.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct Told {
    to: Behaviour,
    number: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
enum Behaviour {
    Work,
    Fail,
    Panic,
    Abort,
}

impl Event for Told {
    const NAME: &'static str = "nmc.test.Told";
    const VERSION: SchemaVersion = SchemaVersion::V1;
}

/// Does what it is told.
struct Obedient;

impl Consumer for Obedient {
    type Event = Told;
    const NAME: &'static str = "test.obedient";
    async fn consume(&self, tx: &mut Tx, event: &Told, _: &Envelope) -> Result<(), ConsumeError> {
        note(tx, Self::NAME, event.number).await?;
        match event.to {
            Behaviour::Work => Ok(()),
            Behaviour::Fail => Err(ConsumeError::Refused("told to fail".to_owned())),
            Behaviour::Panic => panic!("told to panic"),
            Behaviour::Abort => std::process::abort(),
        }
    }
}

/// Hears the same events and always works.
struct Innocent;

impl Consumer for Innocent {
    type Event = Told;
    const NAME: &'static str = "test.innocent";
    async fn consume(&self, tx: &mut Tx, event: &Told, _: &Envelope) -> Result<(), ConsumeError> {
        note(tx, Self::NAME, event.number).await
    }
}

/// Leaves one row per delivery whose transaction committed.
async fn note(tx: &mut Tx, consumer: &str, number: i64) -> Result<(), ConsumeError> {
    let tenant = tx.tenant().as_uuid();
    sqlx::query("insert into test_notes (tenant_id, consumer, number) values ($1, $2, $3)")
        .bind(tenant)
        .bind(consumer)
        .bind(number)
        .execute(tx.conn().await?)
        .await
        .map_err(DbError::from)?;
    Ok(())
}

const NOTES: &str = "
    create table test_notes (tenant_id uuid not null, consumer text not null, number bigint not null);
    select nmc_protect('test_notes');
    grant select, insert on test_notes to nmc_app, nmc_dispatcher;";

async fn database() -> TestDatabase {
    let database = TestDatabase::create().await.unwrap();
    let mut superuser = database.superuser().await.unwrap();
    sqlx::raw_sql(NOTES).execute(&mut superuser).await.unwrap();
    database
}

fn consumers() -> Consumers {
    Consumers::new().with(Obedient).with(Innocent)
}

fn settings() -> Settings {
    Settings { batch_size: 10, attempt_lease: chrono::Duration::milliseconds(50), ..Settings::default() }
}

fn dispatcher(database: &TestDatabase) -> Dispatcher {
    Dispatcher::new(database.dispatcher().clone(), consumers(), settings(), Random::seeded(1))
}

async fn publish(db: &Db, tenant: TenantId, events: &[(Behaviour, i64)]) -> Vec<EventId> {
    let mut tx = db.begin(tenant).await.unwrap();
    let context = Context { correlation: tx.ids().next(), causation: None };
    let ids = events.iter().map(|&(to, number)| tx.publish(&Told { to, number }, context).unwrap()).collect();
    tx.commit().await.unwrap();
    ids
}

async fn notes(superuser: &mut PgConnection, consumer: &str) -> Vec<i64> {
    sqlx::query_scalar("select number from test_notes where consumer = $1 order by number")
        .bind(consumer)
        .fetch_all(superuser)
        .await
        .unwrap()
}

async fn count(superuser: &mut PgConnection, of: &'static str) -> i64 {
    sqlx::query_scalar(of).fetch_one(superuser).await.unwrap()
}

const PENDING: &str = "select count(*) from outbox_events where dispatched_at is null";
const OPEN_LETTERS: &str = "select count(*) from outbox_dead_letters where resolution is null";

/// Drains until nothing is pending, making retries due at once instead of waiting for their time.
async fn drain_all(database: &TestDatabase, dispatcher: &Dispatcher) {
    let mut superuser = database.superuser().await.unwrap();
    for _ in 0..100 {
        dispatcher.drain().await.unwrap();
        if count(&mut superuser, PENDING).await == 0 {
            return;
        }
        sqlx::raw_sql("update outbox_events set available_at = now() where lane = 1")
            .execute(&mut superuser)
            .await
            .unwrap();
    }
    panic!("events stay pending");
}

#[tokio::test]
async fn a_failing_and_a_panicking_consumer_end_in_the_dead_letters_and_the_others_arrive_once() {
    let database = database().await;
    let tenant: TenantId = database.app().ids().next();
    let told: Vec<_> = (0..40)
        .map(|n| match n {
            7 => (Behaviour::Fail, n),
            23 => (Behaviour::Panic, n),
            _ => (Behaviour::Work, n),
        })
        .collect();
    publish(database.app(), tenant, &told).await;
    drain_all(&database, &dispatcher(&database)).await;

    let mut superuser = database.superuser().await.unwrap();
    let expected: Vec<i64> = (0..40).filter(|n| ![7, 23].contains(n)).collect();
    assert_eq!(notes(&mut superuser, Obedient::NAME).await, expected);
    assert_eq!(notes(&mut superuser, Innocent::NAME).await, (0..40).collect::<Vec<_>>());
    let letters = DeadLetters::new(database.dispatcher().clone()).list(10).await.unwrap();
    assert_eq!(letters.len(), 2);
    assert!(letters.iter().all(|l| l.consumer == Obedient::NAME && l.attempts == 6 && l.tenant == tenant));
    assert!(letters.iter().any(|l| l.error == "told to fail"));
    assert!(letters.iter().any(|l| l.error == "the consumer panicked"));
    assert!(letters.iter().all(|l| l.envelope["event_name"] == Told::NAME && l.envelope["payload"]["number"].is_i64()));
}

#[tokio::test]
async fn a_dead_letter_is_replayed_to_whom_it_concerns_or_discarded() {
    let database = database().await;
    let tenant: TenantId = database.app().ids().next();
    publish(database.app(), tenant, &[(Behaviour::Fail, 1), (Behaviour::Fail, 2)]).await;
    let dispatcher = dispatcher(&database);
    drain_all(&database, &dispatcher).await;
    let letters = DeadLetters::new(database.dispatcher().clone());
    let open = letters.list(10).await.unwrap();
    let (first, second) = (open[0].id, open[1].id);
    let mut superuser = database.superuser().await.unwrap();

    // The reason is mended, the outbox has forgotten the event, and the letter still has it.
    sqlx::raw_sql(r#"update outbox_dead_letters set envelope = jsonb_set(envelope, '{payload,to}', '"Work"')"#)
        .execute(&mut superuser)
        .await
        .unwrap();
    sqlx::raw_sql("delete from outbox_events").execute(&mut superuser).await.unwrap();
    let fails = async |_: &mut Tx| Err(DbError::Other(sqlx::Error::RowNotFound));
    assert!(letters.replay(first, fails).await.is_err() && letters.discard(first, fails).await.is_err());
    assert_eq!(letters.list(10).await.unwrap().len(), 2, "what cannot be noted is not done");
    assert!(letters.replay(first, async |_| Ok(())).await.unwrap());
    assert!(!letters.replay(first, fails).await.unwrap(), "twice is a value");
    drain_all(&database, &dispatcher).await;
    assert_eq!(notes(&mut superuser, Obedient::NAME).await.len(), 1);
    assert_eq!(notes(&mut superuser, Innocent::NAME).await, [1, 2], "who had taken it is not asked again");

    assert!(letters.discard(second, async |_| Ok(())).await.unwrap());
    assert!(!letters.discard(second, fails).await.unwrap());
    assert!(letters.list(10).await.unwrap().is_empty());
    assert!(letters.find(second).await.unwrap().is_some(), "a discarded letter can still be read");
}

#[tokio::test]
async fn an_event_of_a_version_nobody_knows_waits_visibly() {
    let database = database().await;
    let tenant: TenantId = database.app().ids().next();
    let ids = publish(database.app(), tenant, &[(Behaviour::Work, 1), (Behaviour::Work, 2)]).await;
    let mut superuser = database.superuser().await.unwrap();
    sqlx::query("update outbox_events set schema_version = '2.0.0' where id = $1")
        .bind(ids[0].as_uuid())
        .execute(&mut superuser)
        .await
        .unwrap();
    dispatcher(&database).drain().await.unwrap();
    let status = nmc_outbox::status(database.dispatcher()).await.unwrap();
    assert_eq!((status.ready, status.retrying, status.dead_letters), (0, 1, 0));
    let stuck = &status.stuck[0];
    assert_eq!((stuck.event_id, stuck.attempts), (ids[0].as_uuid(), 0), "waiting costs no attempts");
    assert!(stuck.last_error.as_deref().unwrap().contains("not 2"));
    assert_eq!(notes(&mut superuser, Obedient::NAME).await, [2]);
    // The release that knows it arrives.
    sqlx::raw_sql("update outbox_events set schema_version = '1.4.0'").execute(&mut superuser).await.unwrap();
    drain_all(&database, &dispatcher(&database)).await;
    assert_eq!(notes(&mut superuser, Obedient::NAME).await, [1, 2]);
}

/// The same event's next major version, and a consumer of it beside the old one.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct ToldAgain {
    number: i64,
}

impl Event for ToldAgain {
    const NAME: &'static str = Told::NAME;
    const VERSION: SchemaVersion = SchemaVersion { major: 2, minor: 0, patch: 0 };
}

struct ObedientV2;

impl Consumer for ObedientV2 {
    type Event = ToldAgain;
    const NAME: &'static str = "test.obedient.v2";
    async fn consume(&self, tx: &mut Tx, event: &ToldAgain, _: &Envelope) -> Result<(), ConsumeError> {
        note(tx, Self::NAME, event.number).await
    }
}

#[tokio::test]
async fn two_major_versions_are_heard_side_by_side() {
    let database = database().await;
    let tenant: TenantId = database.app().ids().next();
    let ids = publish(database.app(), tenant, &[(Behaviour::Work, 1), (Behaviour::Work, 2)]).await;
    let mut superuser = database.superuser().await.unwrap();
    sqlx::query("update outbox_events set schema_version = '2.0.0' where id = $1")
        .bind(ids[1].as_uuid())
        .execute(&mut superuser)
        .await
        .unwrap();
    let consumers = Consumers::new().with(Obedient).with(ObedientV2);
    let db = database.dispatcher().clone();
    Dispatcher::new(db, consumers, settings(), Random::seeded(1)).drain().await.unwrap();
    assert_eq!(count(&mut superuser, PENDING).await, 0);
    assert_eq!(notes(&mut superuser, Obedient::NAME).await, [1]);
    assert_eq!(notes(&mut superuser, ObedientV2::NAME).await, [2]);
}

#[tokio::test]
async fn the_ledger_keeps_a_second_delivery_from_its_consumers() {
    let database = database().await;
    let tenant: TenantId = database.app().ids().next();
    publish(database.app(), tenant, &[(Behaviour::Work, 1), (Behaviour::Work, 2), (Behaviour::Work, 3)]).await;
    let dispatcher = dispatcher(&database);
    dispatcher.drain().await.unwrap();
    let mut superuser = database.superuser().await.unwrap();
    sqlx::raw_sql("update outbox_events set dispatched_at = null").execute(&mut superuser).await.unwrap();
    sqlx::raw_sql("delete from outbox_consumed where consumer = 'test.innocent' and tenant_id is not null")
        .execute(&mut superuser)
        .await
        .unwrap();
    dispatcher.drain().await.unwrap();
    assert_eq!(notes(&mut superuser, Obedient::NAME).await, [1, 2, 3]);
    assert_eq!(notes(&mut superuser, Innocent::NAME).await, [1, 1, 2, 2, 3, 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_dispatchers_beside_one_another_deliver_everything_once() {
    const EVENTS: i64 = 2_000;
    let database = database().await;
    let stop = CancellationToken::new();
    let running: Vec<_> = (0..3)
        .map(|seed| {
            let db = Db::new(&database.dispatcher_url(), PoolSettings::default(), Wakes::new()).unwrap();
            let dispatcher = Dispatcher::new(db, consumers(), settings(), Random::seeded(seed));
            let stop = stop.clone();
            tokio::spawn(async move { dispatcher.run(stop).await })
        })
        .collect();
    let tenants: Vec<TenantId> = (0..20).map(|_| database.app().ids().next()).collect();
    for (n, chunk) in (0..EVENTS).collect::<Vec<_>>().chunks(7).enumerate() {
        let told: Vec<_> = chunk.iter().map(|&number| (Behaviour::Work, number)).collect();
        publish(database.app(), tenants[n % tenants.len()], &told).await;
    }
    let mut superuser = database.superuser().await.unwrap();
    let done = eventually(Duration::from_secs(30), async || count(&mut superuser, PENDING).await == 0).await;
    stop.cancel();
    for dispatcher in running {
        dispatcher.await.unwrap();
    }
    assert!(done, "events stay pending");
    assert_eq!(notes(&mut superuser, Obedient::NAME).await, (0..EVENTS).collect::<Vec<_>>());
    assert_eq!(notes(&mut superuser, Innocent::NAME).await, (0..EVENTS).collect::<Vec<_>>());
    assert_eq!(count(&mut superuser, "select count(*) from outbox_runs").await, 0, "a graceful stop leaves no runs");
}

#[tokio::test]
async fn with_no_wake_ups_at_all_the_poll_delivers() {
    let database = database().await;
    // Nobody runs these wake-ups, and the publisher has others: nothing tells the dispatcher.
    let db = Db::new(&database.dispatcher_url(), PoolSettings::default(), Wakes::new()).unwrap();
    let settings = Settings { poll_interval: Duration::from_millis(100), ..settings() };
    let dispatcher = Dispatcher::new(db, consumers(), settings, Random::seeded(1));
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let running = tokio::spawn(async move { dispatcher.run(stopped).await });
    let tenant: TenantId = database.app().ids().next();
    let mut superuser = database.superuser().await.unwrap();
    // The second comes when the dispatcher has found the first and waits again.
    for number in 1..=2 {
        publish(database.app(), tenant, &[(Behaviour::Work, number)]).await;
        let found = eventually(Duration::from_secs(20), async || count(&mut superuser, PENDING).await == 0).await;
        assert!(found, "event {number} was not found");
    }
    stop.cancel();
    running.await.unwrap();
    assert_eq!(notes(&mut superuser, Obedient::NAME).await, [1, 2]);
}

/// Set in the child process of the test below: the database it dispatches until it dies.
const CHILD_URL: &str = "NMC_TEST_DISPATCHER_URL";

/// Not a test of its own: the child's program. Without the variable there is nothing to do.
#[tokio::test]
async fn child_dispatcher() {
    #[expect(clippy::disallowed_methods, reason = "how a test tells its child what to do")]
    let Ok(url) = std::env::var(CHILD_URL) else { return };
    let db = Db::new(&url, PoolSettings::default(), Wakes::new()).unwrap();
    let dispatcher = Dispatcher::new(db.clone(), consumers(), settings(), Random::from_entropy());
    let stop = CancellationToken::new();
    let run = {
        let stop = stop.clone();
        tokio::spawn(async move { dispatcher.run(stop).await })
    };
    let done = eventually(Duration::from_mins(1), async || {
        let status = nmc_outbox::status(&db).await.unwrap();
        status.ready + status.retrying + status.runs == 0
    });
    let done = done.await;
    stop.cancel();
    run.await.unwrap();
    assert!(done, "events stay pending");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_kills_the_process_ends_in_the_dead_letters_and_its_neighbours_arrive_once() {
    let database = database().await;
    let tenant: TenantId = database.app().ids().next();
    let told: Vec<_> = (0..20).map(|n| (if n == 11 { Behaviour::Abort } else { Behaviour::Work }, n)).collect();
    publish(database.app(), tenant, &told).await;
    let url = database.dispatcher_url();
    let deaths = tokio::task::spawn_blocking(move || {
        // Once for the batch, six times for the event alone, and once to finish; a few more would be a fault.
        for deaths in 0..12 {
            let ended = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "child_dispatcher", "--nocapture"])
                .env(CHILD_URL, &url)
                .env("RUST_BACKTRACE", "0")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .unwrap();
            if ended.success() {
                return deaths;
            }
        }
        panic!("the dispatcher dies for ever");
    })
    .await
    .unwrap();
    // The killer's batch once, or once more where two batches were under way, then six attempts of the event alone.
    assert!((7..=8).contains(&deaths), "{deaths} deaths");
    let mut superuser = database.superuser().await.unwrap();
    let expected: Vec<i64> = (0..20).filter(|n| *n != 11).collect();
    assert_eq!(notes(&mut superuser, Obedient::NAME).await, expected);
    assert_eq!(notes(&mut superuser, Innocent::NAME).await, (0..20).collect::<Vec<_>>(), "its other consumer got it");
    let letters = DeadLetters::new(database.dispatcher().clone()).list(10).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].consumer.as_str(), letters[0].attempts), (Obedient::NAME, 6));
    assert!(letters[0].error.contains("died"));
    assert_eq!(count(&mut superuser, OPEN_LETTERS).await, 1);
}

#[tokio::test]
async fn what_was_learned_of_late_does_not_look_as_if_it_had_waited() {
    let database = database().await;
    let tenant: TenantId = database.app().ids().next();
    let mut tx = database.app().begin(tenant).await.unwrap();
    let context = Context { correlation: tx.ids().next(), causation: None };
    let hours_ago = tx.now() - chrono::Duration::hours(3);
    tx.publish_of(&Told { to: Behaviour::Work, number: 1 }, context, hours_ago).unwrap();
    tx.commit().await.unwrap();
    let status = nmc_outbox::status(database.dispatcher()).await.unwrap();
    let waits = status.oldest_ready_seconds.unwrap();
    assert!((0.0..3_600.0).contains(&waits), "{waits} s");
}
