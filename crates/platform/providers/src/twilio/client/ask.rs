//! A question and its answer as JSON, or why there is none.

use reqwest::{RequestBuilder, StatusCode};

use super::{ClientError, TwilioClient};
use crate::http::Answer;

/// What Twilio puts in the body of a refusal; its text may hold a phone number, so it is not read.
#[derive(serde::Deserialize)]
struct Refusal {
    code: Option<u32>,
}

/// Twilio's own error code.
pub(super) fn error_code(answer: &Answer) -> Option<u32> {
    serde_json::from_slice::<Refusal>(answer.body.as_deref()?).ok()?.code
}

impl TwilioClient {
    /// Asks a question: a GET whose answer is JSON.
    pub(super) async fn ask<T: serde::de::DeserializeOwned>(
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
            status => Err(ClientError::Refused {
                http_status: status.as_u16(),
                code: error_code(&answer),
                retry_after: answer.retry_after,
            }),
        }
    }
}
