//! What Clerk's own key must not have signed.

use serde_json::{Value, json};

use super::Cases;
use crate::support::{ISSUER, NOW, PARTY, Signer, claims, claims_with, claims_without};

/// Signed by Clerk's own key: what a claim must not be.
pub(super) fn wrong_claims(cases: &mut Cases) {
    let key = Signer::clerk();
    let mut add = |claims: Value, what: String| cases.push((what, key.sign(&claims)));
    for required in ["iss", "sub", "exp"] {
        add(claims_without(required), format!("no {required}"));
        add(claims_with(required, Value::Null), format!("{required} null"));
    }
    let texts = ["iss", "sub", "azp", "sts", "org_id", "org_role", "org_slug", "nmc_tenant_id", "nmc_role"];
    for name in texts {
        for odd in [json!(7), json!(true), json!([claims()[name]]), json!({"a": claims()[name]}), json!([])] {
            add(claims_with(name, odd.clone()), format!("{name} {odd}"));
        }
    }
    for name in ["exp", "nbf", "iat"] {
        for odd in [
            json!(NOW.to_string()),
            json!(1.79e9),
            json!(1e300),
            json!(true),
            json!([NOW]),
            json!({}),
            json!(u64::MAX),
            json!(i64::MAX),
            json!(i64::MIN),
        ] {
            add(claims_with(name, odd.clone()), format!("{name} {odd}"));
        }
    }
    for over in [NOW - 5, NOW - 6, NOW - 86_400, 0, -1, -NOW] {
        add(claims_with("exp", json!(over)), format!("over at {over}"));
    }
    for early in [NOW + 6, NOW + 60, NOW + 86_400, 253_402_300_799] {
        add(claims_with("nbf", json!(early)), format!("not before {early}"));
        add(claims_with("iat", json!(early)), format!("issued at {early}"));
    }
    for issuer in [
        format!("{ISSUER}/"),
        format!("{ISSUER}:443"),
        format!(" {ISSUER}"),
        format!("{ISSUER}\0"),
        format!("{ISSUER}.evil.example.com"),
        format!("{ISSUER}@evil.example.com"),
        format!("{ISSUER}#"),
        ISSUER.to_uppercase(),
        ISSUER.replace("https", "http"),
        ISSUER.trim_end_matches("com").to_owned(),
        "https://clerk.evil.example.com".to_owned(),
        String::new(),
        "*".to_owned(),
    ] {
        add(claims_with("iss", json!(issuer)), format!("iss {issuer:?}"));
    }
    for party in [
        format!("{PARTY}/"),
        format!("{PARTY}:443"),
        format!("{PARTY}.evil.example.com"),
        format!("{PARTY},https://evil.example.com"),
        PARTY.to_uppercase(),
        PARTY.replace("https", "http"),
        "https://evil.example.com".to_owned(),
        "null".to_owned(),
        "*".to_owned(),
        String::new(),
        format!("{PARTY}\0"),
    ] {
        add(claims_with("azp", json!(party)), format!("azp {party:?}"));
    }
    let long = format!("user_{}", "a".repeat(60));
    for subject in
        ["", "user_", "org_1", "mch_1", "USER_1", "user_a b", "user_\0", "user_é", " user_1", "user_1\n", &long]
    {
        add(claims_with("sub", json!(subject)), format!("sub {subject:?}"));
    }
    for status in ["pending", "ended", "expired", "abandoned", "", "Active", "active ", "ACTIVE", "active\0"] {
        add(claims_with("sts", json!(status)), format!("sts {status:?}"));
    }
    for version in [json!(0), json!(3), json!(99), json!(-1), json!(2.5), json!("2"), json!([2]), json!({})] {
        add(claims_with("v", version.clone()), format!("v {version}"));
    }
    for odd in [
        json!("org_1"),
        json!(7),
        json!(true),
        json!({"id": 7}),
        json!({"rol": ["admin"]}),
        json!({"slg": {}}),
        json!([["org_1"]]),
    ] {
        add(claims_with("o", odd.clone()), format!("o {odd}"));
    }
    for tenant in ["", "x", "0190a000-0000-7000-8000", "0190a000-0000-7000-8000-00000000000g", "' or 1=1 --"] {
        add(claims_with("nmc_tenant_id", json!(tenant)), format!("nmc_tenant_id {tenant:?}"));
    }
    for role in ["", "owner", "Owner", "ADMIN", "OWNER ", "OPERATOR", "SYSTEM", "TECH,OWNER"] {
        add(claims_with("nmc_role", json!(role)), format!("nmc_role {role:?}"));
    }
}

/// Payloads that are not the JSON they should be, or say a thing twice.
pub(super) fn raw_payloads(cases: &mut Cases) {
    let key = Signer::clerk();
    let header = key.header().to_string();
    let good = claims().to_string();
    let mut add = |what: String, payload: &[u8]| cases.push((what, key.sign_raw(header.as_bytes(), payload)));
    for (name, value) in claims().as_object().unwrap() {
        let known = ["iss", "sub", "exp", "nbf", "iat", "azp", "sts", "v", "o", "nmc_tenant_id", "nmc_role"];
        if known.contains(&name.as_str()) {
            add(format!("{name} twice, the same"), good.replacen('{', &format!("{{\"{name}\":{value},"), 1).as_bytes());
            let then_null = format!("{},\"{name}\":null}}", &good[..good.len() - 1]);
            add(format!("{name} twice, then null"), then_null.as_bytes());
        }
    }
    add("sub twice, escaped".into(), good.replacen('{', r#"{"s\u0075b":"user_evil","#, 1).as_bytes());
    for (what, payload) in [
        ("nothing", String::new()),
        ("null", "null".to_owned()),
        ("a list", format!("[{good}]")),
        ("a text", format!("{good:?}")),
        ("a number", NOW.to_string()),
        ("an empty object", "{}".to_owned()),
        ("more behind it", format!("{good}{good}")),
        ("a NUL behind it", format!("{good}\0")),
        ("a NUL before it", format!("\0{good}")),
        ("a NUL in a text", good.replace("active", "act\0ive")),
        ("a NUL in a name", good.replace("\"sub\"", "\"sub\0\"")),
        ("a byte order mark", format!("\u{feff}{good}")),
        ("an open end", good[..good.len() - 1].to_owned()),
        ("a comma too many", format!("{},}}", &good[..good.len() - 1])),
        ("NaN", good.replace(&(NOW + 60).to_string(), "NaN")),
        ("Infinity", good.replace(&(NOW + 60).to_string(), "Infinity")),
        ("a number beyond all", good.replace(&(NOW + 60).to_string(), "1e999")),
        ("a number with a plus", good.replace(&(NOW + 60).to_string(), "+1790000060")),
        ("a number in hexadecimal", good.replace(&(NOW + 60).to_string(), "0x6AB13B3C")),
        ("a surrogate alone", good.replace("active", "\\ud800")),
        ("very deep", "[".repeat(3000)),
    ] {
        add(format!("payload: {what}"), payload.as_bytes());
    }
    add("payload: not UTF-8".into(), good.replace("active", "act\u{1}").replace('\u{1}', "\u{80}").as_bytes());
    let mut broken = good.clone().into_bytes();
    broken[10] = 0xff;
    add("payload: a broken letter".into(), &broken);
}
