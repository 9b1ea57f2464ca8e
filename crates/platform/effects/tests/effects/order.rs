//! Planning once, and keeping the order of an order key.

use std::time::Duration;

use nmc_effects::{
    IntentState::{Accepted, InFlight, Pending, Unknown},
    Planned, Settings, plan,
};
use nmc_kernel::TenantId;
use nmc_testkit::eventually;
use tokio_util::sync::CancellationToken;

use crate::{
    house::House,
    provider::{Ask, Called, Checked, Looked, Obedient},
};

/// Far longer than it takes on a machine that does something else besides.
const SOON: Duration = Duration::from_secs(40);

#[tokio::test]
async fn a_purpose_is_planned_once() {
    let house = House::new().await;
    let accept = || Ask::calls(&[Called::Accept]);
    let first = house.new_intent("reply-7", "conversation", accept());
    assert_eq!(house.plan_for(house.tenant, &first).await, Planned::New(first.id));
    let second = house.new_intent("reply-7", "conversation", accept());
    assert_eq!(house.plan_for(house.tenant, &second).await, Planned::Already(first.id));
    let neighbour: TenantId = house.database.app().ids().next();
    let theirs = house.new_intent("reply-7", "conversation", accept());
    assert_eq!(house.plan_for(neighbour, &theirs).await, Planned::New(theirs.id), "a purpose is a tenant's own");
    house.finish(&house.engine()).await;
    assert_eq!(house.plan_for(house.tenant, &second).await, Planned::Already(first.id), "also when it is done");

    // Both at once: one waits for the other's commit.
    let purpose = house.new_intent("reply-8", "conversation", accept());
    let rival = house.new_intent("reply-8", "conversation", accept());
    let (a, b) = tokio::join!(house.plan_for(house.tenant, &purpose), house.plan_for(house.tenant, &rival));
    assert!(
        matches!((a, b), (Planned::New(x), Planned::Already(y)) | (Planned::Already(y), Planned::New(x)) if x == y)
    );

    // A decision that is rolled back plans nothing.
    let mut tx = house.db().begin(house.tenant).await.unwrap();
    plan::<Obedient>(&mut tx, &house.new_intent("reply-9", "conversation", accept())).await.unwrap();
    tx.roll_back().await.unwrap();
    house.finish(&house.engine()).await;
    assert_eq!(house.count("select count(*) from test_ledger").await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_order_key_keeps_its_order_under_several_engines() {
    const KEYS: usize = 12;
    const EACH: usize = 10;
    let house = House::new().await;
    for number in 0..EACH {
        for key in 0..KEYS {
            let new = house.new_intent(&format!("{key}-{number}"), &key.to_string(), Ask::calls(&[Called::Accept]));
            house.plan_for(house.tenant, &new).await;
        }
    }
    let stop = CancellationToken::new();
    let settings = Settings { poll_interval: Duration::from_millis(5), ..Settings::default() };
    let running: Vec<_> = (0..3)
        .map(|_| {
            let (engine, stop) = (house.engine_with(settings), stop.clone());
            tokio::spawn(async move { engine.run(stop).await })
        })
        .collect();
    assert!(eventually(SOON, async || house.unfinished().await == 0).await, "intents stay unfinished");
    stop.cancel();
    for engine in running {
        engine.await.unwrap();
    }
    let out_of_order = "select count(*) from (
        select l.entry, lag(l.entry) over (partition by l.order_key order by e.seq) as before
        from test_ledger l join effect_intents e on e.id = l.intent) x where before > entry";
    assert_eq!(house.count(out_of_order).await, 0);
    assert_eq!(house.count("select count(*) from test_ledger").await, i64::try_from(KEYS * EACH).unwrap());
}

#[tokio::test]
async fn an_unknown_predecessor_holds_back_the_next_for_thirty_seconds() {
    let house = House::new().await;
    let engine = house.engine();
    let first = house.new_intent("1", "k", Ask::calls(&[Called::TimeOut]).looks(Looked::Unreachable));
    let second = house.new_intent("2", "k", Ask::calls(&[Called::Accept]));
    let other = house.new_intent("3", "another", Ask::calls(&[Called::Accept]));
    for new in [&first, &second, &other] {
        house.plan_for(house.tenant, new).await;
    }
    engine.drain().await.unwrap();
    assert_eq!(house.state(first.id).await, Unknown);
    assert_eq!(house.state(second.id).await, Pending);
    assert_eq!(house.state(other.id).await, Accepted);
    house.clock.advance(chrono::Duration::seconds(29));
    engine.drain().await.unwrap();
    assert_eq!(house.state(second.id).await, Pending);
    house.clock.advance(chrono::Duration::seconds(1));
    engine.drain().await.unwrap();
    assert_eq!(house.state(first.id).await, Unknown);
    assert_eq!(house.state(second.id).await, Accepted);
}

#[tokio::test]
async fn a_predecessor_that_waits_for_long_is_overtaken() {
    let house = House::new().await;
    let engine = house.engine();
    let waits = house.new_intent("1", "k", Ask::calls(&[Called::Accept]).checks(Checked::Wait));
    let next = house.new_intent("2", "k", Ask::calls(&[Called::Accept]));
    for new in [&waits, &next] {
        house.plan_for(house.tenant, new).await;
    }
    engine.drain().await.unwrap();
    assert_eq!(house.state(waits.id).await, Pending);
    assert_eq!(house.state(next.id).await, Accepted);
}

#[tokio::test]
async fn a_predecessor_in_flight_holds_back_the_next() {
    let house = House::new().await;
    let first = house.new_intent("1", "k", Ask::calls(&[Called::AcceptWhenOpen]));
    let second = house.new_intent("2", "k", Ask::calls(&[Called::Accept]));
    for new in [&first, &second] {
        house.plan_for(house.tenant, new).await;
    }
    let stop = CancellationToken::new();
    let running = {
        let settings = Settings { poll_interval: Duration::from_millis(5), ..Settings::default() };
        let (engine, stop) = (house.engine_with(settings), stop.clone());
        tokio::spawn(async move { engine.run(stop).await })
    };
    assert!(eventually(SOON, async || house.count("select count(*) from test_calls").await == 1).await);
    assert_eq!(house.engine().drain().await.unwrap(), 0, "another engine finds nothing it may do");
    assert_eq!(house.state(first.id).await, InFlight);
    assert_eq!(house.state(second.id).await, Pending);
    // A stop that is asked for now still lets the call end and be recorded.
    stop.cancel();
    house.provider.open_gate(1);
    running.await.unwrap();
    assert_eq!(house.state(first.id).await, Accepted);
    house.finish(&house.engine()).await;
    assert_eq!(house.state(second.id).await, Accepted);
}
