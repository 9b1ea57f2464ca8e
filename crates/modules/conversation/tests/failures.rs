//! Each error code of the provider has the consequence that is written down for it here, and no code lacks one.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

mod setup;

use axum::http::StatusCode;
use chrono::Duration;
use nmc_compliance::{BlockReason, Decision};
use nmc_conversation::{ConversationState, MessageStatus, TemplateKey, Wording};
use nmc_providers::twilio::error_code;
use nmc_simulators::twilio::{Api, Fault, When};
use serde_json::json;
use setup::{World, caller, phone};

/// A code; how often the text is sent again when a report brings the code; what a person is asked to do in the end;
/// what else follows.
type Row = (u32, usize, &'static [&'static str], After);

#[derive(Clone, Copy, Debug, PartialEq)]
enum After {
    Nothing,
    /// The caller is opted out.
    OptedOut,
    /// No further call of this caller is answered by a text.
    Unreachable,
    /// The wording is stopped.
    Filtered,
    /// The campaign is pending again.
    Unapproved,
}

/// By hand from the provider's list of codes, <https://www.twilio.com/docs/api/errors>.
const CODES: [Row; 24] = [
    (20_429, 2, &["not-sent"], After::Nothing),
    (21_211, 0, &["call-back"], After::Unreachable),
    (21_217, 0, &["call-back"], After::Unreachable),
    (21_408, 0, &["setup"], After::Nothing),
    (21_606, 0, &["setup"], After::Nothing),
    (21_610, 0, &["call-back"], After::OptedOut),
    (21_611, 2, &["not-sent"], After::Nothing),
    (21_612, 0, &["call-back"], After::Unreachable),
    (21_614, 0, &["call-back"], After::Unreachable),
    (21_659, 0, &["setup"], After::Nothing),
    (21_660, 0, &["setup"], After::Nothing),
    (21_703, 0, &["setup"], After::Nothing),
    (21_704, 0, &["setup"], After::Nothing),
    (30_001, 2, &["not-sent"], After::Nothing),
    (30_003, 2, &["not-sent"], After::Nothing),
    (30_004, 0, &["call-back"], After::OptedOut),
    (30_005, 0, &["call-back"], After::Unreachable),
    (30_006, 0, &["call-back"], After::Unreachable),
    (30_007, 0, &["not-sent", "setup"], After::Filtered),
    (30_008, 1, &["not-sent"], After::Nothing),
    (30_032, 0, &["setup"], After::Nothing),
    (30_033, 0, &["setup"], After::Unapproved),
    (30_034, 0, &["setup"], After::Unapproved),
    // Any other.
    (99_999, 0, &["not-sent"], After::Nothing),
];

#[test]
fn no_known_code_is_left_out() {
    let mut known: Vec<u32> = error_code::known().map(|(code, _)| code).collect();
    known.sort_unstable();
    let here: Vec<u32> = CODES.iter().map(|(code, ..)| *code).filter(|code| *code != 99_999).collect();
    assert_eq!(here, known);
}

async fn check_after(world: &World, after: After, code: u32) {
    let is_opted_out = {
        let mut tx = world.app.db.read(world.tenant).await.unwrap();
        world.app.compliance.is_opted_out(&mut tx, &caller()).await.unwrap()
    };
    assert_eq!(is_opted_out, after == After::OptedOut, "{code}");
    let state = if is_opted_out { ConversationState::Closed } else { ConversationState::Open };
    assert_eq!(world.state(&caller()).await, Some(state), "{code}");
    let templates = world.app.conversation.templates(&world.owner()).await.unwrap();
    let is_stopped = templates.iter().any(|template| template.is_stopped);
    assert_eq!(is_stopped, after == After::Filtered, "{code}");

    // The next calls of the same caller and of another.
    world.wait(Duration::hours(25));
    let before = world.twilio.accepted().len();
    let (same, other) = (world.call(&caller()).await, world.call(&phone("+12125550177")).await);
    world.play().await;
    let expected = match after {
        After::Nothing => ["greeted", "greeted"],
        After::OptedOut => ["refused", "greeted"],
        After::Unreachable => ["task", "greeted"],
        After::Filtered => ["task", "task"],
        After::Unapproved => ["blocked", "blocked"],
    };
    assert_eq!([world.why(same).await.0, world.why(other).await.0], expected, "{code}");
    let greeted = expected.iter().filter(|outcome| **outcome == "greeted").count();
    assert_eq!(world.twilio.accepted().len() - before, greeted, "{code}");
    if after == After::Unreachable {
        let (_, decisions) = world.why(same).await;
        assert_eq!(decisions.last(), Some(&Decision::Block { reason: BlockReason::NotTextable }), "{code}");
    }
}

#[tokio::test]
async fn every_code_that_a_report_brings() {
    for (code, resends, tasks, after) in CODES {
        let world = World::approved().await;
        world.call(&caller()).await;
        world.play().await;
        for times in 1..=resends + 1 {
            let sent = world.twilio.accepted();
            assert_eq!(sent.len(), times, "{code}");
            let last = sent.last().unwrap();
            let url = last.status_callback.clone().unwrap();
            assert_eq!(world.callback(&url, &last.sid, "undelivered", Some(code)).await, StatusCode::OK);
            world.play().await;
            if times <= resends {
                assert!(world.tasks().await.is_empty(), "{code}");
                // Later, and not at once.
                assert_eq!(world.twilio.accepted().len(), times, "{code}");
                world.wait(Duration::minutes(2 * i64::try_from(times).unwrap()));
                world.play().await;
            }
        }
        world.wait(Duration::minutes(4));
        world.play().await;
        assert_eq!(world.twilio.accepted().len(), resends + 1, "{code}");
        assert_eq!(world.tasks().await, tasks, "{code}");
        let last = world.outbound(&caller()).await.pop().unwrap();
        assert_eq!((last.status, last.error_code), (MessageStatus::Failed, i32::try_from(code).ok()), "{code}");
        check_after(&world, after, code).await;
    }
}

#[tokio::test]
async fn every_code_that_an_answer_brings() {
    for (code, resends, tasks, after) in CODES {
        let world = World::approved().await;
        let fault = Fault::Answer { status: 400, code: Some(code), retry_after_seconds: None };
        world.twilio.add_fault(Api::SendMessage, fault, When::Next { requests: 2 });
        world.call(&caller()).await;
        for _ in 0..5 {
            world.play().await;
            world.wait(Duration::seconds(40));
        }
        // A refusal for now is tried again; one for good is not.
        let is_passing = resends > 0;
        assert_eq!(world.twilio.accepted().len(), usize::from(is_passing), "{code}");
        let message = world.outbound(&caller()).await.pop().unwrap();
        if is_passing {
            assert_eq!((message.status, message.error_code), (MessageStatus::Queued, None), "{code}");
            assert!(world.tasks().await.is_empty(), "{code}");
            continue;
        }
        world.twilio.clear_faults();
        // Of an answer that says so it is only known that the caller has opted out, not by which code.
        let said = if after == After::OptedOut { 21_610 } else { code };
        assert_eq!((message.status, message.error_code), (MessageStatus::Failed, i32::try_from(said).ok()), "{code}");
        assert_eq!(world.tasks().await, tasks, "{code}");
        check_after(&world, after, code).await;
    }
}

#[tokio::test]
async fn a_filtered_wording_is_replaced_and_an_owner_starts_it_again() {
    let world = World::approved().await;
    let conversation = &world.app.conversation;
    let own = "{business}, automated: WIN a prize! Reply STOP to opt out";
    conversation.set_template(&world.owner(), TemplateKey::GreetingCall, own).await.unwrap();
    let filtered = async |who: &str| {
        world.call(&phone(who)).await;
        world.play().await;
        let sent = world.twilio.accepted_to(&phone(who)).pop();
        if let Some(sent) = &sent {
            world.callback(sent.status_callback.as_ref().unwrap(), &sent.sid, "undelivered", Some(30_007)).await;
        }
        sent.map(|sent| sent.body)
    };
    assert!(filtered("+12125550171").await.unwrap().contains("WIN"));
    assert!(filtered("+12125550172").await.unwrap().contains("Sorry we missed your call"));
    assert_eq!(filtered("+12125550173").await, None);
    let setups = world.count("select count(*) from conv_tasks where kind = 'setup'").await;
    assert_eq!(setups, 2);
    // A text with another wording is not concerned.
    world.text(&phone("+12125550174"), "hello").await;
    world.play().await;
    assert_eq!(world.twilio.accepted_to(&phone("+12125550174")).len(), 1);

    let other = own.replace("WIN a prize", "hello");
    let set = conversation.set_template(&world.owner(), TemplateKey::GreetingCall, &other).await.unwrap();
    assert_eq!((set.wording, set.is_stopped), (Wording::Business, false));
    assert!(filtered("+12125550175").await.unwrap().contains("hello"));
    let reset = conversation.reset_template(&world.owner(), TemplateKey::GreetingCall).await.unwrap();
    assert_eq!((reset.wording, reset.is_stopped), (Wording::Product, false));
    assert!(filtered("+12125550176").await.unwrap().contains("Sorry we missed your call"));
    let (_, shown) = world.api(world.owner(), "GET", "/templates", None).await;
    assert_eq!((&shown["items"][0]["key"], &shown["items"][0]["stopped"]), (&json!("greeting-call"), &json!(true)));
}

#[tokio::test]
async fn a_refusal_from_before_an_approval_does_not_take_it_back() {
    let world = World::approved().await;
    world.call(&caller()).await;
    world.play().await;
    let sent = world.twilio.accepted().remove(0);
    world.wait(Duration::minutes(1));
    world.reject().await;
    world.app.compliance.approve_campaign(&world.operator(), world.submitted().await).await.unwrap();
    world.callback(&sent.status_callback.unwrap(), &sent.sid, "undelivered", Some(30_034)).await;
    world.wait(Duration::minutes(10));
    let call = world.call(&caller()).await;
    world.play().await;
    assert_eq!(world.why(call).await.0, "greeted");
}

#[tokio::test]
async fn a_landline_that_writes_or_gets_a_text_is_none() {
    for proof in ["a text of the caller's", "a text that arrived", "half a year"] {
        let world = World::approved().await;
        world.call(&caller()).await;
        world.play().await;
        let sent = world.twilio.accepted().remove(0);
        world.callback(sent.status_callback.as_ref().unwrap(), &sent.sid, "undelivered", Some(30_006)).await;
        world.wait(Duration::minutes(11));
        match proof {
            "a text of the caller's" => {
                world.text(&caller(), "I can read").await;
                world.play().await;
            }
            "a text that arrived" => {
                let id = world.thread(&caller()).await.unwrap().id;
                let new = nmc_conversation::NewMessage { body: "hello".to_owned(), client_dedup_key: None };
                world.app.conversation.write(&world.owner(), id, &new, None).await.unwrap();
                world.play().await;
                let sent = world.twilio.accepted().remove(1);
                world.callback(sent.status_callback.as_ref().unwrap(), &sent.sid, "delivered", None).await;
                world.app.conversation.release(&world.owner(), id).await.unwrap();
            }
            _ => world.wait(Duration::days(181)),
        }
        let call = world.call(&caller()).await;
        world.play().await;
        assert_eq!(world.why(call).await.0, "greeted", "{proof}");
    }
}
