//! Texts that cross: an answer is to the question that was read.

use chrono::Duration;
use nmc_conversation::ConversationState;

use crate::{
    setup::{World, caller, greeted},
    shop::{acts, shop},
};

/// The caller was offered times of tomorrow, and asks for others; the number is written before the others are there.
async fn crossing(world: &World, second: &str, between: Duration) -> Vec<String> {
    greeted(world, &caller()).await;
    world.says(&caller(), "leak repair tomorrow after 1").await;
    world.wait(Duration::minutes(1));
    world.says(&caller(), second).await;
    world.wait(between);
    world.text(&caller(), "2").await;
    world.answer().await;
    acts(world.answers(&caller()).await.last().unwrap())
}

#[tokio::test]
async fn a_number_is_of_the_list_that_was_read() {
    let holds = "select count(*) from sched_holds";
    let world = shop().await;
    assert_eq!(crossing(&world, "what about the day after tomorrow", Duration::zero()).await, ["ask-pick"]);
    assert_eq!(world.count(holds).await, 0);
    // Read, it is picked.
    world.wait(Duration::minutes(1));
    assert!(world.says(&caller(), "2").await.contains(&"ask-confirm".to_owned()));
    assert_eq!(world.count(holds).await, 1);
    // The same list said again is the one that was read.
    let world = shop().await;
    assert!(crossing(&world, "are you licensed?", Duration::zero()).await.contains(&"ask-confirm".to_owned()));
    assert_eq!(world.count(holds).await, 1);
    let world = shop().await;
    let picked = crossing(&world, "what about the day after tomorrow", Duration::seconds(2)).await;
    assert!(picked.contains(&"ask-confirm".to_owned()), "{picked:?}");
}

#[tokio::test]
async fn what_was_asked_before_the_campaign_was_stopped_is_not_answered_after_it() {
    let world = shop().await;
    greeted(&world, &caller()).await;
    world.says(&caller(), "leak repair tomorrow after 1").await;
    world.wait(Duration::minutes(1));
    assert!(world.says(&caller(), "the first one").await.contains(&"ask-confirm".to_owned()));
    world.reject().await;
    world.wait(Duration::minutes(1));
    world.text(&caller(), "hello?").await;
    world.answer().await;
    assert_eq!(world.state(&caller()).await, Some(ConversationState::Blocked));
    world.wait(Duration::minutes(1));
    world.approve().await;
    world.play().await;
    world.wait(Duration::minutes(1));
    world.says(&caller(), "yes").await;
    assert_eq!(world.booked().await, 0);
}
