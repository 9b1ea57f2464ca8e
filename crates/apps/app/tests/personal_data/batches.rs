//! Small batches that end anywhere, go on anywhere and keep nobody waiting.

use std::time::Duration as Span;

use chrono::Duration;
use nmc_kernel::{Clock, Random};
use nmc_retention::Swept;
use nmc_timers::{Settings, Timers};

use crate::rows::{Stand, modules, retention};

/// Rows one batch touches at most.
const BATCH: u64 = 500;

#[tokio::test]
async fn a_hundred_thousand_rows_go_in_small_batches() {
    const ROWS: u64 = 100_000;
    let mut stand = Stand::new().await;
    let (tenant, old) = (stand.tenant, stand.now - Duration::days(500));
    stand.plant("tel_calls", tenant, old, i64::try_from(ROWS).unwrap(), &[]).await;
    stand.plant("tel_calls", tenant, stand.now, 7, &[]).await;
    let (mut swept, mut batches, mut before) = (Swept::new(), 0_u64, 0);
    while stand.retention.sweep_once(tenant, &mut swept).await.unwrap() {
        let total = swept.values().sum::<u64>();
        assert!(total - before <= BATCH, "a batch of {}", total - before);
        (before, batches) = (total, batches + 1);
    }
    assert_eq!((batches, swept["tel_calls"]), (ROWS / BATCH, ROWS));
    assert_eq!(stand.count("select count(*) from tel_calls").await, 7);
}

#[tokio::test]
async fn it_may_end_anywhere_and_goes_on_from_there() {
    let mut stand = Stand::new().await;
    let (tenant, old) = (stand.tenant, stand.now - Duration::days(500));
    stand.plant("tel_calls", tenant, old, 3_000, &[]).await;
    stand.plant("conv_messages", tenant, old, 1_000, &[]).await;
    // Given up at every await there is, one further each time.
    let mut given_up = 0;
    for polls in 0..200 {
        let first = retention(&stand.database, stand.now);
        let mut swept = Swept::new();
        let batch = first.sweep_once(tenant, &mut swept);
        tokio::select! {
            biased;
            done = batch => { done.unwrap(); }
            () = async { for _ in 0..polls { tokio::task::yield_now().await } } => given_up += 1,
        }
        drop(first);
        let left = stand.count("select count(*) from tel_calls").await
            + stand.count("select count(*) from conv_messages").await;
        assert_eq!(left % 500, 0, "half a batch: {left}");
    }
    assert!(given_up > 0, "none was given up");
    retention(&stand.database, stand.now).run_now().await.unwrap();
    assert_eq!(stand.count("select count(*) from tel_calls").await, 0);
    assert_eq!(stand.count("select count(*) from conv_messages").await, 0);
}

#[tokio::test]
async fn a_row_in_use_is_passed_over_and_comes_later() {
    let mut stand = Stand::new().await;
    let (tenant, old) = (stand.tenant, stand.now - Duration::days(200));
    stand.plant("conv_messages", tenant, old, 10, &[]).await;
    stand.plant("tel_inbound_sms", tenant, old, 10, &[]).await;
    stand.plant("effect_intents", tenant, old, 10, &[]).await;
    let left = "select (select count(*) from conv_messages where body <> '')
                     + (select count(*) from tel_inbound_sms where body <> '')
                     + (select count(*) from effect_intents where request <> '{}')";
    // A server that writes to one row of each and takes its time.
    let mut writer = stand.database.app().begin(tenant).await.unwrap();
    sqlx::query("update conv_messages set status = 'sent' where id = (select id from conv_messages limit 1)")
        .execute(writer.conn().await.unwrap())
        .await
        .unwrap();
    sqlx::query("update effect_intents set state = 'failed' where id = (select id from effect_intents limit 1)")
        .execute(writer.conn().await.unwrap())
        .await
        .unwrap();
    // Shorter than any lock's time-out: it does not wait.
    let swept = tokio::time::timeout(Span::from_secs(4), stand.retention.run_now()).await.unwrap().unwrap();
    assert_eq!((swept["conv_messages, body"], swept["effect_intents, request"]), (9, 9));
    assert_eq!(stand.count(left).await, 2);
    writer.commit().await.unwrap();
    let swept = stand.retention.run_now().await.unwrap();
    assert_eq!((swept["conv_messages, body"], swept["effect_intents, request"]), (1, 1));
    assert_eq!(stand.count(left).await, 0);
}

#[tokio::test]
async fn two_at_once_share_the_work() {
    let mut stand = Stand::new().await;
    let (tenant, old) = (stand.tenant, stand.now - Duration::days(500));
    stand.plant("tel_calls", tenant, old, 5_000, &[]).await;
    let (one, other) = (retention(&stand.database, stand.now), retention(&stand.database, stand.now));
    let (one, other) = tokio::join!(one.run_now(), other.run_now());
    assert_eq!(one.unwrap()["tel_calls"] + other.unwrap()["tel_calls"], 5_000);
    assert_eq!(stand.count("select count(*) from tel_calls").await, 0);
}

#[tokio::test]
async fn its_timer_does_a_batch_at_a_time_and_comes_again() {
    let mut stand = Stand::new().await;
    let (tenant, old) = (stand.tenant, stand.now - Duration::days(500));
    stand.plant("tel_calls", tenant, old, 1_200, &[]).await;
    let clock = Clock::fixed(stand.now);
    let db = stand.database.dispatcher().clone().at(clock.clone(), Random::seeded(5));
    let retention = modules(&stand.database, &db).retention(&db, Random::seeded(6));
    let timers = retention.timers(Timers::new(db.clone(), Settings::default(), Random::seeded(7)));
    let random = Random::seeded(8);
    let set = nmc_timers::set_for_every_tenant(&db, "retention.sweep", Duration::seconds(1), &random).await;
    assert_eq!(set.unwrap(), 1);
    clock.advance(Duration::seconds(1));
    for left in [700, 200, 0] {
        assert_eq!(timers.fire_due().await.unwrap(), 1);
        assert_eq!(stand.count("select count(*) from tel_calls").await, left);
        assert_eq!(timers.fire_due().await.unwrap(), 0, "others come between");
        clock.advance(Duration::seconds(1));
    }
    assert_eq!(timers.fire_due().await.unwrap(), 0);
    stand.plant("tel_calls", tenant, old, 1, &[]).await;
    clock.advance(Duration::days(1));
    assert_eq!(timers.fire_due().await.unwrap(), 1);
    assert_eq!(stand.count("select count(*) from tel_calls").await, 0);
}
