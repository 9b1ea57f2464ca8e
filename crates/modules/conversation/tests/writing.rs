//! What people write: when it goes out, what it takes over, and where nothing may be written.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

mod setup;

use axum::http::StatusCode;
use chrono::Duration;
use nmc_conversation::{
    Author, ChangeStateError, Changed, ConversationState, MessageStatus, NewMessage, Settings, WriteError,
};
use nmc_identity::TenantSettings;
use nmc_kernel::{Actor, ConversationId};
use serde_json::{Value, json};
use setup::{World, bodies_sent, caller, greeted, new_message, phone, settings};
use uuid::Uuid;

#[tokio::test]
async fn writing_takes_an_open_conversation_over_and_keeps_the_order() {
    let world = World::approved().await;
    let id = greeted(&world, &caller()).await;
    world.text(&caller(), "my sink leaks").await;
    world.play().await;
    assert!(world.thread(&caller()).await.unwrap().waiting_since.is_some());
    assert_eq!(world.count("select count(*) from conv_turns").await, 1);

    let first = world
        .app
        .conversation
        .write(&world.owner(), id, &new_message("We\u{2019}ll be there at 3"), None)
        .await
        .unwrap();
    world.wait(Duration::seconds(1));
    let second = world.app.conversation.write(&world.tech(), id, &new_message("or at 4"), None).await.unwrap();
    assert!(first.took_over && !second.took_over);
    assert_eq!((first.segments, second.segments), (1, 1));
    let thread = world.thread(&caller()).await.unwrap();
    assert_eq!((thread.state, thread.epoch, thread.waiting_since), (ConversationState::Human, 1, None));
    assert!(world.tasks().await.is_empty());
    assert_eq!(world.count("select count(*) from conv_turns").await, 0, "what was asked for is answered");
    world.play().await;
    assert_eq!(bodies_sent(&world, &caller())[1..], ["We'll be there at 3", "or at 4"]);

    let messages = world.outbound(&caller()).await;
    assert_eq!((messages[1].author, messages[1].status), (Author::User, MessageStatus::Queued));
    assert_eq!(messages[1].author_user_id, Some(Uuid::from_u128(1).into()));
    assert_eq!(messages[2].author_user_id, Some(Uuid::from_u128(2).into()));
    let (status, why) = world.api(world.tech(), "GET", &format!("/messages/{}/why", first.message_id), None).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(why["message"]["author_user_id"], Uuid::from_u128(1).to_string());
    assert_eq!(why["why"]["written_by"], Uuid::from_u128(1).to_string());
    assert_eq!((&why["decisions"][0]["purpose"], &why["decisions"][0]["outcome"]), (&json!("human"), &json!("allow")));
    assert_eq!(why["text"], "Sent: the provider has it.");
    let takeover = world.events("conversation.HumanTakeoverRequested").await;
    assert_eq!(takeover.len(), 1);
    assert_eq!(takeover[0]["reason"], "wrote");
    assert_eq!(world.audited().await, ["conversation.taken-over"]);
}

#[tokio::test]
async fn writing_beats_a_planned_greeting_in_one_transaction() {
    let world = World::approved().await;
    world.call(&caller()).await;
    world.deliver().await;
    let id = world.thread(&caller()).await.unwrap().id;
    world.app.conversation.write(&world.owner(), id, &new_message("This is Joe, how can I help?"), None).await.unwrap();
    world.play().await;
    assert_eq!(bodies_sent(&world, &caller()), ["This is Joe, how can I help?"]);
    assert_eq!(world.outbound(&caller()).await[0].failure.as_deref(), Some("taken-over"));
}

#[tokio::test]
async fn a_repeat_sends_nothing_and_gets_the_first_answer() {
    let world = World::approved().await;
    let id = greeted(&world, &caller()).await;
    let path = format!("/conversations/{id}/messages");
    let body = json!({ "body": "We can come at 3", "client_dedup_key": "draft-1" });
    let (status, first) = world.api(world.owner(), "POST", &path, Some(body.clone())).await;
    assert_eq!((status, &first["took_over"]), (StatusCode::CREATED, &json!(true)));
    assert_eq!(world.api(world.owner(), "POST", &path, Some(body.clone())).await, (StatusCode::CREATED, first.clone()));
    let other = json!({ "body": "We can come at 4", "client_dedup_key": "draft-1" });
    let (status, problem) = world.api(world.owner(), "POST", &path, Some(other)).await;
    assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("idempotency_key_reused")));
    for key in ["", "\0", "a\nb", &"x".repeat(129)] {
        let wrong = json!({ "body": "We can come at 3", "client_dedup_key": key });
        let (status, problem) = world.api(world.owner(), "POST", &path, Some(wrong)).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{key:?}: {problem}");
    }
    // Another person's text with the same key is another text.
    let (status, _) = world.api(world.tech(), "POST", &path, Some(body)).await;
    assert_eq!(status, StatusCode::CONFLICT);

    let body = json!({ "body": "Or at 5" });
    let send = |body: Value| world.api_with_key(world.owner(), "POST", &path, Some(body), Some("k-1"));
    let (status, first) = send(body.clone()).await;
    assert_eq!(status, StatusCode::CREATED);
    world.play().await;
    assert_eq!(send(body).await, (StatusCode::CREATED, first));
    let (status, problem) = send(json!({ "body": "Or at 6" })).await;
    assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("idempotency_key_reused")));
    world.play().await;
    assert_eq!(bodies_sent(&world, &caller())[1..], ["We can come at 3", "Or at 5"]);
}

#[tokio::test]
async fn the_same_text_many_times_at_once_is_one_text() {
    let world = World::approved().await;
    let (id, other) = (greeted(&world, &caller()).await, greeted(&world, &phone("+12125550177")).await);
    let new = NewMessage { body: "hello".to_owned(), client_dedup_key: Some("draft".to_owned()) };
    let (owner, conversation) = (world.owner(), &world.app.conversation);
    let one = |id| conversation.write(&owner, id, &new, None);
    let same = tokio::join!(one(id), one(id), one(id), one(id));
    let ids = [same.0, same.1, same.2, same.3].map(|written| written.unwrap().message_id);
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert!(matches!(one(other).await, Err(WriteError::KeyReused)));
    // Two conversations at once: the constraint decides.
    let new = NewMessage { body: "hello".to_owned(), client_dedup_key: Some("another".to_owned()) };
    let one = |id| conversation.write(&owner, id, &new, None);
    let (a, b) = tokio::join!(one(id), one(other));
    assert!(
        matches!((&a, &b), (Ok(_), Err(WriteError::KeyReused)) | (Err(WriteError::KeyReused), Ok(_))),
        "{a:?} {b:?}"
    );
    assert_eq!(world.count("select count(*) from conv_messages where author = 'user'").await, 2);
}

#[tokio::test]
async fn where_no_text_may_go_nothing_is_queued_and_the_code_says_why() {
    let cases = ["opted-out", "do-not-text", "campaign-not-approved", "tenant-suspended"];
    for reason in cases {
        let world = World::approved().await;
        let id = greeted(&world, &caller()).await;
        match reason {
            "opted-out" => world.opt_out(&caller()).await,
            "do-not-text" => {
                let added = world.app.compliance.add_do_not_text(&world.owner(), &caller(), "brother", None).await;
                added.unwrap();
            }
            "campaign-not-approved" => world.reject().await,
            _ => {
                let suspend = "update id_tenants set status = 'suspended'";
                sqlx::query(suspend).execute(&mut world.superuser().await).await.unwrap();
            }
        }
        let path = format!("/conversations/{id}/messages");
        let body = json!({ "body": "hello?", "client_dedup_key": "draft" });
        let (status, problem) = world.api(world.owner(), "POST", &path, Some(body)).await;
        assert_eq!((status, &problem["code"]), (StatusCode::FORBIDDEN, &json!(reason)));
        assert_eq!(world.intent_states().await, ["accepted"]);
        assert_eq!(world.state(&caller()).await, Some(ConversationState::Open));
        assert_eq!(world.count("select count(*) from conv_messages where author = 'user'").await, 0);
        assert_eq!(world.count("select count(*) from comp_gate_decisions where purpose = 'human'").await, 1);
    }
}

#[tokio::test]
async fn nobody_writes_in_what_is_closed_blocked_or_not_theirs() {
    let world = World::with(settings(), TenantSettings::default()).await;
    world.call(&caller()).await;
    world.play().await;
    let id = world.thread(&caller()).await.unwrap().id;
    let (owner, conversation) = (world.owner(), &world.app.conversation);
    let write = |actor: Actor, id| async move { conversation.write(&actor, id, &new_message("hello"), None).await };
    assert!(
        matches!(write(owner, id).await, Err(WriteError::Refused(reason)) if reason.as_str() == "campaign-not-approved")
    );
    assert!(matches!(conversation.take_over(&owner, id).await, Err(ChangeStateError::Blocked)));
    // The approval has been given and nobody has heard of it yet: writing does not wait for that.
    world.approve().await;
    assert!(write(owner, id).await.unwrap().took_over);
    assert_eq!(conversation.close(&owner, id).await.unwrap(), Changed::Now);
    assert!(matches!(write(owner, id).await, Err(WriteError::Closed)));
    assert!(matches!(write(World::stranger(), id).await, Err(WriteError::NotFound)));
    assert!(matches!(write(world.operator(), id).await, Err(WriteError::NotAllowed)));
    let unknown = ConversationId::from(Uuid::from_u128(98));
    assert!(matches!(write(owner, unknown).await, Err(WriteError::NotFound)));
    // What was written before the closing still goes out.
    world.play().await;
    assert_eq!(bodies_sent(&world, &caller()), ["hello"]);
}

#[tokio::test]
async fn a_takeover_or_an_end_takes_no_persons_text_back_and_a_stop_does() {
    let paused = Settings { is_paused: true, ..settings() };
    let world = World::with(paused, TenantSettings::default()).await;
    world.approve().await;
    world.call(&caller()).await;
    world.play().await;
    let id = world.thread(&caller()).await.unwrap().id;
    let (owner, conversation) = (world.owner(), &world.app.conversation);
    conversation.write(&owner, id, &new_message("one"), None).await.unwrap();
    conversation.release(&owner, id).await.unwrap();
    conversation.take_over(&owner, id).await.unwrap();
    world.play().await;
    assert_eq!(world.intent_states().await, ["cancelled", "pending"]);
    conversation.close(&owner, id).await.unwrap();
    assert_eq!(world.intent_states().await, ["cancelled", "pending"]);
    // The pause ends with a restart: held back, not lost.
    let world = world.restarted(&settings());
    world.wait(Duration::seconds(10));
    world.play().await;
    assert_eq!(bodies_sent(&world, &caller()), ["one"]);

    let world = world.restarted(&Settings { is_paused: true, ..settings() });
    world.wait(Duration::minutes(11));
    world.call(&caller()).await;
    world.play().await;
    let id = world.thread(&caller()).await.unwrap().id;
    world.app.conversation.write(&world.owner(), id, &new_message("two"), None).await.unwrap();
    world.text(&caller(), "STOP").await;
    world.play().await;
    let world = world.restarted(&settings());
    world.wait(Duration::seconds(10));
    world.play().await;
    assert_eq!(bodies_sent(&world, &caller()).iter().filter(|body| *body == "two").count(), 0);
}

#[tokio::test]
async fn a_persons_text_that_did_not_arrive_is_sent_again_and_is_useful_for_half_an_hour() {
    let world = World::approved().await;
    let id = greeted(&world, &caller()).await;
    world.app.conversation.write(&world.owner(), id, &new_message("at 3?"), None).await.unwrap();
    world.play().await;
    let sent = world.twilio.accepted_to(&caller()).remove(1);
    world.callback(&sent.status_callback.unwrap(), &sent.sid, "undelivered", Some(30_003)).await;
    world.wait(Duration::minutes(2));
    world.play().await;
    assert_eq!(bodies_sent(&world, &caller())[1..], ["at 3?", "at 3?"]);
    let again = world.outbound(&caller()).await.pop().unwrap();
    assert_eq!((again.author, again.author_user_id), (Author::User, Some(Uuid::from_u128(1).into())));

    let world = world.restarted(&Settings { is_paused: true, ..settings() });
    world.app.conversation.write(&world.owner(), id, &new_message("or at 4?"), None).await.unwrap();
    world.wait(Duration::minutes(31));
    world.play().await;
    let late = world.outbound(&caller()).await.pop().unwrap();
    assert_eq!((late.status, late.failure.as_deref()), (MessageStatus::Failed, Some("expired")));
    assert_eq!(world.tasks().await, ["not-sent"]);
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_with_the_field() {
    let world = World::approved().await;
    let id = greeted(&world, &caller()).await;
    let path = format!("/conversations/{id}/messages");
    let long = "x".repeat(1_601);
    for (body, field) in [
        (json!({ "body": " " }), "body"),
        (json!({ "body": long }), "body"),
        (json!({ "body": "a\u{0}b" }), "body"),
        (json!({ "body": "hi", "client_dedup_key": "" }), "client_dedup_key"),
        (json!({ "body": "hi", "client_dedup_key": "x".repeat(129) }), "client_dedup_key"),
        (json!({}), "body"),
        (json!({ "body": "hi", "to": "+12125550177" }), "to"),
    ] {
        let (status, problem) = world.api(world.owner(), "POST", &path, Some(body)).await;
        assert_eq!((status, &problem["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("invalid_input")));
        assert_eq!(problem["errors"][0]["field"], field);
    }
    assert_eq!(world.state(&caller()).await, Some(ConversationState::Open));
    let body = json!({ "body": "\u{201C}x\u{201D}".repeat(400) });
    let (status, written) = world.api(world.owner(), "POST", &path, Some(body)).await;
    assert_eq!((status, &written["segments"]), (StatusCode::CREATED, &json!(8)));
}
