//! The Messages API against the production client, and the status callbacks against the production verifier.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets the unexpected stops there")]

mod support;

use std::{collections::HashSet, time::Duration};

use chrono::{DateTime, TimeDelta};
use nmc_kernel::Clock;
use nmc_providers::twilio::{
    CallQuery, ClientError, Meaning, MessageQuery, MessageSid, MessageStatus, NotSent, SendOutcome, Sender, Unknown,
};
use nmc_simulators::twilio::{
    Api, Behaviour, CallRequest, CallScenario, DeliveryOutcome, DeliveryPlan, Fault, TextRequest, When,
};
use support::{BUSINESS, CALLER, World, phone, service_sid, text};

fn sid_of(outcome: SendOutcome) -> MessageSid {
    match outcome {
        SendOutcome::Accepted { sid, .. } => sid,
        other => panic!("{other:?}"),
    }
}

fn everything_to(to: &str) -> MessageQuery {
    MessageQuery { to: phone(to), from: None, created_since: DateTime::UNIX_EPOCH }
}

#[tokio::test]
async fn a_message_is_accepted_delivered_and_reported() {
    let world = World::start().await;
    let client = world.client();
    let sid = sid_of(client.send(&text(CALLER, "Hi, it's “us” – ok? 👍")).await);
    world.simulator.settled().await;
    let reports: Vec<_> = world
        .heard
        .on("sms-status?intent=1&attempt=2")
        .iter()
        .map(|f| f.get("MessageStatus").unwrap().to_owned())
        .collect();
    assert_eq!(reports, ["sent", "delivered"]);
    let fetched = client.fetch_message(&sid).await.unwrap();
    assert_eq!((fetched.status, fetched.body.as_str()), (MessageStatus::Delivered, "Hi, it's “us” – ok? 👍"));
    let ledger = world.simulator.accepted_to(&phone(CALLER));
    assert_eq!((ledger.len(), ledger[0].sid.as_str()), (1, sid.as_str()));
    assert_eq!(world.simulator.summary().accepted_to[CALLER], 1);
    let unknown = MessageSid::parse(&format!("SM{}", "0".repeat(32))).unwrap();
    assert!(matches!(client.fetch_message(&unknown).await, Err(ClientError::NotFound)));
}

#[tokio::test]
async fn a_messaging_service_chooses_the_number() {
    let world = World::start().await;
    let sms = nmc_providers::twilio::SendSms { from: Sender::Service(service_sid()), ..text(CALLER, "x") };
    let outcome = world.client().send(&sms).await;
    assert!(matches!(outcome, SendOutcome::Accepted { status: MessageStatus::Accepted, .. }), "{outcome:?}");
    assert_eq!(world.simulator.accepted()[0].from, BUSINESS);
}

#[tokio::test]
async fn refusals_carry_twilios_codes() {
    let world = World::start().await;
    let client = world.client();
    let code = async |sms| match client.send(&sms).await {
        SendOutcome::Rejected { code, meaning, .. } => (code.unwrap_or(0), meaning),
        other => panic!("{other:?}"),
    };
    let sms = |to, body: &str| text(to, body);
    assert_eq!(code(sms(CALLER, "")).await, (21_602, Meaning::Alert));
    assert_eq!(code(sms(CALLER, &"x".repeat(1601))).await, (21_617, Meaning::Alert));
    assert_eq!(code(sms(BUSINESS, "x")).await.0, 21_266);
    let foreign = nmc_providers::twilio::SendSms { from: Sender::Number(phone(CALLER)), ..text(CALLER, "x") };
    assert_eq!(code(foreign).await, (21_659, Meaning::TenantSetupWrong));
    // A good send is not among the refused.
    sid_of(client.send(&text(CALLER, "x")).await);
    let summary = world.simulator.summary();
    assert_eq!((summary.refused, summary.accepted), (4, 1));
}

#[tokio::test]
async fn wrong_credentials_are_refused() {
    let world = World::start().await;
    let client = nmc_providers::twilio::TwilioClient::new(nmc_providers::twilio::ClientSettings {
        base_url: world.simulator.base_url(),
        account_sid: support::account_sid(),
        auth_token: nmc_providers::twilio::AuthToken::new("wrong"),
        connect_timeout: Duration::from_secs(1),
        request_timeout: Duration::from_secs(1),
    })
    .unwrap();
    let outcome = client.send(&text(CALLER, "x")).await;
    let refused = SendOutcome::Rejected { http_status: 401, code: Some(20_003), meaning: Meaning::Alert };
    assert_eq!(outcome, refused);
    let listed = client.list_messages(&everything_to(CALLER)).await;
    assert!(matches!(listed, Err(ClientError::Refused { http_status: 401, code: Some(20_003), .. })));
}

#[tokio::test]
async fn a_stop_is_kept_and_a_start_takes_it_back() {
    let world = World::start().await;
    let client = world.client();
    world.simulator.send_text(TextRequest::new(CALLER, BUSINESS, " stop ")).await;
    assert_eq!(client.send(&text(CALLER, "x")).await, SendOutcome::OptedOut);
    world.simulator.send_text(TextRequest::new(CALLER, BUSINESS, "START")).await;
    sid_of(client.send(&text(CALLER, "x")).await);
}

#[tokio::test]
async fn every_fault_gives_its_class() {
    let world = World::start().await;
    let client = world.client_with_timeout(Duration::from_millis(150));
    let unknown = |reason| SendOutcome::Unknown { reason };
    let limited = SendOutcome::NotSent { reason: NotSent::RateLimited, retry_after: Some(Duration::from_secs(3)) };
    let answer = |status, code| Fault::Answer { status, code, retry_after_seconds: Some(3) };
    let accept = |status, body: &str| Fault::AcceptThenAnswer { status, body: body.to_owned() };
    // (fault, class, whether Twilio has the message)
    let table = [
        (answer(429, Some(20_429)), limited.clone(), false),
        (answer(400, Some(20_429)), limited, false),
        (answer(500, None), unknown(Unknown::ServerError(500)), false),
        (answer(400, Some(21_610)), SendOutcome::OptedOut, false),
        (accept(503, ""), unknown(Unknown::ServerError(503)), true),
        (accept(200, "<html>"), unknown(Unknown::UnreadableAnswer), true),
        (accept(302, ""), unknown(Unknown::UnexpectedStatus(302)), true),
        (Fault::Hang { millis: 2_000 }, unknown(Unknown::TimedOut), false),
        (Fault::AcceptThenHang { millis: 2_000 }, unknown(Unknown::TimedOut), true),
        (Fault::Reset, unknown(Unknown::ConnectionLost), false),
        (Fault::AcceptThenReset, unknown(Unknown::ConnectionLost), true),
        (Fault::Delay { millis: 400 }, unknown(Unknown::TimedOut), true),
        // The status came in time and the body did not.
        (Fault::Drip { millis: 5 }, unknown(Unknown::UnreadableAnswer), true),
    ];
    let trials = table.len();
    for (fault, class, is_accepted) in table {
        let before = world.simulator.summary().accepted;
        world.simulator.add_fault(Api::SendMessage, fault.clone(), When::Next { requests: 1 });
        assert_eq!(client.send(&text(CALLER, "x")).await, class, "{fault:?}");
        world.simulator.settled().await;
        assert_eq!(world.simulator.summary().accepted - before, usize::from(is_accepted), "{fault:?}");
    }
    assert_eq!(world.simulator.summary().faults_played, trials);
    sid_of(client.send(&text(CALLER, "x")).await);
}

#[tokio::test]
async fn nothing_listens() {
    let world = World::start().await;
    let client = world.client();
    sid_of(client.send(&text(CALLER, "x")).await);
    world.simulator.stop();
    // Kept connections and the listener go in their own time; from then on the connection itself is refused.
    let refused = SendOutcome::NotSent { reason: NotSent::NoConnection, retry_after: None };
    let gone = async {
        while client.send(&text(CALLER, "x")).await != refused {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), gone).await.unwrap();
}

#[tokio::test]
async fn an_address_that_does_not_exist_is_surely_not_sent() {
    let world = World::start().await;
    for base_url in ["http://nmc.invalid", "https://127.0.0.1:1"] {
        let client = nmc_providers::twilio::TwilioClient::new(nmc_providers::twilio::ClientSettings {
            base_url: base_url.to_owned(),
            account_sid: support::account_sid(),
            auth_token: support::token(),
            connect_timeout: Duration::from_secs(1),
            request_timeout: Duration::from_secs(3),
        });
        let outcome = client.unwrap().send(&text(CALLER, "x")).await;
        let refused = SendOutcome::NotSent { reason: NotSent::NoConnection, retry_after: None };
        assert_eq!(outcome, refused, "{base_url}");
    }
    // A server that does not speak TLS.
    let client = nmc_providers::twilio::TwilioClient::new(nmc_providers::twilio::ClientSettings {
        base_url: world.simulator.base_url().replace("http:", "https:"),
        account_sid: support::account_sid(),
        auth_token: support::token(),
        connect_timeout: Duration::from_secs(1),
        request_timeout: Duration::from_secs(3),
    });
    let outcome = client.unwrap().send(&text(CALLER, "x")).await;
    assert_eq!(outcome, SendOutcome::NotSent { reason: NotSent::NoConnection, retry_after: None });
}

#[tokio::test]
async fn pages_are_followed_to_the_end_and_no_further() {
    let world = World::start().await;
    let client = world.client();
    let mut sent = HashSet::new();
    for index in 0..120 {
        sent.insert(sid_of(client.send(&text(CALLER, &format!("number {index}"))).await));
    }
    sid_of(client.send(&text("+14155550124", "somebody else's")).await);
    let listing = client.list_messages(&everything_to(CALLER)).await.unwrap();
    assert!(listing.complete);
    assert_eq!(listing.items.len(), 120);
    assert_eq!(listing.items.iter().map(|m| m.sid.clone()).collect::<HashSet<_>>(), sent);
    assert_eq!(listing.items[0].body, "number 119", "newest first");
    let from_elsewhere = MessageQuery { from: Some(phone(CALLER)), ..everything_to(CALLER) };
    assert!(client.list_messages(&from_elsewhere).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn a_listing_knows_nothing_of_what_was_just_accepted() {
    let clock = Clock::fixed(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    let world = World::start_with(|settings| nmc_simulators::twilio::TwilioSettings {
        clock: clock.clone(),
        behaviour: Behaviour { listing_gap_millis: 2_000, ..settings.behaviour.clone() },
        ..settings
    })
    .await;
    let client = world.client();
    sid_of(client.send(&text(CALLER, "x")).await);
    assert!(client.list_messages(&everything_to(CALLER)).await.unwrap().items.is_empty());
    clock.advance(TimeDelta::seconds(2));
    assert_eq!(client.list_messages(&everything_to(CALLER)).await.unwrap().items.len(), 1);
    let later = MessageQuery { created_since: clock.now(), ..everything_to(CALLER) };
    assert!(client.list_messages(&later).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn a_list_that_lies_is_not_believed() {
    let world = World::start().await;
    let client = world.client();
    let page = |next: &str| format!(r#"{{"messages":[],"next_page_uri":{next}}}"#);
    let list = async |body: String| {
        world.simulator.clear_faults();
        world.simulator.add_fault(Api::ListMessages, Fault::AcceptThenAnswer { status: 200, body }, When::Always);
        client.list_messages(&everything_to(CALLER)).await
    };
    // Our credentials go nowhere else.
    for elsewhere in [r#""http://127.0.0.1:1/x""#, r#""//evil.example/x""#, r#""https://evil.example/""#] {
        assert!(matches!(list(page(elsewhere)).await, Err(ClientError::Unreadable)), "{elsewhere}");
    }
    let for_ever = list(page(&format!(r#""/2010-04-01/Accounts/{}/Messages.json""#, support::account_sid()))).await;
    assert!(!for_ever.unwrap().complete);
    let odd_entry = r#"{"messages":[{"sid":"XX"}],"next_page_uri":null}"#.to_owned();
    assert!(!list(odd_entry).await.unwrap().complete);
    assert!(list(page("null")).await.unwrap().complete);
    let huge = format!(r#"{{"messages":[],"next_page_uri":"{}"}}"#, "x".repeat(2 * 1024 * 1024));
    assert!(matches!(list(huge).await, Err(ClientError::Unreadable)));
    assert!(matches!(list("<html>".to_owned()).await, Err(ClientError::Unreadable)));
}

#[tokio::test]
async fn reports_come_twice_backwards_and_again_after_a_failure() {
    let world = World::start().await;
    let plan = DeliveryPlan {
        outcome: DeliveryOutcome::Undelivered { code: 30_003 },
        duplicates: 1,
        reversed: true,
        silent: false,
    };
    world.simulator.set_delivery(Some(&phone(CALLER)), plan);
    world.refuse(3);
    let client = world.client();
    let sid = sid_of(client.send(&text(CALLER, "x")).await);
    world.simulator.settled().await;
    let reports: Vec<_> = world
        .heard
        .on("sms-status")
        .iter()
        .map(|f| (f.get("MessageStatus").unwrap().to_owned(), f.get("ErrorCode").map(str::to_owned)))
        .collect();
    let (failed, sent) = (("undelivered".to_owned(), Some("30003".to_owned())), ("sent".to_owned(), None));
    assert_eq!(reports, [failed.clone(), failed, sent.clone(), sent]);
    assert_eq!(client.fetch_message(&sid).await.unwrap().error_code, Some(30_003));
    let summary = world.simulator.summary();
    assert_eq!((summary.webhooks_sent, summary.webhooks_failed, summary.webhooks_lost), (7, 3, 0));
}

#[tokio::test]
async fn inbound_texts_and_calls_can_be_listed() {
    let world = World::start().await;
    let client = world.client();
    let inbound = world.simulator.send_text(TextRequest::new(CALLER, BUSINESS, "Hello")).await;
    let listing = client.list_messages(&everything_to(BUSINESS)).await.unwrap();
    assert_eq!(listing.items[0].sid.as_str(), inbound.message_sid);
    assert_eq!(listing.items[0].direction, "inbound");
    let call = world.simulator.place_call(CallRequest::new(CALLER, phone(BUSINESS), CallScenario::NoAnswer)).await;
    let query = CallQuery { to: phone(BUSINESS), from: Some(phone(CALLER)), created_since: DateTime::UNIX_EPOCH };
    let calls = client.list_calls(&query).await.unwrap();
    assert_eq!((calls.items.len(), calls.items[0].sid.as_str()), (1, call.call_sid.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_messages_at_once() {
    let world = World::start().await;
    let client = world.client();
    let started = std::time::Instant::now();
    let sends = (0..2_000).map(|index| {
        let client = client.clone();
        async move {
            let to = format!("+1415555{index:04}");
            client.send(&text(if to == BUSINESS { "+14155560000" } else { &to }, "x")).await
        }
    });
    let outcomes: Vec<SendOutcome> =
        futures::StreamExt::collect(futures::StreamExt::buffer_unordered(futures::stream::iter(sends), 64)).await;
    let accepted_after = started.elapsed();
    let sids: HashSet<MessageSid> = outcomes.into_iter().map(sid_of).collect();
    assert_eq!(sids.len(), 2_000);
    world.simulator.settled().await;
    assert_eq!(world.heard.on("sms-status").len(), 4_000);
    let summary = world.simulator.summary();
    assert_eq!((summary.accepted, summary.webhooks_failed), (2_000, 0));
    // An unoptimised build on two busy cores; a hundred a second would be twenty.
    assert!(accepted_after < Duration::from_secs(20), "{accepted_after:?}");
    println!("2,000 accepted in {accepted_after:?}, reported in {:?}", started.elapsed());
}
