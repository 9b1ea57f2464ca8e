//! A thin client of Clerk's Backend API: people, and invitations to sign up.
//!
//! It never retries and never follows a redirect: whether a repeat is safe is the caller's decision, and the answer to
//! that is in [`InviteOutcome`]. Source: <https://clerk.com/docs/reference/backend-api>.

mod invitation;
mod invite;
mod user;

use std::{fmt, time::Duration};

use reqwest::{Method, RequestBuilder, StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;

pub use crate::attempt::{NotSent, Unknown};
pub use invitation::{Invitation, InvitationList, InvitationQuery, InvitationStatus};
pub use invite::{CreateInvitation, InviteOutcome};

use crate::http::{Answer, Bounds, Http, parse_base_url};

/// A user is a few kilobytes, a page of invitations below 100 KB; more is not read.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;
/// Clerk's words for errors are short; a longer one is not kept.
const MAX_CODE_BYTES: usize = 64;

/// Where the API is, with which key, and how long anything may take.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// `https://api.clerk.com`, or a simulator's address.
    pub base_url: String,
    /// The instance's secret key, `sk_...`.
    pub secret_key: SecretString,
    /// For the connection alone; shorter than `request_timeout`.
    pub connect_timeout: Duration,
    /// For the whole request, the answer's body included.
    pub request_timeout: Duration,
}

/// A question to Clerk has no answer. (An invitation has an [`InviteOutcome`] instead.)
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A URL is not an http or https URL.
    #[error("the Clerk URL is not an http or https URL")]
    BaseUrl,
    /// The HTTP client could not be made: a TLS problem of this machine.
    #[error("the HTTP client could not be built")]
    Build(#[source] reqwest::Error),
    /// No connection, a time-out, a reset.
    #[error("Clerk could not be reached")]
    Unreachable(#[source] reqwest::Error),
    /// Nothing of that id.
    #[error("Clerk does not know it")]
    NotFound,
    /// Any other answer than success.
    #[error("Clerk answered {http_status}, code {code:?}")]
    Refused {
        /// The HTTP status.
        http_status: u16,
        /// Clerk's own word, where it gave one.
        code: Option<String>,
        /// How long Clerk asks us to wait.
        retry_after: Option<Duration>,
    },
    /// A success that could not be read, or was larger than is reasonable.
    #[error("Clerk's answer could not be read")]
    Unreadable,
}

impl ClientError {
    /// Whether asking again later may help.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Unreadable => true,
            Self::Refused { http_status, .. } => *http_status == 429 || *http_status >= 500,
            Self::BaseUrl | Self::Build(_) | Self::NotFound => false,
        }
    }
}

/// The client; clones share the connections. `Debug` does not show the key.
#[derive(Clone)]
pub struct ClerkClient {
    http: Http,
    base_url: Url,
    secret_key: SecretString,
}

impl fmt::Debug for ClerkClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClerkClient").field("base_url", &self.base_url.as_str()).finish_non_exhaustive()
    }
}

impl ClerkClient {
    /// Builds the connection pool; opens no connection.
    pub fn new(settings: ClientSettings) -> Result<Self, ClientError> {
        let base_url = parse_base_url(&settings.base_url).map_err(|_| ClientError::BaseUrl)?;
        let bounds = Bounds {
            connect_timeout: settings.connect_timeout,
            request_timeout: settings.request_timeout,
            max_answer_bytes: MAX_ANSWER_BYTES,
        };
        let http = Http::new("clerk", &base_url, bounds).map_err(ClientError::Build)?;
        Ok(Self { http, base_url, secret_key: settings.secret_key })
    }

    /// A request with the key; each of `path` is one segment, whatever it holds.
    fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let mut url = self.base_url.clone();
        // A base URL was checked to have a host, so it has segments.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(path);
        }
        self.http.request(method, url).bearer_auth(self.secret_key.expose_secret())
    }

    /// Asks a question whose answer is JSON.
    async fn ask<T: DeserializeOwned>(
        &self,
        endpoint: &'static str,
        request: RequestBuilder,
    ) -> Result<T, ClientError> {
        let answer = self.http.exchange(endpoint, request).await.map_err(ClientError::Unreachable)?;
        match answer.status {
            StatusCode::NOT_FOUND => Err(ClientError::NotFound),
            status if status.is_success() => {
                let body = answer.body.ok_or(ClientError::Unreadable)?;
                serde_json::from_slice(&body).map_err(|_| ClientError::Unreadable)
            }
            status => {
                let (code, retry_after) = (error_code(&answer), answer.retry_after);
                Err(ClientError::Refused { http_status: status.as_u16(), code, retry_after })
            }
        }
    }
}

/// What Clerk puts in the body of a refusal; its messages may hold an address, so they are not read.
#[derive(serde::Deserialize)]
struct Refusal {
    errors: Vec<RefusalError>,
}

#[derive(serde::Deserialize)]
struct RefusalError {
    code: String,
}

/// Clerk's own word for the first error.
fn error_code(answer: &Answer) -> Option<String> {
    let refusal: Refusal = serde_json::from_slice(answer.body.as_deref()?).ok()?;
    let code = refusal.errors.into_iter().next()?.code;
    let is_word = code.len() <= MAX_CODE_BYTES && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_word.then_some(code)
}
