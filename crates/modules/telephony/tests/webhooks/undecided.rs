//! A dialled call whose later reports are lost: Twilio is asked.

use chrono::Duration;
use nmc_simulators::twilio::{Api, Call, Fault, When};

use crate::house::{BUSINESS, CALLER, House, PHONE, call_sid, dial, leg, with};

const INTENTS: &str = "select count(*) from effect_intents where kind = 'call-status'";

/// What Twilio would say of call 1.
fn stands(house: &House, status: &str) {
    house.simulator.put_call(Call {
        sid: call_sid(1),
        parent_call_sid: None,
        from: CALLER.to_owned(),
        to: BUSINESS.to_owned(),
        status: status.to_owned(),
        direction: "inbound".to_owned(),
        started_at: house.clock.now(),
        duration_seconds: 0,
    });
}

/// How the leg to the business's phone ended, Twilio would say.
fn leg_stands(house: &House, status: &str) {
    house.simulator.put_call(Call {
        sid: call_sid(1_001),
        parent_call_sid: Some(call_sid(1)),
        from: CALLER.to_owned(),
        to: PHONE.to_owned(),
        status: status.to_owned(),
        direction: "outbound-dial".to_owned(),
        started_at: house.clock.now(),
        duration_seconds: 0,
    });
}

/// A call that was taken, of which nothing more is heard.
async fn silent(status: &str) -> House {
    let house = House::with(dial(true)).await.approved().await;
    house.report("voice", &leg(1, CALLER, "ringing")).await;
    stands(&house, status);
    house
}

/// The time passes after which the call is asked about, and it is.
async fn asked(house: &House) -> usize {
    house.clock.advance(Duration::minutes(3));
    assert_eq!(house.fire_timers().await, 1);
    house.ask_twilio().await
}

#[tokio::test]
async fn a_call_whose_end_was_never_reported_is_missed_after_all() {
    let house = silent("completed").await;
    house.clock.advance(Duration::seconds(179));
    assert_eq!(house.fire_timers().await, 0);
    house.clock.advance(Duration::seconds(1));
    assert_eq!((house.fire_timers().await, house.ask_twilio().await), (1, 1));
    // As after a reported end, the report of the dial has its three seconds.
    assert!(house.missed().await.is_empty());
    house.clock.advance(Duration::seconds(3));
    assert_eq!(house.fire_timers().await, 1);
    assert_eq!(house.missed().await, ["canceled"]);
    house.clock.advance(Duration::days(2));
    assert_eq!((house.fire_timers().await, house.ask_twilio().await), (0, 0));
    assert_eq!(house.missed().await.len(), 1);
}

#[tokio::test]
async fn an_end_that_says_why_decides_at_once() {
    let house = silent("busy").await;
    assert_eq!(asked(&house).await, 1);
    assert_eq!(house.missed().await, ["busy"]);
    assert_eq!(house.count("select count(*) from timers").await, 0);
}

#[tokio::test]
async fn the_leg_to_the_business_s_phone_decides() {
    for (whisper, leg_status, missed) in [
        (false, "completed", None),
        (true, "completed", Some("not-accepted")),
        (true, "no-answer", Some("no-answer")),
        (false, "busy", Some("busy")),
        (false, "in-progress", Some("canceled")),
    ] {
        let house = House::with(dial(whisper)).await;
        house.report("voice", &leg(1, CALLER, "ringing")).await;
        stands(&house, "completed");
        leg_stands(&house, leg_status);
        assert_eq!(asked(&house).await, 1);
        house.fire_timers().await;
        assert_eq!(house.missed().await, Vec::from_iter(missed), "{whisper} {leg_status}");
        let decided = "select count(*) from tel_calls where status <> 'open'";
        assert_eq!((house.count(decided).await, house.count("select count(*) from timers").await), (1, 0));
    }
}

#[tokio::test]
async fn what_is_learned_late_is_announced_as_of_when_it_happened() {
    let house = silent("no-answer").await;
    let ended_at = house.clock.now();
    house.clock.advance(Duration::hours(5));
    assert_eq!(asked(&house).await, 1);
    let occurred_at: chrono::DateTime<chrono::Utc> = sqlx::query_scalar("select occurred_at from outbox_events")
        .fetch_one(&mut house.superuser().await)
        .await
        .unwrap();
    assert_eq!((house.missed().await, occurred_at), (vec!["no-answer"], ended_at));
}

#[tokio::test]
async fn a_call_that_goes_on_is_asked_about_again_but_not_for_ever() {
    let house = silent("in-progress").await;
    for _ in 0..3 {
        assert_eq!(asked(&house).await, 1);
    }
    assert_eq!(house.count(INTENTS).await, 3);
    assert!(house.missed().await.is_empty());
    house.clock.advance(Duration::days(1));
    assert_eq!(asked(&house).await, 1);
    assert_eq!(house.missed().await, ["canceled"]);
    assert_eq!(house.count("select count(*) from timers").await, 0);
}

#[tokio::test]
async fn a_call_twilio_does_not_know_is_missed() {
    let house = House::with(dial(true)).await;
    house.report("voice", &leg(1, CALLER, "ringing")).await;
    assert_eq!(asked(&house).await, 1);
    assert_eq!(house.missed().await, ["canceled"]);
}

#[tokio::test]
async fn a_twilio_that_does_not_answer_is_asked_again() {
    let house = silent("no-answer").await;
    let outage = Fault::Answer { status: 503, code: None, retry_after_seconds: None };
    house.simulator.add_fault(Api::FetchCall, outage, When::Always);
    assert!(asked(&house).await >= 1);
    assert!(house.missed().await.is_empty());
    house.simulator.clear_faults();
    // The question has become useless: the next one is answered.
    house.clock.advance(Duration::minutes(4));
    house.ask_twilio().await;
    assert_eq!(asked(&house).await, 1);
    assert_eq!(house.missed().await, ["no-answer"]);
}

#[tokio::test]
async fn a_call_that_is_decided_meanwhile_is_not_asked_about() {
    let house = silent("in-progress").await;
    house.clock.advance(Duration::minutes(3));
    assert_eq!(house.fire_timers().await, 1);
    house.report("dial-status", &with(leg(1, CALLER, "in-progress"), [("DialCallStatus", "busy")])).await;
    house.ask_twilio().await;
    let cancelled = "select count(*) from effect_intents where state = 'cancelled'";
    assert_eq!((house.count(cancelled).await, house.count(INTENTS).await), (1, 1));
    assert_eq!(house.missed().await, ["busy"]);
    // And one that was decided in time sets nothing off.
    assert_eq!(house.count("select count(*) from timers").await, 0);
}
