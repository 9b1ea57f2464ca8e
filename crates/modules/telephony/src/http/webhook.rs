use std::time::Duration;

use axum::{
    extract::{FromRef, FromRequest, Request},
    http::StatusCode,
};
use nmc_db::DbError;
use nmc_providers::twilio::{
    DialStatusWebhook, InboundSms, TwilioForm, TwilioWebhooks, VoiceStatusWebhook, VoiceWebhook, WebhookForm,
    WebhookRejection, WhisperResultWebhook, WhisperWebhook,
};
use nmc_web::{FieldError, Problem};

use crate::use_case::Receipt;

/// A database that restarts is back within seconds.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The refusals all webhooks share, for the OpenAPI document.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "only the derived description of the answers is used")]
pub(super) enum Refusal {
    /// The signature is missing or wrong; nothing was written
    #[response(status = 401, content_type = "application/problem+json")]
    Unsigned(#[to_schema] Problem),
    /// The body is larger than 1 MiB
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(#[to_schema] Problem),
    /// The body is not a form
    #[response(status = 415, content_type = "application/problem+json")]
    NotAForm(#[to_schema] Problem),
    /// The database cannot be reached: try again
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(#[to_schema] Problem),
}

/// A webhook whose signature holds and whose fields could be read.
pub(super) struct Webhook<T> {
    pub(super) content: T,
    pub(super) receipt: Receipt,
}

/// What a webhook is known by (ADR 0007).
pub(super) trait Notice: for<'a> TryFrom<&'a WebhookForm, Error = WebhookRejection> {
    /// The last part of its path.
    const ENDPOINT: &'static str;
    /// What the payload hash covers.
    const HASHED: &'static [&'static str];
    /// The same for every repetition, different for everything else Twilio sends.
    fn event_id(&self) -> String;
}

impl<T: Notice, S: Send + Sync> FromRequest<S> for Webhook<T>
where
    TwilioWebhooks: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let TwilioForm(form) = TwilioForm::from_request(request, state).await.map_err(|why| refused::<T>(&why))?;
        let content = T::try_from(&form).map_err(|why| refused::<T>(&why))?;
        let receipt =
            Receipt { endpoint: T::ENDPOINT, event_id: content.event_id(), payload_hash: form.payload_hash(T::HASHED) };
        Ok(Self { content, receipt })
    }
}

fn refused<T: Notice>(why: &WebhookRejection) -> Problem {
    tracing::warn!(webhook.endpoint = T::ENDPOINT, %why, "a webhook was refused");
    match why {
        WebhookRejection::MissingSignature => Problem::unauthorized("signature_missing", why.to_string()),
        WebhookRejection::BadSignature => Problem::unauthorized("signature_invalid", why.to_string()),
        WebhookRejection::Malformed { field, problem } => malformed(field.as_ref(), problem),
        WebhookRejection::Unreadable => Problem::new(StatusCode::BAD_REQUEST, "body_unreadable", why.to_string()),
        WebhookRejection::TooLarge => Problem::payload_too_large(),
        WebhookRejection::UnsupportedMediaType => {
            Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", why.to_string())
        }
    }
}

/// 400 that names the field.
pub(super) fn malformed(field: &str, problem: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed_webhook", format!("{field} {problem}."))
        .with_errors(vec![FieldError::new(field, problem)])
}

/// 503 where trying again may help, so that Twilio does; else a fault of ours.
pub(super) fn failed(error: &DbError) -> Problem {
    if error.is_transient() {
        tracing::warn!(%error, "a webhook waits for the database");
        return Problem::unavailable("database_unavailable", RETRY_AFTER);
    }
    Problem::internal(error)
}

impl Notice for VoiceWebhook {
    const ENDPOINT: &'static str = "voice";
    const HASHED: &'static [&'static str] = Self::CORE_FIELDS;
    fn event_id(&self) -> String {
        self.call_sid.to_string()
    }
}

impl Notice for DialStatusWebhook {
    const ENDPOINT: &'static str = "dial-status";
    const HASHED: &'static [&'static str] = Self::CORE_FIELDS;
    fn event_id(&self) -> String {
        format!("{}:dial:{}", self.call_sid, self.dial_call_status)
    }
}

impl Notice for WhisperWebhook {
    const ENDPOINT: &'static str = "whisper";
    const HASHED: &'static [&'static str] = Self::CORE_FIELDS;
    fn event_id(&self) -> String {
        format!("{}:whisper", self.call_sid)
    }
}

impl Notice for WhisperResultWebhook {
    const ENDPOINT: &'static str = "whisper-result";
    const HASHED: &'static [&'static str] = Self::CORE_FIELDS;
    fn event_id(&self) -> String {
        format!("{}:whisper-result", self.call_sid)
    }
}

impl Notice for VoiceStatusWebhook {
    const ENDPOINT: &'static str = "voice-status";
    const HASHED: &'static [&'static str] = Self::CORE_FIELDS;
    fn event_id(&self) -> String {
        format!("{}:{}", self.call_sid, self.call_status)
    }
}

impl Notice for InboundSms {
    const ENDPOINT: &'static str = "sms-inbound";
    const HASHED: &'static [&'static str] = Self::CORE_FIELDS;
    fn event_id(&self) -> String {
        self.message_sid.to_string()
    }
}
