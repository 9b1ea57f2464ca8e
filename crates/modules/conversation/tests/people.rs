//! What people of the business see and do: write, take over, tick off, word texts; and how long callers wait for them.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

mod setup;

use axum::http::StatusCode;
use chrono::Duration;
use nmc_conversation::{
    Author, ChangeStateError, Changed, ConversationState, MessageStatus, NewMessage, Settings, StretchBegan,
    StretchEnded, WriteError,
};
use nmc_identity::TenantSettings;
use nmc_kernel::{Actor, ConversationId, E164};
use serde_json::{Value, json};
use setup::{World, caller, phone, settings};
use uuid::Uuid;

fn text(body: &str) -> NewMessage {
    NewMessage { body: body.to_owned(), client_dedup_key: None }
}

/// A caller who was greeted.
async fn greeted(world: &World, who: &E164) -> ConversationId {
    world.call(who).await;
    world.play().await;
    world.thread(who).await.unwrap().id
}

fn bodies_sent(world: &World, who: &E164) -> Vec<String> {
    world.twilio.accepted_to(who).into_iter().map(|message| message.body).collect()
}

#[tokio::test]
async fn writing_takes_an_open_conversation_over_and_keeps_the_order() {
    let world = World::approved().await;
    let id = greeted(&world, &caller()).await;
    world.text(&caller(), "my sink leaks").await;
    world.play().await;
    assert!(world.thread(&caller()).await.unwrap().waiting_since.is_some());
    assert_eq!(world.tasks().await, ["reply"]);

    let first =
        world.app.conversation.write(&world.owner(), id, &text("We\u{2019}ll be there at 3"), None).await.unwrap();
    world.wait(Duration::seconds(1));
    let second = world.app.conversation.write(&world.tech(), id, &text("or at 4"), None).await.unwrap();
    assert!(first.took_over && !second.took_over);
    assert_eq!((first.segments, second.segments), (1, 1));
    let thread = world.thread(&caller()).await.unwrap();
    assert_eq!((thread.state, thread.epoch, thread.waiting_since), (ConversationState::Human, 1, None));
    assert!(world.tasks().await.is_empty(), "what was asked for is answered");
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
    assert_eq!(world.events("conversation.TaskDone").await.len(), 1);
    assert_eq!(world.audited().await, ["conversation.taken-over"]);
}

#[tokio::test]
async fn writing_beats_a_planned_greeting_in_one_transaction() {
    let world = World::approved().await;
    world.call(&caller()).await;
    world.deliver().await;
    let id = world.thread(&caller()).await.unwrap().id;
    world.app.conversation.write(&world.owner(), id, &text("This is Joe, how can I help?"), None).await.unwrap();
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
    let write = |actor: Actor, id| async move { conversation.write(&actor, id, &text("hello"), None).await };
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
    conversation.write(&owner, id, &text("one"), None).await.unwrap();
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
    world.app.conversation.write(&world.owner(), id, &text("two"), None).await.unwrap();
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
    world.app.conversation.write(&world.owner(), id, &text("at 3?"), None).await.unwrap();
    world.play().await;
    let sent = world.twilio.accepted_to(&caller()).remove(1);
    world.callback(&sent.status_callback.unwrap(), &sent.sid, "undelivered", Some(30_003)).await;
    world.wait(Duration::minutes(2));
    world.play().await;
    assert_eq!(bodies_sent(&world, &caller())[1..], ["at 3?", "at 3?"]);
    let again = world.outbound(&caller()).await.pop().unwrap();
    assert_eq!((again.author, again.author_user_id), (Author::User, Some(Uuid::from_u128(1).into())));

    let world = world.restarted(&Settings { is_paused: true, ..settings() });
    world.app.conversation.write(&world.owner(), id, &text("or at 4?"), None).await.unwrap();
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
    world.app.conversation.write(&world.owner(), id, &text("Here I am"), None).await.unwrap();
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
        let world = World::approved().await;
        let id = greeted(&world, &caller()).await;
        let (owner, conversation) = (world.owner(), &world.app.conversation);
        conversation.take_over(&owner, id).await.unwrap();
        world.text(&caller(), "hello?").await;
        world.play().await;
        world.wait(Duration::seconds(30));
        match answer {
            "write" => drop(conversation.write(&owner, id, &text("yes?"), None).await.unwrap()),
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
    let wanted = TenantSettings { override_release: true, ..TenantSettings::default() };
    let world = World::with(settings(), wanted).await;
    world.approve().await;
    let id = greeted(&world, &caller()).await;
    world.app.conversation.take_over(&world.owner(), id).await.unwrap();
    world.text(&caller(), "hello?").await;
    world.play().await;
    world.wait(Duration::seconds(60));
    world.play().await;
    let thread = world.thread(&caller()).await.unwrap();
    assert_eq!((thread.state, thread.epoch), (ConversationState::Open, 2));
    let released = world.events("conversation.ConversationReleased").await;
    assert_eq!((released.len(), &released[0]["user_id"]), (1, &Value::Null));
    assert_eq!(world.tasks().await, ["reply", "unanswered"]);
    // Both edges are known, and a second stretch has edges of its own.
    world.wait(Duration::minutes(1));
    world.app.conversation.write(&world.tech(), id, &text("I am back"), None).await.unwrap();
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
        let new = text("yes?");
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

#[tokio::test]
async fn lists_come_page_by_page() {
    let world = World::approved().await;
    let callers: Vec<E164> = (0..5).map(|number| phone(&format!("+1212555{:04}", 400 + number))).collect();
    for who in &callers {
        greeted(&world, who).await;
        world.wait(Duration::seconds(1));
    }
    world.text(&callers[0], "hello?").await;
    world.text(&callers[1], "STOP").await;
    world.play().await;

    let newest_first: Vec<String> = [1, 0, 4, 3, 2].map(|at: usize| callers[at].as_str().to_owned()).into();
    let mut seen = Vec::new();
    let mut path = "/conversations?limit=2".to_owned();
    loop {
        let (status, page) = world.api(world.tech(), "GET", &path, None).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        let items = page["items"].as_array().unwrap().clone();
        seen.extend(items.iter().map(|item| item["caller_phone"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        assert_eq!(items.len(), 2);
        path = format!("/conversations?limit=2&cursor={cursor}");
    }
    // The last two were written in the same moment: ids decide.
    assert_eq!(seen[2..], newest_first[2..]);
    assert!(seen[..2].contains(&newest_first[0]) && seen[..2].contains(&newest_first[1]));

    let (_, open) = world.api(world.owner(), "GET", "/conversations?state=open", None).await;
    assert_eq!(open["items"].as_array().unwrap().len(), 4);
    let one = format!("/conversations?caller_phone=%2B{}", &callers[0].as_str()[1..]);
    let (_, page) = world.api(world.owner(), "GET", &one, None).await;
    let item = &page["items"][0];
    assert_eq!((&item["state"], &item["epoch"]), (&json!("open"), &json!(0)));
    assert_eq!(item["last_message"]["body"], "hello?");
    assert!(item["waiting_since"].is_string());
    let id = item["id"].as_str().unwrap();

    let (_, first) = world.api(world.owner(), "GET", &format!("/conversations/{id}/messages?limit=1"), None).await;
    assert_eq!(first["items"][0]["body"], "hello?");
    let next = format!("/conversations/{id}/messages?limit=1&cursor={}", first["next_cursor"].as_str().unwrap());
    let (_, second) = world.api(world.owner(), "GET", &next, None).await;
    assert_eq!((&second["items"][0]["author"], &second["next_cursor"]), (&json!("automation"), &Value::Null));

    for path in
        ["/conversations?state=asleep", "/conversations?caller_phone=12", "/conversations?cursor=x", "/tasks?done=7"]
    {
        assert_eq!(world.api(world.owner(), "GET", path, None).await.0, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
    }
}

#[tokio::test]
async fn tasks_are_listed_and_ticked_off() {
    let world = World::approved().await;
    world.app.compliance.add_do_not_text(&world.owner(), &caller(), "brother", None).await.unwrap();
    for _ in 0..3 {
        world.call(&caller()).await;
        world.wait(Duration::seconds(1));
    }
    world.play().await;
    let (_, open) = world.api(world.tech(), "GET", "/tasks?limit=2", None).await;
    assert_eq!(open["items"].as_array().unwrap().len(), 2);
    let rest = format!("/tasks?cursor={}", open["next_cursor"].as_str().unwrap());
    let (_, rest) = world.api(world.tech(), "GET", &rest, None).await;
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next_cursor"]), (1, &Value::Null));
    for item in [&open["items"][0], &rest["items"][0]] {
        assert_eq!(item["kind"], "call-back");
        let path = format!("/tasks/{}/done", item["id"].as_str().unwrap());
        world.wait(Duration::seconds(1));
        assert_eq!(world.api(world.tech(), "POST", &path, None).await, (StatusCode::OK, json!({ "changed": true })));
        assert_eq!(world.api(world.tech(), "POST", &path, None).await, (StatusCode::OK, json!({ "changed": false })));
        assert_eq!(world.api(World::stranger(), "POST", &path, None).await.0, StatusCode::NOT_FOUND);
    }
    let (_, done) = world.api(world.tech(), "GET", "/tasks?done=true&limit=1", None).await;
    assert_eq!(done["items"][0]["id"], rest["items"][0]["id"]);
    assert_eq!(done["items"][0]["done_by"], Uuid::from_u128(2).to_string());
    let next = format!("/tasks?done=true&cursor={}", done["next_cursor"].as_str().unwrap());
    let (_, next) = world.api(world.tech(), "GET", &next, None).await;
    assert_eq!(next["items"][0]["id"], open["items"][0]["id"]);
    assert_eq!(world.tasks().await, ["call-back"]);
    assert_eq!(world.audited().await, ["task.done", "task.done"]);
}

#[tokio::test]
async fn people_take_over_give_back_and_end_through_the_api() {
    let world = World::approved().await;
    let id = greeted(&world, &caller()).await;
    let at = |what: &str| format!("/conversations/{id}/{what}");
    for (what, state) in [("takeover", "human"), ("release", "open"), ("close", "closed")] {
        let path = at(what);
        assert_eq!(world.api(world.tech(), "POST", &path, None).await, (StatusCode::OK, json!({ "changed": true })));
        assert_eq!(world.api(world.tech(), "POST", &path, None).await, (StatusCode::OK, json!({ "changed": false })));
        let (_, shown) = world.api(world.tech(), "GET", &format!("/conversations/{id}"), None).await;
        assert_eq!(shown["state"], state);
        // A foreign id looks like a missing one.
        let (status, foreign) = world.api(World::stranger(), "POST", &path, None).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        let missing = format!("/conversations/{}/{what}", Uuid::from_u128(98));
        assert_eq!(world.api(world.tech(), "POST", &missing, None).await, (StatusCode::NOT_FOUND, foreign));
    }
    for what in ["takeover", "release"] {
        let (status, problem) = world.api(world.tech(), "POST", &at(what), None).await;
        assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("conversation_closed")), "{what}");
    }
    for path in
        [format!("/conversations/{id}"), format!("/conversations/{id}/messages"), "/conversations/none".to_owned()]
    {
        assert_eq!(world.api(World::stranger(), "GET", &path, None).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    let (_, nothing) = world.api(World::stranger(), "GET", "/conversations", None).await;
    assert_eq!(nothing["items"], json!([]));
    assert_eq!(world.audited().await, ["conversation.taken-over", "conversation.released", "conversation.closed"]);
    let details: Vec<Value> = sqlx::query_scalar("select before || jsonb_build_object('then', after) from id_audit_log where object = 'conversation' order by seq")
        .fetch_all(&mut world.superuser().await)
        .await
        .unwrap();
    assert_eq!(details[0], json!({ "state": "open", "then": { "state": "human" } }));
}

#[tokio::test]
async fn a_person_can_end_what_waits_for_approval() {
    let world = World::with(settings(), TenantSettings::default()).await;
    let call = world.call(&caller()).await;
    world.play().await;
    let id = world.thread(&caller()).await.unwrap().id;
    assert_eq!(world.app.conversation.close(&world.owner(), id).await.unwrap(), Changed::Now);
    assert_eq!(world.why(call).await.0, "task");
    assert_eq!(world.tasks().await, ["call-back"]);
}

#[tokio::test]
async fn owners_word_the_texts_and_everybody_sees_them() {
    let world = World::approved().await;
    let (_, built_in) = world.api(world.tech(), "GET", "/templates", None).await;
    let items = built_in["items"].as_array().unwrap();
    assert_eq!(items.len(), 5);
    assert!(items.iter().all(|item| item["wording"] == "product" && item["body"] == item["built_in"]));
    let own = json!({ "body": "{business}, automated: back soon! Reply STOP to opt out" });
    let (status, problem) = world.api(world.tech(), "PUT", "/templates/greeting-call", Some(own.clone())).await;
    assert_eq!((status, &problem["code"]), (StatusCode::FORBIDDEN, &json!("owner_required")));
    let (status, set) = world.api(world.owner(), "PUT", "/templates/greeting-call", Some(own.clone())).await;
    assert_eq!((status, &set["wording"], &set["body"]), (StatusCode::OK, &json!("business"), &own["body"]));
    for (body, rule) in [
        ("", "empty"),
        ("{business}, automated, Reply STOP to opt out, {name}", "unknown-placeholder"),
        ("automated, Reply STOP to opt out", "business-missing"),
        ("{business}, Reply STOP to opt out", "not-automated"),
        ("{business}, automated", "stop-line-missing"),
        ("{business}, automated. Reply YES. Reply STOP to opt out", "invites-keyword"),
        ("{business}, automated\u{0}. Reply STOP to opt out", "control-character"),
        (&format!("{{business}}, automated. Reply STOP to opt out{}", "x".repeat(480)), "too-long"),
    ] {
        let (status, problem) =
            world.api(world.owner(), "PUT", "/templates/greeting-call", Some(json!({ "body": body }))).await;
        assert_eq!((status, &problem["errors"][0]["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("body")));
        assert!(problem["errors"][0]["message"].as_str().unwrap().starts_with(rule), "{problem}");
    }
    greeted(&world, &caller()).await;
    assert_eq!(bodies_sent(&world, &caller()), ["Example Plumbing, automated: back soon! Reply STOP to opt out"]);
    assert_eq!(world.api(world.tech(), "DELETE", "/templates/greeting-call", None).await.0, StatusCode::FORBIDDEN);
    let (status, reset) = world.api(world.owner(), "DELETE", "/templates/greeting-call", None).await;
    assert_eq!((status, &reset), (StatusCode::OK, items.iter().find(|item| item["key"] == "greeting-call").unwrap()));
    assert_eq!(world.api(world.owner(), "DELETE", "/templates/joke", None).await.0, StatusCode::NOT_FOUND);
    assert_eq!(world.audited().await, ["template.changed", "template.changed"]);
}

#[tokio::test]
async fn why_a_call_got_a_text_or_none_is_told_in_words() {
    let world = World::approved().await;
    let greeted = world.call(&caller()).await;
    let again = world.call(&caller()).await;
    let stopped = phone("+12125550177");
    world.opt_out(&stopped).await;
    let refused = world.call(&stopped).await;
    let withheld = world.missed(None, Some(nmc_kernel::Untextable::Withheld)).await;
    world.play().await;
    let cases = [
        (greeted, "greeted", "Sent: the provider has it."),
        (again, "recently-answered", "No text: the caller got one less than ten minutes before, or it was on its way."),
        (refused, "refused", "No text: the caller has opted out. A task asks to call back."),
        (withheld, "untextable", "No text: none reaches this caller. A task asks to call back."),
    ];
    for (call, outcome, text) in cases {
        let (status, why) = world.api(world.tech(), "GET", &format!("/calls/{call}/why"), None).await;
        assert_eq!((status, &why["outcome"], &why["text"]), (StatusCode::OK, &json!(outcome), &json!(text)));
        assert_eq!(
            world.api(World::stranger(), "GET", &format!("/calls/{call}/why"), None).await.0,
            StatusCode::NOT_FOUND
        );
    }
    let calls = [greeted, again, refused, withheld];
    let mut tx = world.app.db.read(world.tenant).await.unwrap();
    let whys = world.app.conversation.why_calls(&mut tx, &calls).await.unwrap();
    assert_eq!(whys.len(), 4);
    for (call, _, text) in cases {
        let why = whys.iter().find(|why| why.contact.id == call.as_uuid()).unwrap();
        assert_eq!(why.text(), text);
    }
}
