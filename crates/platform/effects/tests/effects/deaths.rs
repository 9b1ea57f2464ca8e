//! Processes that die at the worst moments, and at random ones.

use std::{
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use nmc_db::{Db, PoolSettings, Wakes};
use nmc_effects::{Effects, IntentState, Settings};
use nmc_kernel::{Clock, Random, TenantId};
use nmc_testkit::eventually;
use tokio_util::sync::CancellationToken;

use crate::{
    house::House,
    provider::{Ask, Called, Checked, Looked, Obedient, Provider},
};

/// Set in the child process: the dispatcher's database, and the provider's way into the same one.
const CHILD_URL: &str = "NMC_TEST_EFFECTS_URL";
const CHILD_PROVIDER_URL: &str = "NMC_TEST_EFFECTS_PROVIDER_URL";

/// Short, so that what a dead process left is soon found; the calls that hang take this long.
fn settings() -> Settings {
    Settings {
        concurrency: 8,
        poll_interval: Duration::from_millis(10),
        call_timeout: Duration::from_millis(700),
        listing_gap: Duration::from_millis(300),
    }
}

const UNFINISHED: &str = "select count(*) from effect_intents where state in ('pending', 'in_flight', 'unknown')";

/// Not a test of its own: the child's program. Without the variables there is nothing to do.
#[tokio::test]
#[allow(clippy::disallowed_methods, reason = "how the parent tells its child; no configuration of the product")]
async fn child_engine() {
    let (Ok(url), Ok(provider_url)) = (std::env::var(CHILD_URL), std::env::var(CHILD_PROVIDER_URL)) else { return };
    let db = Db::new(&url, PoolSettings::default(), Wakes::new()).unwrap();
    let provider = Arc::new(Provider::new(&provider_url, db.clone()));
    let engine = Effects::new(db.clone(), settings(), Random::from_entropy()).with(Obedient(provider));
    let stop = CancellationToken::new();
    let run = {
        let stop = stop.clone();
        tokio::spawn(async move { engine.run(stop).await })
    };
    // The parent ends this process, one way or the other; the bound is for a parent that died.
    let done = eventually(Duration::from_mins(1), async || {
        let mut tx = db.begin_system().await.unwrap();
        let unfinished: i64 = sqlx::query_scalar(UNFINISHED).fetch_one(tx.conn().unwrap()).await.unwrap();
        tx.roll_back().await.unwrap();
        unfinished == 0
    });
    assert!(done.await, "intents stay unfinished");
    stop.cancel();
    run.await.unwrap();
}

fn start_child(house: &House) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "deaths::child_engine", "--nocapture"])
        .env(CHILD_URL, house.database.dispatcher_url())
        .env(CHILD_PROVIDER_URL, house.database.superuser_url())
        .env("RUST_BACKTRACE", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Starts an engine wherever none runs; says how many had died since the last time.
fn keep_running(house: &House, running: &mut [Option<Child>]) -> usize {
    let mut deaths = 0;
    for slot in running {
        if slot.as_mut().is_none_or(|child| child.try_wait().unwrap().is_some()) {
            deaths += usize::from(slot.is_some());
            *slot = Some(start_child(house));
        }
    }
    deaths
}

/// Makes retries due now. What is unknown keeps its gaps.
const HURRY: &str = "update effect_intents set available_at = now() where state = 'pending' and available_at > now()";

/// Keeps `children` engines running, replacing those that died, until nothing is unfinished; says how many died.
async fn run_children(house: &House, running: &mut [Option<Child>], bound: Duration) -> usize {
    let mut deaths = 0;
    let finished = eventually(bound, async || {
        house.execute(HURRY).await;
        if house.unfinished().await == 0 {
            return true;
        }
        deaths += keep_running(house, running);
        false
    });
    let finished = finished.await;
    for child in running.iter_mut().flatten() {
        let _ = child.kill();
        child.wait().unwrap();
    }
    assert!(finished, "{} intents stay unfinished", house.unfinished().await);
    deaths
}

#[tokio::test]
async fn a_process_that_dies_around_its_call_sends_once() {
    use Called::{AbortAfterSending, AbortBeforeSending, Accept, KillAfterSending, KillBeforeSending};
    let house = House::at(Clock::system()).await;
    let mut expected = Vec::new();
    for (dies, attempt) in
        [(KillBeforeSending, 2), (KillAfterSending, 1), (AbortBeforeSending, 2), (AbortAfterSending, 1)]
    {
        expected.push((house.plan(Ask::calls(&[dies, Accept])).await, attempt));
    }
    let deaths = run_children(&house, &mut [None], Duration::from_secs(40)).await;
    // All four may be under way when the first kills the process; whoever is not, kills the next.
    assert!((1..=4).contains(&deaths), "{deaths} deaths");
    let mut repeated = 0;
    for (id, attempt) in expected {
        let seen = house.see(id).await;
        assert_eq!((seen.state, seen.accepted, seen.applied.len()), (IntentState::Accepted, 1, 1), "{seen:?}");
        assert!(seen.attempt >= attempt, "{seen:?}");
        repeated += i32::from(seen.attempt > 1);
    }
    assert!(repeated >= 2);
}

/// Draws from `choices`.
fn draw<T: Copy>(random: &Random, choices: &[T]) -> T {
    choices[usize::try_from(random.u64() % u64::try_from(choices.len()).unwrap()).unwrap()]
}

fn random_request(random: &Random) -> Ask {
    use Called::{
        AbortAfterSending, AbortBeforeSending, Accept, AcceptThenTimeOut, ConnectionRefused, Hang, HangAfterSending,
        KillAfterSending, KillBeforeSending, Panic, PanicAfterSending, Refuse, SettledThenRefused, SettledThenTimeOut,
        TimeOut, TooMany,
    };
    let common = [Accept, AcceptThenTimeOut, TimeOut, ConnectionRefused, TooMany, Refuse, SettledThenTimeOut];
    let rare = [
        Panic,
        PanicAfterSending,
        Hang,
        HangAfterSending,
        AbortBeforeSending,
        AbortAfterSending,
        KillBeforeSending,
        KillAfterSending,
        SettledThenRefused,
    ];
    let calls: Vec<Called> = (0..2)
        .map(|_| match random.u64() % 20 {
            0 => draw(random, &rare),
            1..6 => draw(random, &common),
            _ => Accept,
        })
        .chain([Accept])
        .collect();
    let looks = draw(random, &[Looked::Truth, Looked::Truth, Looked::Truth, Looked::EmptyTimes(1)]);
    let looks = if random.u64().is_multiple_of(20) { Looked::Ambiguous } else { looks };
    let checks = if random.u64().is_multiple_of(20) { Checked::Cancel } else { Checked::Go };
    Ask::calls(&calls).looks(looks).checks(checks)
}

/// Some hundreds of intents with random behaviours, three engines, and a kill -9 of one of them again and again while
/// work comes in.
#[tokio::test]
async fn whatever_dies_when_everything_is_sent_at_most_once_and_ends() {
    const SEED: u64 = 20_261_121;
    const ROUNDS: usize = 14;
    const EACH: usize = 25;
    let house = House::at(Clock::system()).await;
    let random = Random::seeded(SEED);
    let tenants: Vec<TenantId> = (0..7).map(|_| house.database.app().ids().next()).collect();
    let mut running: [Option<Child>; 3] = [None, None, None];
    // By the test, and by what the engines were told to do.
    let (mut kills, mut deaths) = (0, 0);
    for round in 0..ROUNDS {
        for number in 0..EACH {
            let order_key = (random.u64() % 60).to_string();
            let new = house.new_intent(&format!("{round}-{number}"), &order_key, random_request(&random));
            house.plan_for(draw(&random, &tenants), &new).await;
        }
        let moment = Duration::from_millis(50 + random.u64() % 200);
        // Only a pause, in which those that died are replaced.
        let _ = eventually(moment, async || {
            deaths += keep_running(&house, &mut running);
            house.execute(HURRY).await;
            false
        })
        .await;
        let victim = &mut running[round % 3];
        if let Some(child) = victim {
            kills += usize::from(child.try_wait().unwrap().is_none());
            let _ = child.kill();
            child.wait().unwrap();
        }
        *victim = None;
    }
    deaths += run_children(&house, &mut running, Duration::from_secs(40)).await;

    let count = async |of: &'static str| house.count(of).await;
    let all = i64::try_from(ROUNDS * EACH).unwrap();
    assert_eq!(count("select count(*) from effect_intents").await, all);
    let in_review = count("select count(*) from effect_intents where state = 'review'").await;
    let repeated = count("select count(*) from effect_intents where attempt > 1").await;
    println!(
        "seed {SEED}: {all} intents, {kills} killed, {deaths} died of themselves, {repeated} repeated, {in_review} in review"
    );
    let twice = "select count(*) from effect_intents e
                 where (select count(*) from test_ledger l where l.intent = e.id) > 1";
    assert_eq!(count(twice).await, 0, "sent twice");
    let lies = "select count(*) from effect_intents e where state <> 'review'
                and (state = 'accepted') <> exists (select from test_ledger l where l.intent = e.id)";
    assert_eq!(count(lies).await, 0, "accepted without the provider's knowing, or the other way round");
    let unapplied =
        "select count(*) from effect_intents e where state <> 'review' and outcome->>'by' is distinct from 'callback'
                     and array(select change from test_sends s where s.intent = e.id) <> array[e.state]";
    assert_eq!(count(unapplied).await, 0, "the module's rows do not say what the intent says, once");
    let applied_in_vain = "select count(*) from test_sends s join effect_intents e on e.id = s.intent
                           where e.state = 'review' or e.outcome->>'by' = 'callback'";
    assert_eq!(count(applied_in_vain).await, 0);
    let unexplained = "select count(*) from effect_intents where state = 'review' and request->>'looks' <> 'Ambiguous'";
    assert_eq!(count(unexplained).await, 0);
    assert!(kills >= 10, "{kills} kills are too few to mean anything");
}
