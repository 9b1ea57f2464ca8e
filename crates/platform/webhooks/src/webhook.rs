use axum::{
    extract::{FromRef, FromRequest, Request},
    http::StatusCode,
};
use nmc_db::{DbError, Seen, Tx, WebhookProvider};
use nmc_providers::twilio::{TwilioForm, TwilioWebhooks, WebhookForm, WebhookRejection};
use nmc_web::{FieldError, Problem};

use crate::WebhookContent;

/// The refusals all webhooks share, for the OpenAPI document.
#[derive(utoipa::IntoResponses)]
pub enum Refusal {
    /// A field is missing or malformed: `errors` names it
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(Problem),
    /// The signature is missing or wrong; nothing was written
    #[response(status = 401, content_type = "application/problem+json")]
    Unsigned(Problem),
    /// The body is larger than 1 MiB
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(Problem),
    /// The body is not a form
    #[response(status = 415, content_type = "application/problem+json")]
    NotAForm(Problem),
    /// The database cannot be reached: try again
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(Problem),
}

/// A webhook whose signature holds and whose fields could be read.
pub struct Webhook<T> {
    /// Its fields.
    pub content: T,
    /// What it is known by when it comes again.
    pub receipt: Receipt,
}

/// What a webhook is known by when it comes again (ADR 0007).
#[derive(Clone, Debug)]
pub struct Receipt {
    /// The last part of its path.
    pub endpoint: &'static str,
    /// The provider's id of it.
    pub event_id: String,
    /// Over the fields that matter.
    pub payload_hash: [u8; 32],
}

impl Receipt {
    /// Writes it down with the work that follows from it, and says whether that was done before.
    pub async fn record(&self, tx: &mut Tx) -> Result<Seen, DbError> {
        tx.record_webhook(WebhookProvider::Twilio, &self.event_id, self.payload_hash).await
    }
}

impl<T: WebhookContent, S: Send + Sync> FromRequest<S> for Webhook<T>
where
    TwilioWebhooks: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let TwilioForm(form) = TwilioForm::from_request(request, state).await.map_err(|why| refused::<T>(&why))?;
        Self::read(&form).map_err(|why| refused::<T>(&why))
    }
}

impl<T: WebhookContent> Webhook<T> {
    /// Reads the fields of a form whose origin is beyond doubt: its signature held, or it was made of the provider's
    /// own answer.
    pub fn read(form: &WebhookForm) -> Result<Self, WebhookRejection> {
        let content = T::try_from(form)?;
        let receipt =
            Receipt { endpoint: T::ENDPOINT, event_id: content.event_id(), payload_hash: form.payload_hash(T::HASHED) };
        Ok(Self { content, receipt })
    }
}

fn refused<T: WebhookContent>(why: &WebhookRejection) -> Problem {
    tracing::warn!(webhook.endpoint = T::ENDPOINT, %why, "a webhook was refused");
    match why {
        WebhookRejection::MissingSignature => Problem::unsigned("signature_missing", why.to_string()),
        WebhookRejection::BadSignature => Problem::unsigned("signature_invalid", why.to_string()),
        WebhookRejection::Malformed { field, problem } => malformed(field.as_ref(), problem),
        WebhookRejection::Unreadable => Problem::new(StatusCode::BAD_REQUEST, "body_unreadable", why.to_string()),
        WebhookRejection::TooLarge => Problem::payload_too_large(),
        WebhookRejection::UnsupportedMediaType => {
            Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", why.to_string())
        }
    }
}

/// 400 that names the field.
pub fn malformed(field: &str, problem: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed_webhook", format!("{field} {problem}."))
        .with_errors(vec![FieldError::new(field, problem)])
}
