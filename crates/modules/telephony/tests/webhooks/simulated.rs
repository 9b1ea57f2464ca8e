//! Whole calls as the simulated Twilio plays them: it reads our TwiML and goes where that sends it.

use chrono::Duration;
use nmc_identity::{CallMode, TenantSettings};
use nmc_simulators::twilio::{Behaviour, CallRequest, CallScenario, Heard, SimulatedNumber, TextRequest, Transcript};

use crate::house::{BASE_URL, BUSINESS, CALLER, House, dial, mode, phone};

/// The house, reachable by its simulated Twilio.
struct Line {
    house: House,
}

impl Line {
    async fn open(settings: TenantSettings) -> Self {
        let is_status_only = settings.call_mode == CallMode::StatusOnly;
        let house = House::with(settings).await.approved().await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = house.router.clone();
        // Ends with the test's runtime.
        tokio::spawn(async move { axum::serve(listener, router).await });
        let number = SimulatedNumber::at(phone(BUSINESS), BASE_URL);
        house.simulator.put_number(if is_status_only { number.status_only() } else { number });
        house.simulator.point_at(format!("http://{address}"));
        Self { house }
    }

    /// From now on none of these webhooks is delivered.
    fn loses(&self, webhooks: &[&str]) {
        let lost_webhooks = webhooks.iter().map(|webhook| (*webhook).to_owned()).collect();
        self.house.simulator.set_behaviour(Behaviour { lost_webhooks, ..self.house.simulator.behaviour() });
    }

    /// A call of which every webhook is sent five times at once.
    async fn call(&self, scenario: CallScenario) -> Transcript {
        let request = CallRequest { repeat: 5, ..CallRequest::new(CALLER, phone(BUSINESS), scenario) };
        let transcript = self.house.simulator.place_call(request).await;
        assert!(transcript.all_answered(), "{transcript:#?}");
        transcript
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_scenario_of_a_dialled_call() {
    let hangs_up = |dial_reported| CallScenario::CallerHangsUp { dial_reported };
    for (scenario, with_whisper, without) in [
        (CallScenario::NoAnswer, Some("no-answer"), Some("no-answer")),
        (CallScenario::Busy, Some("busy"), Some("busy")),
        (CallScenario::Failed, Some("failed"), Some("failed")),
        (CallScenario::Answered { talk_seconds: 42 }, None, None),
        (CallScenario::Voicemail, Some("not-accepted"), None),
        (CallScenario::Declined, Some("not-accepted"), None),
        (hangs_up(true), Some("canceled"), Some("canceled")),
        (hangs_up(false), Some("canceled"), Some("canceled")),
    ] {
        for (whisper, missed) in [(true, with_whisper), (false, without)] {
            let line = Line::open(dial(whisper)).await;
            line.call(scenario.clone()).await;
            line.house.clock.advance(Duration::seconds(3));
            line.house.fire_timers().await;
            assert_eq!(line.house.missed().await, Vec::from_iter(missed), "{scenario:?}, whisper {whisper}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_heard() {
    let line = Line::open(dial(true)).await;
    let transcript = line.call(CallScenario::Voicemail).await;
    assert_eq!(transcript.heard_by(Heard::Dialled), ["A call for Example Plumbing. Press 1 to take it."]);
    let caller =
        "This is Example Plumbing. Sorry that we could not take your call. We are sending you a text message now.";
    assert_eq!(transcript.heard_by(Heard::Caller), [caller]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn forwarded_and_status_only_calls() {
    let line = Line::open(mode(CallMode::Forwarded)).await;
    let transcript = line.call(CallScenario::NoAnswer).await;
    assert_eq!(transcript.heard_by(Heard::Caller).len(), 1);
    assert_eq!(line.house.missed().await, ["forwarded"]);

    let line = Line::open(mode(CallMode::StatusOnly)).await;
    line.call(CallScenario::Busy).await;
    line.call(CallScenario::Answered { talk_seconds: 42 }).await;
    assert_eq!(line.house.missed().await, ["busy"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_text() {
    let line = Line::open(mode(CallMode::Forwarded)).await;
    let text = TextRequest::new(CALLER, BUSINESS, "My sink leaks");
    let pictures = vec![("https://api.twilio.example/media/0".to_owned(), "image/png".to_owned())];
    let result = line.house.simulator.send_text(TextRequest { media: pictures, ..text }).await;
    assert!(result.answer.is_some_and(|answer| answer.is_success()));
    let texts = line.house.texts().await;
    assert_eq!((texts.len(), texts[0].media_count, texts[0].body.as_str()), (1, 1, "My sink leaks"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn with_every_webhook_lost_polling_finds_what_there_was() {
    for (settings, missed) in
        [(dial(true), "failed"), (mode(CallMode::Forwarded), "forwarded"), (mode(CallMode::StatusOnly), "no-answer")]
    {
        let line = Line::open(settings).await;
        line.house.poll().await;
        line.loses(&["voice", "voice-status", "sms-inbound"]);
        let request = CallRequest::new(CALLER, phone(BUSINESS), CallScenario::NoAnswer);
        line.house.simulator.place_call(request).await;
        line.house.simulator.send_text(TextRequest::new(CALLER, BUSINESS, "Hello?")).await;
        assert!(line.house.missed().await.is_empty() && line.house.texts().await.is_empty());
        line.house.clock.advance(Duration::minutes(3));
        assert_eq!(line.house.poll().await, 2);
        assert_eq!((line.house.missed().await, line.house.texts().await.len()), (vec![missed], 1));
    }
}
