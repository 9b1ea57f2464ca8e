//! A thin client of Twilio's REST API: sends a message, asks what became of messages and calls.
//!
//! It never retries and never follows a redirect: whether a repeat is safe is the caller's decision, and the answer to
//! that is in [`SendOutcome`]. Source: <https://www.twilio.com/docs/messaging/api/message-resource>.

mod exchange;
mod feed;
mod list;
mod send;

use std::time::Duration;

use reqwest::Url;

pub use list::{CallQuery, ListPage, ListedCall, ListedMessage, Listing, MessageQuery, NextPage};
pub use send::{NotSent, SendOutcome, SendSms, Sender, Unknown};

use super::{sid::AccountSid, signature::AuthToken};

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
    http: reqwest::Client,
    base_url: Url,
    account_sid: AccountSid,
    auth_token: AuthToken,
}

impl TwilioClient {
    /// Builds the connection pool; opens no connection.
    #[allow(clippy::disallowed_methods, reason = "this is the client that calls to Twilio go through")]
    pub fn new(settings: ClientSettings) -> Result<Self, ClientError> {
        let base_url = Url::parse(&settings.base_url).map_err(|_| ClientError::BaseUrl)?;
        if !matches!(base_url.scheme(), "http" | "https") || base_url.host_str().is_none() {
            return Err(ClientError::BaseUrl);
        }
        let mut builder = reqwest::Client::builder()
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.request_timeout)
            .redirect(reqwest::redirect::Policy::none())
            // A send must leave this process at most once per attempt, HTTP/2's own retries included.
            .retry(reqwest::retry::never())
            // Below the idle time-out of common load balancers: fewer sends start on a connection about to close.
            .pool_idle_timeout(Duration::from_secs(20))
            .user_agent("nevermisscall");
        if is_loopback(&base_url) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(ClientError::Build)?;
        Ok(Self { http, base_url, account_sid: settings.account_sid, auth_token: settings.auth_token })
    }

    fn account_path(&self, tail: &str) -> String {
        let base = self.base_url.as_str().trim_end_matches('/');
        format!("{base}/2010-04-01/Accounts/{}/{tail}", self.account_sid)
    }
}

/// A simulator on this machine is never behind the machine's proxy.
fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}
