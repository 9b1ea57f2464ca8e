//! The first way: the business publishes its number with us, and we ring its phone.

use chrono::Duration;
use nmc_events::telephony::CallDetected;
use nmc_identity::{TenantSettings, TenantStatus};
use nmc_kernel::Untextable;

use crate::house::{BUSINESS, CALLER, Fields, House, PHONE, address, call_sid, dial, fields, leg, phone, said, with};

fn dial_status(call: u32, status: &str) -> Fields {
    with(leg(call, CALLER, "in-progress"), [("DialCallStatus", status), ("DialCallSid", &call_sid(call + 1_000))])
}

/// What Twilio posts about the leg to the business's phone.
fn phone_leg(call: u32) -> Fields {
    fields([
        ("CallSid", &call_sid(call + 1_000)),
        ("ParentCallSid", &call_sid(call)),
        ("From", CALLER),
        ("To", PHONE),
        ("CallStatus", "in-progress"),
    ])
}

/// The call comes in and the phone is picked up; where the pressed key goes.
async fn picked_up(house: &House, call: u32) -> String {
    let voice = house.report("voice", &leg(call, CALLER, "ringing")).await;
    let whisper = house.post(&address(&voice.body, "<Number url"), &phone_leg(call)).await;
    assert!(whisper.body.contains("numDigits=\"1\"") && said(&whisper.body).contains("Press 1"), "{}", whisper.body);
    address(&whisper.body, "action")
}

#[tokio::test]
async fn nobody_picks_up_and_the_caller_hears_of_a_text() {
    let house = House::with(dial(true)).await.approved().await;
    let voice = house.report("voice", &leg(1, CALLER, "ringing")).await;
    assert_eq!(voice.content_type, "text/xml; charset=utf-8");
    assert!(voice.body.contains("<Dial timeout=\"18\"") && voice.body.contains(PHONE), "{}", voice.body);
    assert_eq!(address(&voice.body, "action"), "/webhooks/twilio/dial-status");
    assert!(house.missed().await.is_empty());

    let ended = house.report("dial-status", &dial_status(1, "no-answer")).await;
    assert!(said(&ended.body).contains("text message"), "{}", ended.body);
    assert!(said(&ended.body).contains("Example Plumbing") && ended.body.contains("<Hangup/>"));
    house.report("voice-status", &leg(1, CALLER, "completed")).await;

    let events = house.events::<CallDetected>().await;
    let [(event, _)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(event.from_phone, Some(phone(CALLER)));
    assert_eq!((event.untextable_reason, event.reason.as_str()), (None, "no-answer"));
    assert_eq!((event.to_phone.as_str(), event.provider_ref.as_str()), (BUSINESS, call_sid(1).as_str()));
    assert_eq!(house.count("select count(*) from timers").await, 0);
}

#[tokio::test]
async fn every_end_of_the_dial() {
    for (whisper, status, missed) in [
        (true, "no-answer", Some("no-answer")),
        (true, "busy", Some("busy")),
        (true, "failed", Some("failed")),
        (true, "canceled", Some("canceled")),
        (true, "completed", Some("not-accepted")),
        (true, "answered", Some("not-accepted")),
        (true, "teleported", None),
        (false, "completed", None),
        (false, "answered", None),
        (false, "busy", Some("busy")),
    ] {
        let house = House::with(dial(whisper)).await;
        house.report("voice", &leg(1, CALLER, "ringing")).await;
        house.report("dial-status", &dial_status(1, status)).await;
        assert_eq!(house.missed().await, Vec::from_iter(missed), "whisper {whisper}, {status}");
    }
}

#[tokio::test]
async fn pressing_1_connects_and_nothing_is_missed() {
    let house = House::with(dial(true)).await;
    let key = picked_up(&house, 1).await;
    let connected = house.post(&key, &with(phone_leg(1), [("Digits", "1")])).await;
    assert!(connected.body.ends_with("<Response></Response>"), "{}", connected.body);
    let ended = house.report("dial-status", &dial_status(1, "completed")).await;
    assert!(!ended.body.contains("<Say>"));
    house.report("voice-status", &with(leg(1, CALLER, "completed"), [("CallDuration", "63")])).await;
    house.clock.advance(Duration::seconds(10));
    assert_eq!(house.fire_timers().await, 0);
    assert!(house.missed().await.is_empty());
    assert_eq!(
        house.count("select count(*) from tel_calls where status = 'accepted' and duration_seconds = 63").await,
        1
    );
}

#[tokio::test]
async fn a_voicemail_presses_nothing() {
    for status in ["completed", "no-answer"] {
        let house = House::with(dial(true)).await;
        picked_up(&house, 1).await;
        house.report("dial-status", &dial_status(1, status)).await;
        assert_eq!(house.missed().await, ["not-accepted"], "{status}");
    }
}

#[tokio::test]
async fn another_key_is_no_acceptance() {
    let house = House::with(dial(true)).await;
    let key = picked_up(&house, 1).await;
    let refused = house.post(&key, &with(phone_leg(1), [("Digits", "2")])).await;
    assert!(refused.body.contains("<Hangup/>"), "{}", refused.body);
    assert!(house.missed().await.is_empty());
    house.report("dial-status", &dial_status(1, "completed")).await;
    assert_eq!(house.missed().await, ["not-accepted"]);
}

#[tokio::test]
async fn a_caller_who_hangs_up_is_missed_three_seconds_later() {
    let house = House::with(dial(true)).await;
    house.report("voice", &leg(1, CALLER, "ringing")).await;
    house.report("voice-status", &with(leg(1, CALLER, "completed"), [("CallDuration", "4")])).await;
    house.clock.advance(Duration::milliseconds(2_900));
    assert_eq!(house.fire_timers().await, 0);
    assert!(house.missed().await.is_empty());
    house.clock.advance(Duration::milliseconds(100));
    assert_eq!(house.fire_timers().await, 1);
    assert_eq!(house.missed().await, ["canceled"]);
    // What comes later changes nothing, and there is nothing left to fire.
    house.report("dial-status", &dial_status(1, "completed")).await;
    house.clock.advance(Duration::seconds(60));
    assert_eq!(house.fire_timers().await, 0);
    assert_eq!(house.missed().await, ["canceled"]);
}

#[tokio::test]
async fn within_the_three_seconds_the_dial_decides() {
    let house = House::with(dial(false)).await;
    house.report("voice", &leg(1, CALLER, "ringing")).await;
    house.report("voice-status", &leg(1, CALLER, "completed")).await;
    assert_eq!(house.count("select count(*) from timers where kind = 'telephony.call-ended'").await, 1);
    house.report("dial-status", &dial_status(1, "completed")).await;
    assert_eq!(house.count("select count(*) from timers").await, 0);
    assert!(house.missed().await.is_empty());
}

#[tokio::test]
async fn settings_changed_during_a_call_do_not_change_its_meaning() {
    let house = House::with(dial(true)).await;
    house.report("voice", &leg(1, CALLER, "ringing")).await;
    house.identity.update_settings(&house.operator(), dial(false)).await.unwrap();
    house.report("dial-status", &dial_status(1, "completed")).await;
    assert_eq!(house.missed().await, ["not-accepted"]);
}

#[tokio::test]
async fn a_phone_that_is_a_number_of_this_installation_is_not_rung() {
    let house = House::with(dial(true)).await;
    house.compliance.add_receiving_number(&house.operator(), &phone(PHONE)).await.unwrap();
    let voice = house.report("voice", &leg(1, CALLER, "ringing")).await;
    assert!(!voice.body.contains("<Dial"), "{}", voice.body);
    assert_eq!(house.missed().await, ["forwarded"]);
}

#[tokio::test]
async fn a_key_for_a_call_of_nobody_hangs_up() {
    let house = House::with(dial(true)).await;
    let key = picked_up(&house, 1).await;
    let before = house.row_counts().await;
    let tenant = house.tenant;
    let nobody = format!("/webhooks/twilio/whisper-result?tenant={tenant}&call={}", uuid::Uuid::max());
    let other_call = with(phone_leg(2), [("Digits", "1")]);
    for (path, fields) in [(&nobody, with(phone_leg(1), [("Digits", "1")])), (&key, other_call)] {
        let answer = house.post(path, &fields).await;
        assert!(answer.body.contains("<Hangup/>"), "{}", answer.body);
    }
    assert_eq!(house.row_counts().await, before);
}

#[tokio::test]
async fn whoever_cannot_be_texted_is_announced_with_the_reason_and_promised_a_call_back() {
    for (from, why, number) in [
        ("anonymous", Untextable::Withheld, None),
        ("", Untextable::Withheld, None),
        ("+266696687", Untextable::Withheld, None),
        ("72345", Untextable::ShortCode, None),
        ("client:somebody", Untextable::Malformed, None),
        ("+18005551212", Untextable::TollFree, Some("+18005551212")),
        (BUSINESS, Untextable::OwnNumber, Some(BUSINESS)),
    ] {
        let house = House::with(dial(true)).await.approved().await;
        house.report("voice", &leg(1, from, "ringing")).await;
        let ended = house.report("dial-status", &with(dial_status(1, "busy"), [("From", from)])).await;
        assert!(said(&ended.body).contains("call you back"), "{from}");
        let events = house.events::<CallDetected>().await;
        let [(event, _)] = &events[..] else { panic!("{from}: {events:?}") };
        assert_eq!(event.untextable_reason, Some(why), "{from}");
        assert_eq!(event.from_phone, number.map(phone), "{from}");
    }
}

/// Whoever holds such a number can share in what each call costs.
#[tokio::test]
async fn a_phone_that_is_not_served_is_not_rung() {
    for (to, is_rung) in [
        ("+19002345678", false),
        ("+18765550123", false),
        ("+881612345678", false),
        ("+447400123456", false),
        ("+18005551212", true),
        ("+16135550123", true),
    ] {
        let house = House::with(TenantSettings { forward_to: Some(phone(to)), ..dial(true) }).await;
        let voice = house.report("voice", &leg(1, CALLER, "ringing")).await;
        assert_eq!(voice.body.contains(to), is_rung, "{to}: {}", voice.body);
    }
}

/// What rings is a second leg, which the installation pays. The caller is told the same as by any missed call, without
/// the text.
#[tokio::test]
async fn the_phone_of_a_suspended_business_is_not_rung_and_its_calls_are_recorded() {
    let house = House::with(dial(true)).await.approved().await;
    house.identity.set_status(&house.operator(), TenantStatus::Suspended).await.unwrap();
    let voice = house.report("voice", &leg(1, CALLER, "ringing")).await;
    assert!(!voice.body.contains("<Dial") && voice.body.contains("<Say"), "{}", voice.body);
    assert!(voice.body.contains("call you back") && !voice.body.contains("text"), "{}", voice.body);
    assert_eq!(house.missed().await, ["forwarded"]);
    // A call that rang when the business was suspended is answered as it began, however often it is asked.
    house.identity.set_status(&house.operator(), TenantStatus::Active).await.unwrap();
    assert_eq!(house.report("voice", &leg(1, CALLER, "ringing")).await.body, voice.body);
    let rings = house.report("voice", &leg(2, CALLER, "ringing")).await;
    assert!(rings.body.contains("<Dial"), "{}", rings.body);
    house.identity.set_status(&house.operator(), TenantStatus::Suspended).await.unwrap();
    assert_eq!(house.report("voice", &leg(2, CALLER, "ringing")).await.body, rings.body);
}
