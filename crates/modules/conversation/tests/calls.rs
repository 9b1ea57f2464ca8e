//! A missed call is answered once, or it is written down why not.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

mod setup;

use chrono::Duration;
use nmc_compliance::{BlockReason, Decision, DeferReason};
use nmc_conversation::{ConversationState, MessageStatus, TemplateKey};
use nmc_identity::{QuietHours, TenantSettings};
use nmc_kernel::Untextable;
use nmc_testkit::eventually;
use setup::{World, business, caller, phone, settings};

const fn blocked(reason: BlockReason) -> Decision {
    Decision::Block { reason }
}

#[tokio::test]
async fn a_missed_call_is_greeted_by_the_number_that_was_called() {
    let world = World::approved().await;
    let call = world.call(&caller()).await;
    world.play().await;

    let sent = world.twilio.accepted();
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].from.as_str(), sent[0].to.as_str()), (business().as_str(), caller().as_str()));
    assert!(sent[0].body.contains("Example Plumbing") && sent[0].body.contains("Reply STOP to opt out"));
    let messages = world.messages(&caller()).await;
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].status, MessageStatus::Queued);
    assert_eq!(messages[0].provider_message_id.as_deref(), Some(sent[0].sid.as_str()));
    assert_eq!(messages[0].segments, 1);
    assert_eq!(world.state(&caller()).await, Some(ConversationState::Open));
    assert_eq!(world.why(call).await, ("greeted", vec![Decision::Allow]));
    let why = world.app.conversation.why_message(&world.owner(), messages[0].id).await.unwrap().unwrap();
    assert_eq!(why.decisions.len(), 1);
    assert_eq!(why.message.why["contact_id"], call.to_string());
    assert_eq!(world.events("conversation.ConversationStarted").await.len(), 1);
    let said = world.events("conversation.MessageSent").await;
    assert_eq!(said.len(), 1);
    assert_eq!((&said[0]["status"], &said[0]["first_reply"]), (&"queued".into(), &true.into()));
    assert!(world.tasks().await.is_empty());
}

#[tokio::test]
async fn five_calls_in_a_minute_get_one_greeting() {
    let world = World::approved().await;
    let mut calls = Vec::new();
    for _ in 0..5 {
        calls.push(world.call(&caller()).await);
        world.play().await;
        world.wait(Duration::seconds(12));
    }
    assert_eq!(world.twilio.accepted().len(), 1);
    assert_eq!(world.why(calls[0]).await.0, "greeted");
    for call in &calls[1..] {
        assert_eq!(world.why(*call).await, ("recently-answered", vec![Decision::Allow]));
    }
    // Ten minutes after the greeting it is another occasion, and an old call that is heard of again is none.
    world.wait(Duration::minutes(10));
    world.deliver().await;
    assert_eq!(world.twilio.accepted().len(), 1);
    world.call(&caller()).await;
    world.play().await;
    assert_eq!(world.twilio.accepted().len(), 2);
    assert_eq!(world.events("conversation.ConversationStarted").await.len(), 1);
}

#[tokio::test]
async fn calls_at_once_open_one_conversation() {
    let world = World::approved().await;
    for _ in 0..8 {
        world.call(&caller()).await;
    }
    let other = world.dispatcher(9);
    let (a, b, c) = tokio::join!(other.drain(), other.drain(), other.drain());
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    world.play().await;
    assert_eq!(world.twilio.accepted().len(), 1);
    assert_eq!(world.count("select count(*) from conv_conversations").await, 1);
}

#[tokio::test]
async fn callers_whom_no_text_reaches_become_tasks() {
    let world = World::approved().await;
    let withheld = world.missed(None, Some(Untextable::Withheld)).await;
    let toll_free = world.missed(Some(&phone("+18005551212")), Some(Untextable::TollFree)).await;
    let own = world.missed(Some(&business()), Some(Untextable::OwnNumber)).await;
    world.play().await;
    assert!(world.twilio.accepted().is_empty());
    for call in [withheld, toll_free, own] {
        assert_eq!(world.why(call).await, ("untextable", vec![]));
    }
    assert_eq!(world.tasks().await, ["call-back"; 3]);
    assert_eq!(world.events("conversation.TaskRaised").await.len(), 3);
    assert_eq!(world.count("select count(*) from conv_conversations").await, 0);
}

#[tokio::test]
async fn a_refusal_opens_no_conversation_and_says_why() {
    let world = World::approved().await;
    world.opt_out(&caller()).await;
    world.app.compliance.add_do_not_text(&world.owner(), &phone("+12125550177"), "brother", None).await.unwrap();
    let calls = [
        (world.call(&caller()).await, BlockReason::OptedOut),
        (world.call(&phone("+12125550177")).await, BlockReason::DoNotText),
        (world.call(&phone("+447400123456")).await, BlockReason::CountryNotServed),
        (world.call(&business()).await, BlockReason::OwnNumber),
    ];
    world.play().await;
    for (call, reason) in calls {
        assert_eq!(world.why(call).await, ("refused", vec![blocked(reason)]));
    }
    assert!(world.twilio.accepted().is_empty());
    assert_eq!(world.tasks().await, ["call-back"; 4]);
    assert_eq!(world.count("select count(*) from conv_conversations").await, 0);
    assert!(world.events("conversation.ConversationStarted").await.is_empty());
}

#[tokio::test]
async fn without_an_approved_campaign_calls_wait_and_only_fresh_ones_are_greeted() {
    let world = World::with(settings(), TenantSettings::default()).await;
    let (fresh, stale) = (caller(), phone("+12125550177"));
    let old_call = world.call(&stale).await;
    world.play().await;
    world.wait(Duration::minutes(20));
    let first = world.call(&fresh).await;
    world.play().await;
    world.wait(Duration::minutes(11));
    let second = world.call(&fresh).await;
    world.play().await;
    assert!(world.twilio.accepted().is_empty());
    assert_eq!(world.state(&fresh).await, Some(ConversationState::Blocked));
    assert_eq!(world.why(first).await, ("blocked", vec![blocked(BlockReason::CampaignNotApproved)]));

    world.approve().await;
    world.play().await;
    assert_eq!(world.state(&fresh).await, Some(ConversationState::Open));
    assert_eq!(world.state(&stale).await, Some(ConversationState::Open));
    assert_eq!(world.twilio.accepted_to(&fresh).len(), 1);
    assert!(world.twilio.accepted_to(&stale).is_empty());
    assert_eq!(world.why(second).await.0, "greeted");
    assert_eq!(world.why(first).await.0, "recently-answered");
    assert_eq!(world.why(old_call).await.0, "task");
    assert_eq!(world.tasks().await, ["call-back"]);
    assert_eq!(world.events("conversation.ConversationUnblocked").await.len(), 2);
    assert_eq!(world.events("conversation.ConversationStarted").await.len(), 2);
}

#[tokio::test]
async fn an_approval_that_is_withdrawn_blocks_again() {
    let world = World::approved().await;
    world.call(&caller()).await;
    world.play().await;
    world.reject().await;
    world.wait(Duration::minutes(11));
    let call = world.call(&caller()).await;
    world.play().await;
    assert_eq!(world.why(call).await.0, "blocked");
    assert_eq!(world.state(&caller()).await, Some(ConversationState::Blocked));
    assert_eq!(world.twilio.accepted().len(), 1);
}

#[tokio::test]
async fn a_greeting_waits_for_the_end_of_quiet_hours() {
    let quiet = QuietHours { greeting: true, ..QuietHours::default() };
    let world = World::with(settings(), TenantSettings { quiet_hours: quiet, ..TenantSettings::default() }).await;
    world.approve().await;
    world.wait(Duration::hours(9)); // 23:00 where the caller is
    let call = world.call(&caller()).await;
    world.play().await;
    assert!(world.twilio.accepted().is_empty());
    let (outcome, decisions) = world.why(call).await;
    assert_eq!(outcome, "greeted");
    assert!(matches!(decisions[..], [Decision::Defer { reason: DeferReason::QuietHours, .. }]));
    world.wait(Duration::hours(9));
    world.play().await;
    assert_eq!(world.twilio.accepted().len(), 1);
}

/// 23:00 where the caller is, of a business whose greetings wait for 8:00.
async fn at_night() -> World {
    let quiet = QuietHours { greeting: true, ..QuietHours::default() };
    let world = World::with(settings(), TenantSettings { quiet_hours: quiet, ..TenantSettings::default() }).await;
    world.approve().await;
    world.wait(Duration::hours(9));
    world
}

#[tokio::test]
async fn calls_of_one_night_get_one_greeting_in_the_morning() {
    let world = at_night().await;
    let mut calls = Vec::new();
    for _ in 0..5 {
        calls.push(world.call(&caller()).await);
        world.play().await;
        world.wait(Duration::hours(1));
    }
    assert_eq!(world.intent_states().await, ["pending"]);
    world.wait(Duration::hours(4)); // 8:00
    world.play().await;
    assert_eq!(world.twilio.accepted().len(), 1);
    for call in &calls[1..] {
        assert_eq!(world.why(*call).await.0, "recently-answered");
    }
    // What was sent at 8:00 counts from then, not from when it was written.
    world.wait(Duration::minutes(9));
    world.call(&caller()).await;
    world.play().await;
    assert_eq!(world.twilio.accepted().len(), 1);
    world.wait(Duration::minutes(1));
    world.call(&caller()).await;
    world.play().await;
    assert_eq!(world.twilio.accepted().len(), 2);
}

#[tokio::test]
async fn a_call_that_is_heard_of_too_late_becomes_a_task() {
    for world in [at_night().await, World::approved().await] {
        let call = world.call(&caller()).await;
        world.wait(Duration::minutes(10));
        world.play().await;
        assert!(world.intent_states().await.is_empty());
        let (outcome, decisions) = world.why(call).await;
        assert_eq!((outcome, decisions.last()), ("task", Some(&blocked(BlockReason::Expired))));
        assert_eq!(world.tasks().await, ["call-back"]);
        assert_eq!(world.count("select count(*) from conv_conversations").await, 0);
        // A text keeps its words and is a person's to answer.
        world.text(&caller(), "hello?").await;
        world.wait(Duration::minutes(30));
        world.play().await;
        assert!(world.intent_states().await.is_empty());
        assert_eq!(world.messages(&caller()).await.len(), 1);
        assert_eq!(world.tasks().await, ["call-back", "reply"]);
    }
}

#[tokio::test]
async fn automatic_texts_to_one_caller_have_an_end() {
    let world = World::approved().await;
    for _ in 0..20 {
        world.call(&caller()).await;
        world.play().await;
        world.wait(Duration::minutes(10));
    }
    assert_eq!(world.twilio.accepted().len(), 20);
    let call = world.call(&caller()).await;
    world.play().await;
    assert_eq!(world.twilio.accepted().len(), 20);
    let (outcome, decisions) = world.why(call).await;
    assert_eq!((outcome, decisions.last()), ("task", Some(&blocked(BlockReason::TooMany))));
    world.wait(Duration::days(1));
    world.call(&caller()).await;
    world.play().await;
    assert_eq!(world.twilio.accepted().len(), 21);
}

#[tokio::test]
async fn a_greeting_that_nobody_could_send_in_time_becomes_a_task() {
    let world =
        World::with(nmc_conversation::Settings { is_paused: true, ..settings() }, TenantSettings::default()).await;
    world.approve().await;
    world.call(&caller()).await;
    world.play().await;
    assert_eq!(world.intent_states().await, ["pending"]);
    world.wait(Duration::minutes(11));
    world.play().await;
    assert_eq!(world.intent_states().await, ["expired"]);
    let messages = world.outbound(&caller()).await;
    assert_eq!(messages[0].status, MessageStatus::Failed);
    assert_eq!(messages[0].failure.as_deref(), Some("expired"));
    assert_eq!(world.tasks().await, ["not-sent"]);
    let why = world.app.conversation.why_message(&world.owner(), messages[0].id).await.unwrap().unwrap();
    assert!(matches!(why.decisions[0].decision, Decision::Defer { reason: DeferReason::Paused, .. }));
}

#[tokio::test]
async fn a_business_has_its_own_words_and_broken_ones_are_not_sent() {
    let own = "This is {business}, automatic text. Back soon! Reply STOP to opt out";
    let world = World::approved().await;
    // Nobody can store it today; a check that has become stricter since leaves such a row.
    let broken = "insert into conv_templates (tenant_id, id, key, body, created_at, updated_at)
                  values ($1, gen_random_uuid(), 'greeting-call', 'We call you back', now(), now())";
    sqlx::query(broken).bind(world.tenant.as_uuid()).execute(&mut world.superuser().await).await.unwrap();
    world.call(&caller()).await;
    world.play().await;
    assert!(world.twilio.accepted()[0].body.contains("automated assistant of Example Plumbing"));
    assert_eq!(world.tasks().await, ["setup"]);

    let conversation = &world.app.conversation;
    assert!(conversation.set_template(&world.owner(), TemplateKey::GreetingCall, "Hi {name}").await.is_err());
    conversation.set_template(&world.owner(), TemplateKey::GreetingCall, own).await.unwrap();
    world.call(&phone("+12125550177")).await;
    world.play().await;
    let sent = world.twilio.accepted_to(&phone("+12125550177"));
    assert_eq!(sent[0].body, "This is Example Plumbing, automatic text. Back soon! Reply STOP to opt out");
}

#[tokio::test]
async fn silence_ends_a_conversation_and_the_next_call_begins_another() {
    let world = World::approved().await;
    world.call(&caller()).await;
    world.play().await;
    world.wait(Duration::hours(71));
    world.text(&caller(), "still there?").await;
    world.play().await;
    world.wait(Duration::hours(71));
    world.play().await;
    assert_eq!(world.state(&caller()).await, Some(ConversationState::Open));
    world.wait(Duration::hours(1));
    world.play().await;
    assert_eq!(world.state(&caller()).await, Some(ConversationState::Closed));
    assert_eq!(world.events("conversation.ConversationClosed").await[0]["reason"], "inactivity");
    world.call(&caller()).await;
    world.play().await;
    assert_eq!(world.state(&caller()).await, Some(ConversationState::Open));
    assert_eq!(world.events("conversation.ConversationStarted").await.len(), 2);
}

#[tokio::test]
async fn calls_whose_approval_never_came_are_not_forgotten() {
    let world = World::with(settings(), TenantSettings::default()).await;
    let call = world.call(&caller()).await;
    world.play().await;
    world.wait(Duration::hours(72));
    world.play().await;
    assert_eq!(world.state(&caller()).await, Some(ConversationState::Closed));
    assert_eq!(world.why(call).await.0, "task");
    assert_eq!(world.tasks().await, ["call-back"]);
}

#[tokio::test]
async fn an_approval_during_a_blocked_calls_transaction_is_not_missed() {
    let world = World::with(settings(), TenantSettings::default()).await;
    let call = world.call(&caller()).await;
    // The call's transaction is held up after the gate has said no.
    let mut holder = world.superuser().await;
    sqlx::raw_sql("begin; lock table conv_messages in access exclusive mode").execute(&mut holder).await.unwrap();
    let answering = world.dispatcher(9);
    let answering = tokio::spawn(async move { answering.drain().await });
    let waits = "select count(*) from pg_locks where relation = 'conv_messages'::regclass and not granted";
    assert!(eventually(std::time::Duration::from_secs(10), async || world.count(waits).await > 0).await);
    world.approve().await;
    world.dispatcher(10).drain().await.unwrap();
    // Submitted and approved: both have been heard of.
    assert_eq!(world.count("select count(*) from outbox_consumed where consumer = 'conversation.unblock'").await, 2);
    sqlx::raw_sql("commit").execute(&mut holder).await.unwrap();
    answering.await.unwrap().unwrap();
    assert_eq!(world.why(call).await.0, "blocked");

    world.wait(Duration::seconds(30));
    world.play().await;
    assert_eq!(world.state(&caller()).await, Some(ConversationState::Open));
    assert_eq!(world.why(call).await.0, "greeted");
    assert_eq!(world.twilio.accepted().len(), 1);
}

#[tokio::test]
async fn an_approval_greets_nobody_twice_within_ten_minutes() {
    let world = World::approved().await;
    world.call(&caller()).await;
    world.play().await;
    world.reject().await;
    world.wait(Duration::minutes(5));
    let call = world.call(&caller()).await;
    world.play().await;
    assert_eq!(world.why(call).await.0, "blocked");
    world.wait(Duration::minutes(2));
    world.approve().await;
    world.play().await;
    assert_eq!(world.state(&caller()).await, Some(ConversationState::Open));
    assert_eq!(world.why(call).await.0, "recently-answered");
    assert_eq!(world.twilio.accepted().len(), 1);
}

#[tokio::test]
async fn an_approval_gives_nobody_more_texts_than_a_day_has() {
    let world = World::approved().await;
    for _ in 0..20 {
        world.call(&caller()).await;
        world.play().await;
        world.wait(Duration::minutes(10));
    }
    let sent = world.twilio.accepted().len();
    world.reject().await;
    let call = world.call(&caller()).await;
    world.play().await;
    assert_eq!(world.why(call).await.0, "blocked");
    world.approve().await;
    world.play().await;
    assert_eq!(world.twilio.accepted().len(), sent);
    let (outcome, decisions) = world.why(call).await;
    assert_eq!(outcome, "task");
    assert!(matches!(decisions.last(), Some(Decision::Block { .. })));
    assert_eq!(world.tasks().await, ["call-back"]);
}

#[tokio::test]
async fn more_than_one_transaction_takes_is_worked_on_batch_by_batch() {
    let world = World::with(settings(), TenantSettings::default()).await;
    // 250 blocked conversations with one call each, and one with 250 calls.
    for number in 0..250 {
        world.call(&phone(&format!("+1212555{:04}", 1_000 + number))).await;
        world.call(&caller()).await;
    }
    world.play().await;
    assert_eq!(world.count("select count(*) from conv_contacts where outcome = 'blocked'").await, 500);
    world.wait(Duration::minutes(31));
    world.approve().await;
    world.play().await;
    assert_eq!(world.count("select count(*) from conv_conversations where state = 'open'").await, 251);
    assert_eq!(world.count("select count(*) from conv_contacts where outcome = 'task'").await, 500);
    assert_eq!(world.count("select count(*) from conv_tasks where kind = 'call-back'").await, 500);
    assert!(world.twilio.accepted().is_empty());
    assert_eq!(world.count("select count(*) from timers where kind like 'conversation.unblock%'").await, 0);
}
