//! Repetitions, at once and later: one announcement per call, and the same TwiML.

use axum::http::StatusCode;
use nmc_identity::CallMode;

use crate::house::{
    Answer, BUSINESS, CALLER, Fields, House, address, call_sid, dial, fields, leg, mode, send, signed, text, with,
};

/// Posts each of these five times, everything at once.
async fn five_times_at_once(house: &House, webhooks: &[(String, Fields)]) -> Vec<Vec<Answer>> {
    let running: Vec<Vec<_>> = webhooks
        .iter()
        .map(|(path, fields)| {
            let post = || {
                let (router, request) = (house.router.clone(), signed(path, fields));
                tokio::spawn(async move { send(&router, request).await })
            };
            (0..5).map(|_| post()).collect()
        })
        .collect();
    let mut answers = Vec::new();
    for five in running {
        let mut of_one = Vec::new();
        for answer in five {
            of_one.push(answer.await.unwrap());
        }
        answers.push(of_one);
    }
    answers
}

fn dial_status(status: &str) -> (String, Fields) {
    let fields = with(leg(1, CALLER, "in-progress"), [("DialCallStatus", status)]);
    ("/webhooks/twilio/dial-status".to_owned(), fields)
}

fn voice_status(status: &str) -> (String, Fields) {
    ("/webhooks/twilio/voice-status".to_owned(), leg(1, CALLER, status))
}

fn voice() -> (String, Fields) {
    ("/webhooks/twilio/voice".to_owned(), leg(1, CALLER, "ringing"))
}

fn assert_same(answers: &[Vec<Answer>]) {
    for five in answers {
        assert!(five.iter().all(|answer| *answer == five[0] && answer.status == StatusCode::OK), "{five:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn dial_status_and_voice_status_five_times_each_at_once() {
    for first in ["no-answer", "busy"] {
        let house = House::with(dial(true)).await.approved().await;
        house.report("voice", &leg(1, CALLER, "ringing")).await;
        let webhooks = [dial_status(first), voice_status("completed"), voice_status("canceled")];
        let answers = five_times_at_once(&house, &webhooks).await;
        assert_same(&answers);
        assert_eq!(house.missed().await.len(), 1);
        assert_eq!(house.count("select count(*) from tel_calls").await, 1);
        assert_eq!(house.count("select count(*) from webhook_events").await, 4);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_call_first_heard_of_by_everything_at_once() {
    for settings in [dial(true), dial(false), mode(CallMode::Forwarded), mode(CallMode::StatusOnly)] {
        let house = House::with(settings).await;
        let webhooks = [voice(), dial_status("no-answer"), voice_status("no-answer"), voice_status("ringing")];
        let answers = five_times_at_once(&house, &webhooks).await;
        assert_same(&answers);
        assert_eq!(house.missed().await.len(), 1);
        assert_eq!(house.count("select count(*) from tel_calls").await, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_text_five_times_at_once() {
    let house = House::with(mode(CallMode::Forwarded)).await;
    let webhook = ("/webhooks/twilio/sms-inbound".to_owned(), text(1, CALLER, "Stop"));
    assert_same(&five_times_at_once(&house, &[webhook]).await);
    assert_eq!(house.texts().await.len(), 1);
    assert_eq!(house.count("select count(*) from comp_opt_outs").await, 1);
}

#[tokio::test]
async fn later_repetitions_get_the_same_twiml() {
    let house = House::with(dial(true)).await.approved().await;
    let of = |call: u32| {
        fields([
            ("CallSid", &call_sid(call + 1_000)),
            ("ParentCallSid", &call_sid(call)),
            ("From", CALLER),
            ("To", BUSINESS),
        ])
    };
    let mut answers = Vec::new();
    let mut play = async |path: String, fields: Fields| {
        let answer = house.post(&path, &fields).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answers.push((path, fields, answer.clone()));
        answer.body
    };
    let (path, call) = voice();
    let rings = play(path, call).await;
    let asks = play(address(&rings, "<Number url"), of(1)).await;
    play(address(&asks, "action"), with(of(1), [("Digits", "1")])).await;
    let (path, ended) = dial_status("completed");
    play(path, ended).await;
    // Another call, which nobody takes.
    let rings = play("/webhooks/twilio/voice".to_owned(), leg(2, CALLER, "ringing")).await;
    let asks = play(address(&rings, "<Number url"), of(2)).await;
    play(address(&asks, "action"), with(of(2), [("Digits", "9")])).await;
    let ended = with(leg(2, CALLER, "in-progress"), [("DialCallStatus", "no-answer")]);
    play("/webhooks/twilio/dial-status".to_owned(), ended).await;

    let before = house.row_counts().await;
    // Meanwhile nobody may be texted any more: what was said stays said.
    house.compliance.reject_campaign(&house.operator(), 1).await.unwrap();
    for (path, fields, answer) in answers.iter().rev().chain(&answers) {
        assert_eq!(house.post(path, fields).await, *answer, "{path}");
    }
    let changed: Vec<_> = house.row_counts().await;
    let events_apart = |counts: Vec<(String, i64)>| counts.into_iter().filter(|(table, _)| table != "outbox_events");
    assert!(events_apart(before).eq(events_apart(changed)));
    assert_eq!(house.missed().await, ["not-accepted"]);
}

#[tokio::test]
async fn the_same_id_with_another_content_has_no_effect() {
    let house = House::with(mode(CallMode::Forwarded)).await;
    house.report("voice-status", &leg(1, CALLER, "completed")).await;
    house.report("voice-status", &leg(1, "+12125550145", "completed")).await;
    assert_eq!(house.missed().await, ["forwarded"]);
    assert_eq!(house.count("select count(*) from tel_calls").await, 1);
}
