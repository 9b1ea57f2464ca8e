//! What is not taken, and that nothing of it is written.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use nmc_identity::CallMode;
use nmc_providers::twilio::signature::SIGNATURE_HEADER;

use crate::house::{Answer, CALLER, Fields, House, dial, fields, leg, mode, send, signed, text, with};

const ENDPOINTS: [&str; 6] = ["voice", "whisper", "whisper-result", "dial-status", "voice-status", "sms-inbound"];

/// Fields that every endpoint could take.
fn all_fields() -> Fields {
    with(
        text(1, CALLER, "hello"),
        [
            ("CallSid", "CA00000000000000000000000000000001"),
            ("CallStatus", "completed"),
            ("DialCallStatus", "busy"),
            ("Digits", "1"),
        ],
    )
}

fn path(house: &House, endpoint: &str) -> String {
    let leg = format!("?tenant={}&call={}", house.tenant, uuid::Uuid::max());
    let query = if endpoint.starts_with("whisper") { &leg } else { "" };
    format!("/webhooks/twilio/{endpoint}{query}")
}

async fn send_altered(house: &House, path: &str, alter: impl FnOnce(&mut Request<Body>)) -> Answer {
    let mut request = signed(path, &all_fields());
    alter(&mut request);
    send(&house.router, request).await
}

#[tokio::test]
async fn forged_oversized_and_mistyped_requests_write_nothing() {
    let house = House::with(mode(CallMode::Forwarded)).await;
    let before = house.row_counts().await;
    for endpoint in ENDPOINTS {
        let path = path(&house, endpoint);
        let unsigned = send_altered(&house, &path, |request| {
            request.headers_mut().remove(SIGNATURE_HEADER);
        });
        assert_eq!(unsigned.await.status, StatusCode::UNAUTHORIZED, "{endpoint}");
        let forged = send_altered(&house, &path, |request| {
            request.headers_mut().insert(SIGNATURE_HEADER, "AAAAAAAAAAAAAAAAAAAAAAAAAAA=".parse().unwrap());
        })
        .await;
        assert_eq!(forged.status, StatusCode::UNAUTHORIZED, "{endpoint}");
        assert_eq!(forged.content_type, "application/problem+json");
        let tampered = send_altered(&house, &path, |request| *request.body_mut() = Body::from("From=%2B12125550145"));
        assert_eq!(tampered.await.status, StatusCode::UNAUTHORIZED, "{endpoint}");
        let json = send_altered(&house, &path, |request| {
            request.headers_mut().insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
        });
        assert_eq!(json.await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{endpoint}");
        let large = with(all_fields(), [("Body", &"x".repeat(1024 * 1024))]);
        assert_eq!(send(&house.router, signed(&path, &large)).await.status, StatusCode::PAYLOAD_TOO_LARGE);
        let get = Request::get(&path).body(Body::empty()).unwrap();
        assert_eq!(send(&house.router, get).await.status, StatusCode::METHOD_NOT_ALLOWED, "{endpoint}");
    }
    assert_eq!(house.row_counts().await, before);
}

#[tokio::test]
async fn a_field_that_is_missing_or_malformed_is_named() {
    let house = House::with(mode(CallMode::Forwarded)).await;
    let before = house.row_counts().await;
    for (endpoint, field) in [
        ("voice", "CallSid"),
        ("voice", "From"),
        ("voice", "To"),
        ("voice", "CallStatus"),
        ("dial-status", "CallSid"),
        ("dial-status", "To"),
        ("dial-status", "DialCallStatus"),
        ("whisper", "CallSid"),
        ("whisper-result", "CallSid"),
        ("voice-status", "CallSid"),
        ("voice-status", "CallStatus"),
        ("sms-inbound", "MessageSid"),
        ("sms-inbound", "From"),
        ("sms-inbound", "To"),
    ] {
        let path = path(&house, endpoint);
        let mut missing = all_fields();
        missing.retain(|(name, _)| name != field);
        assert_named(&house.post(&path, &missing).await, field);
        // `From` may say anything: it is a reason, not an error.
        if field != "From" {
            assert_named(&house.post(&path, &with(all_fields(), [(field, "no such thing")])).await, field);
        }
    }
    for (query, field) in [
        ("", "tenant"),
        ("?tenant=x&call=x", "tenant"),
        ("?tenant=00000000-0000-0000-0000-000000000001", "call"),
        ("?call=1&call=2", "call"),
    ] {
        let path = format!("/webhooks/twilio/whisper{query}");
        assert_named(&house.post(&path, &all_fields()).await, field);
    }
    let repeated = [all_fields(), fields([("From", "+12125550145")])].concat();
    assert_named(&house.post("/webhooks/twilio/voice", &repeated).await, "From");
    assert_eq!(house.row_counts().await, before);
}

fn assert_named(answer: &Answer, field: &str) {
    assert_eq!((answer.status, answer.content_type.as_str()), (StatusCode::BAD_REQUEST, "application/problem+json"));
    let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(problem["code"], "malformed_webhook");
    assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    assert!(!answer.body.contains("no such thing"), "an error repeats no value");
}

#[tokio::test]
async fn a_number_of_nobody_is_answered_and_forgotten() {
    let house = House::with(dial(true)).await;
    let before = house.row_counts().await;
    let to = [("To", "+14155550177")];
    let voice = house.report("voice", &with(leg(1, CALLER, "ringing"), to)).await;
    assert!(voice.body.contains("<Reject/>"), "{}", voice.body);
    house.report("voice-status", &with(leg(1, CALLER, "no-answer"), to)).await;
    house.report("dial-status", &with(with(leg(1, CALLER, "in-progress"), to), [("DialCallStatus", "busy")])).await;
    let sms = house.report("sms-inbound", &with(text(1, CALLER, "hello"), to)).await;
    assert!(sms.body.ends_with("<Response></Response>"));
    assert_eq!(house.row_counts().await, before);
}

#[tokio::test]
async fn only_the_rows_of_the_called_business_are_touched() {
    let house = House::with(mode(CallMode::Forwarded)).await;
    house.report("voice", &leg(1, CALLER, "ringing")).await;
    let other: nmc_kernel::TenantId = uuid::Uuid::max().into();
    let mut tx = house.database.app().read(other).await.unwrap();
    let seen: i64 =
        sqlx::query_scalar("select count(*) from tel_calls").fetch_one(tx.conn().await.unwrap()).await.unwrap();
    assert_eq!(seen, 0);
    assert_eq!(house.count("select count(*) from tel_calls").await, 1);
}

#[tokio::test]
async fn every_route_is_described_and_needs_a_signature() {
    let house = House::with(mode(CallMode::Forwarded)).await;
    let described: Vec<String> = house.openapi.paths.paths.keys().cloned().collect();
    let mut routes = ENDPOINTS.map(|endpoint| format!("/webhooks/twilio/{endpoint}"));
    routes.sort();
    assert_eq!(described, routes);
    for operation in house.openapi.paths.paths.values().filter_map(|path| path.post.as_ref()) {
        for status in ["200", "400", "401", "413", "415", "503"] {
            assert!(operation.responses.responses.contains_key(status), "{status}");
        }
    }
    for route in routes {
        let unsigned = Request::post(&route).body(Body::empty()).unwrap();
        assert_eq!(send(&house.router, unsigned).await.status, StatusCode::UNAUTHORIZED, "{route}");
    }
}
