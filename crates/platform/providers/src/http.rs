//! One request to a provider and its bounded answer, measured.

use std::time::{Duration, Instant};

use reqwest::{IntoUrl, RequestBuilder, StatusCode, Url, header::RETRY_AFTER};
use tracing::{Instrument as _, Span, field};

/// A `Retry-After` beyond this is taken as this: a mistake must not park work for days.
const MAX_RETRY_AFTER: Duration = Duration::from_mins(10);

/// The connections to one provider. It never retries and never follows a redirect.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    client: reqwest::Client,
    provider: &'static str,
    max_answer_bytes: usize,
}

/// How long anything may take, and how much is read of an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// For the connection alone.
    pub(crate) connect_timeout: Duration,
    /// For the whole request, the answer's body included.
    pub(crate) request_timeout: Duration,
    /// A larger answer counts as unreadable.
    pub(crate) max_answer_bytes: usize,
}

/// An answer whose status has arrived; its body may still have failed.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<Duration>,
    /// Nothing where reading it failed or it was too large.
    pub(crate) body: Option<Vec<u8>>,
}

/// The base URL is not one paths can be appended to.
pub(crate) struct BadBaseUrl;

/// An http or https address with a host.
pub(crate) fn parse_base_url(text: &str) -> Result<Url, BadBaseUrl> {
    let url = Url::parse(text).map_err(|_| BadBaseUrl)?;
    if matches!(url.scheme(), "http" | "https") && url.host_str().is_some() { Ok(url) } else { Err(BadBaseUrl) }
}

impl Http {
    /// Builds the connection pool for the host of `url`; opens no connection.
    #[allow(clippy::disallowed_methods, reason = "this is the client that calls to providers go through")]
    pub(crate) fn new(provider: &'static str, url: &Url, bounds: Bounds) -> Result<Self, reqwest::Error> {
        let mut builder = reqwest::Client::builder()
            .connect_timeout(bounds.connect_timeout)
            .timeout(bounds.request_timeout)
            .redirect(reqwest::redirect::Policy::none())
            // An attempt must leave this process at most once, HTTP/2's own retries included.
            .retry(reqwest::retry::never())
            // Below the idle time-out of common load balancers: fewer requests start on a connection about to close.
            .pool_idle_timeout(Duration::from_secs(20))
            .user_agent("nevermisscall");
        if is_loopback(url) {
            builder = builder.no_proxy();
        }
        Ok(Self { client: builder.build()?, provider, max_answer_bytes: bounds.max_answer_bytes })
    }

    /// A request to be completed and given to [`Http::exchange`].
    pub(crate) fn request(&self, method: reqwest::Method, url: impl IntoUrl) -> RequestBuilder {
        self.client.request(method, url)
    }

    /// Runs `request` once. An error means that no status line arrived.
    pub(crate) async fn exchange(
        &self,
        endpoint: &'static str,
        request: RequestBuilder,
    ) -> Result<Answer, reqwest::Error> {
        let started = Instant::now();
        let span = exchange_span(self.provider, endpoint);
        let result = run(request, self.max_answer_bytes).instrument(span.clone()).await;
        let status = match &result {
            Ok(answer) => answer.status.as_str().to_owned(),
            Err(error) if error.is_connect() => "connect_failed".to_owned(),
            Err(error) if error.is_timeout() => "timeout".to_owned(),
            Err(_) => "broken".to_owned(),
        };
        span.record("exchange.status", &status);
        if !result.as_ref().is_ok_and(|answer| answer.status.is_success()) {
            span.record("otel.status_code", "ERROR");
        }
        let provider = self.provider;
        metrics::counter!(
            "integration_http_requests_total", "provider" => provider, "endpoint" => endpoint, "status" => status
        )
        .increment(1);
        metrics::histogram!("integration_http_duration_seconds", "provider" => provider, "endpoint" => endpoint)
            .record(started.elapsed().as_secs_f64());
        // The error's URL may hold whom the question was about.
        result.map_err(reqwest::Error::without_url)
    }
}

/// The provider's part of a trace. Our trace's id is not passed on: it is nobody's business there.
fn exchange_span(provider: &'static str, endpoint: &'static str) -> Span {
    tracing::info_span!(
        "provider.request",
        otel.name = format!("{provider} {endpoint}"),
        otel.kind = "client",
        otel.status_code = field::Empty,
        exchange.status = field::Empty,
    )
}

async fn run(request: RequestBuilder, max_answer_bytes: usize) -> Result<Answer, reqwest::Error> {
    let mut response = request.send().await?;
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = retry_after.and_then(|seconds| seconds.trim().parse().ok());
    let mut body = Some(Vec::new());
    while let Some(bytes) = &mut body {
        match response.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() <= max_answer_bytes => bytes.extend_from_slice(&chunk),
            Ok(None) => break,
            Ok(Some(_)) | Err(_) => body = None,
        }
    }
    let retry_after = retry_after.map(|seconds| Duration::from_secs(seconds).min(MAX_RETRY_AFTER));
    Ok(Answer { status: response.status(), retry_after, body })
}

/// A simulator on this machine is never behind the machine's proxy.
fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}
