//! Whoever comes second finds that it was decided already.

use std::time::Duration;

use nmc_effects::{
    Accepted,
    IntentState::{self, InFlight, Pending, Unknown},
    Settings, Settled, cancel_pending, settle,
};
use nmc_kernel::{IntentId, Random};
use nmc_testkit::eventually;
use tokio_util::sync::CancellationToken;

use crate::{
    house::House,
    provider::{Ask, Called, Checked, lock_subject},
};

/// Far longer than it takes on a machine that does something else besides.
const SOON: Duration = Duration::from_secs(40);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn taken_back_or_sent_but_never_both() {
    const ROUNDS: u64 = 10;
    const EACH: usize = 40;
    let house = House::new().await;
    let stop = CancellationToken::new();
    let settings = Settings { poll_interval: Duration::from_millis(1), ..Settings::default() };
    let running: Vec<_> = (0..2)
        .map(|_| {
            let (engine, stop) = (house.engine_with(settings), stop.clone());
            tokio::spawn(async move { engine.run(stop).await })
        })
        .collect();
    let mut cancelled = 0;
    for round in 0..ROUNDS {
        let mut order_keys = Vec::new();
        for number in 0..EACH {
            let key = format!("{round}-{number}");
            // A second attempt may be taken back as well as a first.
            let calls: &[Called] =
                if number % 4 == 0 { &[Called::ConnectionRefused, Called::Accept] } else { &[Called::Accept] };
            house.plan_for(house.tenant, &house.new_intent(&key, &key, Ask::calls(calls))).await;
            order_keys.push(key);
        }
        let random = Random::seeded(round);
        order_keys.sort_by_cached_key(|_| random.u64());
        let (db, tenant) = (house.db(), house.tenant);
        for order_key in order_keys {
            let mut tx = db.begin(tenant).await.unwrap();
            lock_subject(&mut tx, &order_key).await.unwrap();
            cancelled += cancel_pending(&mut tx, &order_key, "stop").await.unwrap().len();
            tx.commit().await.unwrap();
        }
    }
    house.clock.advance(chrono::Duration::seconds(31));
    assert!(eventually(SOON, async || house.unfinished().await == 0).await);
    stop.cancel();
    for engine in running {
        engine.await.unwrap();
    }
    let of_state = async |state: &'static str| house.count(state).await;
    let taken_back = of_state("select count(*) from effect_intents where state = 'cancelled'").await;
    let sent = of_state("select count(*) from effect_intents where state = 'accepted'").await;
    assert_eq!(usize::try_from(taken_back).unwrap(), cancelled, "what was said to be taken back is");
    assert_eq!(taken_back + sent, i64::try_from(EACH).unwrap() * i64::try_from(ROUNDS).unwrap());
    assert!(taken_back > 10 && sent > 10, "no race: {taken_back} taken back, {sent} sent");
    let wrong = "select count(*) from effect_intents e where (state = 'accepted')::int
                 <> (select count(*) from test_ledger l where l.intent = e.id)";
    assert_eq!(house.count(wrong).await, 0, "{taken_back} taken back, {sent} sent");
}

async fn settle_now(house: &House, id: IntentId, attempt: u32) -> Settled {
    let mut tx = house.db().begin(house.tenant).await.unwrap();
    let accepted = Accepted { provider_ref: "by callback".to_owned() };
    let settled = settle(&mut tx, id, attempt, &accepted).await.unwrap();
    tx.commit().await.unwrap();
    settled
}

#[tokio::test]
async fn a_callback_heals_and_stops_repeats() {
    let house = House::new().await;
    let engine = house.engine();
    let unknown = house.plan(Ask::calls(&[Called::AcceptThenTimeOut])).await;
    let repeated = house.plan(Ask::calls(&[Called::ConnectionRefused, Called::Accept])).await;
    engine.drain().await.unwrap();
    assert_eq!(house.state(unknown).await, Unknown);
    assert_eq!(house.state(repeated).await, Pending);
    for id in [unknown, repeated] {
        assert_eq!(settle_now(&house, id, 1).await, Settled::Now);
        assert_eq!(settle_now(&house, id, 1).await, Settled::Before, "twice is a value");
    }
    house.clock.advance(chrono::Duration::hours(1));
    engine.drain().await.unwrap();
    // Whoever settles applies the consequences, so the engine has applied nothing.
    assert_eq!(house.see(unknown).await.brief(), (IntentState::Accepted, 1, 0, 1, vec![]));
    assert_eq!(house.see(repeated).await.brief(), (IntentState::Accepted, 1, 0, 0, vec![]));
    assert_eq!(house.count("select count(*) from test_looks").await, 0);
    let missing: IntentId = house.database.app().ids().next();
    assert_eq!(settle_now(&house, missing, 1).await, Settled::Missing);
    let neighbour = House::new().await;
    assert_eq!(settle_now(&neighbour, unknown, 1).await, Settled::Missing);
}

#[tokio::test]
async fn an_outcome_that_comes_after_the_callback_writes_nothing() {
    for late in [Called::SettledThenTimeOut, Called::SettledThenRefused] {
        let house = House::new().await;
        let id = house.plan(Ask::calls(&[late])).await;
        house.finish(&house.engine()).await;
        let seen = house.see(id).await;
        assert_eq!(seen.brief(), (IntentState::Accepted, 1, 0, 1, vec![]), "{late:?}");
        assert_eq!(seen.outcome_word("/by"), "callback");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callback_about_an_attempt_that_was_overtaken_says_so() {
    let house = House::new().await;
    let engine = house.engine_with(Settings::default());
    let id = house.plan(Ask::calls(&[Called::ConnectionRefused, Called::AcceptWhenOpen])).await;
    engine.drain().await.unwrap();
    house.clock.advance(chrono::Duration::seconds(31));
    let second = tokio::spawn(async move { engine.drain().await.unwrap() });
    assert!(eventually(SOON, async || house.count("select count(*) from test_calls").await == 2).await);
    assert_eq!(settle_now(&house, id, 1).await, Settled::Overtaken);
    assert_eq!(house.state(id).await, InFlight);
    house.provider.open_gate(2);
    second.await.unwrap();
    assert_eq!(house.see(id).await.brief(), (IntentState::Accepted, 2, 1, 1, vec!["accepted"]));
    assert_eq!(settle_now(&house, id, 2).await, Settled::Before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_in_hand_ends_the_doubt_of_others() {
    for (called, state, accepted, change) in [
        (Called::AcceptWhenOpen, IntentState::Accepted, 1, "accepted"),
        (Called::RefuseWhenOpen, IntentState::Failed, 0, "failed"),
    ] {
        let house = House::new().await;
        let engine = house.engine_with(Settings::default());
        let id = house.plan(Ask::calls(&[called])).await;
        let sleeper = tokio::spawn(async move { engine.drain().await.unwrap() });
        assert!(eventually(SOON, async || house.count("select count(*) from test_calls").await == 1).await);
        // Its lock was lost, and somebody else took it for dead.
        house
            .execute("update effect_intents set state = 'unknown', available_at = available_at + interval '1 day'")
            .await;
        house.provider.open_gate(1);
        sleeper.await.unwrap();
        let seen = house.see(id).await;
        assert_eq!((seen.state, seen.attempt, seen.accepted), (state, 1, accepted), "{called:?}");
        assert!(seen.brief().4[0].starts_with(change), "{seen:?}");
    }
}

#[tokio::test]
async fn a_lock_lost_between_claim_and_call_gives_the_intent_back() {
    let house = House::new().await;
    let engine = house.engine();
    let id = house.plan(Ask::calls(&[Called::Accept]).checks(Checked::LoseOwner)).await;
    engine.drain().await.unwrap();
    let seen = house.see(id).await;
    assert_eq!(seen.brief(), (Pending, 1, 0, 0, vec![]), "surely not sent: {seen:?}");
    assert_eq!(seen.outcome_word("/not_sent"), "the claim's session was lost");
    assert_eq!(house.count("select count(*) from test_calls").await, 0);
    house.finish(&engine).await;
    assert_eq!(house.see(id).await.brief(), (IntentState::Accepted, 2, 1, 1, vec!["accepted"]));
}

#[tokio::test]
async fn connections_lost_between_call_and_record_delay_the_record() {
    let house = House::new().await;
    let engine = house.engine();
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(house.plan(Ask::calls(&[Called::AcceptThenBreakConnections])).await);
    }
    // What is left of the pool may break the draining itself.
    let done = eventually(SOON, async || engine.drain().await.is_ok() && house.unfinished().await == 0);
    assert!(done.await);
    for id in ids {
        assert_eq!(house.see(id).await.brief(), (IntentState::Accepted, 1, 1, 1, vec!["accepted"]));
    }
    assert_eq!(house.count("select count(*) from test_looks").await, 0, "the answer was not forgotten");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_slept_through_its_attempt_writes_nothing() {
    let house = House::new().await;
    let (sleeper, other) = (
        house.engine_with(Settings::default()),
        house.engine_with(Settings {
            call_timeout: Duration::from_secs(10),
            listing_gap: Duration::from_secs(1),
            ..Settings::default()
        }),
    );
    let id = house.plan(Ask::calls(&[Called::RefuseWhenOpen, Called::AcceptWhenOpen])).await;
    let calls = "select count(*) from test_calls";
    let sleeper = tokio::spawn(async move { sleeper.drain().await.unwrap() });
    assert!(eventually(SOON, async || house.count(calls).await == 1).await);
    // As long as its lock stands nobody touches its attempt, however long it takes.
    house.clock.advance(chrono::Duration::hours(1));
    other.drain().await.unwrap();
    assert_eq!(house.state(id).await, InFlight);
    assert_eq!(house.provider.end_owners().await, 1);
    for state in [Unknown, Unknown] {
        other.drain().await.unwrap();
        assert_eq!(house.state(id).await, state);
        house.clock.advance(chrono::Duration::seconds(1));
    }
    let other = tokio::spawn(async move { other.drain().await.unwrap() });
    assert!(eventually(SOON, async || house.count(calls).await == 2).await);

    // The sleeper's outcome comes while the second attempt is in flight, in the same state as its own was.
    house.provider.open_gate(1);
    sleeper.await.unwrap();
    assert_eq!(house.see(id).await.brief(), (InFlight, 2, 0, 0, vec![]));
    house.provider.open_gate(2);
    other.await.unwrap();
    assert_eq!(house.see(id).await.brief(), (IntentState::Accepted, 2, 1, 1, vec!["accepted"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_engines_side_by_side_send_everything_once() {
    const INTENTS: i64 = 500;
    let house = House::new().await;
    let stop = CancellationToken::new();
    let settings = Settings { poll_interval: Duration::from_millis(5), ..Settings::default() };
    let running: Vec<_> = (0..2)
        .map(|_| {
            let (engine, stop) = (house.engine_with(settings), stop.clone());
            tokio::spawn(async move { engine.run(stop).await })
        })
        .collect();
    for number in 0..INTENTS {
        let (purpose, key) = (number.to_string(), (number % 150).to_string());
        house.plan_for(house.tenant, &house.new_intent(&purpose, &key, Ask::calls(&[Called::Accept]))).await;
    }
    assert!(eventually(SOON, async || house.unfinished().await == 0).await);
    stop.cancel();
    for engine in running {
        engine.await.unwrap();
    }
    assert_eq!(house.count("select count(*) from test_ledger").await, INTENTS);
    assert_eq!(house.count("select count(distinct intent) from test_ledger").await, INTENTS);
    assert_eq!(house.count("select count(distinct intent) from test_sends where change = 'accepted'").await, INTENTS);
    assert_eq!(house.count("select count(*) from test_sends").await, INTENTS);
}
