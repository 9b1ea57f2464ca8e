//! Webhooks as Svix signs them: vectors of its own library (`vectors/svix.py`), and what must not pass.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use chrono::{DateTime, TimeDelta, Utc};
use nmc_providers::clerk::{ClerkEventKind, ClerkWebhooks, WebhookRejection, WebhookSecret};
use serde::Deserialize;
use serde_json::json;

#[derive(Clone, Deserialize)]
struct Vector {
    name: String,
    secret: String,
    id: String,
    timestamp: i64,
    body: String,
    signature: String,
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("../vectors/svix.json")).unwrap()
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_secs(seconds).unwrap()
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    }
    map
}

impl Vector {
    fn headers(&self) -> HeaderMap {
        self.headers_with(&self.timestamp.to_string(), &self.signature)
    }

    fn headers_with(&self, timestamp: &str, signature: &str) -> HeaderMap {
        headers(&[("svix-id", &self.id), ("svix-timestamp", timestamp), ("svix-signature", signature)])
    }

    fn webhooks(&self) -> ClerkWebhooks {
        ClerkWebhooks::new(vec![WebhookSecret::parse(&self.secret).unwrap()])
    }

    fn refusal(&self, headers: &HeaderMap, body: &[u8]) -> WebhookRejection {
        self.webhooks().verify(headers, body, at(self.timestamp)).unwrap_err()
    }
}

#[test]
fn every_vector_holds_and_we_sign_as_svix_does() {
    let vectors = vectors();
    assert!(vectors.len() >= 40, "{}", vectors.len());
    for vector in vectors {
        let event = vector.webhooks().verify(&vector.headers(), vector.body.as_bytes(), at(vector.timestamp));
        assert_eq!(event.unwrap().id, vector.id, "{}", vector.name);
        let ours =
            WebhookSecret::parse(&vector.secret).unwrap().sign(&vector.id, vector.timestamp, vector.body.as_bytes());
        assert_eq!(ours, vector.signature, "{}", vector.name);
    }
}

#[test]
fn no_vector_survives_a_change() {
    let mut trials = 0;
    let mut refused = |vector: &Vector, headers: &HeaderMap, body: &[u8], what: &str| {
        assert_eq!(vector.refusal(headers, body), WebhookRejection::BadSignature, "{}: {what}", vector.name);
        trials += 1;
    };
    let all = vectors();
    for vector in &all {
        let body = vector.body.as_bytes();
        for position in [0, body.len() / 2, body.len() - 1] {
            for bit in 0..8 {
                let mut changed = body.to_vec();
                changed[position] ^= 1 << bit;
                refused(vector, &vector.headers(), &changed, "a bit of the body");
            }
        }
        refused(vector, &vector.headers(), &[body, b" "].concat(), "a longer body");
        refused(vector, &vector.headers(), b"", "no body");
        let again = serde_json::from_str::<serde_json::Value>(&vector.body).unwrap().to_string();
        if again != vector.body {
            refused(vector, &vector.headers(), again.as_bytes(), "the body written again");
        }
        let moved = Vector { id: format!("{}.", vector.id), ..vector.clone() };
        refused(vector, &moved.headers(), body, "another id");
        refused(
            vector,
            &vector.headers_with(&(vector.timestamp + 1).to_string(), &vector.signature),
            body,
            "another time",
        );
        // The dots between the parts: what moves across them signs the same bytes in no other reading.
        let text = format!("{}.{}", vector.timestamp, vector.body);
        let shifted = Vector { id: vector.id[..vector.id.len() - 1].to_owned(), ..vector.clone() };
        refused(vector, &shifted.headers(), text.as_bytes(), "a part moved");
        let other = all.iter().find(|other| other.secret != vector.secret && other.body == vector.body).unwrap();
        refused(vector, &vector.headers_with(&vector.timestamp.to_string(), &other.signature), body, "another secret");
        let encoded = vector.signature.trim_start_matches("v1,");
        for (what, signature) in [
            ("nothing", String::new()),
            ("no version", encoded.to_owned()),
            ("version 0", format!("v0,{encoded}")),
            ("version 2", format!("v2,{encoded}")),
            ("version 1a", format!("v1a,{encoded}")),
            ("upper case", format!("V1,{encoded}")),
            ("no comma", format!("v1{encoded}")),
            ("an equals sign", format!("v1={encoded}")),
            ("no base64", "v1,***".to_owned()),
            ("empty", "v1,".to_owned()),
            ("cut", format!("v1,{}", &encoded[..encoded.len() - 4])),
            ("longer", format!("v1,{}AAAA{}", &encoded[..40], &encoded[40..])),
            ("zeros", "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned()),
            ("hexadecimal", format!("v1,{}", hex::encode(encoded))),
            ("commas between", format!("v1,AAAA,v1,{encoded}")),
            ("beyond the sixteenth", format!("{}v1,{encoded}", "v1,AAAA ".repeat(16))),
        ] {
            refused(vector, &vector.headers_with(&vector.timestamp.to_string(), &signature), body, what);
        }
        for timestamp in
            ["", "0x6AB13B3C", "1790000000.0", "-1790000000", "+1790000000", " 1790000000", "1790000000000000", "now"]
        {
            refused(vector, &vector.headers_with(timestamp, &vector.signature), body, timestamp);
        }
    }
    assert!(trials > 2000, "{trials}");
}

#[test]
fn one_signature_of_several_is_enough_and_either_secret_while_it_is_changed() {
    let vector = vectors().remove(0);
    let body = vector.body.as_bytes();
    let zeros = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    for signatures in [
        format!("{zeros} {}", vector.signature),
        format!("{} {zeros}", vector.signature),
        format!("v1a,new== {} v0,old", vector.signature),
        format!(" {} ", vector.signature),
    ] {
        let headers = vector.headers_with(&vector.timestamp.to_string(), &signatures);
        assert!(vector.webhooks().verify(&headers, body, at(vector.timestamp)).is_ok(), "{signatures}");
    }
    let next = WebhookSecret::parse("whsec_bmV4dCBzZWNyZXQgb2YgdGhlIGVuZHBvaW50").unwrap();
    let current = WebhookSecret::parse(&vector.secret).unwrap();
    let both = ClerkWebhooks::new(vec![next.clone(), current.clone()]);
    assert!(both.verify(&vector.headers(), body, at(vector.timestamp)).is_ok());
    let by_next = next.sign(&vector.id, vector.timestamp, body);
    let headers = vector.headers_with(&vector.timestamp.to_string(), &by_next);
    assert!(both.verify(&headers, body, at(vector.timestamp)).is_ok());
    let only_current = ClerkWebhooks::new(vec![current]);
    assert_eq!(only_current.verify(&headers, body, at(vector.timestamp)), Err(WebhookRejection::BadSignature));
    let none = ClerkWebhooks::new(Vec::new());
    assert_eq!(none.verify(&vector.headers(), body, at(vector.timestamp)), Err(WebhookRejection::BadSignature));
}

#[test]
fn five_minutes_either_way() {
    let vector = vectors().remove(0);
    let verify = |offset: i64| {
        let now = at(vector.timestamp) + TimeDelta::milliseconds(offset);
        vector.webhooks().verify(&vector.headers(), vector.body.as_bytes(), now)
    };
    for inside in [-300_000, -1, 0, 1, 300_000] {
        assert!(verify(inside).is_ok(), "{inside}");
    }
    for outside in [-86_400_000, -300_001, 300_001, 86_400_000] {
        assert_eq!(verify(outside), Err(WebhookRejection::Stale), "{outside}");
    }
}

#[test]
fn each_header_once() {
    let vector = vectors().remove(0);
    let names = ["svix-id", "svix-timestamp", "svix-signature"];
    for name in names {
        let mut missing = vector.headers();
        missing.remove(name);
        assert_eq!(vector.refusal(&missing, vector.body.as_bytes()), WebhookRejection::MissingSignature, "{name}");
        let mut twice = vector.headers();
        twice.append(name, vector.headers()[name].clone());
        assert_eq!(vector.refusal(&twice, vector.body.as_bytes()), WebhookRejection::BadSignature, "{name}");
        let mut binary = vector.headers();
        binary.insert(name, HeaderValue::from_bytes(b"\xff").unwrap());
        assert_eq!(vector.refusal(&binary, vector.body.as_bytes()), WebhookRejection::BadSignature, "{name}");
    }
    let secret = WebhookSecret::parse(&vector.secret).unwrap();
    for id in [String::new(), "a b".to_owned(), "x".repeat(129)] {
        let signature = secret.sign(&id, vector.timestamp, vector.body.as_bytes());
        let signed = Vector { id, signature, ..vector.clone() };
        assert_eq!(signed.refusal(&signed.headers(), vector.body.as_bytes()), WebhookRejection::BadSignature);
    }
}

fn event(body: &[u8]) -> Result<ClerkEventKind, WebhookRejection> {
    let vector = vectors().remove(0);
    let signature = WebhookSecret::parse(&vector.secret).unwrap().sign(&vector.id, vector.timestamp, body);
    let signed = Vector { signature, ..vector };
    signed.webhooks().verify(&signed.headers(), body, at(signed.timestamp)).map(|event| event.kind)
}

#[test]
fn what_happened_is_read_and_what_is_not_known_is_passed_on_by_its_word() {
    let kind = |kind: &str, data: serde_json::Value| event(json!({"type": kind, "data": data}).to_string().as_bytes());
    let user = json!({"id": "user_1", "public_metadata": {"nmc_role": "TECH"}, "new": {}});
    let Ok(ClerkEventKind::UserCreated(created)) = kind("user.created", user.clone()) else { panic!() };
    assert_eq!((created.id.as_str(), &created.public_metadata["nmc_role"]), ("user_1", &json!("TECH")));
    assert!(matches!(kind("user.updated", user), Ok(ClerkEventKind::UserUpdated(_))));
    let Ok(ClerkEventKind::UserDeleted(id)) = kind("user.deleted", json!({"id": "user_1", "deleted": true})) else {
        panic!()
    };
    assert_eq!(id.as_str(), "user_1");
    for unknown in ["session.created", "organizationMembership.created", "user.", "", "brand.new"] {
        assert_eq!(kind(unknown, json!([7])), Ok(ClerkEventKind::Other(unknown.to_owned())));
    }
    for (body, field) in [
        (json!({"data": {}}), "body"),
        (json!({"type": "user.created"}), "body"),
        (json!({"type": 7, "data": {}}), "body"),
        (json!([]), "body"),
        (json!({"type": "user.created", "data": {}}), "data"),
        (json!({"type": "user.created", "data": null}), "data"),
        (json!({"type": "user.updated", "data": {"id": "org_1"}}), "data"),
        (json!({"type": "user.deleted", "data": {"deleted": true}}), "data"),
    ] {
        let refused = event(body.to_string().as_bytes());
        assert!(
            matches!(&refused, Err(WebhookRejection::Malformed { field: named, .. }) if *named == field),
            "{body}: {refused:?}"
        );
    }
    assert!(matches!(event(b"\xff"), Err(WebhookRejection::Malformed { .. })));
}

#[test]
fn too_large_is_refused_before_it_is_hashed() {
    let vector = vectors().remove(0);
    assert_eq!(vector.refusal(&vector.headers(), &vec![b' '; 1024 * 1024 + 1]), WebhookRejection::TooLarge);
}

#[test]
fn secrets_have_svix_s_form_and_do_not_print() {
    let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    assert_eq!(format!("{secret:?}"), "WebhookSecret(***)");
    assert!(!format!("{:?}", ClerkWebhooks::new(vec![secret])).contains("MfKQ"));
    for wrong in [
        "",
        "whsec_",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_c2hvcnQ=",
        "whsec_***",
        "WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    ] {
        assert!(WebhookSecret::parse(wrong).is_err(), "{wrong}");
    }
}
