//! A dispatcher that dies anywhere in a turn: the caller is answered once, and nothing is booked twice.

use std::{pin::Pin, task::Poll};

use chrono::Duration;
use nmc_testkit::eventually;

use crate::{
    setup::{World, bodies_sent, phone},
    shop::{acts, shop},
};

/// Longer than a claim is kept from others.
const LEASE: Duration = Duration::seconds(21);

/// Lets a dispatcher work until it has been woken `wakes` times, then it is no more; `true` where it came to its end
/// before.
async fn dies_after(world: &World, wakes: usize) -> bool {
    let turns = world.turns.clone();
    let mut working = Box::pin(async move { turns.drain().await });
    let mut left = wakes;
    std::future::poll_fn(|context| match Pin::as_mut(&mut working).poll(context) {
        Poll::Ready(drained) => {
            drained.unwrap();
            Poll::Ready(true)
        }
        Poll::Pending if left == 0 => Poll::Ready(false),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

/// What the dead has left behind is rolled back in the background, as Postgres does with a connection that is gone.
async fn is_buried(world: &World) -> bool {
    let open = "select count(*) from pg_stat_activity
                where datname = current_database() and usename = 'nmc_dispatcher' and state <> 'idle'";
    eventually(std::time::Duration::from_secs(10), async || world.count(open).await == 0).await
}

/// At every point at which a dispatcher waits for anything: after the claim, in thought, before, in and after the
/// commit.
#[tokio::test]
async fn whoever_dies_anywhere_is_followed_by_one_answer() {
    let (world, mut deaths) = (shop().await, 0);
    for wakes in 0..200 {
        let who = phone(&format!("+1212555{:04}", 1_000 + wakes));
        world.text(&who, "leak repair tomorrow after 1").await;
        world.deliver().await;
        world.wait(Duration::milliseconds(2_500));
        let is_done = dies_after(&world, wakes).await;
        assert!(is_buried(&world).await);
        // Nobody else takes it before the claim has run out; or the answer was committed.
        let left = usize::try_from(world.turns_left().await).unwrap();
        assert_eq!(world.answers(&who).await.len(), 1 - left, "{wakes}");
        for _ in 0..2 {
            world.wait(LEASE);
            world.play().await;
        }
        assert_eq!(world.answers(&who).await.len(), 1, "{wakes}");
        assert_eq!(bodies_sent(&world, &who).len(), 2, "the greeting and one answer, {wakes}");
        assert_eq!(world.turns_left().await, 0);
        if is_done {
            break;
        }
        deaths += 1;
    }
    // How often it has to wait depends on how quickly Postgres answers: some forty times on a machine at rest.
    println!("{deaths} deaths over an offer");
    assert!((1..200).contains(&deaths));
}

#[tokio::test]
async fn whoever_dies_over_a_booking_is_followed_by_one_appointment() {
    let (world, mut deaths) = (shop().await, 0);
    for wakes in (0..200).step_by(3) {
        let who = phone(&format!("+1212555{:04}", 1_000 + wakes));
        let before = world.events("scheduling.AppointmentBooked").await.len();
        world.says(&who, "leak repair tomorrow after 1").await;
        world.wait(Duration::minutes(1));
        assert_eq!(world.says(&who, "the first one").await, ["ask-confirm"]);
        world.wait(Duration::minutes(1));
        world.text(&who, "yes").await;
        world.deliver().await;
        world.wait(Duration::milliseconds(2_500));
        let is_done = dies_after(&world, wakes).await;
        assert!(is_buried(&world).await);
        world.wait(LEASE);
        world.play().await;
        let answers = world.answers(&who).await;
        assert_eq!((answers.len(), acts(&answers[2])), (3, vec!["booked".to_owned()]), "{wakes}");
        assert_eq!(world.booked().await, 1);
        assert_eq!(world.events("scheduling.AppointmentBooked").await.len(), before + 1);
        // The next finds the same day as free as this one.
        let free = "update sched_appointments set status = 'cancelled'";
        sqlx::query(free).execute(&mut world.superuser().await).await.unwrap();
        if is_done {
            break;
        }
        deaths += 1;
    }
    println!("{deaths} deaths over a booking");
    assert!((1..60).contains(&deaths));
}
