//! The ledger: who opted out, when, how, and back in.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

mod setup;

use nmc_compliance::{Keyword, OptOutAction, OptOutChange, OptOutRevocation, OptOutSource};
use nmc_identity::TenantSettings;
use setup::{World, caller, context, phone, tenant};

const RECORDED: &str = "nmc.compliance.OptOutRecorded";
const REVOKED: &str = "nmc.compliance.OptOutRevoked";

async fn is_out(world: &World) -> bool {
    let mut tx = world.dispatcher.db.read(world.tenant).await.unwrap();
    world.dispatcher.compliance.is_opted_out(&mut tx, &caller()).await.unwrap()
}

/// What `record_keyword` makes of a text.
async fn hear(world: &World, body: &str) -> Option<Keyword> {
    let mut tx = world.app.db.begin(world.tenant).await.unwrap();
    let heard = world.app.compliance.record_keyword(&mut tx, &caller(), body, context()).await.unwrap();
    tx.commit().await.unwrap();
    heard
}

#[tokio::test]
async fn the_ledger_keeps_every_change_of_mind() {
    let world = World::new().await;
    assert!(!is_out(&world).await);
    assert_eq!(world.app.start(world.tenant, &caller()).await, OptOutRevocation::NotOut);
    assert_eq!(world.app.stop(world.tenant, &caller()).await, OptOutChange::Recorded);
    assert!(is_out(&world).await);
    assert_eq!(world.dispatcher.stop(world.tenant, &caller()).await, OptOutChange::AlreadyOut);
    world.clock.advance(chrono::Duration::days(400));
    assert_eq!(world.app.start(world.tenant, &caller()).await, OptOutRevocation::Revoked);
    assert!(!is_out(&world).await);
    assert_eq!(world.app.start(world.tenant, &caller()).await, OptOutRevocation::NotOut);
    let mut tx = world.dispatcher.db.begin(world.tenant).await.unwrap();
    let long = format!("  please never text me again{} ", "!".repeat(400));
    world
        .dispatcher
        .compliance
        .record_opt_out(&mut tx, &caller(), &long, OptOutSource::Wording, context())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(is_out(&world).await);

    let mut tx = world.app.db.read(world.tenant).await.unwrap();
    let history = world.app.compliance.history(&mut tx, &caller()).await.unwrap();
    let told: Vec<_> =
        history.iter().map(|entry| (entry.number, entry.action, entry.source, entry.recorded_at)).collect();
    let (then, now) = (setup::at(setup::NOON), world.clock.now());
    assert_eq!(
        told,
        [
            (3, OptOutAction::OptOut, OptOutSource::Wording, now),
            (2, OptOutAction::OptIn, OptOutSource::Keyword, now),
            (1, OptOutAction::OptOut, OptOutSource::Keyword, then),
        ]
    );
    assert!(history[0].keyword.starts_with("please never") && history[0].keyword.chars().count() == 320);

    let recorded = world.events(RECORDED).await;
    assert_eq!(recorded.len(), 2);
    assert_eq!(recorded[0], serde_json::json!({"phone": caller().as_str(), "keyword": "STOP"}));
    assert_eq!(world.events(REVOKED).await, [serde_json::json!({"phone": caller().as_str(), "keyword": "START"})]);
    let order_keys = "select count(*) from outbox_events where order_key = '+12125550142'
                      and correlation_id = '00000000-0000-0000-0000-00000000004d'";
    assert_eq!(world.count(order_keys).await, 3);
}

#[tokio::test]
async fn what_is_not_committed_did_not_happen() {
    let world = World::new().await;
    let mut tx = world.app.db.begin(world.tenant).await.unwrap();
    let source = OptOutSource::Keyword;
    world.app.compliance.record_opt_out(&mut tx, &caller(), "STOP", source, context()).await.unwrap();
    tx.roll_back().await.unwrap();
    assert!(!is_out(&world).await);
    assert_eq!(world.events(RECORDED).await.len(), 0);
}

#[tokio::test]
async fn an_opt_out_is_of_one_phone_and_one_business() {
    let world = World::new().await;
    let neighbour = tenant(&world.app, "Example Electric", TenantSettings::default()).await;
    world.app.stop(world.tenant, &caller()).await;
    let mut tx = world.app.db.read(world.tenant).await.unwrap();
    assert!(!world.app.compliance.is_opted_out(&mut tx, &phone("+12125550143")).await.unwrap());
    let mut tx = world.app.db.read(neighbour).await.unwrap();
    assert!(!world.app.compliance.is_opted_out(&mut tx, &caller()).await.unwrap());
    assert_eq!(world.app.compliance.history(&mut tx, &caller()).await.unwrap(), []);
    assert_eq!(world.app.stop(neighbour, &caller()).await, OptOutChange::Recorded);
}

#[tokio::test]
async fn five_stops_at_once_are_one() {
    let world = World::new().await;
    let stops: Vec<_> = (0..5)
        .map(|turn| {
            let side = if turn % 2 == 0 { &world.app } else { &world.dispatcher };
            let (db, compliance, tenant) = (side.db.clone(), side.compliance.clone(), world.tenant);
            tokio::spawn(async move {
                let mut tx = db.begin(tenant).await.unwrap();
                let source = OptOutSource::Keyword;
                let change = compliance.record_opt_out(&mut tx, &caller(), "STOP", source, context()).await.unwrap();
                tx.commit().await.unwrap();
                change
            })
        })
        .collect();
    let mut recorded = 0;
    for stop in stops {
        recorded += usize::from(stop.await.unwrap() == OptOutChange::Recorded);
    }
    assert_eq!(recorded, 1);
    assert_eq!(world.events(RECORDED).await.len(), 1);
    assert_eq!(world.count("select count(*) from comp_opt_outs").await, 1);
}

#[tokio::test]
async fn keywords_do_what_they_say() {
    let world = World::new().await;
    // YES is an answer to something until the caller has opted out.
    for (body, heard, out) in [
        ("yes", None, false),
        ("can you stop by at 3", None, false),
        ("help", Some(Keyword::Help), false),
        ("START", Some(Keyword::Start), false),
        ("Stop.", Some(Keyword::Stop), true),
        ("stop", Some(Keyword::Stop), true),
        ("Info?", Some(Keyword::Help), true),
        ("yes please", None, true),
        ("Yes!", Some(Keyword::Start), false),
        ("cancel", Some(Keyword::Stop), true),
        ("unstop", Some(Keyword::Start), false),
    ] {
        assert_eq!(hear(&world, body).await, heard, "{body}");
        assert_eq!(is_out(&world).await, out, "{body}");
    }
    assert_eq!((world.events(RECORDED).await.len(), world.events(REVOKED).await.len()), (2, 2));
    let mut tx = world.app.db.read(world.tenant).await.unwrap();
    let history = world.app.compliance.history(&mut tx, &caller()).await.unwrap();
    let words: Vec<_> = history.iter().map(|entry| entry.keyword.as_str()).collect();
    assert_eq!(words, ["unstop", "cancel", "Yes!", "Stop."]);
}
