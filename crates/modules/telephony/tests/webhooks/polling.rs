//! Calls and texts that no webhook delivered are found in Twilio's lists.

use chrono::{DateTime, Duration, Utc};
use nmc_events::{
    Event,
    telephony::{CallDetected, InboundSmsReceived},
};
use nmc_identity::{CallMode, TenantSettings};
use nmc_kernel::TenantId;
use nmc_simulators::twilio::{Api, Call, Fault, TextRequest, TextResult, When};
use tokio_util::sync::CancellationToken;

use crate::house::{BUSINESS, CALLER, Fields, House, call_sid, dial, leg, mode, phone};

/// A number that becomes the business's later.
const ANOTHER: &str = "+14155550102";
const POLLED: &str = "select count(*) from tel_polls where failures = 0";

/// A house whose lists have been read once, a moment ago.
async fn polled(settings: TenantSettings) -> House {
    let house = House::with(settings).await.approved().await;
    assert_eq!(house.poll().await, 0);
    house
}

/// A text that Twilio has and never told of.
async fn text_lost(house: &House, body: &str) -> TextResult {
    house.simulator.send_text(TextRequest::new(CALLER, BUSINESS, body)).await
}

/// A call that Twilio has and never told of, as it stands now; it began `ago`.
fn call_lost(house: &House, call: u32, status: &str, ago: Duration) {
    let began_at = house.clock.now() - ago;
    let seconds = u32::try_from(ago.num_seconds()).unwrap();
    put(house, call_sid(call), None, status, began_at, if status == "completed" { seconds } else { 0 });
}

fn put(house: &House, sid: String, parent: Option<String>, status: &str, started_at: DateTime<Utc>, seconds: u32) {
    house.simulator.put_call(Call {
        sid,
        direction: if parent.is_some() { "outbound-dial" } else { "inbound" }.to_owned(),
        parent_call_sid: parent,
        from: CALLER.to_owned(),
        to: BUSINESS.to_owned(),
        status: status.to_owned(),
        started_at,
        duration_seconds: seconds,
    });
}

/// The time passes after which the lists are read again.
async fn later(house: &House) -> usize {
    house.clock.advance(Duration::minutes(3));
    house.poll().await
}

async fn occurred<E: Event>(house: &House) -> Vec<DateTime<Utc>> {
    sqlx::query_scalar("select occurred_at from outbox_events where event_name = $1 order by seq")
        .bind(E::NAME)
        .fetch_all(&mut house.superuser().await)
        .await
        .unwrap()
}

/// What Twilio would have posted about a text.
fn webhook(text: &TextResult) -> Fields {
    text.params.clone()
}

#[tokio::test]
async fn a_lost_text_is_found_and_its_late_webhook_changes_nothing() {
    let house = polled(mode(CallMode::Forwarded)).await;
    let written_at = house.clock.now();
    let pictures = vec![("https://api.twilio.example/media/0".to_owned(), "image/png".to_owned())];
    let request = TextRequest { media: pictures, ..TextRequest::new(CALLER, BUSINESS, "My sink leaks") };
    let lost = house.simulator.send_text(request).await;
    assert_eq!(house.poll().await, 0, "not due yet");
    assert_eq!(later(&house).await, 1);
    let texts = house.texts().await;
    assert_eq!((texts.len(), texts[0].body.as_str(), texts[0].media_count), (1, "My sink leaks", 1));
    assert_eq!(texts[0].provider_ref, lost.message_sid);
    assert_eq!(occurred::<InboundSmsReceived>(&house).await, [written_at]);

    let before = house.row_counts().await;
    house.report("sms-inbound", &webhook(&lost)).await;
    assert_eq!(later(&house).await, 0);
    assert_eq!(house.row_counts().await, before);
}

#[tokio::test]
async fn a_lost_stop_is_one() {
    let house = polled(mode(CallMode::Forwarded)).await;
    text_lost(&house, "STOP").await;
    assert_eq!(later(&house).await, 1);
    assert_eq!(house.count("select count(*) from comp_opt_outs").await, 1);
}

/// The list has the newest first, and a STOP's webhook may have come through: whatever was written before it must not
/// undo it.
#[tokio::test]
async fn a_lost_start_undoes_no_stop() {
    for stop_is_lost in [true, false] {
        let house = polled(mode(CallMode::Forwarded)).await;
        for body in ["START", "yes", "UNSTOP"] {
            text_lost(&house, body).await;
            house.clock.advance(Duration::seconds(10));
        }
        let stop = text_lost(&house, "STOP").await;
        if !stop_is_lost {
            house.report("sms-inbound", &webhook(&stop)).await;
        }
        assert_eq!(later(&house).await, if stop_is_lost { 4 } else { 3 });
        assert_eq!(house.count("select count(*) from comp_opt_outs where action = 'opt-out'").await, 1);
        assert_eq!(house.count("select count(*) from comp_opt_outs").await, 1, "lost: {stop_is_lost}");
    }
}

#[tokio::test]
async fn a_lost_call_of_each_way() {
    for (settings, status, missed) in [
        (mode(CallMode::Forwarded), "completed", Some("forwarded")),
        (mode(CallMode::Forwarded), "no-answer", Some("forwarded")),
        (mode(CallMode::StatusOnly), "busy", Some("busy")),
        (mode(CallMode::StatusOnly), "canceled", Some("canceled")),
        (mode(CallMode::StatusOnly), "completed", None),
        (dial(true), "failed", Some("failed")),
        (dial(true), "completed", Some("canceled")),
        (dial(false), "no-answer", Some("no-answer")),
    ] {
        let house = polled(settings).await;
        let began_at = house.clock.now();
        call_lost(&house, 1, status, Duration::zero());
        assert_eq!(later(&house).await, 1, "{status}");
        house.fire_timers().await;
        assert_eq!(house.missed().await, Vec::from_iter(missed), "{status}");
        assert_eq!(house.count("select count(*) from tel_calls where status <> 'open'").await, 1, "{status}");
        for at in occurred::<CallDetected>(&house).await {
            assert!(at - began_at < Duration::seconds(10), "as of when it happened: {at}");
        }
        let calls = "select count(*) from tel_calls where created_at = '2026-03-04T17:00:00Z'";
        assert_eq!(house.count(calls).await, 1, "{status}");
        // Twilio's own reports come after all.
        house.report("voice", &leg(1, CALLER, "ringing")).await;
        house.report("voice-status", &leg(1, CALLER, status)).await;
        assert_eq!(later(&house).await, 0);
        assert_eq!((house.missed().await.len(), house.fire_timers().await), (usize::from(missed.is_some()), 0));
    }
}

#[tokio::test]
async fn where_the_fallback_rang_the_phone_its_leg_decides() {
    for (whisper, leg_status, missed) in
        [(false, "completed", None), (true, "completed", Some("not-accepted")), (false, "busy", Some("busy"))]
    {
        let house = polled(dial(whisper)).await;
        call_lost(&house, 1, "completed", Duration::zero());
        put(&house, call_sid(1_001), Some(call_sid(1)), leg_status, house.clock.now(), 0);
        assert_eq!(later(&house).await, 1);
        assert_eq!(house.missed().await, Vec::from_iter(missed), "{leg_status}");
        assert_eq!(house.count("select count(*) from tel_calls where status <> 'open'").await, 1);
        assert_eq!(house.count("select count(*) from timers").await, 0);
    }
}

#[tokio::test]
async fn what_a_webhook_delivered_costs_no_write() {
    let house = polled(mode(CallMode::StatusOnly)).await;
    house.report("voice-status", &leg(1, CALLER, "busy")).await;
    call_lost(&house, 1, "busy", Duration::zero());
    let told = text_lost(&house, "hello").await;
    house.report("sms-inbound", &webhook(&told)).await;
    let written = "select count(*) from (select xmin::text x from webhook_events union select xmin::text from tel_calls
         union select xmin::text from tel_inbound_sms union select xmin::text from outbox_events) t";
    let before = (house.count(written).await, house.row_counts().await);
    assert_eq!((later(&house).await, later(&house).await), (0, 0));
    assert_eq!((house.count(written).await, house.row_counts().await), before);
}

#[tokio::test]
async fn a_status_that_was_lost_after_others_came_is_found() {
    let house = polled(mode(CallMode::StatusOnly)).await;
    house.report("voice-status", &leg(1, CALLER, "ringing")).await;
    call_lost(&house, 1, "no-answer", Duration::zero());
    assert_eq!(later(&house).await, 1);
    assert_eq!(house.missed().await, ["no-answer"]);
}

#[tokio::test]
async fn calls_that_go_on_and_those_that_ended_a_moment_ago_wait() {
    let house = polled(mode(CallMode::StatusOnly)).await;
    call_lost(&house, 1, "in-progress", Duration::zero());
    let began_at = house.clock.now();
    for _ in 0..20 {
        assert_eq!(later(&house).await, 0);
    }
    // An hour later it ends; its webhook may still come.
    house.clock.advance(Duration::minutes(2) + Duration::seconds(10));
    let seconds = u32::try_from((house.clock.now() - began_at).num_seconds()).unwrap();
    put(&house, call_sid(1), None, "completed", began_at, seconds);
    house.clock.advance(Duration::seconds(50));
    assert_eq!(house.poll().await, 0);
    assert_eq!(house.count("select count(*) from tel_calls").await, 0);
    assert_eq!(later(&house).await, 1);
    assert_eq!(house.count("select count(*) from tel_calls where status = 'accepted'").await, 1);
}

#[tokio::test]
async fn a_list_of_several_pages_is_read_to_its_end() {
    let house = polled(mode(CallMode::Forwarded)).await;
    for number in 0..450 {
        text_lost(&house, &format!("text {number}")).await;
        call_lost(&house, number, "completed", Duration::zero());
    }
    assert_eq!(later(&house).await, 900);
    assert_eq!((house.texts().await.len(), house.missed().await.len()), (450, 450));
    assert_eq!(later(&house).await, 0);
    assert_eq!((house.texts().await.len(), house.missed().await.len()), (450, 450));
}

#[tokio::test]
async fn while_twilio_is_down_nothing_is_lost() {
    let house = polled(mode(CallMode::Forwarded)).await;
    let outage = Fault::Answer { status: 503, code: None, retry_after_seconds: None };
    house.simulator.add_fault(Api::ListMessages, outage, When::Always);
    text_lost(&house, "before").await;
    for _ in 0..20 {
        assert_eq!(later(&house).await, 0);
        text_lost(&house, "meanwhile").await;
    }
    assert_eq!(house.count(POLLED).await, 1, "the other list is read all the same");
    house.simulator.clear_faults();
    assert_eq!(later(&house).await, 21);
    assert_eq!(house.count(POLLED).await, 2);
}

#[tokio::test]
async fn twilio_is_left_alone_for_as_long_as_it_asks() {
    let house = polled(mode(CallMode::Forwarded)).await;
    let too_many = Fault::Answer { status: 429, code: Some(20_429), retry_after_seconds: Some(400) };
    house.simulator.add_fault(Api::ListMessages, too_many, When::Next { requests: 1 });
    text_lost(&house, "hello").await;
    assert_eq!(later(&house).await, 0);
    assert_eq!(later(&house).await, 0);
    assert_eq!(later(&house).await, 0, "60 seconds before the time");
    house.clock.advance(Duration::minutes(1));
    assert_eq!(house.poll().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_dispatchers_take_everything_once() {
    let house = polled(mode(CallMode::Forwarded)).await;
    for _ in 0..30 {
        text_lost(&house, "hello").await;
    }
    house.clock.advance(Duration::minutes(3));
    let polls = (0..4).map(|_| {
        let polling = house.polling.clone();
        tokio::spawn(async move { polling.poll_due().await.unwrap() })
    });
    let mut found = 0;
    for poll in polls.collect::<Vec<_>>() {
        found += poll.await.unwrap();
    }
    assert_eq!((found, house.texts().await.len()), (30, 30));
}

#[tokio::test]
async fn the_lease_of_a_reader_that_died_ends() {
    let house = polled(mode(CallMode::Forwarded)).await;
    text_lost(&house, "hello").await;
    house.clock.advance(Duration::minutes(3));
    sqlx::raw_sql("update tel_polls set leased_until = '2026-03-04T17:04:00Z'")
        .execute(&mut house.superuser().await)
        .await
        .unwrap();
    assert_eq!(house.poll().await, 0);
    house.clock.advance(Duration::minutes(1));
    assert_eq!(house.poll().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn webhook_and_polling_at_once() {
    let house = polled(mode(CallMode::StatusOnly)).await;
    for round in 1..=20 {
        let lost = text_lost(&house, "hello").await;
        call_lost(&house, round, "no-answer", Duration::zero());
        house.clock.advance(Duration::minutes(3));
        let (report, status) = (webhook(&lost), leg(round, CALLER, "no-answer"));
        tokio::join!(house.poll(), house.report("sms-inbound", &report), house.report("voice-status", &status),);
        let all = usize::try_from(round).unwrap();
        assert_eq!((house.texts().await.len(), house.missed().await.len()), (all, all));
    }
}

#[tokio::test]
async fn what_came_before_the_installation_or_the_number_was_connected_is_not_answered() {
    let house = House::with(mode(CallMode::Forwarded)).await;
    house.clock.advance(Duration::minutes(2));
    text_lost(&house, "before the first look").await;
    call_lost(&house, 1, "completed", Duration::seconds(30));
    house.clock.advance(Duration::seconds(1));
    assert_eq!(house.poll().await, 0);
    assert_eq!((later(&house).await, later(&house).await), (0, 0));

    let sent = |body: &str| TextRequest::new(CALLER, ANOTHER, body);
    house.simulator.send_text(sent("to a number of nobody")).await;
    assert_eq!(later(&house).await, 0);
    house.compliance.add_receiving_number(&house.operator(), &phone(ANOTHER)).await.unwrap();
    house.simulator.send_text(sent("to the business")).await;
    assert_eq!((later(&house).await, later(&house).await), (1, 0));
    assert_eq!(house.texts().await[0].body, "to the business");
}

#[tokio::test]
async fn outbound_texts_and_dialled_legs_are_not_taken() {
    let house = polled(mode(CallMode::StatusOnly)).await;
    put(&house, call_sid(7), Some(call_sid(1)), "busy", house.clock.now(), 0);
    assert_eq!(later(&house).await, 0);
    assert_eq!(house.count("select count(*) from tel_calls").await, 0);
}

#[tokio::test]
async fn an_entry_that_cannot_be_taken_hides_no_other() {
    let house = polled(mode(CallMode::Forwarded)).await;
    let unstorable = "x".repeat(17_000);
    text_lost(&house, &unstorable).await;
    text_lost(&house, "hello").await;
    assert_eq!(later(&house).await, 1);
    assert_eq!(house.texts().await[0].body, "hello");
}

#[tokio::test]
async fn the_account_is_read_once_and_belongs_to_no_business() {
    let house = polled(mode(CallMode::Forwarded)).await;
    let nobody: TenantId = uuid::Uuid::nil().into();
    let owners: Vec<uuid::Uuid> =
        sqlx::query_scalar("select tenant_id from tel_polls").fetch_all(&mut house.superuser().await).await.unwrap();
    assert_eq!(owners, [nobody.as_uuid(); 2]);
}

#[tokio::test]
async fn a_picture_that_is_gone_does_not_hold_its_text_up() {
    let house = polled(mode(CallMode::Forwarded)).await;
    let gone = Fault::Answer { status: 404, code: Some(20_404), retry_after_seconds: None };
    house.simulator.add_fault(Api::ListMedia, gone, When::Always);
    let pictures = vec![("https://api.twilio.example/media/0".to_owned(), "image/png".to_owned())];
    let request = TextRequest { media: pictures, ..TextRequest::new(CALLER, BUSINESS, "Look") };
    house.simulator.send_text(request).await;
    assert_eq!(later(&house).await, 1);
    assert_eq!(house.texts().await[0].media_count, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_process_that_stops_gives_the_list_back() {
    let house = polled(mode(CallMode::Forwarded)).await;
    for _ in 0..60 {
        text_lost(&house, "hello").await;
    }
    house.clock.advance(Duration::minutes(3));
    house.simulator.add_fault(Api::ListMessages, Fault::Delay { millis: 200 }, When::Next { requests: 1 });
    let (stop, polling) = (CancellationToken::new(), house.polling.clone());
    let running = tokio::spawn({
        let stop = stop.clone();
        async move { polling.run(stop).await }
    });
    let is_asked = async || house.simulator.summary().faults_played == 1;
    assert!(nmc_testkit::eventually(std::time::Duration::from_secs(10), is_asked).await);
    stop.cancel();
    running.await.unwrap();
    assert_eq!(house.count("select count(*) from tel_polls where leased_until is not null").await, 0);
    assert!(house.texts().await.is_empty());
    assert_eq!(house.poll().await, 60);
}
