//! The third way: calls run elsewhere, and only their status is reported.

use nmc_identity::CallMode;

use crate::house::{CALLER, House, call_sid, leg, mode, said, with};

#[tokio::test]
async fn the_status_decides() {
    for (status, missed) in [
        ("no-answer", Some("no-answer")),
        ("busy", Some("busy")),
        ("failed", Some("failed")),
        ("canceled", Some("canceled")),
        ("completed", None),
        ("teleported", None),
    ] {
        let house = House::with(mode(CallMode::StatusOnly)).await;
        house.report("voice-status", &leg(1, CALLER, "ringing")).await;
        let answer = house.report("voice-status", &leg(1, CALLER, status)).await;
        assert!(answer.body.is_empty());
        assert_eq!(house.missed().await, Vec::from_iter(missed), "{status}");
    }
}

#[tokio::test]
async fn short_calls_count_where_the_installation_says_so() {
    for (is_on, seconds, missed) in [(true, "9", Some("short-complete")), (true, "10", None), (false, "9", None)] {
        let settings = mode(CallMode::StatusOnly);
        let house = if is_on { House::that_misses_short_calls(settings).await } else { House::with(settings).await };
        house.report("voice-status", &with(leg(1, CALLER, "completed"), [("CallDuration", seconds)])).await;
        assert_eq!(house.missed().await, Vec::from_iter(missed), "{is_on} {seconds}");
    }
}

#[tokio::test]
async fn a_call_that_waits_for_an_answer_gets_one() {
    let house = House::with(mode(CallMode::StatusOnly)).await;
    let voice = house.report("voice", &leg(1, CALLER, "ringing")).await;
    assert!(said(&voice.body).contains("call you back"));
    house.report("voice-status", &leg(1, CALLER, "completed")).await;
    assert_eq!(house.missed().await, ["forwarded"]);
}

#[tokio::test]
async fn a_dialled_leg_is_not_the_callers() {
    let house = House::with(mode(CallMode::StatusOnly)).await;
    let before = house.row_counts().await;
    house.report("voice-status", &with(leg(2, CALLER, "busy"), [("ParentCallSid", &call_sid(1))])).await;
    assert_eq!(house.row_counts().await, before);
}
