//! One request and its bounded answer, measured.

use std::time::{Duration, Instant};

use reqwest::{RequestBuilder, StatusCode, header::RETRY_AFTER};
use tracing::{Instrument as _, Span, field};

use super::{ClientError, TwilioClient};

/// A message is about a kilobyte, a page of fifty below 100 KB; more is not read.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// An answer whose status has arrived; its body may still have failed.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) retry_after_seconds: Option<u64>,
    /// Nothing where reading it failed or it was too large.
    pub(super) body: Option<Vec<u8>>,
}

/// What Twilio puts in the body of a refusal; its text may hold a phone number, so it is not read.
#[derive(serde::Deserialize)]
struct Refusal {
    code: Option<u32>,
}

/// A `Retry-After` beyond this is taken as this: a mistake must not park anything for days.
const MAX_RETRY_AFTER: Duration = Duration::from_mins(10);

impl Answer {
    /// How long Twilio wants to be left alone.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        self.retry_after_seconds.map(|seconds| Duration::from_secs(seconds).min(MAX_RETRY_AFTER))
    }

    /// Twilio's own error code.
    pub(super) fn code(&self) -> Option<u32> {
        serde_json::from_slice::<Refusal>(self.body.as_deref()?).ok()?.code
    }
}

/// The provider's part of a trace. Our trace's id is not passed on: it is nobody's business there.
fn exchange_span(endpoint: &'static str) -> Span {
    tracing::info_span!(
        "provider.request",
        otel.name = format!("twilio {endpoint}"),
        otel.kind = "client",
        otel.status_code = field::Empty,
        exchange.status = field::Empty,
    )
}

impl TwilioClient {
    /// Runs `request` once. An error means that no status line arrived.
    pub(super) async fn exchange(
        &self,
        endpoint: &'static str,
        request: RequestBuilder,
    ) -> Result<Answer, reqwest::Error> {
        let started = Instant::now();
        let span = exchange_span(endpoint);
        let result = self.run(request).instrument(span.clone()).await;
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
        metrics::counter!(
            "integration_http_requests_total", "provider" => "twilio", "endpoint" => endpoint, "status" => status
        )
        .increment(1);
        metrics::histogram!("integration_http_duration_seconds", "provider" => "twilio", "endpoint" => endpoint)
            .record(started.elapsed().as_secs_f64());
        // The error's URL holds the recipient's number in a listing.
        result.map_err(reqwest::Error::without_url)
    }

    async fn run(&self, request: RequestBuilder) -> Result<Answer, reqwest::Error> {
        let request = request.basic_auth(self.account_sid.as_str(), Some(self.auth_token.expose()));
        let mut response = request.send().await?;
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after_seconds = retry_after.and_then(|seconds| seconds.trim().parse().ok());
        let mut body = Some(Vec::new());
        while let Some(bytes) = &mut body {
            match response.chunk().await {
                Ok(Some(chunk)) if bytes.len() + chunk.len() <= MAX_ANSWER_BYTES => bytes.extend_from_slice(&chunk),
                Ok(None) => break,
                Ok(Some(_)) | Err(_) => body = None,
            }
        }
        Ok(Answer { status: response.status(), retry_after_seconds, body })
    }

    /// Asks a question: a GET whose answer is JSON.
    pub(super) async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        endpoint: &'static str,
        request: RequestBuilder,
    ) -> Result<T, ClientError> {
        let answer = self.exchange(endpoint, request).await.map_err(ClientError::Unreachable)?;
        match answer.status {
            StatusCode::NOT_FOUND => Err(ClientError::NotFound),
            status if status.is_success() => {
                let body = answer.body.ok_or(ClientError::Unreadable)?;
                serde_json::from_slice(&body).map_err(|_| ClientError::Unreadable)
            }
            status => Err(ClientError::Refused {
                http_status: status.as_u16(),
                code: answer.code(),
                retry_after: answer.retry_after(),
            }),
        }
    }
}
