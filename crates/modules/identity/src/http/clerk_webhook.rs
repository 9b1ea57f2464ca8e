use std::time::Instant;

use axum::{
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode},
};
use nmc_kernel::Clock;
use nmc_providers::clerk::{ClerkEvent, ClerkWebhooks, WebhookRejection};
use nmc_telemetry::name::{WEBHOOK_HANDLER_DURATION_SECONDS, WEBHOOK_UNKNOWN_USERS_TOTAL};
use nmc_web::{FieldError, Problem};

use crate::{Heard, Identity};

/// Clerk tells of a person
///
/// Deduplicated by `svix-id`. Users of no business, and events that do not matter here, are answered with success, so that
/// they are not sent for ever.
#[utoipa::path(
    post,
    path = "/webhooks/clerk",
    tag = "webhooks",
    request_body(
        content = serde_json::Value,
        content_type = "application/json",
        description = "Signed by Svix: `svix-id`, `svix-timestamp`, `svix-signature`. Required: `type`, `data`.",
        example = json!({"type": "user.deleted", "data": {"id": "user_2Nc0vUXGHzLAKXJ0BfNRwSrUjhD"}})
    ),
    responses(
        (status = 200, description = "Taken, or known already, or about nobody of any business"),
        (status = 400, description = "It is signed and no event (`malformed_webhook`)", body = Problem,
         content_type = "application/problem+json"),
        (status = 401, description = "The signature is missing (`signature_missing`), wrong (`signature_invalid`) or of \
         another time (`signature_stale`); nothing was written", body = Problem,
         content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 1 MiB (`payload_too_large`)", body = Problem,
         content_type = "application/problem+json"),
        (status = 503, description = "The database cannot be reached (`database_unavailable`): try again", body = Problem,
         content_type = "application/problem+json"),
    )
)]
pub(super) async fn post_clerk(
    State(identity): State<Identity>,
    State(webhooks): State<ClerkWebhooks>,
    State(clock): State<Clock>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let begun = Instant::now();
    let taken = take(&identity, &webhooks, &clock, &headers, body).await;
    let status = taken.as_ref().map_or_else(Problem::status, |status| *status);
    metrics::histogram!(
        WEBHOOK_HANDLER_DURATION_SECONDS,
        "provider" => "clerk", "endpoint" => "clerk", "status" => status.as_u16().to_string(),
    )
    .record(begun.elapsed());
    taken
}

async fn take(
    identity: &Identity,
    webhooks: &ClerkWebhooks,
    clock: &Clock,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::payload_too_large(),
        _ => Problem::new(StatusCode::BAD_REQUEST, "body_incomplete", "The request's body did not arrive completely."),
    })?;
    let event: ClerkEvent = webhooks.verify(headers, &body, clock.now()).map_err(|why| refused(&why))?;
    match identity.hear_from_clerk(&event).await? {
        Heard::Taken | Heard::Again | Heard::Ignored => {}
        Heard::Unknown => metrics::counter!(WEBHOOK_UNKNOWN_USERS_TOTAL, "provider" => "clerk").increment(1),
    }
    Ok(StatusCode::OK)
}

fn refused(why: &WebhookRejection) -> Problem {
    tracing::warn!(webhook.endpoint = "clerk", %why, "a webhook was refused");
    match why {
        WebhookRejection::MissingSignature => Problem::unsigned("signature_missing", why.to_string()),
        WebhookRejection::BadSignature => Problem::unsigned("signature_invalid", why.to_string()),
        WebhookRejection::Stale => Problem::unsigned("signature_stale", why.to_string()),
        WebhookRejection::Malformed { field, problem } => {
            Problem::new(StatusCode::BAD_REQUEST, "malformed_webhook", format!("{field} {problem}."))
                .with_errors(vec![FieldError::new(*field, *problem)])
        }
        WebhookRejection::TooLarge => Problem::payload_too_large(),
    }
}
