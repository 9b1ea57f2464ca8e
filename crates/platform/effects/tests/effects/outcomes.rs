//! Each way a call can end, with each way to ask afterwards.

use nmc_effects::IntentState::{self, Accepted, Cancelled, Expired, Failed, Pending, Review, Unknown};

use crate::{
    house::{House, USEFUL_FOR},
    provider::{Applied, Ask, Called, Checked, Looked},
};

/// Where an intent ends: state, attempts, answered attempts, entries at the provider, changes applied.
type End = (IntentState, i32, i32, i64, &'static [&'static str]);

async fn ends(house: &House, request: Ask, end: End) {
    // A breaker that one request's calls opened is not another's.
    let id = house.plan(request.clone()).await;
    house.finish(&house.engine()).await;
    let seen = house.see(id).await;
    let (state, attempt, answered, accepted, applied) = end;
    assert_eq!(seen.brief(), (state, attempt, answered, accepted, applied.to_vec()), "{request:?}: {seen:?}");
}

#[tokio::test]
async fn answered_calls_end_at_once() {
    use Called::{Accept, Refuse};
    let house = House::new().await;
    let engine = house.engine();
    let accepted = house.plan(Ask::calls(&[Accept])).await;
    let refused = house.plan(Ask::calls(&[Refuse])).await;
    engine.drain().await.unwrap();
    let seen = house.see(accepted).await;
    assert_eq!(seen.brief(), (Accepted, 1, 1, 1, vec!["accepted"]));
    assert!(!seen.outcome_word("/accepted/provider_ref").is_empty());
    let seen = house.see(refused).await;
    assert_eq!(seen.brief(), (Failed, 1, 1, 0, vec!["failed"]));
    assert_eq!(seen.outcome_word("/failed/reason"), "not a phone number");
    assert_eq!(engine.drain().await.unwrap(), 0, "nothing is left to do");
}

#[tokio::test]
async fn what_was_surely_not_sent_is_tried_again() {
    use Called::{Accept, ConnectionRefused, TooMany};
    let house = House::new().await;
    ends(&house, Ask::calls(&[TooMany, Accept]), (Accepted, 2, 2, 1, &["accepted"])).await;
    ends(&house, Ask::calls(&[ConnectionRefused, ConnectionRefused, Accept]), (Accepted, 3, 1, 1, &["accepted"])).await;
    // Answers use attempts up: the sixth is the last.
    ends(&house, Ask::calls(&[TooMany]), (Failed, 6, 6, 0, &["failed"])).await;
}

#[tokio::test]
async fn the_provider_says_how_long_to_wait() {
    let house = House::new().await;
    let engine = house.engine();
    let id = house.plan(Ask::calls(&[Called::TooMany, Called::Accept])).await;
    engine.drain().await.unwrap();
    house.clock.advance(chrono::Duration::milliseconds(4_900));
    engine.drain().await.unwrap();
    assert_eq!(house.see(id).await.brief(), (Pending, 1, 1, 0, vec![]), "five seconds were asked for");
    house.clock.advance(chrono::Duration::milliseconds(200));
    engine.drain().await.unwrap();
    assert_eq!(house.state(id).await, Accepted);
}

#[tokio::test]
async fn what_may_have_been_sent_is_asked_about() {
    use Called::{Accept, AcceptThenTimeOut, Hang, HangAfterSending, Panic, PanicAfterSending, TimeOut};
    let house = House::new().await;
    for sent in [AcceptThenTimeOut, HangAfterSending, PanicAfterSending] {
        ends(&house, Ask::calls(&[sent]), (Accepted, 1, 0, 1, &["accepted"])).await;
        // The listing lags behind: one look finds nothing.
        ends(&house, Ask::calls(&[sent]).looks(Looked::EmptyTimes(1)), (Accepted, 1, 0, 1, &["accepted"])).await;
        ends(&house, Ask::calls(&[sent]).looks(Looked::Ambiguous), (Review, 1, 0, 1, &[])).await;
    }
    for not_sent in [TimeOut, Hang, Panic] {
        ends(&house, Ask::calls(&[not_sent, Accept]), (Accepted, 2, 1, 1, &["accepted"])).await;
        ends(&house, Ask::calls(&[not_sent, Accept]).looks(Looked::Ambiguous), (Review, 1, 0, 0, &[])).await;
    }
}

#[tokio::test]
async fn two_empty_looks_a_gap_apart_come_before_a_repeat() {
    let house = House::new().await;
    let engine = house.engine();
    let id = house.plan(Ask::calls(&[Called::TimeOut, Called::Accept])).await;
    engine.drain().await.unwrap();
    for looks in 0..2 {
        assert_eq!(house.count("select count(*) from test_looks").await, looks);
        assert_eq!(house.see(id).await.brief(), (Unknown, 1, 0, 0, vec![]));
        house.clock.advance(chrono::Duration::seconds(59));
        engine.drain().await.unwrap();
        assert_eq!(house.count("select count(*) from test_looks").await, looks, "not before the gap is over");
        house.clock.advance(chrono::Duration::seconds(1));
        engine.drain().await.unwrap();
    }
    assert_eq!(house.count("select count(*) from test_looks").await, 2);
    assert_eq!(house.see(id).await.brief(), (Accepted, 2, 1, 1, vec!["accepted"]));
}

#[tokio::test]
async fn two_processes_that_look_in_the_same_moment_count_as_one_look() {
    let house = House::new().await;
    let (engine, other) = (house.engine(), house.engine());
    let id = house.plan(Ask::calls(&[Called::TimeOut, Called::Accept])).await;
    engine.drain().await.unwrap();
    house.clock.advance(chrono::Duration::seconds(60));
    // Several times over, and nothing is sent before the gap is over.
    for _ in 0..5 {
        let (a, b) = tokio::join!(engine.drain(), other.drain());
        assert!(a.is_ok() && b.is_ok());
    }
    assert_eq!(house.see(id).await.brief(), (Unknown, 1, 0, 0, vec![]));
}

#[tokio::test]
async fn a_provider_that_cannot_be_asked_is_asked_for_a_day() {
    for looks in [Looked::Unreachable, Looked::Panic, Looked::Hang] {
        let house = House::new().await;
        let engine = house.engine();
        let id = house.plan(Ask::calls(&[Called::TimeOut]).looks(looks)).await;
        for _ in 0..4 {
            engine.drain().await.unwrap();
            assert_eq!(house.state(id).await, Unknown);
            house.clock.advance(chrono::Duration::minutes(5));
        }
        house.clock.advance(chrono::Duration::hours(24));
        engine.drain().await.unwrap();
        assert_eq!(house.see(id).await.brief(), (Review, 1, 0, 0, vec![]), "{looks:?}");
    }
}

#[tokio::test]
async fn what_is_no_longer_useful_is_not_sent() {
    let house = House::new().await;
    let engine = house.engine();
    let stale = house.plan(Ask::calls(&[Called::Accept])).await;
    let unsent = house.plan(Ask::calls(&[Called::TimeOut, Called::Accept])).await;
    let mut tx = house.db().begin(house.tenant).await.unwrap();
    sqlx::query("update effect_intents set available_at = $2 where tenant_id = $3 and id = $1")
        .bind(stale.as_uuid())
        .bind(house.now() + USEFUL_FOR)
        .bind(house.tenant.as_uuid())
        .execute(tx.conn().await.unwrap())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    engine.drain().await.unwrap();
    house.clock.advance(USEFUL_FOR + chrono::Duration::seconds(1));
    house.finish(&engine).await;
    assert_eq!(house.see(stale).await.brief(), (Expired, 0, 0, 0, vec!["expired"]));
    assert_eq!(house.see(unsent).await.brief(), (Failed, 1, 0, 0, vec!["failed"]));
}

#[tokio::test]
async fn the_last_check_waits_cancels_or_is_set_aside() {
    let house = House::new().await;
    let engine = house.engine();
    let accept = Ask::calls(&[Called::Accept]);
    let cancelled = house.plan(accept.clone().checks(Checked::Cancel)).await;
    let waits = house.plan(accept.clone().checks(Checked::Wait)).await;
    let panics = house.plan(accept.clone().checks(Checked::Panic)).await;
    let fails = house.plan(accept.clone().checks(Checked::Fail)).await;
    let of_the_past = house.plan(accept.clone().checks(Checked::WaitForThePast)).await;
    let innocent = house.plan(accept).await;
    engine.drain().await.unwrap();
    let seen = house.see(cancelled).await;
    assert_eq!(seen.brief(), (Cancelled, 0, 0, 0, vec!["cancelled"]));
    assert_eq!(seen.outcome_word("/cancelled"), "told_to_cancel");
    let seen = house.see(waits).await;
    assert_eq!((seen.brief(), seen.outcome_word("/waits")), ((Pending, 0, 0, 0, vec![]), "told_to_wait"));
    assert_eq!(house.state(of_the_past).await, Pending, "and the engine came to rest");
    for (id, error) in [(panics, "panicked"), (fails, "statement failed")] {
        let seen = house.see(id).await;
        assert_eq!(seen.brief(), (Pending, 0, 0, 0, vec![]));
        assert!(seen.outcome_word("/check_failed").contains(error), "{seen:?}");
    }
    assert_eq!(house.state(innocent).await, Accepted);
    house.clock.advance(chrono::Duration::seconds(60));
    engine.drain().await.unwrap();
    assert_eq!(house.see(waits).await.brief(), (Accepted, 1, 1, 1, vec!["accepted"]));
}

#[tokio::test]
async fn an_outcome_that_cannot_be_applied_waits_for_a_person() {
    for applies in [Applied::Panics, Applied::Fails] {
        let house = House::new().await;
        ends(&house, Ask::calls(&[Called::Accept]).applies(applies), (Review, 1, 1, 1, &[])).await;
        ends(&house, Ask::calls(&[Called::AcceptThenTimeOut]).applies(applies), (Review, 1, 0, 1, &[])).await;
        let engine = house.engine();
        let cancelled = house.plan(Ask::calls(&[]).checks(Checked::Cancel).applies(applies)).await;
        let innocent = house.plan(Ask::calls(&[Called::Accept])).await;
        engine.drain().await.unwrap();
        assert_eq!(house.see(cancelled).await.brief(), (Pending, 0, 0, 0, vec![]), "set aside");
        assert_eq!(house.state(innocent).await, Accepted);
    }
}

#[tokio::test]
async fn a_request_nobody_can_read_waits_for_a_person() {
    let house = House::new().await;
    let id = house.plan(Ask::calls(&[Called::Accept])).await;
    house.execute("update effect_intents set request = '{}'").await;
    house.finish(&house.engine()).await;
    assert_eq!(house.see(id).await.brief(), (Review, 0, 0, 0, vec![]));
}
