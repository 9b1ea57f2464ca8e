//! Clerk's published keys, from JSON to keys that may verify a token.
//!
//! Source: <https://clerk.com/docs/guides/sessions/manual-jwt-verification>, RFC 7517.

use std::{collections::HashMap, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::Value;

use crate::http::{Bounds, Http};

/// An instance has one key, two while it changes them.
const MAX_KEYS: usize = 32;
/// Fewer bits can be factored; RFC 7518, 3.3 asks for as many.
const MIN_MODULUS_BITS: usize = 2048;
/// More make each verification slow, and aws-lc refuses them.
const MAX_MODULUS_BITS: usize = 8192;

/// Callers wait for this answer.
pub(super) const BOUNDS: Bounds = Bounds {
    connect_timeout: Duration::from_secs(2),
    request_timeout: Duration::from_secs(4),
    max_answer_bytes: 64 * 1024,
};

/// Keys by their id.
pub(super) type KeySet = HashMap<String, Arc<DecodingKey>>;

/// Why there are no keys in an answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum JwksError {
    #[error("Clerk could not be reached")]
    Unreachable(#[source] reqwest::Error),
    #[error("Clerk answered {0}")]
    Refused(u16),
    #[error("the answer is no set of keys, or larger than is reasonable")]
    Unreadable,
    #[error("the set has no key that may be used")]
    Empty,
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: String,
    #[serde(rename = "use")]
    public_key_use: String,
    #[serde(default)]
    alg: Option<String>,
    n: String,
    e: String,
}

/// Asks for the keys.
pub(super) async fn fetch(http: &Http, url: &Url) -> Result<KeySet, JwksError> {
    let answer = http.exchange("jwks", http.request(Method::GET, url.clone())).await.map_err(JwksError::Unreachable)?;
    if !answer.status.is_success() {
        return Err(JwksError::Refused(answer.status.as_u16()));
    }
    parse(&answer.body.ok_or(JwksError::Unreadable)?)
}

/// Reads key by key, so that a key of another kind does not hide the others.
fn parse(json: &[u8]) -> Result<KeySet, JwksError> {
    let jwks: Jwks = serde_json::from_slice(json).map_err(|_| JwksError::Unreadable)?;
    if jwks.keys.len() > MAX_KEYS {
        return Err(JwksError::Unreadable);
    }
    let mut found: HashMap<String, Option<(String, String)>> = HashMap::new();
    for jwk in jwks.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).filter(may_verify) {
        let material = (jwk.n, jwk.e);
        // Two different keys of one id: nobody can tell which is meant, so neither is.
        let kept = found.entry(jwk.kid).or_insert_with(|| Some(material.clone()));
        if kept.as_ref() != Some(&material) {
            *kept = None;
        }
    }
    let keys: KeySet = found
        .into_iter()
        .filter_map(|(kid, material)| {
            let (n, e) = material?;
            Some((kid, Arc::new(DecodingKey::from_rsa_components(&n, &e).ok()?)))
        })
        .collect();
    if keys.is_empty() { Err(JwksError::Empty) } else { Ok(keys) }
}

fn may_verify(jwk: &Jwk) -> bool {
    jwk.kty == "RSA"
        && jwk.public_key_use == "sig"
        && jwk.alg.as_ref().is_none_or(|alg| alg == "RS256")
        && !jwk.kid.is_empty()
        && bits(&jwk.n).is_some_and(|bits| (MIN_MODULUS_BITS..=MAX_MODULUS_BITS).contains(&bits))
        // An exponent of 1 would make every signature its own proof.
        && bits(&jwk.e).is_some_and(|bits| (2..=33).contains(&bits))
}

/// The bits of a number in base64url, leading zeros apart.
fn bits(number: &str) -> Option<usize> {
    let bytes = URL_SAFE_NO_PAD.decode(number).ok()?;
    let first = bytes.iter().position(|byte| *byte != 0)?;
    let leading = usize::try_from(bytes[first].leading_zeros()).ok()?;
    Some((bytes.len() - first) * 8 - leading)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn number(bits: usize) -> String {
        let mut bytes = vec![0xff_u8; bits.div_ceil(8)];
        bytes[0] >>= (8 - bits % 8) % 8;
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn key(kid: &str, n: &str) -> Value {
        json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": n, "e": "AQAB"})
    }

    fn ids(keys: &[Value]) -> Vec<String> {
        let set = parse(json!({ "keys": keys }).to_string().as_bytes());
        let mut ids: Vec<String> = set.unwrap_or_default().into_keys().collect();
        ids.sort();
        ids
    }

    #[test]
    fn only_keys_that_may_verify_are_kept() {
        let with = |name: &str, value: Value| {
            let mut key = key("changed", &number(2048));
            key[name] = value;
            key
        };
        let good = key("good", &number(2048));
        for odd in [
            with("use", json!("enc")),
            with("use", Value::Null),
            with("kty", json!("EC")),
            with("kty", json!("oct")),
            with("alg", json!("RS512")),
            with("alg", json!("HS256")),
            with("kid", json!("")),
            with("kid", json!(7)),
            with("n", json!(number(2047))),
            with("n", json!(number(1024))),
            with("n", json!(number(8193))),
            with("n", json!("not base64url!")),
            with("n", json!("")),
            with("e", json!("AQ")),
            with("e", json!("AA")),
            with("e", json!(number(34))),
            json!(7),
            json!({}),
        ] {
            assert_eq!(ids(&[odd.clone(), good.clone()]), ["good"], "{odd}");
            assert!(matches!(parse(json!({ "keys": [odd] }).to_string().as_bytes()), Err(JwksError::Empty)));
        }
        let mut without_alg = key("no-alg", &number(4096));
        without_alg.as_object_mut().unwrap().remove("alg");
        assert_eq!(ids(&[without_alg, key("large", &number(8192))]), ["large", "no-alg"]);
    }

    #[test]
    fn a_repeated_key_counts_once_and_two_of_one_id_not_at_all() {
        let (a, b) = (number(2048), number(3072));
        assert_eq!(ids(&[key("1", &a), key("1", &a), key("2", &b)]), ["1", "2"]);
        assert_eq!(ids(&[key("1", &a), key("1", &b), key("2", &b)]), ["2"]);
        // The third does not bring the first back.
        assert_eq!(ids(&[key("1", &a), key("1", &b), key("1", &a), key("2", &b)]), ["2"]);
    }

    #[test]
    fn what_is_no_set_of_keys_is_refused() {
        for wrong in ["", "[]", "{}", r#"{"keys":{}}"#, "<html>"] {
            assert!(matches!(parse(wrong.as_bytes()), Err(JwksError::Unreadable)), "{wrong}");
        }
        let many: Vec<Value> = (0..=MAX_KEYS).map(|i| key(&i.to_string(), &number(2048))).collect();
        assert!(matches!(parse(json!({ "keys": many }).to_string().as_bytes()), Err(JwksError::Unreadable)));
    }
}
