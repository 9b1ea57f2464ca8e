//! Headers that are not Clerk's: algorithms, keys, and what else may stand there.

use aws_lc_rs::{
    encoding::AsDer as _,
    hmac,
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
        RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::Cases;
use crate::support::{ISSUER, Signer, claims, encode};

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

pub(super) fn algorithms(cases: &mut Cases) {
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

pub(super) fn key_ids(cases: &mut Cases) {
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

pub(super) fn headers(cases: &mut Cases) {
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
