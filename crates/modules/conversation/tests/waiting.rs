//! How long callers wait for a person, and what becomes of those who wait too long.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

mod setup;
#[path = "turns/shop.rs"]
mod shop;

use chrono::Duration;
use nmc_conversation::{Changed, ConversationState, StretchBegan, StretchEnded};
use nmc_identity::TenantSettings;
use serde_json::Value;
use setup::{World, caller, greeted, new_message, phone, settings};
use shop::{shop, shop_with};
use uuid::Uuid;

#[tokio::test]
async fn whoever_waits_too_long_for_a_person_raises_one_task_per_stretch() {
    let world = World::approved().await;
    let id = greeted(&world, &caller()).await;
    world.app.conversation.take_over(&world.owner(), id).await.unwrap();
    world.text(&caller(), "hello?").await;
    world.play().await;
    let since = world.thread(&caller()).await.unwrap().waiting_since.unwrap();
    world.wait(Duration::seconds(59));
    world.text(&caller(), "anybody?").await;
    world.play().await;
    assert_eq!(world.tasks().await, ["reply"]);
    world.wait(Duration::seconds(1));
    world.play().await;
    assert_eq!(world.tasks().await, ["reply", "unanswered"]);
    assert_eq!(world.thread(&caller()).await.unwrap().waiting_since, Some(since));
    let raised = world.events("conversation.TaskRaised").await;
    assert_eq!(raised.last().unwrap()["kind"], "unanswered");
    // Once per stretch: more texts change nothing until somebody answers.
    world.text(&caller(), "hello??").await;
    world.wait(Duration::hours(1));
    world.play().await;
    assert_eq!(world.tasks().await, ["reply", "unanswered"]);
    assert_eq!(world.state(&caller()).await, Some(ConversationState::Human));
    world.app.conversation.write(&world.owner(), id, &new_message("Here I am"), None).await.unwrap();
    assert!(world.tasks().await.is_empty());
    world.wait(Duration::minutes(5));
    world.text(&caller(), "fine, and now?").await;
    world.play().await;
    world.wait(Duration::seconds(60));
    world.play().await;
    assert_eq!(world.tasks().await.len(), 2);
    assert_eq!(world.count("select count(*) from conv_tasks where kind = 'unanswered'").await, 2);
}

#[tokio::test]
async fn whoever_is_answered_in_time_raises_none() {
    for answer in ["write", "tick off", "release", "close"] {
        let world = shop().await;
        let id = greeted(&world, &caller()).await;
        let (owner, conversation) = (world.owner(), &world.app.conversation);
        conversation.take_over(&owner, id).await.unwrap();
        world.text(&caller(), "hello?").await;
        world.play().await;
        world.wait(Duration::seconds(30));
        match answer {
            "write" => drop(conversation.write(&owner, id, &new_message("yes?"), None).await.unwrap()),
            "tick off" => {
                let task = conversation.open_tasks(&owner).await.unwrap().remove(0);
                assert_eq!(conversation.tick_off(&owner, task.id).await.unwrap(), Changed::Now);
                assert_eq!(world.thread(&caller()).await.unwrap().waiting_since, None);
            }
            "release" => assert_eq!(conversation.release(&owner, id).await.unwrap(), Changed::Now),
            _ => assert_eq!(conversation.close(&owner, id).await.unwrap(), Changed::Now),
        }
        world.wait(Duration::minutes(5));
        world.play().await;
        assert_eq!(world.count("select count(*) from conv_tasks where kind = 'unanswered'").await, 0, "{answer}");
        assert_eq!(world.count("select count(*) from timers where kind = 'conversation.override-window'").await, 0);
    }
}

#[tokio::test]
async fn whoever_takes_over_has_the_window_to_answer_what_waits() {
    let world = World::approved().await;
    let id = greeted(&world, &caller()).await;
    world.text(&caller(), "hello?").await;
    world.play().await;
    world.wait(Duration::minutes(10));
    world.play().await;
    world.app.conversation.take_over(&world.owner(), id).await.unwrap();
    world.wait(Duration::seconds(59));
    world.play().await;
    assert_eq!(world.tasks().await, ["reply"]);
    world.wait(Duration::seconds(1));
    world.play().await;
    assert_eq!(world.tasks().await, ["reply", "unanswered"]);
}

#[tokio::test]
async fn the_automation_takes_back_over_where_the_business_wants_that() {
    let world = shop_with(TenantSettings { override_release: true, ..TenantSettings::default() }).await;
    let id = greeted(&world, &caller()).await;
    world.app.conversation.take_over(&world.owner(), id).await.unwrap();
    world.text(&caller(), "hello?").await;
    world.play().await;
    assert!(world.answers(&caller()).await.is_empty());
    world.wait(Duration::seconds(60));
    world.play().await;
    let thread = world.thread(&caller()).await.unwrap();
    assert_eq!((thread.state, thread.epoch), (ConversationState::Open, 2));
    let released = world.events("conversation.ConversationReleased").await;
    assert_eq!((released.len(), &released[0]["user_id"]), (1, &Value::Null));
    // It answers at once, and whoever was asked to need not any more.
    assert_eq!(world.answers(&caller()).await.len(), 1);
    assert!(world.tasks().await.is_empty());
    // Both edges are known, and a second stretch has edges of its own.
    world.wait(Duration::minutes(1));
    world.app.conversation.write(&world.tech(), id, &new_message("I am back"), None).await.unwrap();
    let (_, shown) = world.api(world.owner(), "GET", &format!("/conversations/{id}"), None).await;
    let stretches = shown["human_stretches"].as_array().unwrap();
    assert_eq!(stretches.len(), 2);
    assert_eq!(stretches[0]["began_because"], StretchBegan::Wrote.as_str());
    assert_eq!(stretches[0]["began_by"], Uuid::from_u128(2).to_string());
    assert_eq!((&stretches[0]["ended_at"], &stretches[0]["ended_because"]), (&Value::Null, &Value::Null));
    assert_eq!(stretches[1]["began_because"], StretchBegan::TakenOver.as_str());
    assert_eq!(stretches[1]["ended_because"], StretchEnded::Unanswered.as_str());
    assert_eq!(stretches[1]["ended_by"], Value::Null);
    world.app.conversation.close(&world.owner(), id).await.unwrap();
    let (_, shown) = world.api(world.owner(), "GET", &format!("/conversations/{id}"), None).await;
    assert_eq!(shown["human_stretches"][0]["ended_because"], StretchEnded::Closed.as_str());
    assert_eq!(shown["human_stretches"][0]["ended_by"], Uuid::from_u128(1).to_string());
}

#[tokio::test]
async fn an_answer_and_the_end_of_the_window_at_once_agree() {
    let wanted = TenantSettings { override_release: true, ..TenantSettings::default() };
    let world = World::with(settings(), wanted).await;
    world.approve().await;
    for number in 0..10 {
        let who = phone(&format!("+1212555{:04}", 300 + number));
        let id = greeted(&world, &who).await;
        let owner = world.owner();
        world.app.conversation.take_over(&owner, id).await.unwrap();
        world.text(&who, "hello?").await;
        world.play().await;
        world.wait(Duration::seconds(60));
        let new = new_message("yes?");
        let (written, fired) =
            tokio::join!(world.app.conversation.write(&owner, id, &new, None), world.timers.fire_due());
        fired.unwrap();
        // Whoever came first: the person has it in the end, and the caller waits no more.
        written.unwrap();
        let thread = world.thread(&who).await.unwrap();
        assert_eq!((thread.state, thread.waiting_since), (ConversationState::Human, None));
        world.play().await;
    }
}
