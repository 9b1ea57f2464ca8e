//! Webhooks out: signed for the public URL, sent to where the service listens, tried a bounded number of times.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use nmc_providers::twilio::signature::{SIGNATURE_HEADER, sign};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::Account;

/// Webhooks on their way at once; the others wait.
const CONCURRENCY: usize = 128;
/// The longest wait between two tries.
const MAX_RETRY_WAIT: Duration = Duration::from_secs(5);
/// What is kept of an answer.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

pub(super) type Params = Vec<(String, String)>;

/// Which signature a webhook carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignatureKind {
    /// Twilio's.
    #[default]
    Correct,
    /// Somebody else's.
    Wrong,
    /// None.
    Missing,
}

/// A webhook to send by hand. Sent once each time, without retries.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookRequest {
    /// Path and query below the public base URL, or a whole URL.
    pub path: String,
    /// The form's fields, in this order.
    pub params: Vec<(String, String)>,
    /// Which signature.
    #[serde(default)]
    pub signature: SignatureKind,
    /// How often; 1 unless given.
    #[serde(default = "once")]
    pub times: u32,
    /// All at once instead of one after the other.
    #[serde(default)]
    pub concurrently: bool,
}

const fn once() -> u32 {
    1
}

impl WebhookRequest {
    /// A correctly signed webhook, sent once.
    pub fn new(path: impl Into<String>, params: Vec<(String, String)>) -> Self {
        Self { path: path.into(), params, signature: SignatureKind::Correct, times: 1, concurrently: false }
    }
}

/// What came of one request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookAnswer {
    /// The HTTP status; nothing where no answer came.
    pub status: Option<u16>,
    /// The answer's text, or what went wrong.
    pub body: String,
    /// How long it took.
    pub millis: u64,
}

impl WebhookAnswer {
    /// Answered with a 2xx.
    pub fn is_success(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// Worth another try: no answer, or a server that says it cannot now.
    fn may_work_later(&self) -> bool {
        self.status.is_none_or(|status| status >= 500 || status == 429)
    }
}

#[derive(Debug)]
pub(super) struct WebhookSender {
    http: reqwest::Client,
    permits: Semaphore,
}

impl WebhookSender {
    #[allow(clippy::disallowed_methods, reason = "a provider's own client: it calls the service under test")]
    pub(super) fn new() -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .user_agent("TwilioProxy/1.1")
            .build()?;
        Ok(Self { http, permits: Semaphore::new(CONCURRENCY) })
    }
}

impl Account {
    /// One request, without retries.
    pub(super) async fn post(&self, url: &str, params: &Params, signature: SignatureKind) -> WebhookAnswer {
        let Ok(_permit) = self.webhooks.permits.acquire().await else { return WebhookAnswer::default() };
        let (target, timeout) = {
            let state = self.state();
            let timeout = Duration::from_millis(state.behaviour.webhook_timeout_millis);
            (self.target(url, state.service_url.as_deref()), timeout)
        };
        let mut request = self.webhooks.http.post(target).form(params).timeout(timeout);
        let signed = sign(&self.settings.auth_token, url, params);
        request = match signature {
            SignatureKind::Correct => request.header(SIGNATURE_HEADER, signed),
            SignatureKind::Wrong => request.header(SIGNATURE_HEADER, "AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
            SignatureKind::Missing => request,
        };
        let started = Instant::now();
        let result = answer_of(request).await;
        let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let answer = match result {
            Ok((status, body)) => WebhookAnswer { status: Some(status), body, millis },
            Err(error) => WebhookAnswer { status: None, body: error.without_url().to_string(), millis },
        };
        let mut state = self.state();
        state.ledger.summary.webhooks_sent += 1;
        state.ledger.summary.webhooks_failed += usize::from(!answer.is_success());
        answer
    }

    /// Tries until an answer is final, at most as often as the behaviour allows.
    pub(super) async fn post_until_answered(&self, url: &str, params: &Params) -> WebhookAnswer {
        let (attempts, first_wait) = {
            let mut state = self.state();
            if state.behaviour.lost_webhooks.iter().any(|lost| Some(lost.as_str()) == endpoint(url)) {
                state.ledger.summary.webhooks_lost += 1;
                return WebhookAnswer { body: "lost".to_owned(), ..WebhookAnswer::default() };
            }
            let behaviour = &state.behaviour;
            (behaviour.webhook_attempts.max(1), Duration::from_millis(behaviour.webhook_retry_millis))
        };
        let mut wait = first_wait;
        for _ in 1..attempts {
            let answer = self.post(url, params, SignatureKind::Correct).await;
            if !answer.may_work_later() {
                return answer;
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(MAX_RETRY_WAIT);
        }
        let answer = self.post(url, params, SignatureKind::Correct).await;
        if answer.may_work_later() {
            self.state().ledger.summary.webhooks_lost += 1;
        }
        answer
    }

    /// The number's own URL first, its fallback when that cannot answer.
    pub(super) async fn post_with_fallback(&self, url: &str, fallback: Option<&str>, params: &Params) -> WebhookAnswer {
        let answer = self.post_until_answered(url, params).await;
        match fallback {
            Some(fallback) if !answer.is_success() => self.post_until_answered(fallback, params).await,
            _ => answer,
        }
    }

    /// Where a webhook for `url` is really sent.
    fn target(&self, url: &str, service_url: Option<&str>) -> String {
        let public = self.settings.public_base_url.trim_end_matches('/');
        match (service_url, url.strip_prefix(public)) {
            (Some(service), Some(tail)) => format!("{}{tail}", service.trim_end_matches('/')),
            _ => url.to_owned(),
        }
    }
}

/// The last part of a webhook's path.
fn endpoint(url: &str) -> Option<&str> {
    url.split('?').next()?.rsplit('/').next()
}

async fn answer_of(request: reqwest::RequestBuilder) -> Result<(u16, String), reqwest::Error> {
    let mut response = request.send().await?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ANSWER_BYTES {
            break;
        }
    }
    Ok((response.status().as_u16(), String::from_utf8_lossy(&body).into_owned()))
}

pub(super) async fn deliver(account: &Arc<Account>, request: WebhookRequest) -> Vec<WebhookAnswer> {
    let url = if request.path.contains("://") {
        request.path.clone()
    } else {
        format!("{}{}", account.settings.public_base_url.trim_end_matches('/'), request.path)
    };
    let post = || account.post(&url, &request.params, request.signature);
    if request.concurrently {
        return futures::future::join_all((0..request.times).map(|_| post())).await;
    }
    let mut answers = Vec::new();
    for _ in 0..request.times {
        answers.push(post().await);
    }
    answers
}
