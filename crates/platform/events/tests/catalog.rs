//! The catalog is complete, well named, and its payloads survive a round trip.

use std::collections::HashSet;

use nmc_events::{
    CATALOG, Event, SchemaVersion, catalog_page, json_schema,
    telephony::{CallDetected, MissedReason},
};

#[test]
fn names_are_unique_and_follow_the_pattern() {
    let mut seen = HashSet::new();
    for entry in CATALOG {
        assert!(seen.insert(entry.name), "{} twice", entry.name);
        let parts: Vec<&str> = entry.name.split('.').collect();
        assert!(matches!(parts[..], ["nmc", _, name] if name.starts_with(char::is_uppercase)), "{}", entry.name);
    }
}

#[test]
fn every_event_and_field_is_described() {
    for entry in CATALOG {
        let schema: serde_json::Value = serde_json::from_str(&json_schema(entry)).unwrap();
        assert!(schema["description"].is_string(), "{} has no description", entry.name);
        for (field, shape) in schema["properties"].as_object().unwrap() {
            assert!(shape["description"].is_string(), "{}.{field} has no description", entry.name);
        }
        assert!(catalog_page().contains(entry.name));
    }
}

#[test]
fn a_payload_survives_the_round_trip() {
    let json = serde_json::json!({
        "call_id": "0190a5a2-0000-7000-8000-000000000001", "from_phone": null, "untextable_reason": "withheld",
        "to_phone": "+14155550100", "reason": "no-answer", "provider_ref": "CA1", "added_later": true,
    });
    let event: CallDetected = serde_json::from_value(json).unwrap();
    assert_eq!(event.reason, MissedReason::NoAnswer);
    assert_eq!(event.order_key(), None);
    let again: CallDetected = serde_json::from_value(serde_json::to_value(&event).unwrap()).unwrap();
    assert_eq!(event, again);
    for reason in MissedReason::ALL {
        assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
    }
}

#[test]
fn versions_parse_strictly() {
    assert_eq!("1.0.0".parse(), Ok(SchemaVersion::V1));
    for bad in ["1", "1.0", "1.0.0.0", "a.b.c", "", "1..0"] {
        assert!(bad.parse::<SchemaVersion>().is_err(), "{bad}");
    }
}
