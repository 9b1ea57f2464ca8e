//! The database goes away and comes back.

use std::time::Duration;

use axum::http::StatusCode;
use nmc_compliance::Compliance;
use nmc_config::BaseUrl;
use nmc_db::{Db, PoolSettings, Wakes};
use nmc_identity::Identity;
use nmc_telephony::{Telephony, TelephonySettings};
use nmc_testkit::{TestDatabase, eventually};

use crate::house::{BASE_URL, CALLER, leg, send, signed, text, twilio_at, webhooks};

#[tokio::test(flavor = "multi_thread")]
async fn without_a_database_twilio_is_told_to_come_again() {
    let database = TestDatabase::create_on_own_server().await.unwrap();
    let settings = PoolSettings { acquire_timeout: Duration::from_millis(300), ..PoolSettings::default() };
    let db = Db::new(&database.app_url(), settings, Wakes::new()).unwrap();
    let identity = Identity::new(db.clone());
    let compliance = Compliance::new(db.clone(), identity.clone());
    let telephony = Telephony::new(
        db,
        identity,
        compliance,
        twilio_at("http://127.0.0.1:9"),
        TelephonySettings {
            public_base_url: BaseUrl::parse(BASE_URL).unwrap(),
            short_completed_below_seconds: None,
            poll_interval: chrono::Duration::minutes(3),
            correlation_reuse_window: chrono::Duration::minutes(10),
        },
    );
    let (router, _) = telephony.routes(webhooks()).split_for_parts();
    let call = || signed("/webhooks/twilio/voice", &leg(1, CALLER, "ringing"));
    // The number is nobody's: an answer all the same.
    assert_eq!(send(&router, call()).await.status, StatusCode::OK);

    database.server().stop_immediately().unwrap();
    for request in [call(), signed("/webhooks/twilio/sms-inbound", &text(1, CALLER, "hello"))] {
        let answer = send(&router, request).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
        assert_eq!(answer.retry_after.as_deref(), Some("1"));
        assert!(answer.body.contains("database_unavailable"));
    }
    database.server().start_again().unwrap();
    let is_back = eventually(Duration::from_secs(20), async || send(&router, call()).await.status == StatusCode::OK);
    assert!(is_back.await);
}
