//! A thin client of Twilio's REST API: sends a message, asks what became of messages and calls.
//!
//! It never retries and never follows a redirect: whether a repeat is safe is the caller's decision, and the answer to
//! that is in [`SendOutcome`]. Source: <https://www.twilio.com/docs/messaging/api/message-resource>.

mod ask;
mod feed;
mod list;
mod send;

use std::time::Duration;

use reqwest::{IntoUrl, Method, RequestBuilder, Url};

pub use crate::attempt::{NotSent, Unknown};
pub use list::{CallQuery, ListPage, ListedCall, ListedMessage, Listing, MessageQuery, NextPage};
pub use send::{SendOutcome, SendSms, Sender};

use super::{sid::AccountSid, signature::AuthToken};
use crate::http::{Bounds, Http, parse_base_url};

/// A message is about a kilobyte, a page of fifty below 100 KB; more is not read.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// Where the API is, as whom, and how long anything may take.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// `https://api.twilio.com`, or a simulator's address.
    pub base_url: String,
    /// The account.
    pub account_sid: AccountSid,
    /// Its token.
    pub auth_token: AuthToken,
    /// For the connection alone; shorter than `request_timeout`.
    pub connect_timeout: Duration,
    /// For the whole request, the answer's body included.
    pub request_timeout: Duration,
}

/// A question to Twilio has no answer. (A send has a [`SendOutcome`] instead.)
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// `base_url` is not an http or https URL.
    #[error("the Twilio base URL is not an http or https URL")]
    BaseUrl,
    /// The HTTP client could not be made: a TLS problem of this machine.
    #[error("the HTTP client could not be built")]
    Build(#[source] reqwest::Error),
    /// No connection, a time-out, a reset.
    #[error("Twilio could not be reached")]
    Unreachable(#[source] reqwest::Error),
    /// Nothing of that id.
    #[error("Twilio does not know it")]
    NotFound,
    /// Any other answer than success.
    #[error("Twilio answered {http_status}, code {code:?}")]
    Refused {
        /// The HTTP status.
        http_status: u16,
        /// Twilio's own code, where it gave one.
        code: Option<u32>,
        /// How long to leave it alone, where it said so.
        retry_after: Option<Duration>,
    },
    /// A success that could not be read, or was larger than is reasonable.
    #[error("Twilio's answer could not be read")]
    Unreadable,
}

impl ClientError {
    /// Twilio asks for fewer requests.
    pub const fn is_too_many_requests(&self) -> bool {
        matches!(self, Self::Refused { http_status: 429, .. } | Self::Refused { code: Some(20_429), .. })
    }

    /// How long to leave Twilio alone, where it said so.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// The client; clones share the connections.
#[derive(Clone, Debug)]
pub struct TwilioClient {
    http: Http,
    base_url: Url,
    account_sid: AccountSid,
    auth_token: AuthToken,
}

impl TwilioClient {
    /// Builds the connection pool; opens no connection.
    pub fn new(settings: ClientSettings) -> Result<Self, ClientError> {
        let base_url = parse_base_url(&settings.base_url).map_err(|_| ClientError::BaseUrl)?;
        let bounds = Bounds {
            connect_timeout: settings.connect_timeout,
            request_timeout: settings.request_timeout,
            max_answer_bytes: MAX_ANSWER_BYTES,
        };
        let http = Http::new("twilio", &base_url, bounds).map_err(ClientError::Build)?;
        Ok(Self { http, base_url, account_sid: settings.account_sid, auth_token: settings.auth_token })
    }

    /// A request with the account's credentials.
    fn request(&self, method: Method, url: impl IntoUrl) -> RequestBuilder {
        self.http.request(method, url).basic_auth(self.account_sid.as_str(), Some(self.auth_token.expose()))
    }

    fn account_path(&self, tail: &str) -> String {
        let base = self.base_url.as_str().trim_end_matches('/');
        format!("{base}/2010-04-01/Accounts/{}/{tail}", self.account_sid)
    }
}
