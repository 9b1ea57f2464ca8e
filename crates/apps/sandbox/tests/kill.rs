//! Twenty kills in the middle of two thousand missed calls: one text per caller, and nothing lost.

#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

use std::{
    collections::HashMap,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use nmc_kernel::Random;
use nmc_sandbox::{Installation, Plan};
use nmc_simulators::twilio::{Behaviour, CallRequest, CallScenario};
use nmc_testkit::eventually;
use sqlx::{Connection as _, PgConnection};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
};

const CALLS: usize = 2_000;
const CALLS_AT_ONCE: usize = 24;
const KILLS: usize = 20;
/// A kill waits for fewer webhooks than this, those of a few calls and texts, after the number of calls it waits for: so
/// it hits any point of their way.
const WEBHOOKS_BEFORE_A_KILL: u64 = 40;
/// So many webhooks come sooner.
const BOUND: Duration = Duration::from_mins(1);
/// This long after the last kill everything is finished.
const SETTLE: Duration = Duration::from_secs(30);

fn caller(n: usize) -> String {
    format!("+1415{:07}", 2_000_000 + n)
}

/// What is not finished yet.
const UNFINISHED: &str = "
    select (select count(*) from outbox_events where dispatched_at is null)
         + (select count(*) from effect_intents where state in ('pending', 'in_flight', 'unknown'))
         + (select count(*) from timers where due_at <= now())";

async fn is_finished(database_url: &str) -> bool {
    let mut superuser = PgConnection::connect(database_url).await.unwrap();
    sqlx::query_scalar::<_, i64>(UNFINISHED).fetch_one(&mut superuser).await.unwrap() == 0
}

/// Short times, and no limit in the way of what is tested.
const CONFIGURATION: &[(&str, &str)] = &[
    ("EFFECTS_LISTING_GAP_SECONDS", "2"),
    ("EFFECTS_REQUEST_TIMEOUT_SECONDS", "3"),
    ("TWILIO_TIMEOUT_SECONDS", "2"),
    ("CLERK_TIMEOUT_SECONDS", "2"),
    // All callers call one number: what is tested is not how fast that may text.
    ("SMS_SEGMENTS_PER_SECOND", "10000"),
    ("TEXTS_PER_BUSINESS_HOUR_MAX", "100000"),
    ("TEXTS_PER_BUSINESS_DAY_MAX", "100000"),
    ("RUST_LOG", "warn"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_missed_calls_survive_twenty_kills() {
    #[expect(clippy::disallowed_methods, reason = "a run is repeated with the seed it printed")]
    let seed = std::env::var("NMC_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20);
    let random = Random::seeded(seed);
    let data_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kill");
    let plan = Plan {
        database: "nmc_kill",
        fresh: true,
        durable: false,
        configuration: CONFIGURATION.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        ..Plan::new(data_dir, env!("CARGO_BIN_EXE_nmc-sandbox").into())
    };
    let mut installation = Installation::start(&plan).await.unwrap();
    // A listing that lags, and webhooks that are tried again as a provider does.
    let behaviour = Behaviour {
        listing_gap_millis: 1_000,
        webhook_attempts: 12,
        webhook_retry_millis: 100,
        ..Behaviour::default()
    };
    installation.twilio.set_behaviour(behaviour);

    let at_once = Arc::new(Semaphore::new(CALLS_AT_ONCE));
    let (over, mut calls_over) = watch::channel(0_usize);
    let mut calls = JoinSet::new();
    for n in 0..CALLS {
        let (twilio, number) = (installation.twilio.clone(), installation.tenant.number.clone());
        let (at_once, over) = (at_once.clone(), over.clone());
        calls.spawn(async move {
            let _permit = at_once.acquire_owned().await.unwrap();
            twilio.place_call(CallRequest::new(caller(n), number, CallScenario::NoAnswer)).await;
            over.send_modify(|over| *over += 1);
        });
    }
    for kill in 0..KILLS {
        // Spread over the whole run, however fast this machine is.
        calls_over.wait_for(|over| *over >= kill * CALLS / (KILLS + 1)).await.unwrap();
        let sent = || installation.twilio.summary().webhooks_sent;
        let moment = sent() + usize::try_from(random.u64() % WEBHOOKS_BEFORE_A_KILL).unwrap();
        assert!(eventually(BOUND, async || sent() >= moment).await, "kill {kill}: the calls stand still");
        let victim =
            if random.u64().is_multiple_of(2) { &mut installation.server } else { &mut installation.dispatcher };
        assert!(victim.id().is_some(), "kill {kill}: the {} had ended by itself", victim.name());
        victim.kill().await.unwrap();
        victim.start().unwrap();
    }
    let last_kill = Instant::now();
    let calls_left = CALLS - *calls_over.borrow();
    calls.join_all().await;
    installation.wait_until_ready().await.unwrap();

    let last_call = Instant::now();
    let database_url = installation.database.superuser_url();
    let mut superuser = PgConnection::connect(&database_url).await.unwrap();
    // The simulator's last callbacks first: they are work as well.
    let finished = eventually(SETTLE.saturating_sub(last_kill.elapsed()), async || {
        installation.twilio.settled().await;
        is_finished(&database_url).await
    })
    .await;
    println!(
        "seed {seed}: settled {:.1} s after the last call, {:.1} s after the last kill ({calls_left} calls were not over then)",
        last_call.elapsed().as_secs_f64(),
        last_kill.elapsed().as_secs_f64()
    );
    assert!(finished, "something is left unfinished {} s after the last kill", SETTLE.as_secs());
    assert_eq!(
        installation.twilio.summary().webhooks_lost,
        0,
        "the simulator gave a webhook up: the test tests too little"
    );

    let count = async |superuser: &mut PgConnection, sql: &'static str| -> usize {
        let count: i64 = sqlx::query_scalar(sql).fetch_one(superuser).await.unwrap();
        usize::try_from(count).unwrap()
    };
    let events = "select count(*) from outbox_events where event_name = 'nmc.telephony.CallDetected'";
    assert_eq!(count(&mut superuser, events).await, CALLS, "one event per call");
    assert_eq!(count(&mut superuser, "select count(*) from outbox_dead_letters").await, 0);
    assert_eq!(count(&mut superuser, "select count(distinct caller_phone) from conv_conversations").await, CALLS);

    let reviewed: Vec<String> = sqlx::query_scalar(
        "select c.caller_phone from effect_intents i
         join conv_messages m on m.tenant_id = i.tenant_id and m.intent_id = i.id
         join conv_conversations c on c.tenant_id = m.tenant_id and c.id = m.conversation_id
         where i.state = 'review'",
    )
    .fetch_all(&mut superuser)
    .await
    .unwrap();
    let mut texts: HashMap<String, usize> = HashMap::new();
    for message in installation.twilio.accepted() {
        *texts.entry(message.to).or_default() += 1;
    }
    let wrong: Vec<_> = (0..CALLS)
        .map(caller)
        .map(|phone| (texts.get(&phone).copied().unwrap_or(0), phone))
        .filter(|(count, phone)| *count != 1 && !(*count == 0 && reviewed.contains(phone)))
        .collect();
    assert!(wrong.is_empty(), "texts and callers: {wrong:?}");
    assert!(reviewed.len() <= 5, "{} intents in review", reviewed.len());
    println!("{CALLS} calls, {KILLS} kills: {} texts, {} in review", texts.values().sum::<usize>(), reviewed.len());
    installation.stop().await.unwrap();
}
