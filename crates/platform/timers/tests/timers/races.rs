//! Several runners, and transactions that hold a subject and move its timer.

use std::time::Duration;

use chrono::Duration as Span;
use nmc_kernel::Clock;
use nmc_testkit::eventually;
use tokio_util::sync::CancellationToken;

use crate::house::House;

const SOON: Duration = Duration::from_secs(20);
const LEFT: &str = "select count(*) from timers";

fn run(house: &House, runners: usize) -> (CancellationToken, Vec<tokio::task::JoinHandle<()>>) {
    let stop = CancellationToken::new();
    let running = (0..runners)
        .map(|_| {
            let (timers, stop) = (house.timers(), stop.clone());
            tokio::spawn(async move { timers.run(stop).await })
        })
        .collect();
    (stop, running)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn runners_side_by_side_fire_each_timer_once() {
    const TIMERS: i64 = 400;
    let house = House::at(Clock::system()).await;
    let (stop, running) = run(&house, 3);
    for _ in 0..TIMERS {
        house.subject("work", Span::zero()).await;
    }
    assert!(eventually(SOON, async || house.count(LEFT).await == 0).await);
    stop.cancel();
    for runner in running {
        runner.await.unwrap();
    }
    assert_eq!(house.count("select count(*) from test_subjects where fired = 1").await, TIMERS);
}

/// Firing and moving take their locks in one order: subject, then timer.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn moving_and_firing_never_deadlock() {
    const MOVERS: usize = 4;
    const MOVES: usize = 150;
    const SUBJECTS: usize = 3;
    let house = std::sync::Arc::new(House::at(Clock::system()).await);
    let mut subjects = Vec::new();
    for _ in 0..SUBJECTS {
        subjects.push(house.subject("work", Span::zero()).await);
    }
    let (stop, running) = run(&house, 2);
    let movers: Vec<_> = (0..MOVERS)
        .map(|mover| {
            let (house, subjects) = (std::sync::Arc::clone(&house), subjects.clone());
            tokio::spawn(async move {
                for number in 0..MOVES {
                    // Due at once, and sometimes due only after the next move.
                    let after = if number % 3 == 0 { Span::milliseconds(20) } else { Span::zero() };
                    house.set(subjects[(mover + number) % SUBJECTS], after).await;
                }
            })
        })
        .collect();
    for mover in movers {
        mover.await.unwrap();
    }
    assert!(eventually(SOON, async || house.count(LEFT).await == 0).await);
    stop.cancel();
    for runner in running {
        runner.await.unwrap();
    }
    let deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";
    assert_eq!(house.count(deadlocks).await, 0);
    let fired = house.count("select sum(fired)::bigint from test_subjects").await;
    let sets = i64::try_from(MOVERS * MOVES + SUBJECTS).unwrap();
    assert!((1..=sets).contains(&fired), "{fired} firings of {sets} settings");
    assert_eq!(house.count("select count(*) from test_subjects where fired = 0").await, 0);
}
