//! Calls, texts and webhooks by hand, against a service with the production verifier; and the controls over HTTP.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets the unexpected stops there")]

mod support;

use nmc_simulators::twilio::{
    CallRequest, CallScenario, Heard, SignatureKind, SimulatedNumber, Step, Summary, TextRequest, Transcript,
    TwilioSettings, TwilioSimulator, WebhookRequest,
};
use serde_json::json;
use support::{BUSINESS, CALLER, OWNER_PHONE, PUBLIC, World, phone};

async fn call(world: &World, scenario: CallScenario) -> Transcript {
    let transcript = world.simulator.place_call(CallRequest::new(CALLER, phone(BUSINESS), scenario)).await;
    assert!(transcript.all_answered(), "{transcript:#?}");
    transcript
}

#[tokio::test]
async fn each_scenario_is_reported_as_twilio_does() {
    let dial_reported = |dial_reported| CallScenario::CallerHangsUp { dial_reported };
    let table = [
        (CallScenario::NoAnswer, Some("no-answer"), 0),
        (CallScenario::Busy, Some("busy"), 0),
        (CallScenario::Failed, Some("failed"), 0),
        (CallScenario::Answered { talk_seconds: 42 }, Some("completed"), 1),
        (CallScenario::Declined, Some("completed"), 1),
        (CallScenario::Voicemail, Some("completed"), 0),
        (dial_reported(true), Some("canceled"), 0),
        (dial_reported(false), None, 0),
    ];
    for (scenario, dial_status, keys) in table {
        let world = World::start().await;
        let transcript = call(&world, scenario.clone()).await;
        let dials = world.heard.on("dial-status?call=1&x=2");
        assert_eq!(dials.first().and_then(|form| form.get("DialCallStatus")), dial_status, "{scenario:?}");
        assert_eq!(world.heard.on("whisper-result").len(), keys, "{scenario:?}");
        let ends = world.heard.on("voice-status");
        assert_eq!(ends.len(), 1);
        assert_eq!(ends[0].get("CallStatus"), Some("completed"), "{scenario:?}");
        assert_eq!(ends[0].get("CallSid"), Some(transcript.call_sid.as_str()));
    }
}

#[tokio::test]
async fn the_whisper_runs_on_a_leg_of_its_own() {
    let world = World::start().await;
    let transcript = call(&world, CallScenario::Answered { talk_seconds: 42 }).await;
    let dialled = transcript.dialled_call_sid.as_deref();
    for route in ["/whisper", "whisper-result"] {
        let form = &world.heard.on(route)[0];
        assert_eq!(form.get("CallSid"), dialled);
        assert_eq!(form.get("ParentCallSid"), Some(transcript.call_sid.as_str()));
        assert_eq!((form.get("To"), form.get("Direction")), (Some(OWNER_PHONE), Some("outbound-dial")));
    }
    assert_eq!(world.heard.on("whisper-result")[0].get("Digits"), Some("1"));
    assert_eq!(transcript.heard_by(Heard::Dialled), ["Press 1."]);
    let dial = &world.heard.on("dial-status")[0];
    assert_eq!((dial.get("DialCallSid"), dial.get("DialCallDuration")), (dialled, Some("42")));
    assert_eq!(world.heard.on("voice-status")[0].get("CallDuration"), Some("42"));
}

#[tokio::test]
async fn a_voicemail_is_not_connected() {
    let world = World::start().await;
    let transcript = call(&world, CallScenario::Voicemail).await;
    assert!(transcript.steps.iter().any(|s| matches!(s, Step::Note { text, .. } if text.contains("not connected"))));
    assert_eq!(transcript.heard_by(Heard::Caller), ["Sorry, we will text you."]);
}

#[tokio::test]
async fn a_forwarded_call_hears_the_sentence() {
    let world = World::start().await;
    let request = CallRequest {
        forwarded_from: Some("+14155550177".to_owned()),
        ..CallRequest::new("anonymous", phone(BUSINESS), CallScenario::NoAnswer)
    };
    let transcript = world.simulator.place_call(request).await;
    assert_eq!(transcript.heard_by(Heard::Caller), ["We will text you."]);
    assert_eq!(transcript.final_status, "completed");
    assert!(world.heard.on("dial-status").is_empty());
}

#[tokio::test]
async fn with_status_callbacks_alone_the_status_tells() {
    let world = World::start().await;
    world.simulator.put_number(SimulatedNumber::at(phone(BUSINESS), PUBLIC).status_only());
    for (scenario, status) in [(CallScenario::NoAnswer, "no-answer"), (CallScenario::Busy, "busy")] {
        assert_eq!(call(&world, scenario).await.final_status, status);
    }
    assert_eq!(world.heard.count(), 2);
}

#[tokio::test]
async fn every_webhook_five_times_at_once() {
    let world = World::start().await;
    let request = CallRequest { repeat: 5, ..CallRequest::new(CALLER, phone(BUSINESS), CallScenario::NoAnswer) };
    assert!(world.simulator.place_call(request).await.all_answered());
    for (route, times) in [("/voice", 10), ("/dial-status", 5), ("/voice-status", 5)] {
        assert_eq!(world.heard.on(route).len(), times, "{route}");
    }
    assert_eq!(world.heard.count(), 15);
}

#[tokio::test]
async fn a_service_that_is_down_is_asked_again_and_then_its_fallback() {
    let world = World::start().await;
    world.refuse(4);
    call(&world, CallScenario::NoAnswer).await;
    assert_eq!(world.heard.on("/voice").len(), 2, "voice and voice-status");
    let fallback = SimulatedNumber {
        voice_url: Some("http://127.0.0.1:1/voice".to_owned()),
        voice_fallback_url: Some(format!("{PUBLIC}/webhooks/twilio/voice")),
        sms_url: Some("http://127.0.0.1:1/sms".to_owned()),
        sms_fallback_url: Some(format!("{PUBLIC}/webhooks/twilio/sms-inbound")),
        ..SimulatedNumber::at(phone(BUSINESS), PUBLIC)
    };
    world.simulator.put_number(fallback);
    let request = CallRequest::new(CALLER, phone(BUSINESS), CallScenario::NoAnswer);
    assert_eq!(world.simulator.place_call(request).await.final_status, "completed");
    let text = world.simulator.send_text(TextRequest::new(CALLER, BUSINESS, "Hello")).await;
    assert!(text.answer.unwrap().is_success());
    assert_eq!(world.heard.on("sms-inbound").len(), 1);
}

#[tokio::test]
async fn pictures_and_opt_out_types() {
    let world = World::start().await;
    let behaviour = nmc_simulators::twilio::Behaviour { advanced_opt_out: true, ..world.simulator.behaviour() };
    world.simulator.set_behaviour(behaviour);
    let media = vec![("https://media.example/1".to_owned(), "image/jpeg".to_owned())];
    let picture = TextRequest { media, ..TextRequest::new(CALLER, BUSINESS, "") };
    assert!(world.simulator.send_text(picture).await.message_sid.starts_with("MM"));
    world.simulator.send_text(TextRequest::new(CALLER, BUSINESS, "Unsubscribe")).await;
    let texts = world.heard.on("sms-inbound");
    assert_eq!(texts[0].get("MediaUrl0"), Some("https://media.example/1"));
    assert_eq!((texts[0].get("OptOutType"), texts[1].get("OptOutType")), (None, Some("STOP")));
}

#[tokio::test]
async fn forged_unsigned_and_repeated_webhooks() {
    let world = World::start().await;
    let params = vec![
        ("MessageSid".to_owned(), format!("SM{}", "a".repeat(32))),
        ("MessageStatus".to_owned(), "sent".to_owned()),
    ];
    let good = WebhookRequest::new("/webhooks/twilio/sms-status?intent=7", params);
    for (signature, status) in
        [(SignatureKind::Wrong, 401), (SignatureKind::Missing, 401), (SignatureKind::Correct, 204)]
    {
        let request = WebhookRequest { signature, times: 5, concurrently: true, ..good.clone() };
        let answers = world.simulator.deliver(request).await;
        assert_eq!(answers.len(), 5);
        assert!(answers.iter().all(|answer| answer.status == Some(status)), "{signature:?}: {answers:?}");
    }
    assert_eq!(world.heard.count(), 5);
    let text = world.simulator.send_text(TextRequest::new(CALLER, BUSINESS, "Hello")).await;
    let again = WebhookRequest::new("/webhooks/twilio/sms-inbound", text.params);
    assert!(world.simulator.deliver(again).await[0].is_success());
    let texts = world.heard.on("sms-inbound");
    assert_eq!((texts.len(), &texts[0]), (2, &texts[1]));
    let malformed = WebhookRequest { params: vec![], ..good };
    let answer = &world.simulator.deliver(malformed).await[0];
    assert_eq!((answer.status, answer.body.as_str()), (Some(400), "MessageSid: is missing"));
}

#[tokio::test]
async fn the_controls_over_http() {
    let world = World::start().await;
    let base = format!("{}/simulator", world.simulator.base_url());
    let http = support_client();
    let post = async |path: &str, body: serde_json::Value| {
        http.post(format!("{base}{path}")).json(&body).send().await.unwrap().error_for_status().unwrap()
    };
    let transcript: Transcript =
        post("/calls", json!({ "from": CALLER, "to": BUSINESS, "scenario": { "kind": "voicemail" } }))
            .await
            .json()
            .await
            .unwrap();
    assert_eq!(transcript.final_status, "completed");
    post("/texts", json!({ "from": CALLER, "to": BUSINESS, "body": "Hi" })).await;
    let fault = json!({
        "api": "send_message",
        "fault": { "kind": "answer", "status": 429, "code": 20429, "retry_after_seconds": 1 },
        "when": { "when": "next", "requests": 1 },
    });
    post("/faults", fault).await;
    let put = async |path: &str, body: serde_json::Value| {
        http.put(format!("{base}{path}")).json(&body).send().await.unwrap().error_for_status().unwrap()
    };
    put("/behaviour", json!({ "step_millis": 1, "listing_gap_millis": 5 })).await;
    put("/delivery", json!({ "to": CALLER, "plan": { "outcome": { "kind": "failed", "code": 30007 } } })).await;
    let client = world.client();
    assert_eq!(client.send(&support::text(CALLER, "x")).await.as_str(), "not-sent");
    assert_eq!(client.send(&support::text(CALLER, "x")).await.as_str(), "accepted");
    world.simulator.settled().await;
    let get = async |path: &str| http.get(format!("{base}{path}")).send().await.unwrap().error_for_status().unwrap();
    let messages: Vec<nmc_simulators::twilio::Message> =
        get(&format!("/messages?with={}", CALLER.replace('+', "%2B"))).await.json().await.unwrap();
    assert_eq!(messages.iter().map(|m| m.status.as_str()).collect::<Vec<_>>(), ["received", "failed"]);
    let summary: Summary = get("/summary").await.json().await.unwrap();
    assert_eq!((summary.accepted, summary.inbound, summary.refused, summary.faults_played), (1, 1, 1, 1));
    let bad = http.post(format!("{base}/calls")).json(&json!({ "from": CALLER, "to": "nobody" })).send().await.unwrap();
    assert_eq!(bad.status().as_u16(), 422);
}

#[allow(clippy::disallowed_methods, reason = "a browser's stand-in")]
fn support_client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

#[tokio::test]
async fn messages_are_kept_over_a_restart() {
    let directory = std::env::temp_dir().join(format!("nmc-simulator-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("messages.jsonl");
    let settings = |world: TwilioSettings| TwilioSettings { snapshot: Some(path.clone()), ..world };
    let world = World::start_with(settings).await;
    world.client().send(&support::text(CALLER, "one")).await;
    world.simulator.settled().await;
    world.simulator.send_text(TextRequest::new(CALLER, BUSINESS, "STOP")).await;
    drop(world);
    // What a crash in the middle of a write leaves.
    std::io::Write::write_all(&mut std::fs::OpenOptions::new().append(true).open(&path).unwrap(), b"{\"sid\":\"SM")
        .unwrap();
    let mut again = TwilioSettings::new(support::account_sid(), support::token(), PUBLIC);
    again.snapshot = Some(path.clone());
    let simulator = TwilioSimulator::start(again).await.unwrap();
    assert_eq!(simulator.accepted_to(&phone(CALLER))[0].status, "delivered");
    assert_eq!((simulator.summary().accepted, simulator.summary().inbound), (1, 1));
    std::fs::remove_dir_all(&directory).unwrap();
}
