//! Tokens that must not be let in. Each is generated; none is accepted, and the count is asserted.

use std::collections::BTreeMap;

use aws_lc_rs::{
    encoding::AsDer as _,
    hmac,
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
        RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding,
    },
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use nmc_providers::clerk::{ClerkTokens, TokenRejection, token::MAX_TOKEN_BYTES};
use serde_json::{Value, json};

use super::support::{AUDIENCE, ISSUER, NOW, PARTY, Signer, claims, claims_with, claims_without, clerk, encode};

type Cases = Vec<(String, String)>;

fn header_with(name: &str, value: Value) -> Value {
    let mut header = Signer::clerk().header();
    header[name] = value;
    header
}

fn message(header: &Value, claims: &Value) -> String {
    format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()))
}

/// What an attacker may take for the secret of an HMAC: the public key in each form it is known in.
fn public_forms() -> Vec<(&'static str, Vec<u8>)> {
    let key = Signer::clerk();
    let (n, e) = key.numbers();
    let der: aws_lc_rs::encoding::PublicKeyX509Der<'_> = key.pair.public_key().as_der().unwrap();
    let base64 = STANDARD.encode(der.as_ref());
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----");
    vec![
        ("pem", pem.clone().into_bytes()),
        ("pem and a line end", format!("{pem}\n").into_bytes()),
        ("der", der.as_ref().to_vec()),
        ("pkcs1", key.pair.public_key().as_ref().to_vec()),
        ("base64", base64.into_bytes()),
        ("modulus", n.clone()),
        ("modulus as text", encode(&n).into_bytes()),
        ("exponent", e),
        ("jwk", key.jwk().to_string().into_bytes()),
        ("kid", key.kid.as_bytes().to_vec()),
        ("empty", Vec::new()),
    ]
}

fn algorithms(cases: &mut Cases) {
    let mut add = |what: String, token: String| cases.push((what, token));
    let signed = |message: &str, signature: &[u8]| format!("{message}.{}", encode(signature));
    for none in
        ["none", "None", "NONE", "nOnE", "", "null", "rs256", "Rs256", "RS256 ", " RS256", "RS256\0", "RSA-SHA256"]
    {
        let message = message(&header_with("alg", json!(none)), &claims());
        add(format!("alg {none:?}, no signature"), format!("{message}."));
        add(format!("alg {none:?}, no third part"), message.clone());
        add(
            format!("alg {none:?}, a right signature"),
            signed(&message, &Signer::clerk().signature(&RSA_PKCS1_SHA256, &message)),
        );
        add(format!("alg {none:?}, any signature"), signed(&message, b"x"));
    }
    for odd in [json!(7), Value::Null, json!(["RS256"]), json!({"RS256": 1}), json!(true)] {
        add(format!("alg {odd}"), Signer::clerk().sign_with(&header_with("alg", odd.clone()), &claims()));
    }
    let hmacs = [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)];
    for (form, secret) in public_forms() {
        for (word, algorithm) in hmacs {
            for said in [word, "RS256"] {
                let message = message(&header_with("alg", json!(said)), &claims());
                let tag = hmac::sign(&hmac::Key::new(algorithm, &secret), message.as_bytes());
                add(format!("{word} over the public key as {form}, saying {said}"), signed(&message, tag.as_ref()));
            }
        }
    }
    let others: [(&str, &'static dyn RsaEncoding); 5] = [
        ("RS384", &RSA_PKCS1_SHA384),
        ("RS512", &RSA_PKCS1_SHA512),
        ("PS256", &RSA_PSS_SHA256),
        ("PS384", &RSA_PSS_SHA384),
        ("PS512", &RSA_PSS_SHA512),
    ];
    for (word, encoding) in others {
        for said in [word, "RS256"] {
            let message = message(&header_with("alg", json!(said)), &claims());
            add(format!("{word}, saying {said}"), signed(&message, &Signer::clerk().signature(encoding, &message)));
        }
    }
    let curve = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let edwards = Ed25519KeyPair::generate().unwrap();
    for said in ["ES256", "ES256K", "EdDSA", "RS256"] {
        let message = message(&header_with("alg", json!(said)), &claims());
        let ecdsa = curve.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        add(format!("ECDSA, saying {said}"), signed(&message, ecdsa.as_ref()));
        add(format!("Ed25519, saying {said}"), signed(&message, edwards.sign(message.as_bytes()).as_ref()));
    }
    for zeros in [1, 255, 256, 257, 512] {
        let message = message(&Signer::clerk().header(), &claims());
        add(format!("{zeros} zeros for a signature"), signed(&message, &vec![0; zeros]));
    }
}

fn key_ids(cases: &mut Cases) {
    let (clerk, other) = (Signer::clerk(), Signer::other());
    cases.push(("another key under Clerk's id".into(), other.sign_with(&clerk.header(), &claims())));
    cases.push(("another key under its own id".into(), other.sign(&claims())));
    cases.push(("no id, Clerk's key".into(), clerk.sign_with(&json!({"alg": "RS256", "typ": "JWT"}), &claims())));
    cases.push(("no id, another key".into(), other.sign_with(&json!({"alg": "RS256", "typ": "JWT"}), &claims())));
    let ids = [
        json!(""),
        Value::Null,
        json!(0),
        json!(["ins_clerk"]),
        json!({"kid": "ins_clerk"}),
        json!("INS_CLERK"),
        json!("ins_clerk "),
        json!(" ins_clerk"),
        json!("ins_clerk\0"),
        json!("\0ins_clerk"),
        json!("ins_clerk\n"),
        json!("ins_cler"),
        json!("ins_clerk2"),
        json!("../../../../dev/null"),
        json!("file:///dev/null"),
        json!("https://evil.example.com/key"),
        json!("' or '1'='1"),
        json!("ins_clerk' union select 'x"),
        json!("$(id)"),
        json!("*"),
        json!("%69ns_clerk"),
        json!("іns_clerk"),
        json!("k".repeat(128)),
        json!("k".repeat(5000)),
    ];
    for id in ids {
        let shown: String = id.to_string().chars().take(40).collect();
        cases.push((format!("kid {shown}, Clerk's key"), clerk.sign_with(&header_with("kid", id.clone()), &claims())));
        cases.push((format!("kid {shown}, another key"), other.sign_with(&header_with("kid", id), &claims())));
    }
}

fn headers(cases: &mut Cases) {
    let (clerk, other) = (Signer::clerk(), Signer::other());
    let set = json!({"keys": [other.jwk()]});
    let brought = [
        ("jku", json!("https://evil.example.com/jwks.json")),
        ("jku", json!("http://127.0.0.1/.well-known/jwks.json")),
        ("jku", json!(format!("{ISSUER}/.well-known/jwks.json"))),
        ("jku", json!(format!("{ISSUER}@evil.example.com/jwks.json"))),
        ("jku", json!(set.to_string())),
        ("jku", Value::Null),
        ("jku", json!(7)),
        ("jwk", other.jwk()),
        ("jwk", clerk.jwk()),
        ("jwk", json!({"kty": "oct", "k": encode(b"secret")})),
        ("jwk", set),
        ("jwk", Value::Null),
        ("x5u", json!("https://evil.example.com/cert.pem")),
        ("x5u", Value::Null),
        ("x5c", json!([STANDARD.encode(b"a certificate")])),
        ("x5c", json!([])),
        ("x5t", json!(encode(b"12345678901234567890"))),
        ("x5t#S256", json!(encode(&[7; 32]))),
        ("crit", json!(["b64"])),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("crit", json!(["http://example.com/unknown"])),
        ("crit", Value::Null),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("zip", json!("DEF")),
        ("enc", json!("A256GCM")),
        ("typ", json!("at+jwt")),
        ("typ", json!("application/at+jwt")),
        ("typ", json!("JWE")),
        ("typ", json!("JOSE")),
        ("typ", json!("")),
        ("typ", json!("JWT\0")),
        ("typ", json!(7)),
        ("typ", json!(["JWT"])),
    ];
    for (name, value) in brought {
        let shown: String = value.to_string().chars().take(50).collect();
        let header = header_with(name, value);
        cases.push((format!("{name} {shown}, Clerk's key"), clerk.sign_with(&header, &claims())));
        cases.push((format!("{name} {shown}, another key"), other.sign_with(&header, &claims())));
        let mut own = header;
        own["kid"] = json!(other.kid);
        cases.push((format!("{name} {shown}, another key and id"), other.sign_with(&own, &claims())));
    }
    let good = clerk.header().to_string();
    let payload = claims().to_string();
    let raw = [
        ("alg twice, none last", good.replacen('{', r#"{"alg":"none","#, 1)),
        ("alg twice, none first", format!(r#"{},"alg":"none"}}"#, good.trim_end_matches('}'))),
        ("alg twice, the same", good.replacen('{', r#"{"alg":"RS256","#, 1)),
        ("kid twice", good.replacen('{', r#"{"kid":"ins_other","#, 1)),
        ("crit twice", good.replacen('{', r#"{"crit":[],"crit":[],"#, 1)),
        ("typ twice", good.replacen('{', r#"{"typ":"JWT","#, 1)),
        ("a name escaped", good.replacen('{', r#"{"\u006aku":"https://evil.example.com","#, 1)),
        ("a list", format!("[{good}]")),
        ("a text", format!("{good:?}")),
        ("nothing", String::new()),
        ("null", "null".to_owned()),
        ("an open end", good.trim_end_matches('}').to_owned()),
        ("more behind it", format!("{good}{good}")),
        ("a byte order mark", format!("\u{feff}{good}")),
        ("a NUL behind it", format!("{good}\0")),
        ("a comma too many", good.replacen('}', ",}", 1)),
        ("a comment", good.replacen('{', "{/* */", 1)),
        ("single quotes", good.replace('"', "'")),
    ];
    for (what, header) in raw {
        cases.push((format!("header: {what}"), clerk.sign_raw(header.as_bytes(), payload.as_bytes())));
    }
    cases.push((
        "header: not UTF-8".into(),
        clerk.sign_raw(b"{\"alg\":\"RS256\",\"kid\":\"\xff\"}", payload.as_bytes()),
    ));
}

/// One bit changed, everywhere.
fn bits(cases: &mut Cases) {
    let key = Signer::clerk();
    let (header, payload) = (key.header().to_string().into_bytes(), claims().to_string().into_bytes());
    let signature = key.signature(&RSA_PKCS1_SHA256, &format!("{}.{}", encode(&header), encode(&payload)));
    let parts = [header, payload, signature];
    for part in 0..3 {
        for bit in 0..parts[part].len() * 8 {
            let mut changed = parts.clone();
            changed[part][bit / 8] ^= 1 << (bit % 8);
            let token = changed.map(|bytes| encode(&bytes)).join(".");
            cases.push((format!("bit {bit} of part {part}"), token));
        }
    }
}

/// The same token written in another way, cut, or with something around it.
fn writing(cases: &mut Cases) {
    let token = Signer::clerk().sign(&claims());
    let parts: Vec<&str> = token.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    let mut add = |what: &str, token: String| cases.push((format!("written: {what}"), token));
    for (what, around) in [
        ("a prefix", format!("Bearer {token}")),
        ("a space before", format!(" {token}")),
        ("a space behind", format!("{token} ")),
        ("a line end", format!("{token}\n")),
        ("a NUL behind", format!("{token}\0")),
        ("a NUL before", format!("\0{token}")),
        ("a dot before", format!(".{token}")),
        ("a dot behind", format!("{token}.")),
        ("a fourth part", format!("{token}.{signature}")),
        ("five parts", format!("{header}.{payload}.{signature}.{payload}.{signature}")),
        ("an empty part between", format!("{header}..{payload}.{signature}")),
        ("twice", format!("{token}{token}")),
        ("quotes", format!("\"{token}\"")),
        ("a comma and another", format!("{token},{token}")),
        ("percent", token.replace('.', "%2E")),
        ("another dot", token.replace('.', "\u{2024}")),
        ("upper case", token.to_uppercase()),
        ("reversed", token.chars().rev().collect()),
        ("parts swapped", format!("{payload}.{header}.{signature}")),
        ("no header", format!(".{payload}.{signature}")),
        ("no payload", format!("{header}..{signature}")),
        ("no signature", format!("{header}.{payload}.")),
        ("padding", format!("{header}=.{payload}==.{signature}==")),
        ("padding of the signature", format!("{header}.{payload}.{signature}==")),
        ("a line end within", format!("{header}.{payload}.{}\n{}", &signature[..64], &signature[64..])),
        ("a space within", format!("{header}.{payload}.{} {}", &signature[..64], &signature[64..])),
        ("JSON instead", json!({"protected": header, "payload": payload, "signature": signature}).to_string()),
    ] {
        add(what, around);
    }
    let raw: Vec<Vec<u8>> = parts.iter().map(|part| decode(part)).collect();
    add("padded by the library", raw.iter().map(|bytes| URL_SAFE.encode(bytes)).collect::<Vec<_>>().join("."));
    add("the other alphabet", raw.iter().map(|bytes| STANDARD.encode(bytes)).collect::<Vec<_>>().join("."));
    add("hexadecimal", raw.iter().map(hex::encode).collect::<Vec<_>>().join("."));
    // 256 bytes leave four bits of the last character unused.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = alphabet.find(signature.chars().last().unwrap()).unwrap();
    for stray in 1..16 {
        let other = &alphabet[(last | stray)..=(last | stray)];
        add(&format!("stray bits {stray}"), format!("{header}.{payload}.{}{other}", &signature[..signature.len() - 1]));
    }
    for length in (0..token.len()).step_by(7) {
        add(&format!("cut at {length}"), token[..length].to_owned());
    }
    for odd in [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "a.b",
        "null",
        "undefined",
        "e30.e30.",
        "e30.e30.e30",
        "[object Object]",
        "\0",
        "é.é.é",
    ] {
        add(&format!("{odd:?}"), odd.to_owned());
    }
    let sizes = [MAX_TOKEN_BYTES + 1, 64 * 1024, 1024 * 1024];
    for size in sizes {
        add(&format!("{size} letters"), "a".repeat(size));
        add(&format!("{size} dots"), ".".repeat(size));
    }
    let long = Signer::clerk().sign(&claims_with("more", json!("x".repeat(MAX_TOKEN_BYTES))));
    assert!(long.len() > MAX_TOKEN_BYTES);
    add("too long and signed", long);
}

fn decode(part: &str) -> Vec<u8> {
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()
}

/// Signed by Clerk's own key: what a claim must not be.
fn wrong_claims(cases: &mut Cases) {
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
fn raw_payloads(cases: &mut Cases) {
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

async fn assert_all_refused(tokens: &ClerkTokens, cases: &Cases) -> BTreeMap<&'static str, usize> {
    let mut reasons = BTreeMap::new();
    for (what, token) in cases {
        match tokens.verify(token).await {
            Ok(verified) => panic!("accepted: {what}: {verified:?}"),
            // With no keys everything is refused, and nothing shown.
            Err(TokenRejection::KeysUnavailable) => panic!("no keys: {what}"),
            Err(reason) => *reasons.entry(reason.as_str()).or_default() += 1,
        }
    }
    reasons
}

#[tokio::test]
async fn no_forged_or_faulty_token_is_let_in() {
    let (server, clock) = clerk().await;
    let tokens = server.tokens(&clock);
    let good = Signer::clerk().sign(&claims());
    tokens.verify(&good).await.unwrap();
    let mut cases = Cases::new();
    for generate in [algorithms, key_ids, headers, writing, wrong_claims, raw_payloads] {
        generate(&mut cases);
    }
    let (by_hand, mut all) = (cases.len(), cases);
    bits(&mut all);
    all.retain(|(_, token)| *token != good);
    let reasons = assert_all_refused(&tokens, &all).await;
    println!("{} tokens refused, {by_hand} of them not by a changed bit: {reasons:?}", all.len());
    assert!(by_hand >= 700 && all.len() >= 5000, "{by_hand} {}", all.len());
    // Nearly every reason there is was met, so the set reaches every check.
    for reason in [
        "too_long",
        "malformed",
        "algorithm",
        "header",
        "unknown_key",
        "signature",
        "claims",
        "version",
        "issuer",
        "authorized_party",
        "expired",
        "not_yet_valid",
        "pending",
    ] {
        assert!(reasons.get(reason).is_some_and(|count| *count > 0), "{reason}: {reasons:?}");
    }
    tokens.verify(&good).await.unwrap();
    assert_eq!(server.fetches(), 1, "a forged token had the keys fetched again");
}

#[tokio::test]
async fn an_audience_that_is_asked_for_must_be_there() {
    let (server, clock) = clerk().await;
    let tokens = server.tokens_for(Some(AUDIENCE), &clock);
    let cases: Cases = [
        Value::Null,
        json!(""),
        json!([]),
        json!([""]),
        json!([[AUDIENCE]]),
        json!({ "a": AUDIENCE }),
        json!(7),
        json!([7, AUDIENCE]),
        json!(format!("{AUDIENCE}/")),
        json!(format!("{AUDIENCE}\0")),
        json!(AUDIENCE.to_uppercase()),
        json!(&AUDIENCE[..AUDIENCE.len() - 1]),
        json!(format!("{AUDIENCE},x")),
        json!(format!("{AUDIENCE} x")),
        json!(["https://elsewhere.example.com"]),
        json!("*"),
    ]
    .into_iter()
    .map(|audience| (audience.to_string(), Signer::clerk().sign(&claims_with("aud", audience))))
    .chain([("no audience".to_owned(), Signer::clerk().sign(&claims()))])
    .collect();
    assert_all_refused(&tokens, &cases).await;
    assert!(tokens.verify(&Signer::clerk().sign(&claims_with("aud", json!(AUDIENCE)))).await.is_ok());
}

#[test]
fn each_refusal_is_counted_by_its_reason() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let (server, clock) = clerk().await;
            let tokens = server.tokens(&clock);
            for token in ["", "a.b.c", &Signer::clerk().sign(&claims_with("sts", json!("pending")))] {
                assert!(tokens.verify(token).await.is_err());
            }
            tokens.verify(&Signer::clerk().sign(&claims())).await.unwrap();
        });
    });
    let counted = recorder.handle().render();
    for (reason, times) in [("malformed", 2), ("pending", 1)] {
        let line = format!("auth_failures_total{{reason=\"{reason}\"}} {times}");
        assert!(counted.contains(&line), "{line}: {counted}");
    }
    assert_eq!(counted.matches("auth_failures_total{").count(), 2, "{counted}");
}
