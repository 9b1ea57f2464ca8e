//! Callers who book, think again, haggle, call off, want a person or no more texts, all at once, while server and
//! dispatcher are killed again and again: each conversation ends as if nothing had happened, each text is answered and
//! sent once.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets the unexpected stops there")]
#![allow(clippy::print_stdout, reason = "what was seen is told, not judged")]

mod caller;
mod checks;
mod script;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use chrono::{Datelike as _, Days, NaiveDate, Utc, Weekday};
use chrono_tz::America::Los_Angeles;
use futures::future::join_all;

use nmc_kernel::{E164, Random};
use nmc_sandbox::{Installation, Plan};
use nmc_simulators::twilio::Behaviour;
use nmc_testkit::eventually;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    caller::{Caller, Post},
    script::SCRIPTS,
};

/// `NMC_TEST_CONVERSATIONS` asks for more; docs/testing.md has the whole profile.
const CONVERSATIONS: usize = 60;
/// Numbers that belong to nobody, a hundred in each of these area codes: no more callers.
const AREA_CODES: [u16; 10] = [212, 303, 312, 404, 503, 512, 617, 702, 801, 916];
const CONVERSATIONS_MAX: usize = AREA_CODES.len() * 100;
/// A kill for so many conversations, and how few and how many there are.
const CONVERSATIONS_PER_KILL: usize = 50;
const KILLS: (usize, usize) = (5, 20);
/// Callers of one business, each on a day of their own.
const CALLERS_PER_BUSINESS: usize = 20;
/// Answers that every script hears, at least.
const ANSWERS_MIN: usize = 2;
/// A kill waits for fewer webhooks than this after the answers it waits for: so it hits any point of a text's way.
const WEBHOOKS_BEFORE_A_KILL: u64 = 40;
/// So many webhooks come sooner.
const BOUND: Duration = Duration::from_mins(1);
/// This long after the last text everything is finished: what a dispatcher died over is another one's after 20 seconds.
const SETTLE: Duration = Duration::from_mins(1);
/// Texts of which nobody can say whether they went out, at most.
const REVIEWS_MAX: usize = 5;

/// Short times, and no limit in the way of what is tested.
const CONFIGURATION: &[(&str, &str)] = &[
    ("EFFECTS_LISTING_GAP_SECONDS", "2"),
    ("EFFECTS_REQUEST_TIMEOUT_SECONDS", "3"),
    ("TWILIO_TIMEOUT_SECONDS", "2"),
    ("CLERK_TIMEOUT_SECONDS", "2"),
    ("SMS_SEGMENTS_PER_SECOND", "10000"),
    ("TEXTS_PER_BUSINESS_HOUR_MAX", "100000"),
    ("TEXTS_PER_BUSINESS_DAY_MAX", "100000"),
    ("RUST_LOG", "warn"),
];

#[expect(clippy::disallowed_methods, reason = "a run is repeated, or made longer, by what the environment says")]
fn asked_for(variable: &str, usual: usize) -> usize {
    std::env::var(variable).ok().and_then(|value| value.parse().ok()).unwrap_or(usual)
}

fn phone(n: usize) -> String {
    format!("+1{}55501{:02}", AREA_CODES[n / 100], n % 100)
}

/// The `n`th day on which somebody works, some days ahead: what is called off is not called off at the last moment.
fn day(today: NaiveDate, n: usize) -> NaiveDate {
    (4..).map(|days| today + Days::new(days)).filter(|day| day.weekday() != Weekday::Sun).nth(n).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conversations_survive_kills_of_server_and_dispatcher() {
    let conversations = asked_for("NMC_TEST_CONVERSATIONS", CONVERSATIONS).min(CONVERSATIONS_MAX);
    let kills = (conversations / CONVERSATIONS_PER_KILL).clamp(KILLS.0, KILLS.1);
    let seed = asked_for("NMC_TEST_SEED", 1_000);
    let random = Random::seeded(seed as u64);
    let data_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("texting");
    let plan = Plan {
        database: "nmc_texting",
        fresh: true,
        durable: false,
        configuration: CONFIGURATION.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        ..Plan::new(data_dir, env!("CARGO_BIN_EXE_nmc-sandbox").into())
    };
    let mut installation = Installation::start(&plan).await.unwrap();
    let businesses = conversations.div_ceil(CALLERS_PER_BUSINESS);
    let businesses = installation.open_businesses(u16::try_from(businesses).unwrap()).await.unwrap();
    // A listing that lags, and webhooks that are tried again as a provider does.
    let behaviour = Behaviour {
        listing_gap_millis: 1_000,
        webhook_attempts: 12,
        webhook_retry_millis: 100,
        ..Behaviour::default()
    };
    installation.twilio.set_behaviour(behaviour);

    #[expect(clippy::disallowed_methods, reason = "what the service calls ahead")]
    let today = Utc::now().with_timezone(&Los_Angeles).date_naive();
    let post = Post::new((0..conversations).map(phone));
    let (heard, mut heard_so_far) = watch::channel(0_usize);
    let callers = (0..conversations).map(|n| {
        let nth = n / businesses.len();
        let mut caller = Caller {
            phone: E164::parse(&phone(n)).unwrap(),
            business: businesses[n % businesses.len()].number.clone(),
            script: &SCRIPTS[(nth + n) % SCRIPTS.len()],
            day: day(today, nth),
            other_day: day(today, nth + 1),
            transcript: Vec::new(),
            written: 0,
            is_stuck: false,
        };
        let (twilio, post, heard) = (installation.twilio.clone(), &post, &heard);
        async move {
            caller.play(&twilio, post, heard).await;
            caller
        }
    });
    let over = CancellationToken::new();
    let crowd = async {
        let callers = join_all(callers).await;
        over.cancel();
        callers
    };
    let twilio = installation.twilio.clone();
    let began = Instant::now();
    let killing = async {
        for kill in 0..kills {
            // Spread over the whole run, however fast this machine is.
            let wanted = kill * conversations * ANSWERS_MIN / kills;
            heard_so_far.wait_for(|heard| *heard >= wanted).await.unwrap();
            let sent = || twilio.summary().webhooks_sent;
            let moment = sent() + usize::try_from(random.u64() % WEBHOOKS_BEFORE_A_KILL).unwrap();
            assert!(eventually(BOUND, async || sent() >= moment).await, "kill {kill}: the callers stand still");
            let victim =
                if random.u64().is_multiple_of(2) { &mut installation.server } else { &mut installation.dispatcher };
            assert!(victim.id().is_some(), "kill {kill}: the {} had ended by itself", victim.name());
            victim.kill().await.unwrap();
            victim.start().unwrap();
        }
        began.elapsed()
    };
    let (callers, last_kill, ()) = tokio::join!(crowd, killing, post.deliver(&twilio, &over));
    let took = began.elapsed();
    installation.wait_until_ready().await.unwrap();

    let last_text = Instant::now();
    checks::settled(&installation, SETTLE).await;
    let texts: usize = callers.iter().map(|caller| caller.written).sum();
    println!(
        "seed {seed}: {conversations} conversations with {texts} texts and {kills} kills took {:.1} s, {:.1} s of them after \
         the last kill; settled {:.1} s after the last text",
        took.as_secs_f64(),
        took.saturating_sub(last_kill).as_secs_f64(),
        last_text.elapsed().as_secs_f64()
    );
    assert_eq!(
        installation.twilio.summary().webhooks_lost,
        0,
        "the simulator gave a webhook up: the test tests too little"
    );
    let reviews = checks::in_review(&installation).await;
    println!("{} texts in review: {reviews:?}", reviews.len());
    assert!(reviews.len() <= REVIEWS_MAX);
    let excused: Vec<String> = reviews.into_iter().map(|(phone, _)| phone).collect();
    checks::each_ended_as_it_should(&installation, &callers, &excused).await;
    checks::each_text_once(&installation, &callers, &excused).await;
    checks::no_faults(&installation).await;
    installation.stop().await.unwrap();
}
