//! What one tenant or one provider in trouble leaves to the others.

use std::{sync::Arc, time::Duration};

use nmc_effects::{
    Effects,
    IntentState::{Accepted, Pending},
    Settings,
};
use nmc_kernel::{Random, TenantId};
use nmc_testkit::eventually;
use tokio_util::sync::CancellationToken;

use crate::{
    house::House,
    provider::{Ask, Called, Obedient, Other, Provider},
};

/// Far longer than it takes on a machine that does something else besides.
const SOON: Duration = Duration::from_secs(40);
const CALLS_AT_ONCE: u16 = 8;

#[tokio::test]
async fn tenants_take_turns() {
    let house = House::new().await;
    for _ in 0..50 {
        house.plan(Ask::calls(&[Called::Accept])).await;
    }
    let late: TenantId = house.database.app().ids().next();
    for purpose in ["a", "b"] {
        let new = house.new_intent(purpose, purpose, Ask::calls(&[Called::Accept]));
        house.plan_for(late, &new).await;
    }
    house.finish(&house.engine()).await;
    let last_of_late = "select max(entry) from test_ledger where purpose in ('a', 'b')";
    assert!(house.count(last_of_late).await <= 4, "two tenants, two intents each: the first four places");
    assert_eq!(house.count("select count(*) from test_ledger").await, 52);
}

fn run(engine: &Effects) -> (CancellationToken, tokio::task::JoinHandle<()>) {
    let stop = CancellationToken::new();
    let (engine, stopped) = (engine.clone(), stop.clone());
    (stop, tokio::spawn(async move { engine.run(stopped).await }))
}

fn settings() -> Settings {
    Settings {
        concurrency: CALLS_AT_ONCE,
        poll_interval: Duration::from_millis(5),
        call_timeout: Duration::from_mins(1),
        ..Settings::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_tenants_hanging_calls_leave_anothers_going() {
    let house = House::new().await;
    for _ in 0..20 {
        house.plan(Ask::calls(&[Called::AcceptWhenOpen])).await;
    }
    let engine = house.engine_with(settings());
    let (stop, running) = run(&engine);
    let hanging = "select count(*) from effect_intents where state = 'in_flight'";
    let half = i64::from(CALLS_AT_ONCE / 2);
    assert!(eventually(SOON, async || house.count(hanging).await == half).await);
    let neighbour: TenantId = house.database.app().ids().next();
    for number in 0..30 {
        let new = house.new_intent(&number.to_string(), &number.to_string(), Ask::calls(&[Called::Accept]));
        house.plan_for(neighbour, &new).await;
    }
    let accepted = "select count(*) from test_ledger";
    assert!(eventually(SOON, async || house.count(accepted).await == 30).await, "the neighbour waits");
    // The last of them may still be recording its outcome.
    assert!(eventually(SOON, async || house.count(hanging).await == half).await);
    house.provider.open_gate(1);
    assert!(eventually(SOON, async || house.count(accepted).await == 50).await);
    stop.cancel();
    running.await.unwrap();
}

/// As in the product, where texts are one kind of several: what a tenant may take up is less than what its kind may.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_tenants_hanging_calls_leave_anothers_of_the_same_kind_going_where_there_are_several_kinds() {
    let house = House::new().await;
    let other = Arc::new(Provider::new(&house.database.superuser_url(), house.db()));
    let engine = Effects::new(house.db(), settings(), Random::seeded(3))
        .with(Obedient(Arc::clone(&house.provider)))
        .with(Other(Obedient(other)));
    for _ in 0..20 {
        house.plan(Ask::calls(&[Called::AcceptWhenOpen])).await;
    }
    let (stop, running) = run(&engine);
    let hanging = "select count(*) from effect_intents where state = 'in_flight'";
    assert!(eventually(SOON, async || house.count(hanging).await == i64::from(CALLS_AT_ONCE / 4)).await);
    let neighbour: TenantId = house.database.app().ids().next();
    for number in 0..10 {
        let new = house.new_intent(&number.to_string(), &number.to_string(), Ask::calls(&[Called::Accept]));
        house.plan_for(neighbour, &new).await;
    }
    let accepted = "select count(*) from test_ledger";
    assert!(eventually(SOON, async || house.count(accepted).await == 10).await, "the neighbour waits");
    house.provider.open_gate(1);
    assert!(eventually(SOON, async || house.count(accepted).await == 30).await);
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_providers_hanging_calls_leave_anothers_going() {
    let house = House::new().await;
    let other = Arc::new(Provider::new(&house.database.superuser_url(), house.db()));
    let engine = Effects::new(house.db(), settings(), Random::seeded(3))
        .with(Obedient(Arc::clone(&house.provider)))
        .with(Other(Obedient(other)));
    // Many tenants' calls hang at one provider.
    for number in 0..20 {
        let tenant: TenantId = house.database.app().ids().next();
        let new = house.new_intent("hangs", &number.to_string(), Ask::calls(&[Called::AcceptWhenOpen]));
        house.plan_for(tenant, &new).await;
    }
    let (stop, running) = run(&engine);
    let hanging = "select count(*) from effect_intents where state = 'in_flight'";
    assert!(eventually(SOON, async || house.count(hanging).await == i64::from(CALLS_AT_ONCE / 2)).await);
    for _ in 0..20 {
        house.plan(Ask::calls(&[Called::Accept])).await;
    }
    house
        .execute("update effect_intents set kind = 'test.other' where state = 'pending' and purpose_key <> 'hangs'")
        .await;
    let accepted = "select count(*) from test_ledger";
    assert!(eventually(SOON, async || house.count(accepted).await == 20).await, "the other provider waits");
    house.provider.open_gate(1);
    assert!(eventually(SOON, async || house.count(accepted).await == 40).await);
    stop.cancel();
    running.await.unwrap();
}

/// The provider answers one tenant's calls with nothing, thousands of them are queued, and its breaker has opened and
/// opened again. A neighbour's text is the next that is found and called, every time.
#[tokio::test]
async fn a_tenant_whose_calls_time_out_with_thousands_queued_delays_nobodys_next_text() {
    const QUEUED: i64 = 5_000;
    let house = House::new().await;
    let engine = house.engine_with(Settings { call_timeout: Duration::from_millis(20), ..settings() });
    house.plan(Ask::calls(&[Called::TimeOut])).await;
    house
        .execute(
            "insert into effect_intents (tenant_id, id, kind, purpose_key, order_key, state, available_at, useful_until,
                                         request, correlation_id, created_at)
             select tenant_id, gen_random_uuid(), kind, 'queued-' || n, 'queued-' || n, state, available_at, useful_until,
                    request, correlation_id, created_at
             from effect_intents, generate_series(1, 4999) n",
        )
        .await;
    let neighbour: TenantId = house.database.app().ids().next();
    for round in 0..6 {
        // What hangs has hung for a while already: the neighbour's text comes last of all.
        engine.drain().await.unwrap();
        let new = house.new_intent(&round.to_string(), &round.to_string(), Ask::calls(&[Called::Accept]));
        house.plan_for(neighbour, &new).await;
        let (calls, tried) = (house.count("select count(*) from test_calls").await, engine.drain().await.unwrap());
        assert_eq!(house.state(new.id).await, Accepted, "round {round}: the neighbour waits");
        let others = house.count("select count(*) from test_calls").await - calls - 1;
        assert!(others <= 1, "round {round}: {others} calls of the other tenant in {tried}");
        house.clock.advance(chrono::Duration::seconds(1));
    }
    let pending = "select count(*) from effect_intents where state = 'pending'";
    assert!(house.count(pending).await > QUEUED - 20, "what waits uses nothing up");
}

#[tokio::test]
async fn a_provider_that_is_down_uses_nothing_up() {
    let house = House::new().await;
    let engine = house.engine();
    house.provider.set_down(true);
    let mut ids = Vec::new();
    for _ in 0..12 {
        ids.push(house.plan(Ask::calls(&[Called::Accept])).await);
    }
    engine.drain().await.unwrap();
    let calls = "select count(*) from test_calls";
    assert_eq!(house.count(calls).await, 5, "five in a row open the breaker");
    assert_eq!(engine.drain().await.unwrap(), 0, "nothing is even looked for");
    for id in &ids {
        let seen = house.see(*id).await;
        assert_eq!((seen.state, seen.answered_attempts), (Pending, 0));
    }
    // The one that may try finds it down still, and the others go on waiting.
    house.clock.advance(chrono::Duration::minutes(1));
    let tried = eventually(SOON, async || {
        engine.drain().await.unwrap();
        house.count(calls).await > 5
    });
    assert!(tried.await, "the breaker never lets anybody try");
    assert_eq!(house.count(calls).await, 6);
    house.provider.set_down(false);
    house.clock.advance(chrono::Duration::minutes(1));
    let done = eventually(SOON, async || {
        engine.drain().await.unwrap();
        house.unfinished().await == 0
    });
    assert!(done.await, "the breaker never closes");
    assert_eq!(house.count("select count(*) from test_ledger").await, 12);
    assert_eq!(house.count("select count(*) from effect_intents where answered_attempts <> 1").await, 0);
}
