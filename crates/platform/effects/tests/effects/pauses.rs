//! The installation-wide pause of a kind.

use std::{sync::Arc, time::Duration};

use nmc_effects::{
    EffectKind as _, Effects,
    IntentState::{Accepted, Expired, InFlight, Pending},
    Settings, pause, pauses, resume,
};
use nmc_kernel::Random;
use nmc_testkit::eventually;
use tokio_util::sync::CancellationToken;

use crate::{
    house::{House, USEFUL_FOR},
    provider::{Ask, Called, Obedient, Other, Provider},
};

/// Far longer than it takes on a machine that does something else besides.
const SOON: Duration = Duration::from_secs(40);

#[tokio::test]
async fn a_pause_holds_every_engine_and_loses_nothing() {
    let house = House::new().await;
    let (here, there) = (house.engine(), house.engine());
    let first = house.plan(Ask::calls(&[Called::Accept])).await;
    here.drain().await.unwrap();
    assert!(pause(&house.db(), Obedient::KIND).await.unwrap());
    assert!(!pause(&house.db(), Obedient::KIND).await.unwrap(), "twice is a value");
    let second = house.plan(Ask::calls(&[Called::Accept])).await;
    for engine in [&here, &there] {
        assert_eq!(engine.drain().await.unwrap(), 0, "nothing is even looked for");
    }
    assert_eq!((house.state(first).await, house.state(second).await), (Accepted, Pending));
    let paused = pauses(&house.db()).await.unwrap();
    assert_eq!(
        paused.iter().map(|p| (p.kind.as_str(), p.paused_at)).collect::<Vec<_>>(),
        [(Obedient::KIND, house.now())]
    );
    assert_eq!(nmc_effects::status(&house.db()).await.unwrap().paused, paused);

    assert!(resume(&house.db(), Obedient::KIND).await.unwrap());
    assert!(!resume(&house.db(), Obedient::KIND).await.unwrap(), "twice is a value");
    there.drain().await.unwrap();
    assert_eq!(house.see(second).await.brief(), (Accepted, 1, 1, 1, vec!["accepted"]));
}

#[tokio::test]
async fn a_pause_between_look_and_claim_holds_as_well() {
    let house = House::new().await;
    let engine = house.engine();
    // Both are found by one look; the first one's call pauses the kind.
    let first = house.plan(Ask::calls(&[Called::AcceptWhenOpen])).await;
    let second = house.plan(Ask::calls(&[Called::Accept])).await;
    let draining = tokio::spawn(async move { engine.drain().await });
    assert!(eventually(SOON, async || house.state(first).await == InFlight).await);
    pause(&house.db(), Obedient::KIND).await.unwrap();
    house.provider.open_gate(1);
    draining.await.unwrap().unwrap();
    assert_eq!(house.state(first).await, Accepted, "what was in flight has ended");
    assert_eq!(house.see(second).await.brief(), (Pending, 0, 0, 0, vec![]));
}

#[tokio::test]
async fn a_pause_is_of_one_kind_and_what_is_of_no_use_any_more_expires_after_it() {
    let house = House::new().await;
    let other = Arc::new(Provider::new(&house.database.superuser_url(), house.db()));
    let engine = Effects::new(house.db(), Settings::default(), Random::seeded(3))
        .with(Obedient(Arc::clone(&house.provider)))
        .with(Other(Obedient(other)));
    let held = house.plan(Ask::calls(&[Called::Accept])).await;
    pause(&house.db(), Obedient::KIND).await.unwrap();
    let free = house.plan(Ask::calls(&[Called::Accept])).await;
    house
        .execute("update effect_intents set kind = 'test.other' where seq = (select max(seq) from effect_intents)")
        .await;
    engine.drain().await.unwrap();
    assert_eq!((house.state(held).await, house.state(free).await), (Pending, Accepted));
    house.clock.advance(USEFUL_FOR + chrono::Duration::seconds(1));
    resume(&house.db(), Obedient::KIND).await.unwrap();
    engine.drain().await.unwrap();
    assert_eq!(house.see(held).await.brief(), (Expired, 0, 0, 0, vec!["expired"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_engine_obeys_without_being_started_again() {
    let house = House::new().await;
    pause(&house.db(), Obedient::KIND).await.unwrap();
    let id = house.plan(Ask::calls(&[Called::Accept])).await;
    let (engine, stop) = (
        house.engine_with(Settings { poll_interval: Duration::from_millis(5), ..Settings::default() }),
        CancellationToken::new(),
    );
    let running = {
        let stop = stop.clone();
        tokio::spawn(async move { engine.run(stop).await })
    };
    resume(&house.db(), Obedient::KIND).await.unwrap();
    assert!(eventually(SOON, async || house.state(id).await == Accepted).await);
    stop.cancel();
    running.await.unwrap();
}
