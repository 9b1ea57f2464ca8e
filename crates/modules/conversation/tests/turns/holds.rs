//! What the automation holds for a caller, and who has the conversation.

use chrono::Duration;
use nmc_kernel::ConversationId;

use crate::{
    setup::{World, caller, greeted, new_message},
    shop::shop,
};

/// A caller who has picked a time, which is held.
async fn holding() -> (World, ConversationId) {
    let world = shop().await;
    let id = greeted(&world, &caller()).await;
    world.says(&caller(), "leak repair tomorrow after 1").await;
    world.wait(Duration::minutes(1));
    assert!(world.says(&caller(), "the first one").await.contains(&"ask-confirm".to_owned()));
    assert_eq!(held(&world).await, 1);
    (world, id)
}

async fn held(world: &World) -> i64 {
    world.count("select count(*) from sched_holds").await
}

#[tokio::test]
async fn a_person_who_steps_in_finds_the_time_still_held() {
    let (world, id) = holding().await;
    world.app.conversation.take_over(&world.owner(), id).await.unwrap();
    assert_eq!(held(&world).await, 1);
    // Given back, the automation begins anew.
    world.app.conversation.release(&world.owner(), id).await.unwrap();
    assert_eq!(held(&world).await, 0);
    let (world, id) = holding().await;
    world.app.conversation.write(&world.owner(), id, &new_message("Pat here"), None).await.unwrap();
    assert_eq!(held(&world).await, 1);
}

#[tokio::test]
async fn whoever_ends_the_conversation_ends_the_hold() {
    let (world, id) = holding().await;
    world.app.conversation.close(&world.owner(), id).await.unwrap();
    assert_eq!(held(&world).await, 0);
    let (world, _) = holding().await;
    world.text(&caller(), "STOP").await;
    world.play().await;
    assert_eq!(held(&world).await, 0);
    let released = world.events("scheduling.AppointmentReleased").await;
    assert_eq!((released.len(), &released[0]["reason"]), (1, &serde_json::json!("released")));
}

#[tokio::test]
async fn what_is_handed_over_is_not_held_for_it() {
    let (world, _) = holding().await;
    world.wait(Duration::minutes(1));
    assert_eq!(world.says(&caller(), "let me talk to a real person").await, ["hand-over"]);
    assert_eq!(held(&world).await, 0);
}

/// A time that a person of the business holds is that person's.
#[tokio::test]
async fn what_a_person_holds_stays_held() {
    let (world, id) = holding().await;
    let by = "update sched_holds set user_id = gen_random_uuid()";
    sqlx::query(by).execute(&mut world.superuser().await).await.unwrap();
    world.app.conversation.close(&world.owner(), id).await.unwrap();
    assert_eq!(held(&world).await, 1);
}
