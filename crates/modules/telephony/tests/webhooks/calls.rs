//! `GET /calls`: what came in, and why a text was or was not sent.

use axum::http::StatusCode;
use chrono::Duration;
use nmc_compliance::{BlockReason, Decision, Purpose, Subject};
use nmc_identity::CallMode;
use nmc_kernel::{Actor, CallId, Role};
use serde_json::{Value, json};

use crate::house::{BUSINESS, CALLER, Fields, House, dial, leg, mode, phone, with};

const OTHER_CALLER: &str = "+12125550145";

fn person(house: &House, role: Role) -> Actor {
    Actor::User { tenant: house.tenant, user: uuid::Uuid::from_u128(7).into(), role }
}

async fn listed(house: &House, query: &str) -> Value {
    let (status, body) = house.get(Some(person(house, Role::Tech)), &format!("/calls{query}")).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

/// How the listed calls were missed.
async fn reasons(house: &House, query: &str) -> Vec<Value> {
    listed(house, query).await["items"].as_array().unwrap().iter().map(|call| call["reason"].clone()).collect()
}

fn ended(call: u32, from: &str, status: &str) -> Fields {
    with(leg(call, from, "in-progress"), [("DialCallStatus", status)])
}

/// The id of the only call.
async fn only_call(house: &House) -> CallId {
    let id: uuid::Uuid =
        sqlx::query_scalar("select id from tel_calls").fetch_one(&mut house.superuser().await).await.unwrap();
    id.into()
}

#[tokio::test]
async fn a_call_with_all_that_is_known_of_it() {
    let house = House::with(dial(true)).await.approved().await;
    house.report("voice", &leg(1, CALLER, "ringing")).await;
    let ringing = &listed(&house, "").await["items"][0];
    assert_eq!((&ringing["status"], &ringing["text"]["outcome"]), (&json!("open"), &json!("not-needed")));
    house.clock.advance(Duration::seconds(19));
    house.report("dial-status", &ended(1, CALLER, "no-answer")).await;
    house.report("voice-status", &with(leg(1, CALLER, "completed"), [("CallDuration", "21")])).await;
    let call = &listed(&house, "").await["items"][0];
    let id = only_call(&house).await;
    let expected = json!({
        "id": id, "caller_phone": CALLER, "business_phone": BUSINESS, "reached_us": "dial", "status": "missed",
        "reason": "no-answer", "began_at": "2026-03-04T17:00:00Z", "ended_at": "2026-03-04T17:00:19Z",
        "duration_seconds": 21, "told": "text",
        "text": {
            "outcome": "undecided", "reason": null, "in_words": "Whether a text goes out is being decided.",
            "decided_at": null, "until": null
        }
    });
    assert_eq!(*call, expected);
    assert_eq!(house.get(Some(person(&house, Role::Owner)), &format!("/calls/{id}")).await, (StatusCode::OK, expected));
}

#[tokio::test]
async fn the_newest_decision_says_why() {
    let house = House::with(mode(CallMode::Forwarded)).await;
    house.report("voice", &leg(1, CALLER, "ringing")).await;
    let subject = Subject::Call(only_call(&house).await);
    let until = house.clock.now() + Duration::hours(9);
    let mut decisions = vec![
        (Decision::Allow, json!("allow"), Value::Null),
        (
            Decision::Defer { until, reason: nmc_compliance::DeferReason::QuietHours },
            json!("defer"),
            json!("quiet-hours"),
        ),
    ];
    let block = |reason: &BlockReason| (Decision::Block { reason: *reason }, json!("block"), json!(reason.as_str()));
    decisions.extend(BlockReason::ALL.iter().map(block));
    for (decision, outcome, reason) in decisions {
        let mut tx = house.database.dispatcher().begin(house.tenant).await.unwrap();
        let caller = phone(CALLER);
        house.compliance.store_decision(&mut tx, subject, &caller, Purpose::Greeting, &decision).await.unwrap();
        tx.commit().await.unwrap();
        let text = listed(&house, "").await["items"][0]["text"].clone();
        assert_eq!((&text["outcome"], &text["reason"]), (&outcome, &reason));
        assert!(text["in_words"].as_str().unwrap().ends_with('.') && text["decided_at"].is_string(), "{text}");
        assert_eq!(text["until"].is_string(), outcome == "defer");
    }
}

#[tokio::test]
async fn an_untextable_caller_says_why() {
    let house = House::with(mode(CallMode::Forwarded)).await;
    for (call, from, reason, caller) in [
        (1, "anonymous", "withheld", Value::Null),
        (2, "72345", "short-code", Value::Null),
        (3, "client:somebody", "malformed", Value::Null),
        (4, "+18005551212", "toll-free", json!("+18005551212")),
        (5, BUSINESS, "own-number", json!(BUSINESS)),
    ] {
        house.report("voice", &leg(call, from, "ringing")).await;
        house.clock.advance(Duration::seconds(1));
        let call = &listed(&house, "").await["items"][0];
        assert_eq!((&call["text"]["outcome"], &call["text"]["reason"]), (&json!("block"), &json!(reason)));
        assert_eq!(call["caller_phone"], caller);
        assert!(call["text"]["in_words"].as_str().unwrap().starts_with("The caller"), "{call}");
    }
}

#[tokio::test]
async fn filters() {
    let house = House::with(dial(true)).await;
    for (call, from, status) in [(1, CALLER, "busy"), (2, OTHER_CALLER, "no-answer"), (3, CALLER, "failed")] {
        house.report("voice", &leg(call, from, "ringing")).await;
        house.report("dial-status", &ended(call, from, status)).await;
        house.clock.advance(Duration::minutes(1));
    }
    house.report("voice", &leg(4, CALLER, "ringing")).await;
    assert_eq!(reasons(&house, "?status=missed").await, ["failed", "no-answer", "busy"]);
    assert_eq!(reasons(&house, "?status=open").await, [Value::Null]);
    assert!(reasons(&house, "?status=accepted").await.is_empty());
    assert_eq!(reasons(&house, "?status=missed&caller_phone=%2B12125550123").await, ["failed", "busy"]);
    assert_eq!(reasons(&house, "?reason=busy").await, ["busy"]);
    assert_eq!(reasons(&house, "?from=2026-03-04T17:01:00Z&to=2026-03-04T17:02:00Z").await, ["no-answer"]);
}

#[tokio::test]
async fn pages_in_any_size_show_every_call_once_newest_first() {
    let house = House::with(mode(CallMode::Forwarded)).await;
    for call in 1..=7 {
        house.report("voice", &leg(call, CALLER, "ringing")).await;
        // Several at the same moment.
        house.clock.advance(Duration::seconds(i64::from(call % 3 == 0)));
    }
    let all = listed(&house, "").await["items"].as_array().unwrap().clone();
    assert_eq!(all.len(), 7);
    for limit in 1..=8 {
        let (mut shown, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = listed(&house, &format!("?limit={limit}{cursor}")).await;
            shown.extend(page["items"].as_array().unwrap().clone());
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(shown, all, "{limit}");
    }
}

#[tokio::test]
async fn refusals() {
    let house = House::with(mode(CallMode::Forwarded)).await;
    house.report("voice", &leg(1, CALLER, "ringing")).await;
    let id = only_call(&house).await;
    let owner = person(&house, Role::Owner);
    for path in ["/calls".to_owned(), format!("/calls/{id}")] {
        let (status, problem) = house.get(None, &path).await;
        assert_eq!((status, &problem["code"]), (StatusCode::UNAUTHORIZED, &json!("unauthenticated")));
    }
    for query in [
        "from=yesterday",
        "from=-4713-01-01T00:00:00Z",
        "to=%2B10000-01-01T00:00:00Z",
        "caller_phone=555",
        "status=gone",
        "reason=asleep",
        "cursor=x",
        "limit=0",
    ] {
        let (status, problem) = house.get(Some(owner), &format!("/calls?{query}")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{query}: {problem}");
    }
    // Another business's call looks like one that does not exist.
    let stranger = Actor::User { tenant: uuid::Uuid::max().into(), user: uuid::Uuid::max().into(), role: Role::Owner };
    let missing = house.get(Some(owner), &format!("/calls/{}", uuid::Uuid::max())).await;
    assert_eq!(missing.0, StatusCode::NOT_FOUND);
    let foreign = house.get(Some(stranger), &format!("/calls/{id}")).await;
    assert_eq!((foreign.0, &foreign.1["code"]), (missing.0, &missing.1["code"]));
    let (status, body) = house.get(Some(stranger), "/calls").await;
    assert_eq!((status, &body["items"]), (StatusCode::OK, &json!([])));
}
