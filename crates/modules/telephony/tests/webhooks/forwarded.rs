//! The second way: the business's own line forwards what nobody answered.

use chrono::Duration;
use nmc_compliance::OptOutSource;
use nmc_events::{Context, telephony::CallDetected};
use nmc_identity::CallMode;

use crate::house::{CALLER, House, leg, mode, phone, said};

#[tokio::test]
async fn every_call_arrives_missed() {
    let house = House::with(mode(CallMode::Forwarded)).await.approved().await;
    let voice = house.report("voice", &leg(1, CALLER, "ringing")).await;
    assert!(said(&voice.body).contains("text message") && voice.body.contains("<Hangup/>"), "{}", voice.body);
    house.report("voice-status", &leg(1, CALLER, "completed")).await;
    assert_eq!(house.missed().await, ["forwarded"]);
    assert_eq!(house.count("select count(*) from timers").await, 0);
}

#[tokio::test]
async fn the_status_alone_is_enough() {
    let house = House::with(mode(CallMode::Forwarded)).await;
    house.report("voice-status", &leg(1, CALLER, "completed")).await;
    house.report("voice", &leg(1, CALLER, "ringing")).await;
    assert_eq!(house.missed().await, ["forwarded"]);
}

#[tokio::test]
async fn a_text_is_promised_only_where_one_may_be_sent_now() {
    let heard = async |house: &House, call: u32, from: &str| {
        let voice = house.report("voice", &leg(call, from, "ringing")).await;
        said(&voice.body).contains("text message")
    };
    let house = House::with(mode(CallMode::Forwarded)).await;
    assert!(!heard(&house, 1, CALLER).await, "no campaign");
    let house = house.approved().await;
    assert!(heard(&house, 2, CALLER).await);
    // The first call's repetition still says what the first call was told.
    assert!(!heard(&house, 1, CALLER).await);
    assert!(!heard(&house, 3, "+442079460018").await, "a country that is not served");
    assert!(!heard(&house, 4, "anonymous").await);

    let mut tx = house.database.app().begin(house.tenant).await.unwrap();
    let context = Context { correlation: uuid::Uuid::nil().into(), causation: None };
    house.compliance.record_opt_out(&mut tx, &phone(CALLER), "STOP", OptOutSource::Keyword, context).await.unwrap();
    tx.commit().await.unwrap();
    assert!(!heard(&house, 5, CALLER).await, "opted out");
    // Looking is not deciding: nothing of it is stored.
    assert_eq!(house.count("select count(*) from comp_gate_decisions").await, 0);
    assert_eq!(house.missed().await.len(), 5);
}

#[tokio::test]
async fn a_caller_who_calls_again_soon_continues_the_correlation() {
    let house = House::with(mode(CallMode::Forwarded)).await;
    for (call, from, wait) in [
        (1, CALLER, 0),
        (2, CALLER, 9),
        (3, CALLER, 9),
        (4, "+12125550145", 0),
        (5, CALLER, 11),
        (6, "anonymous", 0),
        (7, "anonymous", 0),
    ] {
        house.clock.advance(Duration::minutes(wait));
        house.report("voice", &leg(call, from, "ringing")).await;
    }
    let ids: Vec<_> = house.events::<CallDetected>().await.into_iter().map(|(_, id)| id).collect();
    assert_eq!((ids[0], ids[1]), (ids[1], ids[2]), "each within ten minutes of the one before");
    let mut distinct = vec![ids[2], ids[3], ids[4], ids[5], ids[6]];
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), 5, "another caller, too late, withheld, withheld");
}
