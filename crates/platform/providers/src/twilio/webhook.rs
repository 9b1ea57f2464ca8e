//! A webhook's body, from raw bytes to fields, with the signature checked in between.
//!
//! The order is fixed: a signature is there, the content type is a form, the size is bounded, the signature holds, and
//! only then do fields exist. Nothing of a request that fails is kept or logged.

use std::{borrow::Cow, fmt};

use axum::{
    body::{Body, Bytes, HttpBody as _},
    extract::{FromRef, FromRequest, OriginalUri, Request},
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use http_body_util::LengthLimitError;
use sha2::{Digest as _, Sha256};

use super::signature::{self, AuthToken, SIGNATURE_HEADER};

/// The largest body a webhook may have; Twilio's are a few kilobytes.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// The most fields a form may have; Twilio's largest (ten pictures) has about sixty.
const MAX_FIELDS: usize = 400;

/// Names that Twilio documents as repeating on the routes we have: none
/// (<https://www.twilio.com/docs/messaging/guides/webhook-request>, <https://www.twilio.com/docs/voice/twiml>).
/// The signature takes the values of a repeated name as a set, so a repetition could be added unseen.
const REPEATABLE: [&str; 0] = [];

/// What verification needs; cheap to clone, taken from a router's state by `FromRef`.
#[derive(Clone, Debug)]
pub struct TwilioWebhooks {
    public_base_url: std::sync::Arc<str>,
    auth_token: AuthToken,
}

/// Why a webhook was refused; nothing was written and nothing parsed beyond what the variant says.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum WebhookRejection {
    /// No `X-Twilio-Signature`: 401.
    #[error("the request carries no signature")]
    MissingSignature,
    /// A signature that is not Twilio's for this request, or a form with more fields than Twilio ever sends: 401.
    #[error("the signature does not belong to this request")]
    BadSignature,
    /// The signature holds and a field does not: 400.
    #[error("{field}: {problem}")]
    Malformed {
        /// The parameter's name, or `body`.
        field: Cow<'static, str>,
        /// What is wrong with it; never its value.
        problem: &'static str,
    },
    /// The body ended early or could not be read: 400.
    #[error("the body could not be read")]
    Unreadable,
    /// More than [`MAX_BODY_BYTES`]: 413.
    #[error("the body is larger than {MAX_BODY_BYTES} bytes")]
    TooLarge,
    /// Not `application/x-www-form-urlencoded`: 415.
    #[error("the body is not a form")]
    UnsupportedMediaType,
}

impl WebhookRejection {
    /// A refusal that names the field.
    pub fn malformed(field: &'static str, problem: &'static str) -> Self {
        Self::Malformed { field: Cow::Borrowed(field), problem }
    }

    /// The HTTP status that answers it.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::MissingSignature | Self::BadSignature => StatusCode::UNAUTHORIZED,
            Self::Malformed { .. } | Self::Unreadable => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }
}

/// The bare status. A handler that wants a richer answer extracts `Result<TwilioForm, WebhookRejection>`.
impl IntoResponse for WebhookRejection {
    fn into_response(self) -> Response {
        self.status().into_response()
    }
}

impl TwilioWebhooks {
    /// Verifies against `public_base_url` (`https://nmc.example`, a path prefix allowed), whatever a request's `Host`
    /// header claims.
    pub fn new(public_base_url: &str, auth_token: AuthToken) -> Self {
        Self { public_base_url: public_base_url.trim_end_matches('/').into(), auth_token }
    }

    /// Checks a request and gives its fields; `path_and_query` exactly as it was received.
    pub fn verify(
        &self,
        path_and_query: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<WebhookForm, WebhookRejection> {
        let signature = check_headers(headers).inspect_err(count_failure)?;
        if body.len() > MAX_BODY_BYTES {
            return Err(WebhookRejection::TooLarge);
        }
        // Counted before anything is decoded or hashed: nobody who cannot sign has us sort a million fields.
        if body.split(|byte| *byte == b'&').count() > MAX_FIELDS {
            return Err(WebhookRejection::BadSignature).inspect_err(count_failure);
        }
        let fields: Vec<(Cow<'_, str>, Cow<'_, str>)> = form_urlencoded::parse(body).collect();
        let url = format!("{}{path_and_query}", self.public_base_url);
        if !signature::verify(&self.auth_token, &url, &fields, &signature) {
            return Err(WebhookRejection::BadSignature).inspect_err(count_failure);
        }
        WebhookForm::from_signed(fields)
    }
}

fn check_headers(headers: &HeaderMap) -> Result<String, WebhookRejection> {
    let mut signatures = headers.get_all(SIGNATURE_HEADER).iter();
    let signature = signatures.next().ok_or(WebhookRejection::MissingSignature)?;
    // Two signatures would leave open which of them was checked.
    if signatures.next().is_some() {
        return Err(WebhookRejection::BadSignature);
    }
    let is_form = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
        let essence = value.split(';').next().unwrap_or_default();
        essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
    });
    if !is_form {
        return Err(WebhookRejection::UnsupportedMediaType);
    }
    signature.to_str().map(str::to_owned).map_err(|_| WebhookRejection::BadSignature)
}

fn count_failure(rejection: &WebhookRejection) {
    if rejection.status() == StatusCode::UNAUTHORIZED {
        metrics::counter!("webhook_signature_failures_total", "provider" => "twilio").increment(1);
    }
}

/// The extractor: a form whose signature holds.
#[derive(Debug)]
pub struct TwilioForm(pub WebhookForm);

impl<S> FromRequest<S> for TwilioForm
where
    S: Send + Sync,
    TwilioWebhooks: FromRef<S>,
{
    type Rejection = WebhookRejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, WebhookRejection> {
        let (parts, body) = request.into_parts();
        // Refused before the body is read: an unsigned request costs nothing.
        check_headers(&parts.headers).inspect_err(count_failure)?;
        let body = read_bounded(body).await?;
        // A nested router strips its prefix from the request's own URI; the signature covers the whole path.
        let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
        let path_and_query = uri.path_and_query().map_or("/", |p| p.as_str());
        TwilioWebhooks::from_ref(state).verify(path_and_query, &parts.headers, &body).map(Self)
    }
}

async fn read_bounded(body: Body) -> Result<Bytes, WebhookRejection> {
    // A length that is announced is believed; one that is not, or is wrong, is counted.
    if body.size_hint().lower() > MAX_BODY_BYTES as u64 {
        return Err(WebhookRejection::TooLarge);
    }
    axum::body::to_bytes(body, MAX_BODY_BYTES).await.map_err(|error| {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
        while let Some(inner) = cause {
            if inner.is::<LengthLimitError>() {
                return WebhookRejection::TooLarge;
            }
            cause = inner.source();
        }
        WebhookRejection::Unreadable
    })
}

/// A verified form: each name once, in the order received. `Debug` shows the names only.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookForm(Vec<(String, String)>);

impl WebhookForm {
    /// A form that was not received: what Twilio lists, in the words of the webhook that should have said it. The names
    /// are all different.
    pub(super) fn of<N: AsRef<str>, V: AsRef<str>>(fields: impl IntoIterator<Item = (N, V)>) -> Self {
        Self(fields.into_iter().map(|(n, v)| (n.as_ref().to_owned(), v.as_ref().to_owned())).collect())
    }

    fn from_signed(fields: Vec<(Cow<'_, str>, Cow<'_, str>)>) -> Result<Self, WebhookRejection> {
        let mut names: Vec<&str> = fields.iter().map(|(name, _)| name.as_ref()).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1] && !REPEATABLE.contains(&pair[0])) {
            return Err(WebhookRejection::Malformed { field: named(twice[0]), problem: "occurs more than once" });
        }
        Ok(Self(fields.into_iter().map(|(n, v)| (n.into_owned(), v.into_owned())).collect()))
    }

    /// The fields in the order received.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A field as it was received, which may be empty; nothing where it is absent.
    pub fn get(&self, field: &str) -> Option<&str> {
        self.fields().find(|(name, _)| *name == field).map(|(_, value)| value)
    }

    /// A field that must be there and not empty.
    pub fn required(&self, field: &'static str) -> Result<&str, WebhookRejection> {
        match self.get(field) {
            None => Err(WebhookRejection::malformed(field, "is missing")),
            Some("") => Err(WebhookRejection::malformed(field, "is empty")),
            Some(value) => Ok(value),
        }
    }

    /// A required field, read by `parse`; `problem` says what it should have been.
    pub fn required_as<T, E>(
        &self,
        field: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
        problem: &'static str,
    ) -> Result<T, WebhookRejection> {
        parse(self.required(field)?).map_err(|_| WebhookRejection::malformed(field, problem))
    }

    /// A field that may be absent or empty, and is read by `parse` where it is neither.
    pub fn optional_as<T, E>(
        &self,
        field: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
        problem: &'static str,
    ) -> Result<Option<T>, WebhookRejection> {
        match self.get(field) {
            None | Some("") => Ok(None),
            Some(value) => parse(value).map(Some).map_err(|_| WebhookRejection::malformed(field, problem)),
        }
    }

    /// A field that decides nothing: what cannot be read counts as absent.
    pub fn readable<T, E>(&self, field: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        self.get(field).and_then(|value| parse(value).ok())
    }

    /// SHA-256 over the named fields, in sorted order and with lengths, absent told from empty. Only the core fields
    /// go in: Twilio adds others at will, and a repeat of a webhook may differ in them.
    pub fn payload_hash(&self, core_fields: &[&str]) -> [u8; 32] {
        let mut names = core_fields.to_vec();
        names.sort_unstable();
        names.dedup();
        let mut hash = Sha256::new();
        for name in names {
            hash.update((name.len() as u64).to_be_bytes());
            hash.update(name);
            match self.get(name) {
                None => hash.update([0]),
                Some(value) => {
                    hash.update([1]);
                    hash.update((value.len() as u64).to_be_bytes());
                    hash.update(value);
                }
            }
        }
        hash.finalize().into()
    }
}

/// A name as an error may carry it: whoever signed it, it may be long or hold anything.
fn named(name: &str) -> Cow<'static, str> {
    let plain = name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if plain { Cow::Owned(name.to_owned()) } else { Cow::Borrowed("body") }
}

impl fmt::Debug for WebhookForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}
