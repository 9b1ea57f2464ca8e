//! Who writes in pieces is answered once, and not kept waiting by going on.

use chrono::Duration;
use nmc_conversation::ConversationState;

use crate::{
    setup::{caller, greeted},
    shop::shop,
};

fn seconds(tenths: i64) -> Duration {
    Duration::milliseconds(100 * tenths)
}

#[tokio::test]
async fn texts_in_a_row_are_answered_together_once_it_is_quiet() {
    let world = shop().await;
    greeted(&world, &caller()).await;
    for body in ["hi", "my sink", "leaks"] {
        world.text(&caller(), body).await;
        world.play().await;
        world.wait(seconds(24));
        world.play().await;
        assert!(world.answers(&caller()).await.is_empty(), "it is not quiet yet");
    }
    world.wait(seconds(1));
    world.play().await;
    let answers = world.answers(&caller()).await;
    assert_eq!(answers.len(), 1);
    let newest = "select id::text from conv_messages where direction = 'in' and body = 'leaks'";
    let newest: String = sqlx::query_scalar(newest).fetch_one(&mut world.superuser().await).await.unwrap();
    assert_eq!(answers[0].why["turn_of"], newest);
    world.wait(Duration::minutes(1));
    world.play().await;
    assert_eq!((world.answers(&caller()).await.len(), world.turns_left().await), (1, 0));
}

#[tokio::test]
async fn who_goes_on_writing_is_answered_ten_seconds_after_the_first() {
    let world = shop().await;
    greeted(&world, &caller()).await;
    for number in 0..5 {
        world.text(&caller(), &format!("and {number}")).await;
        world.deliver().await;
        assert_eq!(world.turns.drain().await.unwrap(), 0);
        world.wait(seconds(20));
    }
    // Ten seconds after the first, two after the newest.
    assert_eq!(world.turns.drain().await.unwrap(), 1);
    assert_eq!(world.turns_left().await, 0);
    // What comes then is a burst of its own.
    world.text(&caller(), "and so on").await;
    world.deliver().await;
    world.wait(seconds(24));
    assert_eq!(world.turns.drain().await.unwrap(), 0);
    world.wait(seconds(1));
    assert_eq!(world.turns.drain().await.unwrap(), 1);
}

#[tokio::test]
async fn a_stop_in_a_burst_wins() {
    for (before, after) in [(true, false), (false, true), (true, true)] {
        let world = shop().await;
        greeted(&world, &caller()).await;
        if before {
            world.text(&caller(), "my sink leaks").await;
        }
        world.text(&caller(), "STOP").await;
        if after {
            world.text(&caller(), "my sink leaks").await;
        }
        world.answer().await;
        world.wait(Duration::minutes(1));
        world.play().await;
        assert_eq!(world.answers(&caller()).await.len(), 0, "{before} {after}");
        assert_eq!((world.state(&caller()).await, world.turns_left().await), (Some(ConversationState::Closed), 0));
    }
}

/// The opt-out is recorded with the webhook; its event may be heard of later than the turn is due.
#[tokio::test]
async fn a_stop_that_is_recorded_and_not_yet_heard_of_wins_as_well() {
    let world = shop().await;
    greeted(&world, &caller()).await;
    world.text(&caller(), "my sink leaks").await;
    world.deliver().await;
    world.opt_out(&caller()).await;
    world.wait(seconds(25));
    assert_eq!(world.turns.drain().await.unwrap(), 1);
    assert!(world.answers(&caller()).await.is_empty());
    world.play().await;
    assert_eq!(world.state(&caller()).await, Some(ConversationState::Closed));
}

#[tokio::test]
async fn a_keyword_beside_other_texts_is_not_read_as_one() {
    let world = shop().await;
    greeted(&world, &caller()).await;
    world.text(&caller(), "my sink leaks").await;
    world.text(&caller(), "HELP").await;
    world.answer().await;
    let answers = world.answers(&caller()).await;
    assert_eq!(answers.len(), 1);
    assert!(!answers[0].why["understood"].to_string().contains("elp"), "{}", answers[0].why);
}

#[tokio::test]
async fn what_is_heard_of_too_late_is_a_persons() {
    let world = shop().await;
    greeted(&world, &caller()).await;
    world.text(&caller(), "my sink leaks").await;
    world.wait(Duration::minutes(31));
    world.play().await;
    assert_eq!((world.tasks().await, world.turns_left().await), (vec!["reply"], 0));
    assert!(world.answers(&caller()).await.is_empty());
    // The same where the text was heard of in time, and nobody worked the answer out.
    let world = shop().await;
    greeted(&world, &caller()).await;
    world.text(&caller(), "my sink leaks").await;
    world.deliver().await;
    world.wait(Duration::minutes(31));
    world.play().await;
    assert_eq!((world.tasks().await, world.turns_left().await), (vec!["reply"], 0));
    assert!(world.answers(&caller()).await.is_empty());
    // The next text is answered, and with it what was left: the task is done.
    assert!(!world.says(&caller(), "my sink leaks").await.is_empty());
    assert!(world.tasks().await.is_empty());
}
