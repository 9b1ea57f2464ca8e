//! Texts that come in.

use chrono::Duration;
use nmc_events::{
    compliance::{OptOutRecorded, OptOutRevoked},
    telephony::{CallDetected, InboundSmsReceived, Keyword},
};
use nmc_identity::CallMode;

use crate::house::{BUSINESS, CALLER, House, leg, mode, phone, text, with};

async fn house() -> House {
    House::with(mode(CallMode::Forwarded)).await
}

#[tokio::test]
async fn a_text_is_kept_and_announced() {
    let house = house().await;
    let pictures = [
        ("NumMedia", "2"),
        ("MediaUrl0", "https://api.twilio.example/media/0"),
        ("MediaContentType0", "image/jpeg"),
        ("MediaUrl1", "https://api.twilio.example/media/1"),
    ];
    let answer = house.report("sms-inbound", &with(text(1, CALLER, "My sink 🚰 leaks"), pictures)).await;
    assert!(answer.body.ends_with("<Response></Response>"), "{}", answer.body);
    assert_eq!(answer.content_type, "text/xml; charset=utf-8");
    let texts = house.texts().await;
    let [event] = &texts[..] else { panic!("{texts:?}") };
    assert_eq!((event.from_phone.as_str(), event.to_phone.as_str()), (CALLER, BUSINESS));
    assert_eq!((event.body.as_str(), event.media_count, event.keyword), ("My sink 🚰 leaks", 2, None));
    let media: serde_json::Value = sqlx::query_scalar("select media from tel_inbound_sms where id = $1")
        .bind(event.message_id.as_uuid())
        .fetch_one(&mut house.superuser().await)
        .await
        .unwrap();
    assert_eq!(media[0]["content_type"], "image/jpeg");
    assert_eq!(media[1]["url"], "https://api.twilio.example/media/1");
}

#[tokio::test]
async fn stop_holds_with_the_webhooks_own_commit() {
    let house = house().await;
    house.report("sms-inbound", &text(1, CALLER, " Stop. ")).await;
    let texts = house.texts().await;
    assert_eq!((texts[0].keyword, texts[0].answered_by_provider), (Some(Keyword::Stop), false));
    assert_eq!(house.events::<OptOutRecorded>().await.len(), 1);
    // One transaction wrote them all: the rows carry the same transaction id.
    let transactions = house
        .count(
            "select count(distinct x) from (
               select xmin::text x from webhook_events union all select xmin::text from tel_inbound_sms
               union all select xmin::text from comp_opt_outs union all select xmin::text from outbox_events) rows",
        )
        .await;
    assert_eq!(transactions, 1);

    house.report("sms-inbound", &text(2, CALLER, "yes")).await;
    assert_eq!(house.texts().await[1].keyword, Some(Keyword::Start), "to somebody who has opted out");
    assert_eq!(house.events::<OptOutRevoked>().await.len(), 1);
    house.report("sms-inbound", &text(3, CALLER, "yes")).await;
    house.report("sms-inbound", &text(4, CALLER, "HELP")).await;
    house.report("sms-inbound", &text(5, CALLER, "stop by at 3")).await;
    let keywords: Vec<_> = house.texts().await.iter().skip(2).map(|text| text.keyword).collect();
    assert_eq!(keywords, [None, Some(Keyword::Help), None]);
    assert_eq!(house.count("select count(*) from comp_opt_outs").await, 2);
}

#[tokio::test]
async fn what_twilio_has_answered_is_recorded_and_said_so() {
    let house = house().await;
    for (message, body, kind, keyword) in [
        (1, "ALTO", "STOP", Keyword::Stop),
        (2, "INICIO", "START", Keyword::Start),
        (3, "AYUDA", "HELP", Keyword::Help),
    ] {
        house.report("sms-inbound", &with(text(message, CALLER, body), [("OptOutType", kind)])).await;
        let last = house.texts().await.pop().unwrap();
        assert_eq!((last.keyword, last.answered_by_provider), (Some(keyword), true), "{body}");
    }
    assert_eq!(house.count("select count(*) from comp_opt_outs where source = 'provider'").await, 2);
    house.report("sms-inbound", &with(text(4, CALLER, "hello"), [("OptOutType", "LATER")])).await;
    assert_eq!(house.texts().await.pop().unwrap().keyword, None);
}

#[tokio::test]
async fn a_sender_who_cannot_be_answered_is_kept_but_not_announced() {
    let house = house().await;
    for (message, from) in [(1, "72345"), (2, "EXAMPLE"), (3, BUSINESS), (4, "+266696687")] {
        house.report("sms-inbound", &text(message, from, "STOP")).await;
    }
    assert!(house.texts().await.is_empty());
    assert_eq!(house.count("select count(*) from tel_inbound_sms where untextable_reason is not null").await, 4);
    assert_eq!(house.count("select count(*) from comp_opt_outs").await, 0);
    // A toll-free number reads texts; whether it gets one is the gate's to say.
    house.report("sms-inbound", &text(5, "+18005551212", "hello")).await;
    assert_eq!(house.texts().await.len(), 1);
}

#[tokio::test]
async fn a_text_continues_the_correlation_of_the_call_before() {
    let house = house().await;
    house.report("voice", &leg(1, CALLER, "ringing")).await;
    house.clock.advance(Duration::minutes(9));
    house.report("sms-inbound", &text(1, CALLER, "hello")).await;
    house.clock.advance(Duration::minutes(9));
    house.report("voice", &leg(2, CALLER, "ringing")).await;
    house.clock.advance(Duration::minutes(10));
    house.report("sms-inbound", &text(2, CALLER, "hello?")).await;
    let calls = house.events::<CallDetected>().await;
    let texts = house.events::<InboundSmsReceived>().await;
    assert_eq!([calls[0].1, texts[0].1], [texts[0].1, calls[1].1]);
    assert_ne!(texts[1].1, calls[1].1);
    assert_eq!(calls[0].0.from_phone, Some(phone(CALLER)));
}

#[tokio::test]
async fn a_text_that_is_here_is_not_taken_again_when_its_webhook_is_forgotten() {
    let house = house().await;
    house.report("sms-inbound", &text(1, CALLER, "hello")).await;
    sqlx::raw_sql("delete from webhook_events").execute(&mut house.superuser().await).await.unwrap();
    house.report("sms-inbound", &text(1, CALLER, "hello")).await;
    assert_eq!(house.texts().await.len(), 1);
    assert_eq!(house.count("select count(*) from tel_inbound_sms").await, 1);
}
