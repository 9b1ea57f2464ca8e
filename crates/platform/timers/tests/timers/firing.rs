//! Due, moved, taken back; also while firing.

use std::time::Duration;

use chrono::Duration as Span;
use nmc_testkit::eventually;
use nmc_timers::Timer as _;

use crate::house::{House, Obedient, lock_subject};

const SOON: Duration = Duration::from_secs(20);
/// Somebody waits for a lock.
const WAITING: &str =
    "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";

#[tokio::test]
async fn a_due_timer_fires_once() {
    let house = House::new().await;
    let timers = house.timers();
    let (due, later) = (house.subject("work", Span::zero()).await, house.subject("work", Span::seconds(60)).await);
    assert_eq!(timers.fire_due().await.unwrap(), 1);
    assert_eq!(timers.fire_due().await.unwrap(), 0);
    assert_eq!((house.fired(due).await, house.row(due).await), (1, None));
    assert_eq!(house.fired(later).await, 0);
    house.clock.advance(Span::seconds(59));
    assert_eq!(timers.fire_due().await.unwrap(), 0);
    house.clock.advance(Span::seconds(1));
    assert_eq!(timers.fire_due().await.unwrap(), 1);
    assert_eq!((house.fired(due).await, house.fired(later).await), (1, 1));
    assert_eq!(timers.kinds(), ["test.obedient"]);
}

#[tokio::test]
async fn a_moved_timer_fires_at_its_new_time_and_one_taken_back_never() {
    let house = House::new().await;
    let timers = house.timers();
    let (later, sooner, gone) = (
        house.subject("work", Span::seconds(10)).await,
        house.subject("work", Span::seconds(60)).await,
        house.subject("work", Span::zero()).await,
    );
    house.set(later, Span::seconds(60)).await;
    house.set(sooner, Span::seconds(10)).await;
    let mut tx = house.begin().await;
    nmc_timers::cancel(&mut tx, Obedient::KIND, gone).await.unwrap();
    nmc_timers::cancel(&mut tx, Obedient::KIND, gone).await.unwrap();
    tx.commit().await.unwrap();
    house.clock.advance(Span::seconds(10));
    timers.fire_due().await.unwrap();
    assert_eq!((house.fired(later).await, house.fired(sooner).await, house.fired(gone).await), (0, 1, 0));
    house.clock.advance(Span::seconds(50));
    timers.fire_due().await.unwrap();
    assert_eq!((house.fired(later).await, house.fired(sooner).await, house.fired(gone).await), (1, 1, 0));
}

#[tokio::test]
async fn a_timer_set_in_a_transaction_that_is_rolled_back_never_was() {
    let house = House::new().await;
    let subject = house.subject("work", Span::seconds(60)).await;
    let mut tx = house.begin().await;
    let now = tx.now();
    nmc_timers::set(&mut tx, Obedient::KIND, subject, now).await.unwrap();
    tx.roll_back().await.unwrap();
    assert_eq!(house.timers().fire_due().await.unwrap(), 0);
}

#[tokio::test]
async fn what_is_moved_or_taken_back_while_it_fires_does_not_fire() {
    let house = House::new().await;
    for (does, is_moved) in [("work", true), ("work", false), ("refuse", true), ("refuse", false)] {
        let subject = house.subject(does, Span::zero()).await;
        let mut mover = house.begin().await;
        lock_subject(&mut mover, subject).await.unwrap();
        let firing = {
            let timers = house.timers();
            tokio::spawn(async move { timers.fire_due().await.unwrap() })
        };
        // The timer is leased and its firing waits for the subject.
        assert!(eventually(SOON, async || house.count(WAITING).await == 1).await);
        let new_time = mover.now() + Span::seconds(60);
        if is_moved {
            nmc_timers::set(&mut mover, Obedient::KIND, subject, new_time).await.unwrap();
        } else {
            nmc_timers::cancel(&mut mover, Obedient::KIND, subject).await.unwrap();
        }
        mover.commit().await.unwrap();
        assert_eq!(firing.await.unwrap(), 1);
        assert_eq!(house.fired(subject).await, 0);
        let Some(row) = house.row(subject).await else {
            assert!(!is_moved);
            continue;
        };
        assert!(is_moved);
        // A failure of the old one is no failure of the new one.
        assert_eq!((row.due_at, row.leased_until, row.attempts, row.last_error), (new_time, None, 0, None), "{does}");
        house.execute("update test_subjects set does = 'work'").await;
        house.clock.advance(Span::seconds(60));
        assert_eq!(house.timers().fire_due().await.unwrap(), 1);
        assert_eq!((house.fired(subject).await, house.row(subject).await), (1, None));
    }
}
