//! A process that dies while it fires.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use chrono::Duration as Span;
use nmc_db::{Db, PoolSettings, Wakes};
use nmc_kernel::Clock;
use nmc_testkit::eventually;
use tokio_util::sync::CancellationToken;

use crate::house::{House, timers};

/// Set in the child process: the database whose timers it fires until it dies.
const CHILD_URL: &str = "NMC_TEST_TIMERS_URL";

/// Not a test of its own: the child's program. Without the variable there is nothing to do.
#[tokio::test]
#[allow(clippy::disallowed_methods, reason = "how the parent tells its child; no configuration of the product")]
async fn child_runner() {
    let Ok(url) = std::env::var(CHILD_URL) else { return };
    let db = Db::new(&url, PoolSettings::default(), Wakes::new()).unwrap();
    // It is told to die; the bound is for a fault.
    let timers = timers(db);
    let _ = tokio::time::timeout(Duration::from_secs(20), timers.run(CancellationToken::new())).await;
}

#[tokio::test]
async fn a_process_that_dies_while_firing_leaves_the_timer_to_another() {
    // The child has the system's time, this process a time of its own.
    let house = House::at(Clock::fixed(Clock::system().now())).await;
    let killer = house.subject("kill", Span::zero()).await;
    let innocent = house.subject("work", Span::seconds(-1)).await;
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "deaths::child_runner", "--nocapture"])
        .env(CHILD_URL, house.database.dispatcher_url())
        .env("RUST_BACKTRACE", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let died = eventually(Duration::from_secs(15), async || child.try_wait().unwrap().is_some()).await;
    let _ = child.kill();
    assert!(!child.wait().unwrap().success() && died, "the child was to die while firing");

    house.execute("update test_subjects set does = 'work'").await;
    let row = house.row(killer).await.unwrap();
    let leased_until = row.leased_until.unwrap();
    assert_eq!((house.fired(killer).await, row.attempts), (0, 1));
    let timers = house.timers();
    // Nobody can tell a dead process from a slow one before the lease ends.
    house.clock.advance(leased_until - house.clock.now() - Span::seconds(1));
    timers.fire_due().await.unwrap();
    assert_eq!(house.fired(killer).await, 0);
    house.clock.advance(Span::seconds(1));
    timers.fire_due().await.unwrap();
    assert_eq!((house.fired(killer).await, house.row(killer).await), (1, None));
    assert_eq!((house.fired(innocent).await, house.row(innocent).await), (1, None), "committed by either, once");
}
