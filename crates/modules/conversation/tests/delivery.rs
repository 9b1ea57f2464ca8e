//! What becomes of a text: the provider's answers, its silence, its callbacks in any order.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

mod setup;

use axum::http::StatusCode;
use chrono::Duration;
use nmc_conversation::{ConversationState, Message, MessageStatus};
use nmc_simulators::twilio::{Api, DeliveryOutcome, DeliveryPlan, Fault, When};
use setup::{LISTING_GAP, PUBLIC, World, caller, phone};

async fn only(world: &World) -> Message {
    let mut messages = world.outbound(&caller()).await;
    assert_eq!(messages.len(), 1);
    messages.remove(0)
}

/// A greeting that Twilio has: its callback address and id.
async fn greeted(world: &World) -> (String, String) {
    world.call(&caller()).await;
    world.play().await;
    let sent = world.twilio.accepted().remove(0);
    (sent.status_callback.unwrap(), sent.sid)
}

#[tokio::test]
async fn callbacks_in_any_order_and_number_only_move_forward() {
    let world = World::approved().await;
    let (url, sid) = greeted(&world).await;
    for (status, expected) in [
        ("sent", MessageStatus::Sent),
        ("queued", MessageStatus::Sent),
        ("brand-new", MessageStatus::Sent),
        ("delivered", MessageStatus::Delivered),
        ("sent", MessageStatus::Delivered),
        ("sending", MessageStatus::Delivered),
        ("undelivered", MessageStatus::Delivered),
        ("delivered", MessageStatus::Delivered),
    ] {
        assert_eq!(world.callback(&url, &sid, status, None).await, StatusCode::OK);
        assert_eq!(only(&world).await.status, expected, "{status}");
    }
    let updates = world.events("conversation.DeliveryUpdated").await;
    let statuses: Vec<_> = updates.iter().map(|event| event["status"].clone()).collect();
    assert_eq!(statuses, ["sent", "delivered"]);
    assert_eq!(world.events("conversation.MessageSent").await.len(), 1);
    assert!(world.tasks().await.is_empty());
}

#[tokio::test]
async fn a_callback_without_our_parameters_is_found_by_number_and_id() {
    let world = World::approved().await;
    let (_, sid) = greeted(&world).await;
    let bare = format!("{PUBLIC}/webhooks/twilio/sms-status");
    assert_eq!(world.callback(&bare, &sid, "delivered", None).await, StatusCode::OK);
    assert_eq!(only(&world).await.status, MessageStatus::Delivered);
    let unknown = "SM000000000000000000000000000000ff";
    assert_eq!(world.callback(&bare, unknown, "delivered", None).await, StatusCode::OK);
}

#[tokio::test]
async fn what_is_not_twilios_or_not_whole_changes_nothing() {
    let world = World::approved().await;
    let (url, sid) = greeted(&world).await;
    let fields = [("MessageSid", sid.clone()), ("MessageStatus", "delivered".to_owned())];
    assert_eq!(world.post(&url, &fields, None).await, StatusCode::UNAUTHORIZED);
    assert_eq!(world.post(&url, &fields, Some("Zm9yZ2Vk")).await, StatusCode::UNAUTHORIZED);
    assert_eq!(world.callback(&url, "nonsense", "delivered", None).await, StatusCode::BAD_REQUEST);
    assert_eq!(world.callback(&url, &sid, "", None).await, StatusCode::BAD_REQUEST);
    assert_eq!(only(&world).await.status, MessageStatus::Queued);
    assert_eq!(world.count("select count(*) from webhook_events").await, 0);
}

#[tokio::test]
async fn the_address_of_a_callback_cannot_be_changed() {
    let world = World::approved().await;
    let (url, sid) = greeted(&world).await;
    let fields = [("MessageSid", sid), ("MessageStatus", "delivered".to_owned())];
    let token = nmc_providers::twilio::AuthToken::new("a-token-for-tests");
    let signature = nmc_providers::twilio::signature::sign(&token, &url, &fields);
    let elsewhere = url.replace("attempt=1", "attempt=2");
    assert_eq!(world.post(&elsewhere, &fields, Some(&signature)).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_answer_that_was_lost_is_healed_by_the_callback() {
    let world = World::approved().await;
    world.twilio.add_fault(Api::SendMessage, Fault::AcceptThenReset, When::Next { requests: 1 });
    let (url, sid) = greeted(&world).await;
    assert_eq!(world.intent_states().await, ["unknown"]);
    assert_eq!(only(&world).await.status, MessageStatus::Pending);
    assert_eq!(world.callback(&url, &sid, "delivered", None).await, StatusCode::OK);
    assert_eq!(world.intent_states().await, ["accepted"]);
    let message = only(&world).await;
    assert_eq!(message.status, MessageStatus::Delivered);
    assert_eq!(message.provider_message_id.as_deref(), Some(sid.as_str()));
    assert_eq!(world.events("conversation.MessageSent").await.len(), 1);
    world.wait(Duration::from_std(LISTING_GAP).unwrap() * 3);
    world.play().await;
    assert_eq!(world.twilio.accepted().len(), 1);
}

#[tokio::test]
async fn an_answer_that_was_lost_is_found_in_the_listing() {
    let world = World::approved().await;
    world.twilio.add_fault(Api::SendMessage, Fault::AcceptThenReset, When::Next { requests: 1 });
    let (_, sid) = greeted(&world).await;
    world.wait(Duration::from_std(LISTING_GAP).unwrap() * 2);
    world.play().await;
    assert_eq!(world.intent_states().await, ["accepted"]);
    assert_eq!(only(&world).await.provider_message_id.as_deref(), Some(sid.as_str()));
    assert_eq!(world.twilio.accepted().len(), 1);
}

#[tokio::test]
async fn what_twilio_never_had_is_sent_again_after_two_empty_listings() {
    let world = World::approved().await;
    world.twilio.add_fault(Api::SendMessage, Fault::Reset, When::Next { requests: 1 });
    world.call(&caller()).await;
    world.play().await;
    assert_eq!(world.intent_states().await, ["unknown"]);
    for _ in 0..4 {
        world.wait(Duration::from_std(LISTING_GAP).unwrap());
        world.play().await;
    }
    assert_eq!(world.intent_states().await, ["accepted"]);
    let sent = world.twilio.accepted();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].status_callback.as_deref().unwrap().ends_with("attempt=2"));
}

#[tokio::test]
async fn a_text_of_ours_with_the_same_words_is_not_mistaken_for_a_lost_one() {
    let world = World::approved().await;
    world.call(&caller()).await;
    world.play().await;
    world.wait(Duration::seconds(601));
    world.twilio.add_fault(Api::SendMessage, Fault::Reset, When::Next { requests: 1 });
    world.call(&caller()).await;
    world.play().await;
    for _ in 0..4 {
        world.wait(Duration::from_std(LISTING_GAP).unwrap());
        world.play().await;
    }
    assert_eq!(world.intent_states().await, ["accepted", "accepted"]);
    assert_eq!(world.twilio.accepted().len(), 2);
}

#[tokio::test]
async fn two_texts_that_could_be_the_lost_one_are_a_persons_to_judge() {
    let world = World::approved().await;
    world.twilio.add_fault(Api::SendMessage, Fault::AcceptThenReset, When::Next { requests: 2 });
    world.call(&caller()).await;
    world.play().await;
    // As if an earlier attempt had left one behind.
    sqlx::query("update effect_intents set state = 'pending', available_at = created_at")
        .execute(&mut world.superuser().await)
        .await
        .unwrap();
    world.play().await;
    assert_eq!(world.twilio.accepted().len(), 2);
    world.wait(Duration::from_std(LISTING_GAP).unwrap() * 2);
    world.play().await;
    assert_eq!(world.intent_states().await, ["review"]);
    // Both are reported: the caller may have got it twice, and somebody is told.
    for sent in world.twilio.accepted() {
        world.callback(&sent.status_callback.unwrap(), &sent.sid, "delivered", None).await;
    }
    assert_eq!(world.intent_states().await, ["accepted"]);
    assert_eq!(only(&world).await.status, MessageStatus::Delivered);
    assert_eq!(world.tasks().await, ["check"]);
}

#[tokio::test]
async fn a_refusal_for_good_fails_with_its_code_and_a_task() {
    for (code, task) in [(21_211, "call-back"), (21_408, "setup"), (99_999, "not-sent")] {
        let world = World::approved().await;
        let fault = Fault::Answer { status: 400, code: Some(code), retry_after_seconds: None };
        world.twilio.add_fault(Api::SendMessage, fault, When::Always);
        world.call(&caller()).await;
        world.play().await;
        let message = only(&world).await;
        assert_eq!(message.status, MessageStatus::Failed);
        assert_eq!(message.error_code, Some(i32::try_from(code).unwrap()));
        assert_eq!(world.intent_states().await, ["failed"]);
        assert_eq!(world.tasks().await, [task]);
        assert_eq!(world.state(&caller()).await, Some(ConversationState::Open));
    }
}

#[tokio::test]
async fn a_busy_provider_is_tried_again() {
    let world = World::approved().await;
    let fault = Fault::Answer { status: 429, code: Some(20_429), retry_after_seconds: Some(5) };
    world.twilio.add_fault(Api::SendMessage, fault, When::Next { requests: 2 });
    world.call(&caller()).await;
    for _ in 0..5 {
        world.play().await;
        world.wait(Duration::seconds(40));
    }
    assert_eq!(world.intent_states().await, ["accepted"]);
    assert_eq!(world.twilio.accepted().len(), 1);
}

#[tokio::test]
async fn who_opted_out_with_the_provider_has_opted_out_with_us() {
    let world = World::approved().await;
    let fault = Fault::Answer { status: 400, code: Some(21_610), retry_after_seconds: None };
    world.twilio.add_fault(Api::SendMessage, fault, When::Always);
    world.call(&caller()).await;
    world.play().await;
    assert_eq!(only(&world).await.error_code, Some(21_610));
    assert_eq!(world.state(&caller()).await, Some(ConversationState::Closed));
    let mut tx = world.app.db.read(world.tenant).await.unwrap();
    assert!(world.app.compliance.is_opted_out(&mut tx, &caller()).await.unwrap());
}

#[tokio::test]
async fn codes_that_come_with_a_callback_count_as_well() {
    for (code, is_stop, tasks) in [
        (21_610, true, &["call-back"][..]),
        (30_004, true, &["call-back"]),
        (30_006, false, &["call-back"]),
        (30_034, false, &["setup"]),
        (30_007, false, &["not-sent", "setup"]),
    ] {
        let world = World::approved().await;
        let (url, sid) = greeted(&world).await;
        assert_eq!(world.callback(&url, &sid, "undelivered", Some(code)).await, StatusCode::OK);
        world.play().await;
        let message = only(&world).await;
        assert_eq!(message.status, MessageStatus::Failed);
        assert_eq!(message.error_code, Some(i32::try_from(code).unwrap()));
        let expected = if is_stop { ConversationState::Closed } else { ConversationState::Open };
        assert_eq!(world.state(&caller()).await, Some(expected), "{code}");
        assert_eq!(world.tasks().await, tasks, "{code}");
        // Delivered after all: the code goes.
        world.callback(&url, &sid, "delivered", None).await;
        let message = only(&world).await;
        assert_eq!((message.status, message.error_code), (MessageStatus::Delivered, None));
    }
}

#[tokio::test]
async fn the_same_callback_many_times_at_once_counts_once() {
    let world = World::approved().await;
    let (url, sid) = greeted(&world).await;
    let one = || world.callback(&url, &sid, "delivered", None);
    let answers = tokio::join!(one(), one(), one(), one(), one());
    assert_eq!(answers, (StatusCode::OK, StatusCode::OK, StatusCode::OK, StatusCode::OK, StatusCode::OK));
    assert_eq!(world.events("conversation.DeliveryUpdated").await.len(), 1);
}

#[tokio::test]
async fn what_the_carrier_could_not_deliver_is_sent_again_a_little_later() {
    let world = World::approved().await;
    let (url, sid) = greeted(&world).await;
    world.callback(&url, &sid, "undelivered", Some(30_003)).await;
    world.play().await;
    assert_eq!(world.twilio.accepted().len(), 1);
    assert!(world.tasks().await.is_empty());
    for times in 2..=3 {
        world.wait(Duration::minutes(4));
        world.play().await;
        let sent = world.twilio.accepted();
        assert_eq!(sent.len(), times);
        let last = sent.last().unwrap();
        let url = last.status_callback.clone().unwrap();
        world.callback(&url, &last.sid, "undelivered", Some(30_003)).await;
    }
    world.wait(Duration::minutes(4));
    world.play().await;
    assert_eq!(world.twilio.accepted().len(), 3);
    assert_eq!(world.tasks().await, ["not-sent"]);
    let first_replies: Vec<_> =
        world.events("conversation.MessageSent").await.iter().map(|event| event["first_reply"].clone()).collect();
    assert_eq!(first_replies, [true, false, false]);
}

#[tokio::test]
async fn without_a_database_twilio_is_asked_to_try_again() {
    let world = World::approved().await;
    let (url, sid) = greeted(&world).await;
    let world = world.without_database();
    assert_eq!(world.callback(&url, &sid, "delivered", None).await, StatusCode::SERVICE_UNAVAILABLE);
    let bare = format!("{PUBLIC}/webhooks/twilio/sms-status");
    assert_eq!(world.callback(&bare, &sid, "delivered", None).await, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_text_that_arrives_after_all_is_not_sent_again() {
    let world = World::approved().await;
    let (url, sid) = greeted(&world).await;
    world.callback(&url, &sid, "undelivered", Some(30_003)).await;
    assert_eq!(world.intent_states().await, ["accepted", "pending"]);
    world.callback(&url, &sid, "delivered", None).await;
    assert_eq!(world.intent_states().await, ["accepted", "cancelled"]);
    let messages = world.outbound(&caller()).await;
    let states: Vec<_> = messages.iter().map(|m| (m.status, m.failure.as_deref())).collect();
    assert_eq!(states, [(MessageStatus::Delivered, None), (MessageStatus::Failed, Some("superseded"))]);
    world.wait(Duration::minutes(4));
    world.play().await;
    assert_eq!(world.twilio.accepted().len(), 1);
    assert!(world.tasks().await.is_empty());
}

#[tokio::test]
async fn a_third_sending_is_taken_back_when_the_first_arrives() {
    let world = World::approved().await;
    let (first_url, first_sid) = greeted(&world).await;
    world.callback(&first_url, &first_sid, "undelivered", Some(30_003)).await;
    world.wait(Duration::minutes(2));
    world.play().await;
    let second = world.twilio.accepted().remove(1);
    world.callback(second.status_callback.as_deref().unwrap(), &second.sid, "undelivered", Some(30_003)).await;
    assert_eq!(world.intent_states().await, ["accepted", "accepted", "pending"]);
    world.callback(&first_url, &first_sid, "delivered", None).await;
    assert_eq!(world.intent_states().await, ["accepted", "accepted", "cancelled"]);
}

#[tokio::test]
async fn the_last_check_of_a_resend_sees_that_the_first_text_has_arrived() {
    let world = World::approved().await;
    let (url, sid) = greeted(&world).await;
    world.callback(&url, &sid, "undelivered", Some(30_003)).await;
    // As if the resend had been under way, and surely not sent, when the report came.
    let mut superuser = world.superuser().await;
    sqlx::query("update conv_messages set status = 'delivered' where provider_message_id is not null")
        .execute(&mut superuser)
        .await
        .unwrap();
    world.wait(Duration::minutes(4));
    world.play().await;
    assert_eq!(world.intent_states().await, ["accepted", "cancelled"]);
    assert_eq!(world.twilio.accepted().len(), 1);
    assert!(world.tasks().await.is_empty());
}

#[tokio::test]
async fn a_lost_text_that_the_provider_wrote_more_into_is_found() {
    let world = World::approved().await;
    world.twilio.add_fault(Api::SendMessage, Fault::Reset, When::Next { requests: 1 });
    world.call(&caller()).await;
    world.play().await;
    assert_eq!(world.intent_states().await, ["unknown"]);
    // Something else that went to the caller from this number is not it; what a trial account made of ours is.
    world.send_past_us(&caller(), "Your invoice is ready.").await;
    let body = only(&world).await.body;
    let sid = world.send_past_us(&caller(), &format!("Sent from your Twilio trial account - {body}")).await;
    for _ in 0..4 {
        world.wait(Duration::from_std(LISTING_GAP).unwrap());
        world.play().await;
    }
    assert_eq!(world.intent_states().await, ["accepted"]);
    assert_eq!(only(&world).await.provider_message_id, Some(sid));
    assert_eq!(world.twilio.accepted().len(), 2);
}

#[tokio::test]
async fn a_lost_text_that_is_found_failed_is_failed() {
    for (code, tasks) in [(30_007, &["not-sent", "setup"][..]), (30_003, &["not-sent"]), (30_006, &["call-back"])] {
        let world = World::approved().await;
        let outcome = DeliveryOutcome::Undelivered { code };
        world.twilio.set_delivery(None, DeliveryPlan { outcome, silent: true, ..DeliveryPlan::default() });
        world.twilio.add_fault(Api::SendMessage, Fault::AcceptThenReset, When::Next { requests: 1 });
        world.call(&caller()).await;
        world.play().await;
        assert_eq!(world.intent_states().await, ["unknown"]);
        world.twilio.settled().await;
        assert_eq!(world.twilio.accepted()[0].status, "undelivered");
        world.wait(Duration::from_std(LISTING_GAP).unwrap() * 2);
        world.play().await;
        let message = only(&world).await;
        assert_eq!(message.status, MessageStatus::Failed);
        assert_eq!(message.error_code, Some(i32::try_from(code).unwrap()));
        assert_eq!(world.intent_states().await, ["failed"]);
        assert_eq!(world.tasks().await, tasks);
        // It arrives after all.
        let sent = world.twilio.accepted().remove(0);
        world.callback(&sent.status_callback.unwrap(), &sent.sid, "delivered", None).await;
        assert_eq!(only(&world).await.status, MessageStatus::Delivered);
    }
}

#[test]
fn a_stop_that_the_provider_has_confirmed_itself_is_no_failure() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let world = World::approved().await;
            let fault = Fault::Answer { status: 400, code: Some(21_610), retry_after_seconds: None };
            world.twilio.add_fault(Api::SendMessage, fault, When::Always);
            world.text(&caller(), "STOP").await;
            world.play().await;
            assert_eq!(only(&world).await.error_code, Some(21_610));
            assert!(world.tasks().await.is_empty());
            // To any other text it is a failure.
            world.call(&phone("+12125550177")).await;
            world.play().await;
        });
    });
    let text = recorder.handle().render();
    assert!(text.contains("sms_outbound_failures_total{code=\"21610\"} 1\n"), "{text}");
}
