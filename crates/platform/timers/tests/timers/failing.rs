//! A timer that fails is tried again, visibly, and is nobody else's trouble.

use chrono::Duration as Span;
use nmc_timers::status;

use crate::house::{House, lock_subject};

#[tokio::test]
async fn failing_timers_are_retried_and_do_not_stop_others() {
    let house = House::new().await;
    let timers = house.timers();
    let failing = [
        ("refuse", "told to refuse"),
        ("panic", "the timer's handler panicked"),
        ("break", "a database statement failed"),
        ("hang", "the timer's handler took too long"),
    ];
    let mut subjects = Vec::new();
    let mut innocent = Vec::new();
    for (does, error) in failing {
        subjects.push((house.subject(does, Span::zero()).await, error));
        innocent.push(house.subject("work", Span::zero()).await);
    }
    assert_eq!(timers.fire_due().await.unwrap(), 8);
    for id in innocent {
        assert_eq!((house.fired(id).await, house.row(id).await), (1, None));
    }
    for (id, error) in &subjects {
        let row = house.row(*id).await.unwrap();
        assert_eq!((house.fired(*id).await, row.attempts, row.last_error.as_deref()), (0, 1, Some(*error)));
        let wait = row.leased_until.unwrap() - house.clock.now();
        assert!(wait < Span::seconds(1), "the first wait is short: {wait}");
    }
    let seen = status(&house.db()).await.unwrap();
    assert_eq!((seen.overdue, seen.failing, seen.oldest_due_at), (4, 4, Some(house.clock.now())));
    assert!(seen.last_error.is_some());

    // Once more in vain, then mended.
    house.execute("update test_subjects set does = 'refuse' where does = 'hang'").await;
    house.clock.advance(Span::seconds(1));
    assert_eq!(timers.fire_due().await.unwrap(), 4);
    assert_eq!(house.count("select min(attempts)::bigint from timers").await, 2);
    house.execute("update test_subjects set does = 'work'").await;
    house.clock.advance(Span::seconds(2));
    assert_eq!(timers.fire_due().await.unwrap(), 4);
    for (id, _) in subjects {
        assert_eq!((house.fired(id).await, house.row(id).await), (1, None));
    }
    let seen = status(&house.db()).await.unwrap();
    assert_eq!((seen.overdue, seen.failing, seen.last_error), (0, 0, None));
}

#[tokio::test]
async fn a_timer_whose_subject_is_locked_does_not_hold_up_the_others() {
    let house = House::new().await;
    let locked = house.subject("work", Span::seconds(-1)).await;
    let mut holder = house.begin().await;
    lock_subject(&mut holder, locked).await.unwrap();
    let mut others = Vec::new();
    for _ in 0..20 {
        others.push(house.subject("work", Span::zero()).await);
    }
    let timers = house.timers();
    let firing = tokio::spawn(async move { timers.fire_due().await.unwrap() });
    let fired = "select count(*) from test_subjects where fired = 1";
    let done = nmc_testkit::eventually(std::time::Duration::from_secs(4), async || house.count(fired).await == 20);
    assert!(done.await, "the others wait for the lock");
    assert!(!firing.is_finished());
    holder.commit().await.unwrap();
    assert_eq!(firing.await.unwrap(), 21);
    assert_eq!(house.fired(locked).await, 1);
}

#[tokio::test]
async fn a_kind_this_process_does_not_know_is_left_to_one_that_does() {
    let house = House::new().await;
    let subject = house.subject("work", Span::zero()).await;
    house.execute("update timers set kind = 'test.of_tomorrow'").await;
    assert_eq!(house.timers().fire_due().await.unwrap(), 0);
    let row = house.row(subject).await.unwrap();
    assert_eq!((row.leased_until, row.attempts), (None, 0));
    assert_eq!(status(&house.db()).await.unwrap().overdue, 1, "and is seen waiting");
}
