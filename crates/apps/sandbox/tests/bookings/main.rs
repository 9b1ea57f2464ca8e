//! Sixty-four clients who hold, book, move and cancel over the same few timeslots, while server, dispatcher and Postgres
//! are killed twenty times: nothing overlaps, nothing acknowledged is missing, nothing is told twice.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets the unexpected stops there")]
#![allow(clippy::print_stdout, reason = "what was seen is told, not judged")]

mod api;
mod checks;
mod client;

use std::{
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use nmc_kernel::Random;
use nmc_postgres::PrivatePostgres;
use nmc_sandbox::{Installation, Plan};
use nmc_testkit::eventually;
use tokio::{sync::watch, task::JoinSet};

use crate::{
    api::{Api, Kills},
    client::{Calendar, Client, Told},
};

/// `NMC_TEST_ATTEMPTS` asks for more; docs/testing.md has the whole profile.
const ATTEMPTS: usize = 5_000;
const CLIENTS: usize = 64;
const KILLS: usize = 20;
/// A kill comes this many attempts at most after those it waits for, so that it hits any point of their way.
const SCATTER: usize = 40;
/// Sessions that outlive the server process keep the next one from starting, for moments.
const RESTART: Duration = Duration::from_secs(30);
/// This long after the last kill everything is finished; holds that nobody books expire within a minute.
const SETTLE: Duration = Duration::from_mins(2);

/// No limit in the way of what is tested, and holds that expire while it runs.
const CONFIGURATION: &[(&str, &str)] = &[
    ("HTTP_ADDRESS_REQUESTS_PER_MINUTE", "1000000"),
    ("HTTP_TENANT_REQUESTS_PER_MINUTE", "1000000"),
    ("HOLD_TTL_MINUTES", "1"),
    ("RUST_LOG", "warn"),
];

#[expect(clippy::disallowed_methods, reason = "a run is repeated, or made longer, by what the environment says")]
fn asked_for(variable: &str, usual: usize) -> usize {
    std::env::var(variable).ok().and_then(|value| value.parse().ok()).unwrap_or(usual)
}

/// Kills the server process of Postgres, and starts it again once its sessions have noticed.
async fn kill_postgres(postgres: &PrivatePostgres) {
    let pid_file = std::fs::read_to_string(postgres.data_dir().join("cluster/postmaster.pid")).unwrap();
    let killed = Command::new("kill").arg("-KILL").arg(pid_file.lines().next().unwrap()).status().unwrap();
    assert!(killed.success());
    let started = eventually(RESTART, async || postgres.start_again().is_ok()).await;
    assert!(started, "Postgres does not start: {:?}", postgres.start_again());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_over_the_same_timeslots_survives_twenty_kills() {
    let (attempts, seed) = (asked_for("NMC_TEST_ATTEMPTS", ATTEMPTS), asked_for("NMC_TEST_SEED", 64));
    let random = Random::seeded(seed as u64);
    let data_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bookings");
    let plan = Plan {
        database: "nmc_bookings",
        fresh: true,
        durable: false,
        configuration: CONFIGURATION.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        ..Plan::new(data_dir, env!("CARGO_BIN_EXE_nmc-sandbox").into())
    };
    let mut installation = Installation::start(&plan).await.unwrap();
    let log_begins = std::fs::metadata(installation.database.private_postgres().unwrap().log_file()).unwrap().len();
    let kills = Arc::new(Kills::default());
    let api = Api::new(&installation, kills.clone());
    let calendar = Arc::new(Calendar::make(&api).await);

    let (made, mut made_so_far) = watch::channel(0_usize);
    let left = Arc::new(AtomicUsize::new(attempts));
    let mut crowd = JoinSet::new();
    for n in 0..CLIENTS {
        let (api, calendar, made, left) = (api.clone(), calendar.clone(), made.clone(), left.clone());
        let mut client = Client::new(n, Random::seeded((seed * 1_000 + n) as u64), api, calendar);
        crowd.spawn(async move {
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                client.attempt().await;
                made.send_modify(|made| *made += 1);
            }
            client.told
        });
    }
    drop(made);
    let began = Instant::now();
    for kill in 0..KILLS {
        let scatter = usize::try_from(random.u64() % SCATTER as u64).unwrap();
        let wanted = kill * attempts / (KILLS + 1) + scatter;
        if made_so_far.wait_for(|made| *made >= wanted).await.is_err() {
            break;
        }
        kills.begin();
        match random.u64() % 3 {
            0 => kill_postgres(installation.database.private_postgres().unwrap()).await,
            1 => {
                installation.server.kill().await.unwrap();
                installation.server.start().unwrap();
            }
            _ => {
                installation.dispatcher.kill().await.unwrap();
                installation.dispatcher.start().unwrap();
            }
        }
        installation.wait_until_ready().await.unwrap();
        kills.end();
    }
    let last_kill = Instant::now();
    let mut told = Told::default();
    for client in crowd.join_all().await {
        told.add(client);
    }
    let crowd_took = began.elapsed();

    let postgres_log = installation.database.private_postgres().unwrap().log_file();
    checks::settled(&installation, SETTLE).await;
    println!("seed {seed}: settled {:.1} s after the last kill", last_kill.elapsed().as_secs_f64());
    checks::nothing_overlaps(&installation).await;
    checks::everything_told_is_so(&installation, &told).await;
    checks::every_event_once(&installation).await;
    checks::no_deadlock(&postgres_log, log_begins);
    told.report(attempts, crowd_took, &kills);
    installation.stop().await.unwrap();
}
