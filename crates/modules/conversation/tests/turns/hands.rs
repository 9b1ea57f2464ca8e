//! Conversations that change hands: nobody's text is forgotten, and none is answered by both.

use chrono::Duration;
use nmc_conversation::{Changed, ConversationState, StretchBegan};
use nmc_identity::TenantSettings;

use crate::{
    setup::{World, caller, greeted, new_message, settings},
    shop::{brief, shop, shop_with, stock},
};

#[tokio::test]
async fn a_takeover_before_the_answer_leaves_the_text_to_the_person() {
    let world = shop().await;
    let id = greeted(&world, &caller()).await;
    world.text(&caller(), "my sink leaks").await;
    world.deliver().await;
    world.app.conversation.take_over(&world.owner(), id).await.unwrap();
    assert_eq!((world.turns_left().await, world.tasks().await), (0, vec!["reply"]));
    world.wait(Duration::seconds(10));
    world.play().await;
    assert!(world.answers(&caller()).await.is_empty());
    // Given back, the automation begins with what waits.
    assert_eq!(world.app.conversation.release(&world.owner(), id).await.unwrap(), Changed::Now);
    world.play().await;
    assert_eq!(world.answers(&caller()).await.len(), 1);
    assert!(world.tasks().await.is_empty(), "the automation has replied");
}

#[tokio::test]
async fn an_answer_that_a_takeover_takes_back_is_still_waited_for() {
    let world = shop().await;
    let id = greeted(&world, &caller()).await;
    world.text(&caller(), "my sink leaks").await;
    world.deliver().await;
    let since = world.thread(&caller()).await.unwrap().waiting_since;
    world.wait(Duration::milliseconds(2_500));
    assert_eq!(world.turns.drain().await.unwrap(), 1);
    assert_eq!(world.thread(&caller()).await.unwrap().waiting_since, None);
    // The answer has not left.
    world.app.conversation.take_over(&world.owner(), id).await.unwrap();
    world.play().await;
    assert_eq!(world.twilio.accepted_to(&caller()).len(), 1);
    assert_eq!(world.thread(&caller()).await.unwrap().waiting_since, since);
    assert_eq!(world.tasks().await, ["reply"]);
    world.app.conversation.release(&world.owner(), id).await.unwrap();
    world.play().await;
    assert_eq!(world.twilio.accepted_to(&caller()).len(), 2, "answered after all, by another text");
}

#[tokio::test]
async fn what_a_person_has_answered_the_automation_does_not_answer_again() {
    let world = shop().await;
    let id = greeted(&world, &caller()).await;
    world.text(&caller(), "my sink leaks").await;
    world.deliver().await;
    world.app.conversation.write(&world.owner(), id, &new_message("On our way"), None).await.unwrap();
    world.app.conversation.release(&world.owner(), id).await.unwrap();
    world.wait(Duration::seconds(10));
    world.play().await;
    assert!(world.answers(&caller()).await.is_empty());
    assert_eq!(world.turns_left().await, 0);
}

#[tokio::test]
async fn closing_ends_the_turn() {
    let world = shop().await;
    let id = greeted(&world, &caller()).await;
    world.text(&caller(), "my sink leaks").await;
    world.deliver().await;
    world.app.conversation.close(&world.owner(), id).await.unwrap();
    assert_eq!(world.turns_left().await, 0);
    world.wait(Duration::seconds(10));
    world.play().await;
    assert!(world.answers(&caller()).await.is_empty());
}

#[tokio::test]
async fn who_asks_for_a_person_gets_one_and_the_text_that_says_so_leaves() {
    let world = shop_with(TenantSettings { override_release: true, ..brief() }).await;
    let id = greeted(&world, &caller()).await;
    assert_eq!(world.says(&caller(), "I want to talk to a real person").await, ["hand-over"]);
    assert_eq!(world.state(&caller()).await, Some(ConversationState::Human));
    assert_eq!(world.twilio.accepted_to(&caller()).len(), 2);
    assert_eq!(world.tasks().await, ["reply"]);
    let (_, shown) = world.api(world.owner(), "GET", &format!("/conversations/{id}"), None).await;
    assert_eq!(shown["human_stretches"][0]["began_because"], StretchBegan::HandedOver.as_str());
    assert_eq!(shown["human_stretches"][0]["began_by"], serde_json::Value::Null);
    // Nobody comes: the automation has nothing more to say to somebody who wants a person.
    world.wait(Duration::minutes(2));
    world.play().await;
    assert_eq!(
        (world.state(&caller()).await, world.tasks().await),
        (Some(ConversationState::Human), vec!["reply", "unanswered"])
    );
    // Once a person has written and falls silent, it has.
    world.app.conversation.write(&world.owner(), id, &new_message("Pat here, what is it?"), None).await.unwrap();
    world.wait(Duration::minutes(1));
    world.text(&caller(), "my sink leaks").await;
    world.play().await;
    world.wait(Duration::minutes(2));
    world.play().await;
    assert_eq!(world.state(&caller()).await, Some(ConversationState::Open));
    assert_eq!(world.answers(&caller()).await.len(), 2);
}

#[tokio::test]
async fn an_emergency_is_a_task_of_its_own() {
    let world = shop().await;
    greeted(&world, &caller()).await;
    let acts = world.says(&caller(), "I smell gas in the kitchen!!").await;
    assert_eq!((acts, world.state(&caller()).await), (vec!["emergency".to_owned()], Some(ConversationState::Human)));
    assert_eq!(world.tasks().await, ["emergency"]);
}

#[tokio::test]
async fn what_waits_for_the_approval_is_answered_with_it() {
    let world = World::with(settings(), brief()).await;
    stock(&world).await;
    world.text(&caller(), "my sink leaks").await;
    world.play().await;
    assert_eq!((world.state(&caller()).await, world.turns_left().await), (Some(ConversationState::Blocked), 0));
    assert_eq!(world.tasks().await, ["reply"]);
    world.wait(Duration::minutes(5));
    world.approve().await;
    world.play().await;
    assert_eq!(world.answers(&caller()).await.len(), 1);
    assert!(world.tasks().await.is_empty());
    // What is older than that is a person's.
    let world = World::with(settings(), brief()).await;
    stock(&world).await;
    world.text(&caller(), "my sink leaks").await;
    world.play().await;
    world.wait(Duration::minutes(31));
    world.approve().await;
    world.play().await;
    assert!(world.answers(&caller()).await.is_empty());
    assert!(world.tasks().await.contains(&"reply"));
}

/// The campaign is rejected while an answer is due: nothing is booked of which the caller would not hear.
#[tokio::test]
async fn an_answer_that_may_not_go_out_does_nothing() {
    let world = shop().await;
    greeted(&world, &caller()).await;
    world.says(&caller(), "leak repair tomorrow after 1").await;
    world.wait(Duration::minutes(1));
    world.text(&caller(), "the first one").await;
    world.deliver().await;
    world.reject().await;
    world.wait(Duration::milliseconds(2_500));
    world.turns.drain().await.unwrap();
    assert_eq!((world.state(&caller()).await, world.turns_left().await), (Some(ConversationState::Blocked), 0));
    assert_eq!(world.count("select count(*) from sched_holds").await, 0);
    assert_eq!(world.tasks().await, ["reply"]);
    // Blocked for an answer and not for a call, it waits for the approval as well.
    let epoch = world.thread(&caller()).await.unwrap().epoch;
    for _ in 0..3 {
        world.wait(Duration::minutes(1));
        world.play().await;
    }
    let thread = world.thread(&caller()).await.unwrap();
    assert_eq!((thread.state, thread.epoch), (ConversationState::Blocked, epoch));
    assert_eq!(world.events("conversation.ConversationUnblocked").await.len(), 0);
    world.approve().await;
    world.play().await;
    assert_eq!(
        (world.state(&caller()).await, world.answers(&caller()).await.len()),
        (Some(ConversationState::Open), 2)
    );
}

#[tokio::test]
async fn automatic_answers_to_one_caller_have_an_end() {
    let world = shop().await;
    greeted(&world, &caller()).await;
    // Nineteen automatic texts of today beside the greeting.
    let sql = "insert into conv_messages (tenant_id, id, conversation_id, direction, author, purpose, body, segments,
                                          status, why, created_at, updated_at)
               select m.tenant_id, gen_random_uuid(), m.conversation_id, 'out', 'automation', 'reply', 'x', 1, 'delivered', '{}',
                      m.created_at, m.created_at
               from conv_messages m, generate_series(1, 19)";
    sqlx::query(sql).execute(&mut world.superuser().await).await.unwrap();
    world.text(&caller(), "my sink leaks").await;
    world.answer().await;
    assert_eq!((world.answers(&caller()).await.len(), world.tasks().await), (0, vec!["call-back"]));
    assert_eq!(world.count("select count(*) from comp_gate_decisions where reason = 'too-many'").await, 1);
}

#[tokio::test]
async fn what_was_handed_over_is_not_answered_again_once_it_is_given_back() {
    let world = shop().await;
    let id = greeted(&world, &caller()).await;
    assert_eq!(world.says(&caller(), "I want to talk to a real person").await, ["hand-over"]);
    let texts = world.twilio.accepted_to(&caller()).len();
    // The owner has called, and gives it back.
    world.app.conversation.release(&world.owner(), id).await.unwrap();
    world.wait(Duration::seconds(10));
    world.play().await;
    assert_eq!((world.state(&caller()).await, world.turns_left().await), (Some(ConversationState::Open), 0));
    assert_eq!(world.twilio.accepted_to(&caller()).len(), texts);
    // What came in after the hand-over still waits.
    assert_eq!(world.says(&caller(), "get me a real person please").await, ["hand-over"]);
    world.wait(Duration::minutes(1));
    world.text(&caller(), "my sink leaks").await;
    world.deliver().await;
    world.app.conversation.release(&world.owner(), id).await.unwrap();
    world.play().await;
    assert_eq!(world.twilio.accepted_to(&caller()).len(), texts + 2);
}

#[tokio::test]
async fn danger_is_an_alert_while_a_person_has_the_conversation_and_at_the_end_of_a_long_text() {
    let world = shop().await;
    let id = greeted(&world, &caller()).await;
    world.app.conversation.take_over(&world.owner(), id).await.unwrap();
    world.text(&caller(), "I smell gas in the kitchen").await;
    world.deliver().await;
    assert!(world.tasks().await.contains(&"emergency"), "{:?}", world.tasks().await);
    let world = shop().await;
    greeted(&world, &caller()).await;
    world.text(&caller(), &format!("{} and now I smell gas", "my sink drips all day long ".repeat(14))).await;
    world.deliver().await;
    assert_eq!(world.tasks().await, ["emergency"]);
}

#[tokio::test]
async fn what_waited_for_a_day_is_left_to_a_person() {
    let world = shop().await;
    let id = greeted(&world, &caller()).await;
    world.text(&caller(), "can you come tomorrow").await;
    world.deliver().await;
    world.app.conversation.take_over(&world.owner(), id).await.unwrap();
    world.wait(Duration::days(1));
    world.app.conversation.release(&world.owner(), id).await.unwrap();
    world.play().await;
    assert!(world.answers(&caller()).await.is_empty());
    assert_eq!((world.turns_left().await, world.tasks().await), (0, vec!["reply"]));
}

#[tokio::test]
async fn whom_no_greeting_has_reached_a_person_answers() {
    let world = shop().await;
    greeted(&world, &caller()).await;
    let lost = "update conv_messages set status = 'failed' where purpose = 'greeting'";
    sqlx::query(lost).execute(&mut world.superuser().await).await.unwrap();
    assert!(world.says(&caller(), "my sink leaks").await.is_empty());
    assert_eq!((world.turns_left().await, world.tasks().await), (0, vec!["reply"]));
}

/// A caller whom the automation has handed over; what says so has not left.
async fn handed_over() -> (World, nmc_kernel::ConversationId) {
    let world = shop().await;
    let id = greeted(&world, &caller()).await;
    world.text(&caller(), "I want to talk to a real person").await;
    world.deliver().await;
    world.wait(Duration::milliseconds(2_500));
    assert_eq!(world.turns.drain().await.unwrap(), 1);
    assert_eq!(world.state(&caller()).await, Some(ConversationState::Human));
    (world, id)
}

#[tokio::test]
async fn what_a_person_does_first_takes_back_what_the_automation_still_had_to_say() {
    for act in ["take over", "write", "tick off", "release", "close"] {
        let (world, id) = handed_over().await;
        let (owner, conversation) = (world.owner(), &world.app.conversation);
        let epoch = world.thread(&caller()).await.unwrap().epoch;
        match act {
            "take over" => {
                assert_eq!(conversation.take_over(&owner, id).await.unwrap(), Changed::Now);
                assert_eq!(conversation.take_over(&owner, id).await.unwrap(), Changed::Already);
            }
            "write" => {
                assert!(!conversation.write(&owner, id, &new_message("Pat here"), None).await.unwrap().took_over);
                assert_eq!(conversation.take_over(&owner, id).await.unwrap(), Changed::Already);
            }
            "tick off" => {
                let task = conversation.open_tasks(&owner).await.unwrap().remove(0);
                conversation.tick_off(&owner, task.id).await.unwrap();
            }
            "release" => assert_eq!(conversation.release(&owner, id).await.unwrap(), Changed::Now),
            _ => assert_eq!(conversation.close(&owner, id).await.unwrap(), Changed::Now),
        }
        assert_eq!(world.thread(&caller()).await.unwrap().epoch, epoch + 1, "{act}");
        world.play().await;
        let sent = world.twilio.accepted_to(&caller());
        assert!(sent.iter().all(|text| !text.body.contains("get back to you")), "{act}: {sent:?}");
        assert_eq!(world.answers(&caller()).await[0].status, nmc_conversation::MessageStatus::Failed, "{act}");
    }
}

/// What is under way when somebody takes over may yet turn out not to have left.
#[tokio::test]
async fn what_was_surely_not_sent_is_not_tried_again_after_a_person_took_it() {
    let (world, id) = handed_over().await;
    let busy = nmc_simulators::twilio::Fault::Answer { status: 429, code: Some(20_429), retry_after_seconds: Some(5) };
    let when = nmc_simulators::twilio::When::Next { requests: 1 };
    world.twilio.add_fault(nmc_simulators::twilio::Api::SendMessage, busy, when);
    world.effects.drain().await.unwrap();
    world.app.conversation.take_over(&world.owner(), id).await.unwrap();
    world.wait(Duration::seconds(10));
    world.play().await;
    assert_eq!(world.twilio.accepted_to(&caller()).len(), 1);
}

/// Nothing was said by an automation that gave up: its greeting is taken back all the same.
#[tokio::test]
async fn whose_answers_failed_is_taken_over_like_any_other() {
    let world = shop().await;
    let id = greeted(&world, &caller()).await;
    world.text(&caller(), "my sink leaks").await;
    world.deliver().await;
    let broken = "update conv_turns set attempts = 6";
    sqlx::query(broken).execute(&mut world.superuser().await).await.unwrap();
    world.wait(Duration::milliseconds(2_500));
    world.turns.drain().await.unwrap();
    assert_eq!(world.state(&caller()).await, Some(ConversationState::Human));
    assert_eq!(world.app.conversation.take_over(&world.owner(), id).await.unwrap(), Changed::Now);
    assert_eq!(world.app.conversation.take_over(&world.owner(), id).await.unwrap(), Changed::Already);
}
