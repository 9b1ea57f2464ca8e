//! The header: which key, and nothing else. It is read before anything is verified, so it decides nothing more.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::TokenRejection;

/// Clerk's are about thirty characters (`ins_...`).
const MAX_KEY_ID_BYTES: usize = 128;

/// What may stand in it. `alg` and `kid` once each: a name that stands twice is an error.
///
/// The optional ones are never honoured, but a token that has one was not made by Clerk: it brings or names the key it
/// wants to be verified with (RFC 7515, 4.1.2 to 4.1.8), or asks for an extension (`crit`) or a compression.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
    #[serde(default)]
    typ: Option<String>,
    #[serde(default, deserialize_with = "present")]
    jku: bool,
    #[serde(default, deserialize_with = "present")]
    jwk: bool,
    #[serde(default, deserialize_with = "present")]
    x5u: bool,
    #[serde(default, deserialize_with = "present")]
    x5c: bool,
    #[serde(default, deserialize_with = "present")]
    x5t: bool,
    #[serde(default, rename = "x5t#S256", deserialize_with = "present")]
    x5t_s256: bool,
    #[serde(default, deserialize_with = "present")]
    crit: bool,
    #[serde(default, deserialize_with = "present")]
    b64: bool,
    #[serde(default, deserialize_with = "present")]
    zip: bool,
    #[serde(default, deserialize_with = "present")]
    enc: bool,
}

/// Whatever its value, `null` included.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// The id of the key the token says it is signed with.
pub(super) fn key_id(json: &[u8]) -> Result<String, TokenRejection> {
    let header: Header = serde_json::from_slice(json).map_err(|_| TokenRejection::Malformed)?;
    if header.alg != "RS256" {
        return Err(TokenRejection::Algorithm);
    }
    let brings_a_key = header.jku || header.jwk || header.x5u || header.x5c || header.x5t || header.x5t_s256;
    let asks_for_more = header.crit || header.b64 || header.zip || header.enc;
    // An OAuth access token of the same instance says `at+jwt` and is no session.
    let is_another_kind = header.typ.is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT"));
    if brings_a_key || asks_for_more || is_another_kind {
        return Err(TokenRejection::Header);
    }
    if header.kid.is_empty() || header.kid.len() > MAX_KEY_ID_BYTES {
        return Err(TokenRejection::UnknownKey);
    }
    Ok(header.kid)
}
