//! What is wrong gets a clear answer and loses nothing.

mod harness;

use harness::{App, BUSINESS, dialling};
use nmc_simulators::twilio::{SignatureKind, WebhookAnswer, WebhookRequest};
use nmc_testkit::TestDatabase;
use serde_json::Value;

const CALLER: &str = "+14155550123";
const ROUTES: [&str; 7] =
    ["voice", "whisper", "whisper-result", "dial-status", "voice-status", "sms-inbound", "sms-status"];

fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn call_fields(to: &str) -> Vec<(String, String)> {
    fields(&[
        ("CallSid", "CA00000000000000000000000000000001"),
        ("AccountSid", harness::ACCOUNT_SID),
        ("From", CALLER),
        ("To", to),
        ("CallStatus", "ringing"),
        ("Direction", "inbound"),
        ("ApiVersion", "2010-04-01"),
    ])
}

async fn deliver(app: &App, route: &str, params: Vec<(String, String)>, signature: SignatureKind) -> WebhookAnswer {
    let request = WebhookRequest { signature, ..WebhookRequest::new(format!("/webhooks/twilio/{route}"), params) };
    app.twilio.deliver(request).await.remove(0)
}

async fn rows(app: &App) -> i64 {
    app.count(
        "select (select count(*) from webhook_events) + (select count(*) from outbox_events) + (select count(*) from tel_calls)
              + (select count(*) from tel_inbound_sms) + (select count(*) from conv_messages)",
    )
    .await
}

#[tokio::test]
async fn forged_and_unsigned_webhooks_are_401_on_every_route_and_write_nothing() {
    let app = App::start(dialling()).await;
    let before = rows(&app).await;
    for route in ROUTES {
        for signature in [SignatureKind::Wrong, SignatureKind::Missing] {
            let answer = deliver(&app, route, call_fields(BUSINESS), signature).await;
            assert_eq!(answer.status, Some(401), "{route}");
            let problem: Value = serde_json::from_str(&answer.body).unwrap();
            assert!(problem["code"].is_string() && problem["correlation_id"].is_string(), "{route}: {problem}");
        }
    }
    assert_eq!(rows(&app).await, before);
}

#[tokio::test]
async fn a_missing_or_malformed_field_is_400_and_named() {
    let app = App::start(dialling()).await;
    let before = rows(&app).await;
    let calls = [("CallSid", "voice"), ("From", "voice"), ("To", "voice"), ("CallStatus", "voice-status")];
    let texts = [("MessageSid", "sms-status"), ("MessageStatus", "sms-status")];
    for (missing, route) in calls.into_iter().chain(texts) {
        let params = params_of(route).into_iter().filter(|(name, _)| name != missing).collect();
        let answer = deliver(&app, route, params, SignatureKind::Correct).await;
        assert_eq!(answer.status, Some(400), "{route} without {missing}: {}", answer.body);
        let problem: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(problem["errors"][0]["field"], missing, "{route}: {problem}");
    }
    let mut twice = call_fields(BUSINESS);
    twice.push(("From".to_owned(), "+14155550124".to_owned()));
    let answer = deliver(&app, "voice", twice, SignatureKind::Correct).await;
    assert_eq!(answer.status, Some(400), "a repeated field may hide another: {}", answer.body);
    assert_eq!(rows(&app).await, before);
}

#[tokio::test]
async fn an_unknown_number_is_rejected_or_passed_over() {
    let app = App::start(dialling()).await;
    let answer = deliver(&app, "voice", call_fields("+14155550177"), SignatureKind::Correct).await;
    assert_eq!(answer.status, Some(200));
    assert!(answer.body.contains("<Reject"), "{}", answer.body);
    let answer = deliver(&app, "voice-status", call_fields("+14155550177"), SignatureKind::Correct).await;
    assert_eq!(answer.status, Some(200));
    assert_eq!(app.count("select count(*) from tel_calls").await, 0);
}

#[tokio::test]
async fn an_oversized_body_is_413_and_another_content_type_415() {
    let app = App::start(dialling()).await;
    let before = rows(&app).await;
    let mut params = call_fields(BUSINESS);
    params.push(("Body".to_owned(), "x".repeat(1_100_000)));
    assert_eq!(deliver(&app, "sms-inbound", params, SignatureKind::Correct).await.status, Some(413));
    #[expect(clippy::disallowed_methods, reason = "a client that sends what Twilio would not")]
    let client = reqwest::Client::new();
    let answer = client
        .post(format!("{}/webhooks/twilio/voice", app.base_url))
        .header("X-Twilio-Signature", "AAAA")
        .header("content-type", "text/plain")
        .body("hello")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 415);
    assert_eq!(rows(&app).await, before);
}

#[tokio::test]
async fn with_the_database_down_webhooks_are_503_and_recover_by_themselves() {
    let database = TestDatabase::create_on_own_server().await.unwrap();
    let app = App::start_on(database, dialling()).await;
    assert_eq!(deliver(&app, "voice", call_fields(BUSINESS), SignatureKind::Correct).await.status, Some(200));
    // Read back for the addresses by which a leg or a text is told from others.
    let call: String =
        sqlx::query_scalar("select id::text from tel_calls").fetch_one(&mut app.look().await).await.unwrap();
    let leg = format!("?tenant={}&call={call}&intent={call}&attempt=1", app.tenant);
    app.database.server().stop_immediately().unwrap();
    let statuses = async |app: &App| {
        let mut statuses = Vec::new();
        for route in ROUTES {
            let address = format!("{route}{leg}");
            statuses.push((route, deliver(app, &address, params_of(route), SignatureKind::Correct).await.status));
        }
        statuses
    };
    assert_eq!(statuses(&app).await, ROUTES.map(|route| (route, Some(503))));
    app.database.server().start_again().unwrap();
    assert_eq!(statuses(&app).await, ROUTES.map(|route| (route, Some(200))));
}

/// What a route takes, whole and well-formed.
fn params_of(route: &str) -> Vec<(String, String)> {
    if route.starts_with("sms") {
        return fields(&[
            ("MessageSid", "SM00000000000000000000000000000001"),
            ("MessageStatus", "delivered"),
            ("AccountSid", harness::ACCOUNT_SID),
            ("From", CALLER),
            ("To", BUSINESS),
            ("Body", "hello"),
            ("NumMedia", "0"),
        ]);
    }
    let mut params = call_fields(BUSINESS);
    match route {
        "dial-status" => params.extend(fields(&[("DialCallStatus", "no-answer")])),
        "whisper-result" => params.extend(fields(&[("Digits", "1")])),
        _ => {}
    }
    params
}

#[tokio::test]
async fn a_process_is_ready_only_with_its_database() {
    let database = TestDatabase::create_on_own_server().await.unwrap();
    let app = App::start_on(database, dialling()).await;
    #[expect(clippy::disallowed_methods, reason = "a client that asks as a load balancer does")]
    let ready = async |app: &App| reqwest::get(format!("{}/readyz", app.base_url)).await.unwrap().status().as_u16();
    assert_eq!(ready(&app).await, 200);
    app.database.server().stop_immediately().unwrap();
    assert_eq!(ready(&app).await, 503);
    app.database.server().start_again().unwrap();
    assert_eq!(ready(&app).await, 200);
}
