//! What is wrong with the configuration stops the start and is said.

use nmc_testkit::TestDatabase;

use crate::program::{any_address, configuration, run, with};

#[tokio::test]
async fn a_wrong_or_missing_value_stops_the_start_and_names_every_such_key() {
    let url = "postgres://nmc_app:a-db-password@127.0.0.1:1/nmc".to_owned();
    let good = configuration(url, any_address(), any_address(), "http://127.0.0.1:1");
    assert_eq!(run(&["server", "check-config"], &good).await.succeeded(), "the configuration is complete");

    let wrong = with(&good, "OUTBOX_BATCH_SIZE", "many-many");
    let wrong = with(&wrong, "HTTP_ADDR", "no-address");
    let mut wrong = with(&wrong, "TWILIO_AUTH_TOKEN", "t0ken");
    wrong.retain(|(key, _)| *key != "PUBLIC_BASE_URL");
    let wrong_url = with(&good, "DATABASE_URL", "mysql://root:a-db-password@127.0.0.1/nmc");
    let mut no_secrets = good.clone();
    no_secrets.retain(|(key, _)| !["DATABASE_URL", "TWILIO_AUTH_TOKEN"].contains(key));
    for command in [&["server", "check-config"][..], &["server", "serve"], &["dispatcher", "run"]] {
        let reason = run(command, &wrong).await.refused();
        for expected in [
            "4 configuration keys",
            "OUTBOX_BATCH_SIZE has a wrong value: expected a whole number from 1 to 1000",
            "HTTP_ADDR has a wrong value: expected an IP address with a port",
            "TWILIO_AUTH_TOKEN has a wrong value: expected a secret of at least 8 characters",
            "PUBLIC_BASE_URL is required: expected an http:// or https:// URL",
        ] {
            assert!(reason.contains(expected), "{command:?} does not say {expected:?}: {reason}");
        }
        assert!(!reason.contains("t0ken") && !reason.contains("many-many"), "{command:?}: {reason}");

        let reason = run(command, &wrong_url).await.refused();
        assert!(reason.contains("DATABASE_URL has a wrong value: expected a URL postgres://"), "{reason}");
        assert!(!reason.contains("a-db-password"), "{command:?}: {reason}");

        let reason = run(command, &no_secrets).await.refused();
        assert!(reason.contains("DATABASE_URL is required") && reason.contains("TWILIO_AUTH_TOKEN is required"));
    }
}

#[tokio::test]
async fn who_passes_by_row_security_is_refused() {
    let database = TestDatabase::create().await.unwrap();
    for url in [database.owner_url(), database.superuser_url()] {
        let environment = configuration(url, any_address(), any_address(), "http://127.0.0.1:1");
        for command in [["server", "serve"], ["dispatcher", "run"]] {
            let reason = run(&command, &environment).await.refused();
            assert!(reason.contains("DATABASE_URL: expected a role that owns no tables"), "{command:?}: {reason}");
        }
    }
}
