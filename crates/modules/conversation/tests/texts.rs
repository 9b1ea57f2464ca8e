//! What callers write: conversations, keywords, people who take over.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

mod setup;

use chrono::Duration;
use nmc_compliance::{BlockReason, Decision};
use nmc_conversation::{Author, ChangeStateError, Changed, ConversationState, Direction, MessageStatus};
use nmc_identity::TenantSettings;
use nmc_kernel::{Actor, ConversationId, TenantId};
use setup::{World, business, caller, phone, settings};
use uuid::Uuid;

#[tokio::test]
async fn a_text_opens_a_conversation_is_greeted_and_waits_for_its_answer() {
    let world = World::approved().await;
    let text = world.text(&caller(), "My sink leaks").await;
    world.play().await;
    let messages = world.messages(&caller()).await;
    assert_eq!(messages.len(), 2);
    let inbound = messages.iter().find(|message| message.direction == Direction::In).unwrap();
    assert_eq!((inbound.body.as_str(), inbound.status), ("My sink leaks", MessageStatus::Received));
    assert_eq!(inbound.id.as_uuid(), text.as_uuid());
    assert!(world.twilio.accepted()[0].body.contains("Thanks for your text"));
    // The automation answers it, so that nobody need.
    assert!(world.tasks().await.is_empty());
    assert_eq!(world.count("select count(*) from conv_turns").await, 1);
    let said = world.events("conversation.MessageSent").await;
    let directions: Vec<_> = said.iter().map(|event| event["direction"].clone()).collect();
    assert_eq!(directions, ["in", "out"]);
}

#[tokio::test]
async fn a_reply_is_asked_of_a_person_once_per_stretch() {
    let world = World::approved().await;
    world.call(&caller()).await;
    world.play().await;
    let thread = world.thread(&caller()).await.unwrap();
    world.app.conversation.take_over(&world.owner(), thread.id).await.unwrap();
    for body in ["hello", "my sink leaks", "can you come today?"] {
        world.text(&caller(), body).await;
        world.play().await;
    }
    assert_eq!(world.twilio.accepted().len(), 1);
    let tasks = world.app.conversation.open_tasks(&world.owner()).await.unwrap();
    assert_eq!(tasks.len(), 1);
    assert_eq!(world.app.conversation.tick_off(&world.owner(), tasks[0].id).await.unwrap(), Changed::Now);
    assert_eq!(world.app.conversation.tick_off(&world.owner(), tasks[0].id).await.unwrap(), Changed::Already);
    world.deliver().await;
    assert!(world.tasks().await.is_empty());
    world.text(&caller(), "thanks, and tomorrow?").await;
    world.play().await;
    assert_eq!(world.tasks().await, ["reply"]);
    assert_eq!(world.events("conversation.TaskDone").await.len(), 1);
}

#[tokio::test]
async fn a_text_the_gate_refuses_opens_nothing_and_becomes_a_task() {
    let world = World::approved().await;
    world.opt_out(&caller()).await;
    world.text(&caller(), "call me please").await;
    world.play().await;
    assert!(world.thread(&caller()).await.is_none());
    assert_eq!(world.tasks().await, ["call-back"]);
}

#[tokio::test]
async fn texts_wait_in_a_blocked_conversation() {
    let world = World::with(settings(), TenantSettings::default()).await;
    world.text(&caller(), "hello?").await;
    world.text(&caller(), "anybody?").await;
    world.play().await;
    assert_eq!(world.state(&caller()).await, Some(ConversationState::Blocked));
    assert_eq!(world.messages(&caller()).await.len(), 2);
    assert_eq!(world.tasks().await, ["reply"]);
    world.approve().await;
    world.play().await;
    assert!(world.twilio.accepted()[0].body.contains("Thanks for your text"));
    // Both are answered at once; a business that sells nothing gives the caller to a person.
    assert_eq!(world.twilio.accepted().len(), 2);
    assert_eq!(world.state(&caller()).await, Some(ConversationState::Human));
}

#[tokio::test]
async fn stop_ends_the_conversation_with_one_confirmation() {
    let world = World::approved().await;
    world.call(&caller()).await;
    world.play().await;
    world.text(&caller(), "Stop.").await;
    world.play().await;
    let thread = world.thread(&caller()).await.unwrap();
    assert_eq!(thread.state, ConversationState::Closed);
    assert_eq!(world.events("conversation.ConversationClosed").await[0]["reason"], "opt-out");
    let sent = world.twilio.accepted();
    assert_eq!(sent.len(), 2);
    assert!(sent[1].body.contains("unsubscribed"));
    world.text(&caller(), "STOP").await;
    world.play().await;
    assert_eq!(world.twilio.accepted().len(), 2);
    // A later call is written down and answered by nobody.
    let call = world.call(&caller()).await;
    world.play().await;
    assert_eq!(world.why(call).await, ("refused", vec![Decision::Block { reason: BlockReason::OptedOut }]));
    assert_eq!(world.twilio.accepted().len(), 2);
    assert_eq!(world.count("select count(*) from conv_conversations where state <> 'closed'").await, 0);
    assert_eq!(world.messages(&caller()).await.len(), 4);
}

#[tokio::test]
async fn what_the_provider_has_answered_is_not_answered_again() {
    let world = World::approved().await;
    world.text_as(&caller(), "STOP", true).await;
    world.text_as(&caller(), "START", true).await;
    world.text_as(&caller(), "HELP", true).await;
    world.play().await;
    assert!(world.twilio.accepted().is_empty());
    assert_eq!(world.messages(&caller()).await.len(), 3);
}

#[tokio::test]
async fn start_and_help_are_answered_and_begin_nothing() {
    let world = World::approved().await;
    world.text(&caller(), "help").await;
    world.play().await;
    world.text(&caller(), "STOP").await;
    world.play().await;
    world.wait(Duration::minutes(10));
    world.text(&caller(), "HELP").await;
    world.play().await;
    world.text(&caller(), "yes").await;
    world.play().await;
    let sent: Vec<String> = world.twilio.accepted().into_iter().map(|message| message.body).collect();
    assert_eq!(sent.len(), 4, "{sent:?}");
    assert!(sent[0].contains("Call us") && sent[1].contains("unsubscribed"));
    assert!(sent[2].contains("Call us") && sent[3].contains("get texts again"));
    assert_eq!(world.count("select count(*) from conv_conversations").await, 1);
    assert_eq!(world.state(&caller()).await, Some(ConversationState::Closed));
    assert!(world.events("conversation.ConversationStarted").await.is_empty());
    world.text(&caller(), "so, can you come?").await;
    world.play().await;
    assert_eq!(world.state(&caller()).await, Some(ConversationState::Open));
}

#[tokio::test]
async fn an_old_stop_does_not_end_what_began_after_start() {
    let world = World::approved().await;
    world.text(&caller(), "STOP").await;
    world.text(&caller(), "START").await;
    world.text(&caller(), "my sink leaks").await;
    // Both deliveries hear of the STOP after START was recorded.
    world.play().await;
    assert_eq!(world.state(&caller()).await, Some(ConversationState::Open));
}

#[tokio::test]
async fn who_opts_out_between_composing_and_sending_gets_nothing() {
    let world = World::approved().await;
    world.call(&caller()).await;
    world.deliver().await;
    assert_eq!(world.intent_states().await, ["pending"]);
    // The STOP is recorded, and nobody has heard of it yet.
    world.opt_out(&caller()).await;
    world.effects.drain().await.unwrap();
    assert!(world.twilio.accepted().is_empty());
    assert_eq!(world.intent_states().await, ["cancelled"]);
    let message = world.outbound(&caller()).await.remove(0);
    assert_eq!((message.status, message.failure.as_deref()), (MessageStatus::Failed, Some("opted-out")));
    let why = world.app.conversation.why_message(&world.owner(), message.id).await.unwrap().unwrap();
    assert_eq!(why.decisions[0].decision, Decision::Block { reason: BlockReason::OptedOut });
    world.play().await;
    assert_eq!(world.state(&caller()).await, Some(ConversationState::Closed));
}

/// The number may be another business's by then.
#[tokio::test]
async fn a_text_whose_number_is_given_up_before_it_leaves_is_not_sent() {
    let world = World::approved().await;
    world.call(&caller()).await;
    world.deliver().await;
    assert_eq!(world.intent_states().await, ["pending"]);
    world.app.compliance.release_number(&world.operator(), &business(), "Moved.").await.unwrap();
    world.effects.drain().await.unwrap();
    assert!(world.twilio.accepted().is_empty());
    assert_eq!(world.intent_states().await, ["cancelled"]);
    let message = world.outbound(&caller()).await.remove(0);
    assert_eq!((message.status, message.failure.as_deref()), (MessageStatus::Failed, Some("number-released")));
    let why = world.app.conversation.why_message(&world.owner(), message.id).await.unwrap().unwrap();
    let last = why.decisions.last().unwrap().decision;
    assert_eq!(last, Decision::Block { reason: BlockReason::NumberReleased });
    // Confirmed anew, it sends again.
    world.app.compliance.add_receiving_number(&world.operator(), &business()).await.unwrap();
    world.wait(Duration::minutes(11));
    world.call(&caller()).await;
    world.play().await;
    assert_eq!(world.twilio.accepted().len(), 1);
}

#[tokio::test]
async fn an_opt_out_that_is_heard_of_first_takes_the_greeting_back() {
    let world = World::approved().await;
    world.call(&caller()).await;
    world.deliver().await;
    world.opt_out(&caller()).await;
    world.deliver().await;
    assert_eq!(world.intent_states().await, ["cancelled"]);
    assert_eq!(world.outbound(&caller()).await[0].failure.as_deref(), Some("opted-out"));
    world.play().await;
    assert!(world.twilio.accepted().is_empty());
    assert!(world.tasks().await.is_empty());
}

#[tokio::test]
async fn a_takeover_beats_a_planned_greeting() {
    let world = World::approved().await;
    world.call(&caller()).await;
    world.deliver().await;
    let thread = world.thread(&caller()).await.unwrap();
    assert_eq!(world.app.conversation.take_over(&world.owner(), thread.id).await.unwrap(), Changed::Now);
    assert_eq!(world.app.conversation.take_over(&world.owner(), thread.id).await.unwrap(), Changed::Already);
    world.play().await;
    assert!(world.twilio.accepted().is_empty());
    let message = world.outbound(&caller()).await.remove(0);
    assert_eq!((message.status, message.author), (MessageStatus::Failed, Author::Automation));
    assert_eq!(message.failure.as_deref(), Some("taken-over"));

    // In a person's hands the automation is silent, and missed calls are that person's.
    world.wait(Duration::minutes(11));
    let call = world.call(&caller()).await;
    world.text(&caller(), "hello?").await;
    world.play().await;
    assert!(world.twilio.accepted().is_empty());
    assert_eq!(world.why(call).await.0, "human");
    assert_eq!(world.tasks().await, ["call-back", "reply"]);

    assert_eq!(world.app.conversation.release(&world.owner(), thread.id).await.unwrap(), Changed::Now);
    assert_eq!(world.app.conversation.release(&world.owner(), thread.id).await.unwrap(), Changed::Already);
    world.call(&caller()).await;
    world.deliver().await;
    world.effects.drain().await.unwrap();
    assert_eq!(world.twilio.accepted().len(), 1);
    let takeover = world.events("conversation.HumanTakeoverRequested").await;
    assert_eq!(takeover.len(), 1);
    assert_eq!(takeover[0]["user_id"], Uuid::from_u128(1).to_string());
    assert_eq!(world.events("conversation.ConversationReleased").await.len(), 1);
}

#[tokio::test]
async fn a_takeover_and_a_claim_at_once_agree_on_who_won() {
    let world = World::approved().await;
    for number in 0..10 {
        let who = phone(&format!("+1212555{:04}", 200 + number));
        world.call(&who).await;
        world.deliver().await;
        let thread = world.thread(&who).await.unwrap();
        let owner = world.owner();
        let (taken, _) = tokio::join!(world.app.conversation.take_over(&owner, thread.id), world.effects.drain());
        assert_eq!(taken.unwrap(), Changed::Now);
        world.effects.drain().await.unwrap();
        let message = world.outbound(&who).await.remove(0);
        let is_sent = world.twilio.accepted_to(&who).len() == 1;
        assert_eq!(message.status == MessageStatus::Queued, is_sent);
        assert_eq!(message.status == MessageStatus::Failed, !is_sent);
    }
}

#[tokio::test]
async fn a_person_ends_a_conversation_and_nobody_elses() {
    let world = World::approved().await;
    world.call(&caller()).await;
    world.play().await;
    let thread = world.thread(&caller()).await.unwrap();
    let conversation = &world.app.conversation;
    let stranger = Actor::Operator { tenant: TenantId::from(Uuid::from_u128(99)) };
    let unknown = ConversationId::from(Uuid::from_u128(98));
    for (actor, id) in [(stranger, thread.id), (world.owner(), unknown)] {
        assert!(matches!(conversation.take_over(&actor, id).await, Err(ChangeStateError::NotFound)));
        assert!(matches!(conversation.release(&actor, id).await, Err(ChangeStateError::NotFound)));
        assert!(matches!(conversation.close(&actor, id).await, Err(ChangeStateError::NotFound)));
    }
    assert_eq!(conversation.close(&world.owner(), thread.id).await.unwrap(), Changed::Now);
    assert_eq!(conversation.close(&world.owner(), thread.id).await.unwrap(), Changed::Already);
    assert!(matches!(conversation.take_over(&world.owner(), thread.id).await, Err(ChangeStateError::Closed)));
    // A moment later the caller calls again: not greeted a second time, and not forgotten.
    let call = world.call(&caller()).await;
    world.play().await;
    assert_eq!(world.why(call).await.0, "recently-answered");
    assert_eq!(world.tasks().await, ["call-back"]);
    assert_eq!(world.state(&caller()).await, Some(ConversationState::Closed));
}

#[tokio::test]
async fn help_is_answered_once_in_ten_minutes_and_three_times_a_day() {
    let world = World::approved().await;
    world.text(&caller(), "STOP").await;
    world.play().await;
    assert_eq!(world.twilio.accepted().len(), 1);
    for times in 1..=5 {
        for word in ["HELP", "info", "Help!"] {
            world.text(&caller(), word).await;
            world.play().await;
        }
        assert_eq!(world.twilio.accepted().len(), 1 + times.min(3));
        world.wait(Duration::minutes(10));
    }
    let refused = world.count("select count(*) from comp_gate_decisions where reason = 'too-many'").await;
    assert_eq!(refused, 12);
    // Another caller has answers of their own, and tomorrow there are more.
    world.text(&phone("+12125550177"), "HELP").await;
    world.wait(Duration::days(1));
    world.text(&caller(), "HELP").await;
    world.play().await;
    assert_eq!(world.twilio.accepted().len(), 6);
    assert!(world.tasks().await.is_empty());
}

#[tokio::test]
async fn start_is_confirmed_only_to_who_had_opted_out() {
    let world = World::approved().await;
    world.text(&caller(), "START").await;
    world.play().await;
    assert!(world.twilio.accepted().is_empty());
    let refused = world.count("select count(*) from comp_gate_decisions where reason = 'no-opt-out'").await;
    assert_eq!(refused, 1);
    for _ in 0..3 {
        world.text(&caller(), "STOP").await;
        world.play().await;
        world.text(&caller(), "START").await;
        world.wait(Duration::seconds(1));
        world.text(&caller(), "START").await;
        world.play().await;
    }
    let sent: Vec<String> = world.twilio.accepted().into_iter().map(|message| message.body).collect();
    assert_eq!(sent.iter().filter(|body| body.contains("unsubscribed")).count(), 3);
    assert_eq!(sent.iter().filter(|body| body.contains("will get texts again")).count(), 1);
}

#[tokio::test]
async fn stop_and_start_in_turn_have_an_end() {
    let world = World::approved().await;
    for _ in 0..25 {
        world.text(&caller(), "STOP").await;
        world.play().await;
        world.text(&caller(), "START").await;
        world.play().await;
    }
    let sent = world.twilio.accepted();
    let (stopped, started): (Vec<_>, Vec<_>) = sent.iter().partition(|text| text.body.contains("unsubscribed"));
    assert_eq!(
        (stopped.len(), started.len()),
        (3, 1),
        "three a day of each, and a START within ten minutes of another"
    );
    assert_eq!(world.count("select count(*) from comp_opt_outs").await, 50, "each change of mind is in the ledger");
    world.wait(Duration::days(1));
    world.text(&caller(), "STOP").await;
    world.play().await;
    assert_eq!(world.twilio.accepted().len(), 5, "another day, another confirmation");
}

#[tokio::test]
async fn a_keyword_in_a_live_conversation_moves_its_end() {
    for word in ["HELP", "START"] {
        let world = World::approved().await;
        world.call(&caller()).await;
        world.play().await;
        world.wait(Duration::hours(71));
        world.text(&caller(), word).await;
        world.play().await;
        world.wait(Duration::hours(71));
        world.play().await;
        assert_eq!(world.state(&caller()).await, Some(ConversationState::Open));
        world.wait(Duration::hours(1));
        world.play().await;
        assert_eq!(world.state(&caller()).await, Some(ConversationState::Closed), "{word}");
    }
}

#[tokio::test]
async fn a_text_in_a_conversation_that_approval_has_passed_by_opens_it() {
    let world = World::with(settings(), TenantSettings::default()).await;
    let call = world.call(&caller()).await;
    world.play().await;
    world.approve().await;
    // The approval is recorded, and the text is heard of before it.
    world.text(&caller(), "anybody?").await;
    sqlx::query(
        "update outbox_events set dispatched_at = now() where event_name <> 'nmc.telephony.InboundSmsReceived'",
    )
    .execute(&mut world.superuser().await)
    .await
    .unwrap();
    world.dispatcher(9).drain().await.unwrap();
    assert_eq!(world.state(&caller()).await, Some(ConversationState::Open));
    assert_eq!(world.why(call).await.0, "greeted");
    assert_eq!(world.messages(&caller()).await.len(), 2);
}

#[tokio::test]
async fn the_longest_text_that_is_taken_can_be_stored() {
    let world = World::approved().await;
    for length in [67 * 100, 67 * 100 + 1, 6_800] {
        world.text(&caller(), &"ж".repeat(length)).await;
        world.play().await;
    }
    let messages = world.messages(&caller()).await;
    let inbound = messages.iter().filter(|message| message.direction == Direction::In);
    assert!(inbound.map(|message| message.segments).eq([100, 100, 100]));
}

#[tokio::test]
async fn consent_taken_back_in_plain_words_is_a_stop() {
    let world = World::approved().await;
    world.call(&caller()).await;
    world.deliver().await;
    // The greeting has not left when the text comes in.
    let text = world.text(&caller(), "Please stop texting me, thanks").await;
    world.play().await;
    let thread = world.thread(&caller()).await.unwrap();
    assert_eq!(thread.state, ConversationState::Closed);
    assert_eq!(world.events("conversation.ConversationClosed").await[0]["reason"], "opt-out");
    let sent: Vec<String> = world.twilio.accepted().into_iter().map(|message| message.body).collect();
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert!(sent[0].contains("unsubscribed"));
    let greeting = world.outbound(&caller()).await.into_iter().find(|message| message.author == Author::Automation);
    assert_eq!(greeting.unwrap().failure.as_deref(), Some("opted-out"));
    // Words can be misread: a person is asked to look.
    assert_eq!(world.tasks().await, ["call-back"]);
    let outcome = "select count(*) from conv_contacts where outcome = 'keyword'";
    assert_eq!(world.count(outcome).await, 1);
    assert!(world.messages(&caller()).await.iter().any(|message| message.id.as_uuid() == text.as_uuid()));
    // Said again it is not confirmed again; a call is answered by nobody.
    world.text(&caller(), "stop texting me").await;
    let call = world.call(&caller()).await;
    world.play().await;
    assert_eq!(world.twilio.accepted().len(), 1);
    assert_eq!(world.why(call).await.0, "refused");
}

#[tokio::test]
async fn consent_taken_back_by_somebody_new_begins_nothing() {
    let world = World::approved().await;
    world.text(&caller(), "please don't text me any more").await;
    world.play().await;
    assert_eq!(world.state(&caller()).await, Some(ConversationState::Closed));
    assert!(world.events("conversation.ConversationStarted").await.is_empty());
    let sent = world.twilio.accepted();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].body.contains("unsubscribed"));
    assert_eq!(world.count("select count(*) from conv_conversations").await, 1);
    assert_eq!(
        world.count("select count(*) from outbox_events where event_name = 'nmc.compliance.OptOutRecorded'").await,
        1
    );
}

#[tokio::test]
async fn what_only_sounds_like_a_stop_is_answered_as_any_text() {
    let world = World::approved().await;
    world.text(&caller(), "can you stop by at 3?").await;
    world.play().await;
    assert_eq!(world.state(&caller()).await, Some(ConversationState::Open));
    assert!(world.twilio.accepted()[0].body.contains("Thanks for your text"));
}
