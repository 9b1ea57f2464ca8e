//! One text per missed call, and none with a stated reason, through the real routes and Twilio's wire format.

mod harness;

use harness::{App, BUSINESS, OWNERS_PHONE, create_tenant, dialling, phone};
use nmc_identity::{CallMode, TenantSettings};
use nmc_simulators::twilio::{CallRequest, CallScenario, SimulatedNumber, Step, TextRequest, Transcript};

const CALLER: &str = "+14155550123";

async fn call(app: &App, scenario: CallScenario) -> Transcript {
    app.twilio.place_call(CallRequest::new(CALLER, app.number.clone(), scenario)).await
}

fn heard(transcript: &Transcript) -> String {
    let said = transcript.steps.iter().filter_map(|step| match step {
        Step::Said { text, .. } => Some(text.as_str()),
        Step::Webhook { .. } | Step::Note { .. } => None,
    });
    said.collect::<Vec<_>>().join(" ")
}

const DETECTED: &str = "select count(*) from outbox_events where event_name = 'nmc.telephony.CallDetected'";

#[tokio::test]
async fn a_call_nobody_answers_is_one_text_although_its_leg_completed() {
    let app = App::start(dialling()).await;
    let transcript = call(&app, CallScenario::NoAnswer).await;
    assert_eq!(transcript.final_status, "completed", "the trap: our TwiML answered the leg");
    app.settle().await;
    let texts = app.texts_to(CALLER);
    assert_eq!(texts.len(), 1);
    assert!(texts[0].contains("Example Plumbing") && texts[0].contains("Reply STOP to opt out"), "{}", texts[0]);
    assert_eq!(app.count(DETECTED).await, 1);
    let delivered = "select count(*) from conv_messages where status = 'delivered' and provider_message_id is not null";
    assert_eq!(app.count(delivered).await, 1, "the status callbacks arrived");
}

#[tokio::test]
async fn every_report_five_times_at_once_is_still_one_text() {
    let app = App::start(dialling()).await;
    let mut request = CallRequest::new(CALLER, app.number.clone(), CallScenario::NoAnswer);
    request.repeat = 5;
    let transcript = app.twilio.place_call(request).await;
    for step in &transcript.steps {
        if let Step::Webhook { url, answers, .. } = step {
            assert_eq!(answers.len(), 5);
            assert!(answers.iter().all(|a| a.is_success() && a.body == answers[0].body), "{url}: {answers:?}");
        }
    }
    app.settle().await;
    assert_eq!(app.texts_to(CALLER).len(), 1);
    assert_eq!(app.count(DETECTED).await, 1);
}

#[tokio::test]
async fn answered_but_nobody_pressed_1_is_missed_and_a_person_who_did_is_not() {
    for (scenario, texts) in [
        (CallScenario::Voicemail, 1),
        (CallScenario::Declined, 1),
        (CallScenario::Busy, 1),
        (CallScenario::Failed, 1),
        (CallScenario::CallerHangsUp { dial_reported: true }, 1),
        (CallScenario::Answered { talk_seconds: 30 }, 0),
    ] {
        let app = App::start(dialling()).await;
        call(&app, scenario.clone()).await;
        app.settle().await;
        assert_eq!(app.texts_to(CALLER).len(), texts, "{scenario:?}");
    }
}

#[tokio::test]
async fn a_caller_who_hangs_up_while_it_rings_is_missed_when_the_grace_is_over() {
    let app = App::start(dialling()).await;
    call(&app, CallScenario::CallerHangsUp { dial_reported: false }).await;
    app.settle().await;
    assert_eq!(app.texts_to(CALLER).len(), 0, "the report of the dial may still come");
    // Three seconds later.
    sqlx::raw_sql("update timers set due_at = due_at - interval '3 seconds' where kind = 'telephony.call-ended'")
        .execute(&mut app.look().await)
        .await
        .unwrap();
    sqlx::raw_sql("update tel_calls set ended_at = ended_at - interval '3 seconds'")
        .execute(&mut app.look().await)
        .await
        .unwrap();
    app.settle().await;
    assert_eq!(app.texts_to(CALLER).len(), 1);
    assert_eq!(app.count("select count(*) from tel_calls where reason = 'canceled'").await, 1);
}

#[tokio::test]
async fn five_calls_in_a_minute_are_one_text() {
    let app = App::start(dialling()).await;
    for n in 0..5 {
        call(&app, CallScenario::NoAnswer).await;
        // Sometimes the text is out before the next call, sometimes not.
        if n % 2 == 0 {
            app.settle().await;
        }
    }
    app.settle().await;
    assert_eq!(app.count(DETECTED).await, 5);
    assert_eq!(app.texts_to(CALLER).len(), 1);
    assert_eq!(
        app.count("select count(distinct correlation_id) from tel_calls").await,
        1,
        "one burst, one correlation"
    );
}

#[tokio::test]
async fn the_other_two_ways_a_call_reaches_us() {
    let app = App::start(TenantSettings { call_mode: CallMode::Forwarded, ..TenantSettings::default() }).await;
    let transcript = call(&app, CallScenario::NoAnswer).await;
    assert!(heard(&transcript).contains("text message"), "{}", heard(&transcript));
    app.settle().await;
    assert_eq!(app.texts_to(CALLER).len(), 1);
    assert_eq!(app.count("select count(*) from tel_calls where reason = 'forwarded'").await, 1);

    let app = App::start(TenantSettings { call_mode: CallMode::StatusOnly, ..TenantSettings::default() }).await;
    app.twilio.put_number(SimulatedNumber::at(app.number.clone(), &app.base_url).status_only());
    call(&app, CallScenario::NoAnswer).await;
    app.settle().await;
    assert_eq!(app.texts_to(CALLER).len(), 1);
    let app = App::start(TenantSettings { call_mode: CallMode::StatusOnly, ..TenantSettings::default() }).await;
    app.twilio.put_number(SimulatedNumber::at(app.number.clone(), &app.base_url).status_only());
    call(&app, CallScenario::Answered { talk_seconds: 5 }).await;
    app.settle().await;
    assert_eq!(app.texts_to(CALLER).len(), 0, "completed is answered, unless the installation says otherwise");
}

#[tokio::test]
async fn callers_who_cannot_be_texted_become_tasks_with_the_reason() {
    for (from, reason) in [
        ("anonymous", "withheld"),
        ("+266696687", "withheld"),
        ("72345", "short-code"),
        ("+18005550123", "toll-free"),
        (BUSINESS, "own-number"),
    ] {
        let app = App::start(dialling()).await;
        let request = CallRequest::new(from, app.number.clone(), CallScenario::NoAnswer);
        let transcript = app.twilio.place_call(request).await;
        assert!(
            heard(&transcript).contains("call you back") && !heard(&transcript).contains("text message"),
            "{from}: nobody is promised what cannot come: {}",
            heard(&transcript)
        );
        app.settle().await;
        assert!(app.twilio.accepted().is_empty(), "{from}");
        assert_eq!(app.count(DETECTED).await, 1, "{from}: the call is known all the same");
        let stated: String = sqlx::query_scalar("select untextable_reason from tel_calls")
            .fetch_one(&mut app.look().await)
            .await
            .unwrap();
        assert_eq!(stated, reason, "{from}");
        assert_eq!(app.count("select count(*) from conv_tasks where kind = 'call-back'").await, 1, "{from}");
    }
}

#[tokio::test]
async fn a_number_of_another_business_here_is_no_caller() {
    let app = App::start(dialling()).await;
    let other = phone("+14155550111");
    create_tenant(&app.modules, "Example Electric", dialling(), &other).await;
    app.twilio.place_call(CallRequest::new(other.as_str(), app.number.clone(), CallScenario::NoAnswer)).await;
    app.settle().await;
    assert!(app.twilio.accepted().is_empty(), "two automations would talk for ever");
    assert_eq!(app.count("select count(*) from conv_tasks where kind = 'call-back'").await, 1);
}

#[tokio::test]
async fn without_an_approved_campaign_nothing_is_sent_and_it_is_said_why() {
    let app = App::start_unapproved(dialling()).await;
    let transcript = call(&app, CallScenario::NoAnswer).await;
    assert!(heard(&transcript).contains("call you back"), "{}", heard(&transcript));
    app.settle().await;
    assert!(app.twilio.accepted().is_empty());
    assert_eq!(app.count("select count(*) from conv_conversations where state = 'blocked'").await, 1);
    let why = "select count(*) from comp_gate_decisions where outcome = 'block' and reason = 'campaign-not-approved'";
    assert_eq!(app.count(why).await, 1);
    // Approved within half an hour: the caller is greeted after all.
    app.approve().await;
    app.settle().await;
    assert_eq!(app.texts_to(CALLER).len(), 1);
    assert_eq!(app.count("select count(*) from conv_conversations where state = 'open'").await, 1);
}

#[tokio::test]
async fn who_said_stop_gets_nothing_more_and_it_is_said_why() {
    let app = App::start(dialling()).await;
    call(&app, CallScenario::NoAnswer).await;
    app.settle().await;
    app.twilio.send_text(TextRequest::new(CALLER, BUSINESS, " stop! ")).await;
    app.settle().await;
    let before = app.texts_to(CALLER).len();
    call(&app, CallScenario::NoAnswer).await;
    app.settle().await;
    assert_eq!(app.texts_to(CALLER).len(), before);
    let why = "select count(*) from comp_gate_decisions where outcome = 'block' and reason = 'opted-out' and subject_kind = 'call'";
    assert_eq!(app.count(why).await, 1);
    // START: texts again.
    app.twilio.send_text(TextRequest::new(CALLER, BUSINESS, "START")).await;
    app.settle().await;
    assert_eq!(app.count("select count(*) from comp_opt_outs where action = 'opt-in'").await, 1);
}

#[tokio::test]
async fn a_stop_between_composing_and_sending_wins() {
    let app = App::start(dialling()).await;
    call(&app, CallScenario::NoAnswer).await;
    // The greeting is composed and its intent written, but not yet claimed.
    app.outbox.drain().await.unwrap();
    assert_eq!(app.count("select count(*) from effect_intents where state = 'pending'").await, 1);
    app.twilio.send_text(TextRequest::new(CALLER, BUSINESS, "STOP")).await;
    // The sender comes before the consumer that would take the intent back.
    app.effects.drain().await.unwrap();
    assert_eq!(app.texts_to(CALLER).len(), 0);
    assert_eq!(app.count("select count(*) from effect_intents where state = 'cancelled'").await, 1);
    let why = "select count(*) from comp_gate_decisions where outcome = 'block' and reason = 'opted-out' and purpose = 'greeting'";
    assert_eq!(app.count(why).await, 1);
    app.settle().await;
    let greetings = "select count(*) from conv_messages where purpose = 'greeting' and status <> 'failed'";
    assert_eq!(app.count(greetings).await, 0);
}

#[tokio::test]
async fn a_text_that_opens_a_conversation_is_greeted_once() {
    let app = App::start(dialling()).await;
    for body in ["Hi there", "do you fix boilers?"] {
        app.twilio.send_text(TextRequest::new(CALLER, BUSINESS, body)).await;
        app.settle().await;
    }
    assert_eq!(app.texts_to(CALLER).len(), 1);
    assert_eq!(app.count("select count(*) from conv_messages where direction = 'in'").await, 2);
    assert_eq!(app.count("select count(*) from conv_conversations").await, 1);
}

#[tokio::test]
async fn the_phone_that_is_rung_hears_the_whisper() {
    let app = App::start(dialling()).await;
    let transcript = call(&app, CallScenario::Answered { talk_seconds: 10 }).await;
    let dialled = transcript.steps.iter().any(|step| match step {
        Step::Webhook { url, .. } => url.contains("/webhooks/twilio/whisper"),
        Step::Said { .. } | Step::Note { .. } => false,
    });
    assert!(dialled, "{OWNERS_PHONE} was rung without a whisper");
    app.settle().await;
    assert_eq!(app.count("select count(*) from tel_calls where status = 'accepted'").await, 1);
}
