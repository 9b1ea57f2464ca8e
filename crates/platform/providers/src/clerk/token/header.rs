//! The header: which key, and nothing else. It is read before anything is verified, so it decides nothing more.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::TokenRejection;

/// Clerk's are about thirty characters (`ins_...`).
const MAX_KEY_ID_BYTES: usize = 128;

/// Parameters that are never honoured, whatever their value. A token that has one was not made by Clerk: it brings or
/// names the key it wants to be verified with (RFC 7515, 4.1.2 to 4.1.8), or asks that something else be understood.
const REFUSED: [&str; 10] = ["jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "crit", "b64", "zip", "enc"];

/// A name that stands twice is an error where it is one of these three.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
    typ: Option<String>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// The id of the key the token says it is signed with.
pub(super) fn key_id(json: &[u8]) -> Result<String, TokenRejection> {
    let header: Header = serde_json::from_slice(json).map_err(|_| TokenRejection::Malformed)?;
    if header.alg != "RS256" {
        return Err(TokenRejection::Algorithm);
    }
    // An OAuth access token of the same instance says `at+jwt` and is no session.
    let is_another_kind = header.typ.is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT"));
    if is_another_kind || REFUSED.iter().any(|name| header.others.contains_key(*name)) {
        return Err(TokenRejection::Header);
    }
    if header.kid.is_empty() || header.kid.len() > MAX_KEY_ID_BYTES {
        return Err(TokenRejection::UnknownKey);
    }
    Ok(header.kid)
}
