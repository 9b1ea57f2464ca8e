//! Clerk's webhooks, which Svix signs: HMAC-SHA256 over `id.timestamp.body`.
//!
//! Source: <https://docs.svix.com/receiving/verifying-payloads/how-manual>,
//! <https://clerk.com/docs/guides/development/webhooks/overview>. The signature is checked over the raw bytes before
//! any of them is read. A signature holds for five minutes; within them a replay is caught by its id.

use axum::http::{HeaderMap, StatusCode};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretSlice};
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use std::{fmt, sync::Arc};
use subtle::{Choice, ConstantTimeEq as _};

use super::{id::ClerkUserId, user::ClerkUser};

/// The message's id: the same each time it is sent.
pub const ID_HEADER: &str = "svix-id";
/// When this attempt was made, seconds since 1970.
pub const TIMESTAMP_HEADER: &str = "svix-timestamp";
/// Signatures with spaces between them, each `<version>,<base64>`.
pub const SIGNATURE_HEADER: &str = "svix-signature";

/// The largest body a webhook may have; Clerk's are a few kilobytes.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;
/// How far the timestamp may lie from our time, in either direction; what Svix's own libraries allow.
pub const TOLERANCE: TimeDelta = TimeDelta::minutes(5);
/// Svix's ids are about thirty characters; this bounds what is hashed and stored.
const MAX_ID_BYTES: usize = 128;
/// While a secret is changed there are two signatures.
const MAX_SIGNATURES: usize = 16;
/// Svix makes secrets of 24 bytes and accepts 24 to 64
/// (<https://docs.svix.com/receiving/verifying-payloads/how-manual>).
const MIN_SECRET_BYTES: usize = 24;

/// A `whsec_` secret of the endpoint. Never printed.
#[derive(Clone)]
pub struct WebhookSecret(SecretSlice<u8>);

/// The text is not a secret of Svix's form.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a webhook secret: expected whsec_ and base64 of at least {MIN_SECRET_BYTES} bytes")]
pub struct SecretError;

impl WebhookSecret {
    /// Takes the key out of `whsec_<base64>`.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let key = text.strip_prefix("whsec_").and_then(|encoded| BASE64.decode(encoded).ok()).ok_or(SecretError)?;
        if key.len() < MIN_SECRET_BYTES { Err(SecretError) } else { Ok(Self(key.into())) }
    }

    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> [u8; 32] {
        let mut mac = <Hmac<Sha256>>::new_from_slice(self.0.expose_secret())
            .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
        mac.update(id.as_bytes());
        mac.update(b".");
        mac.update(timestamp.as_bytes());
        mac.update(b".");
        mac.update(body);
        mac.finalize().into_bytes().into()
    }

    /// Signs as Svix does: one entry for [`SIGNATURE_HEADER`].
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        format!("v1,{}", BASE64.encode(self.mac(id, &timestamp.to_string(), body)))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(***)")
    }
}

/// What verification needs; cheap to clone.
#[derive(Clone, Debug)]
pub struct ClerkWebhooks {
    secrets: Arc<[WebhookSecret]>,
}

/// A webhook that has proved its signature.
#[derive(Clone, Debug, PartialEq)]
pub struct ClerkEvent {
    /// `svix-id`: the same for each repetition and for nothing else.
    pub id: String,
    /// SHA-256 of the body, which a repetition does not change.
    pub payload_hash: [u8; 32],
    /// When it happened, where the event says so.
    pub occurred_at: Option<DateTime<Utc>>,
    /// What happened.
    pub kind: ClerkEventKind,
}

/// What Clerk tells of that matters here.
#[derive(Clone, Debug, PartialEq)]
pub enum ClerkEventKind {
    /// Somebody has signed up; with an invitation's metadata where there was one.
    UserCreated(Box<ClerkUser>),
    /// Something about somebody has changed.
    UserUpdated(Box<ClerkUser>),
    /// Somebody is gone; nothing but the id is told.
    UserDeleted(ClerkUserId),
    /// Any other word, those Clerk did not have when this was written included.
    Other(String),
}

/// Why a webhook was refused; nothing was written and nothing parsed beyond what the variant says.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum WebhookRejection {
    /// One of the three headers is not there: 401.
    #[error("the request carries no signature")]
    MissingSignature,
    /// None of the signatures is of our secret over this request, or a header stands twice: 401.
    #[error("the signature does not belong to this request")]
    BadSignature,
    /// Signed longer than [`TOLERANCE`] ago, or for a time to come: 401.
    #[error("the signature is not of this time")]
    Stale,
    /// The signature holds and the content does not: 400.
    #[error("{field}: {problem}")]
    Malformed {
        /// Where it stands.
        field: &'static str,
        /// What is wrong with it; never its value.
        problem: &'static str,
    },
    /// More than [`MAX_BODY_BYTES`]: 413.
    #[error("the body is larger than {MAX_BODY_BYTES} bytes")]
    TooLarge,
}

impl WebhookRejection {
    /// The HTTP status that answers it.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::MissingSignature | Self::BadSignature | Self::Stale => StatusCode::UNAUTHORIZED,
            Self::Malformed { .. } => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        }
    }
}

impl ClerkWebhooks {
    /// Accepts what any of `secrets` has signed: the endpoint's own, and while it is changed the one before.
    pub fn new(secrets: Vec<WebhookSecret>) -> Self {
        Self { secrets: secrets.into() }
    }

    /// Checks a request and says what it tells; `body` exactly as it was received.
    pub fn verify(&self, headers: &HeaderMap, body: &[u8], now: DateTime<Utc>) -> Result<ClerkEvent, WebhookRejection> {
        self.check_signature(headers, body, now).inspect_err(count_failure).and_then(|id| read(id, body))
    }

    fn check_signature(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<String, WebhookRejection> {
        if body.len() > MAX_BODY_BYTES {
            return Err(WebhookRejection::TooLarge);
        }
        let id = single(headers, ID_HEADER)?;
        let timestamp = single(headers, TIMESTAMP_HEADER)?;
        let signatures = single(headers, SIGNATURE_HEADER)?;
        if id.is_empty() || id.len() > MAX_ID_BYTES || !id.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(WebhookRejection::BadSignature);
        }
        let signed_at = timestamp_of(timestamp).ok_or(WebhookRejection::BadSignature)?;
        let claimed: Vec<Vec<u8>> = signatures
            .split(' ')
            .take(MAX_SIGNATURES)
            // Other versions may stand beside ours; only v1 is known to be HMAC-SHA256.
            .filter_map(|entry| BASE64.decode(entry.strip_prefix("v1,")?).ok())
            .collect();
        let mut holds = Choice::from(0);
        for secret in self.secrets.iter() {
            let ours = secret.mac(id, timestamp, body);
            for signature in &claimed {
                holds |= ours.ct_eq(signature);
            }
        }
        if !bool::from(holds) {
            return Err(WebhookRejection::BadSignature);
        }
        // After the signature: whoever cannot sign learns nothing of our clock.
        if (now - signed_at).abs() > TOLERANCE {
            return Err(WebhookRejection::Stale);
        }
        Ok(id.to_owned())
    }
}

/// A header that stands once; two would leave open which of them was checked.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, WebhookRejection> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or(WebhookRejection::MissingSignature)?;
    if values.next().is_some() {
        return Err(WebhookRejection::BadSignature);
    }
    value.to_str().map_err(|_| WebhookRejection::BadSignature)
}

/// Seconds since 1970 in plain digits.
fn timestamp_of(text: &str) -> Option<DateTime<Utc>> {
    let is_plain = (1..=12).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    is_plain.then(|| text.parse().ok()).flatten().and_then(DateTime::from_timestamp_secs)
}

fn count_failure(rejection: &WebhookRejection) {
    if rejection.status() == StatusCode::UNAUTHORIZED {
        metrics::counter!("webhook_signature_failures_total", "provider" => "clerk").increment(1);
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type")]
    kind: String,
    #[serde(borrow)]
    data: &'a RawValue,
    #[serde(default)]
    timestamp: Option<i64>,
}

#[derive(Deserialize)]
struct Deleted {
    id: ClerkUserId,
}

/// Tolerantly: what is not known here changes nothing.
fn read(id: String, body: &[u8]) -> Result<ClerkEvent, WebhookRejection> {
    let malformed = |field, problem| WebhookRejection::Malformed { field, problem };
    let envelope: Envelope<'_> =
        serde_json::from_slice(body).map_err(|_| malformed("body", "is no event: expected JSON with type and data"))?;
    let data = envelope.data.get();
    let user = || {
        let user = serde_json::from_str(data).map_err(|_| malformed("data", "is no user"))?;
        Ok::<_, WebhookRejection>(Box::new(user))
    };
    let kind = match envelope.kind.as_str() {
        "user.created" => ClerkEventKind::UserCreated(user()?),
        "user.updated" => ClerkEventKind::UserUpdated(user()?),
        "user.deleted" => {
            let Deleted { id } = serde_json::from_str(data).map_err(|_| malformed("data", "names no user"))?;
            ClerkEventKind::UserDeleted(id)
        }
        _ => ClerkEventKind::Other(envelope.kind),
    };
    let occurred_at = envelope.timestamp.and_then(DateTime::from_timestamp_millis);
    Ok(ClerkEvent { id, payload_hash: Sha256::digest(body).into(), occurred_at, kind })
}
