//! Every key, one by one: documented, with a default that is accepted, and with a refusal that names it.

use std::collections::BTreeSet;

use nmc_config::{Config, ConfigError, HttpLimits, Key, Presence, env_example, operations_table};

/// A value no kind of key accepts, and which must never be repeated in an error.
const WRONG: &str = "?!=";

fn example(key: &Key) -> Option<String> {
    match key.presence {
        Presence::Required { example } => Some(example.to_owned()),
        Presence::Optional | Presence::Default(_) => None,
    }
}

/// The examples of all required keys, with one key's value replaced.
fn with(name: &str, value: Option<&str>) -> Result<Config, ConfigError> {
    let keys = Config::keys();
    Config::from_lookup(&|asked| {
        if asked == name {
            return value.map(ToOwned::to_owned);
        }
        keys.iter().find(|key| key.name == asked).and_then(example)
    })
}

#[test]
fn names_are_unique_and_written_as_the_environment_writes_them() {
    let keys = Config::keys();
    let names: BTreeSet<_> = keys.iter().map(|key| key.name).collect();
    assert_eq!(names.len(), keys.len());
    for name in names {
        assert!(name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_'), "{name}");
    }
}

#[test]
fn every_key_is_described_in_both_documents() {
    let (table, example) = (operations_table(), env_example());
    for key in Config::keys() {
        assert!(key.description.trim().len() > 10, "{} needs a description", key.name);
        assert!(table.contains(&format!("| `{}` |", key.name)), "{} in the table", key.name);
        assert!(example.contains(&format!("{}=", key.name)), "{} in the example", key.name);
        assert!(!(key.secret && matches!(key.presence, Presence::Default(_))), "{}: a default secret", key.name);
    }
}

#[test]
fn the_defaults_are_accepted_with_the_examples_of_what_is_required() {
    let config = with("", None).unwrap();
    assert_eq!(config.outbox.batch_size, 100);
    assert_eq!(config.outbox.concurrency, 2);
    assert_eq!(config.http.addr.to_string(), "127.0.0.1:8080");
    assert_eq!(config.twilio.base_url.as_str(), "https://api.twilio.com");
    assert!(config.telemetry.otlp_endpoint.is_none());
}

#[test]
fn a_wrong_value_names_the_key_and_what_was_expected_but_not_the_value() {
    for key in Config::keys() {
        let Err(error) = with(key.name, Some(WRONG)) else { panic!("{} accepts anything", key.name) };
        let text = error.to_string();
        assert!(text.contains(&format!("{} has a wrong value: expected {}", key.name, key.expected)), "{text}");
        assert!(!text.contains(WRONG), "{text}");
        assert!(matches!(error, ConfigError::Wrong(wrong) if wrong.len() == 1));
    }
}

#[test]
fn an_absent_or_empty_key_is_its_default_or_an_error_that_names_it() {
    for key in Config::keys() {
        for value in [None, Some(""), Some("  ")] {
            match (key.presence, with(key.name, value)) {
                (Presence::Required { .. }, Err(error)) => {
                    assert!(error.to_string().contains(&format!("{} is required", key.name)), "{error}");
                }
                (Presence::Required { .. }, Ok(_)) => panic!("{} is required", key.name),
                (_, result) => assert!(result.is_ok(), "{}: {:?}", key.name, result.err()),
            }
        }
    }
}

#[test]
fn all_wrong_and_missing_keys_are_reported_at_once() {
    let wrong_everywhere = Config::from_lookup(&|_| Some(WRONG.to_owned())).unwrap_err().to_string();
    let nothing_set = Config::from_lookup(&|_| None).unwrap_err().to_string();
    for key in Config::keys() {
        assert!(wrong_everywhere.contains(key.name), "{}", key.name);
        assert_eq!(nothing_set.contains(key.name), example(&key).is_some(), "{}", key.name);
    }
}

#[test]
fn bounds_are_inclusive_and_hold() {
    for (key, good, bad) in [
        ("OUTBOX_BATCH_SIZE", ["1", "1000"], ["0", "1001"]),
        ("OUTBOX_CONCURRENCY", ["1", "16"], ["0", "17"]),
        ("OTEL_TRACES_SAMPLER_ARG", ["0", "1"], ["-0.1", "NaN"]),
        ("PAUSE_OUTBOUND_SMS", ["true", "FALSE"], ["yes", "1"]),
    ] {
        assert!(good.iter().all(|value| with(key, Some(value)).is_ok()), "{key}");
        assert!(bad.iter().all(|value| with(key, Some(value)).is_err()), "{key}");
    }
}

#[test]
fn keys_that_contradict_each_other_are_refused() {
    for (key, value) in [
        ("DATABASE_CONNECTIONS_MIN", "21"),
        ("TWILIO_TIMEOUT_SECONDS", "15"),
        ("CLERK_TIMEOUT_SECONDS", "15"),
        ("METRICS_ADDR", "127.0.0.1:8080"),
    ] {
        let error = with(key, Some(value)).unwrap_err().to_string();
        assert!(error.contains(key), "{error}");
    }
}

#[test]
fn secrets_do_not_print() {
    let canary = "canary8c1f";
    let config = Config::from_lookup(&|name| {
        let key = Config::keys().into_iter().find(|key| key.name == name)?;
        match (key.secret, name.ends_with("URL")) {
            (true, _) if name == "CLERK_WEBHOOK_SECRET" => Some(format!("whsec_{}", canary.repeat(4))),
            (true, true) => Some(format!("postgres://app:{canary}@localhost/nmc")),
            (true, false) => Some(canary.repeat(4)),
            (false, _) => example(&key),
        }
    })
    .unwrap();
    let shown = format!("{config:?} {config:#?}");
    assert!(!shown.contains(canary), "{shown}");
}

#[test]
fn a_group_can_be_read_alone() {
    assert_eq!(HttpLimits::from_lookup(&|_| None).unwrap().concurrency_max, 256);
}

#[test]
fn the_example_file_is_read_as_a_valid_configuration() {
    let text = env_example();
    let config = Config::from_lookup(&|name| {
        text.lines().find_map(|line| line.strip_prefix(&format!("{name}="))).map(ToOwned::to_owned)
    });
    assert!(config.is_ok(), "{:?}", config.err());
}
