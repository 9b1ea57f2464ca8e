//! Bodies of requests that create something and may be repeated.

use axum::{
    body::Bytes,
    extract::{FromRequest, OriginalUri, Request},
    http::{HeaderMap, HeaderName, Method, Uri},
};
use nmc_kernel::IdempotencyKey;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use crate::{
    Problem,
    extract::{json_bytes, parse_json},
};

/// The header a caller gives a request's key in.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Characters of a key at most.
const KEY_LENGTH_MAX: usize = 255;

/// A [`JsonBody`](crate::JsonBody) and the request's `Idempotency-Key`, if it has one: 1 to 255 visible ASCII
/// characters, else 422.
#[derive(Debug)]
pub struct IdempotentJson<T> {
    /// The body.
    pub body: T,
    /// The key, for [`nmc_kernel::IdempotencyKey`]'s use cases.
    pub key: Option<IdempotencyKey>,
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for IdempotentJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let key = given_key(request.headers())?;
        let method = request.method().clone();
        let uri = original_uri(&request);
        let bytes = json_bytes(request, state).await?;
        let body = parse_json(&bytes)?;
        let key = key.map(|key| IdempotencyKey { key, fingerprint: fingerprint(&method, uri.path(), &bytes) });
        Ok(Self { body, key })
    }
}

/// The address as the caller wrote it: routers that are nested below a prefix see it without the prefix.
fn original_uri(request: &Request) -> Uri {
    let original = request.extensions().get::<OriginalUri>().map(|OriginalUri(uri)| uri.clone());
    original.unwrap_or_else(|| request.uri().clone())
}

fn given_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut given = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(first) = given.next() else { return Ok(None) };
    let is_visible =
        |key: &&str| (1..=KEY_LENGTH_MAX).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
    let key = first.to_str().ok().filter(is_visible);
    match (key, given.next()) {
        (Some(key), None) => Ok(Some(key.to_owned())),
        _ => Err(Problem::invalid_field("Idempotency-Key", "must be one value of 1 to 255 visible ASCII characters")),
    }
}

fn fingerprint(method: &Method, path: &str, body: &Bytes) -> [u8; 32] {
    // Neither a method nor a path contains a zero byte: no two requests run together into one text.
    let parts = [method.as_str().as_bytes(), path.as_bytes(), body];
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
        hash.update([0]);
    }
    hash.finalize().into()
}
