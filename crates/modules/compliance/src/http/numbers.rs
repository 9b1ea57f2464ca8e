use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use nmc_kernel::{E164, PhoneNumberId};
use nmc_web::{ApiRefusal, IdempotentJson, Owner, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Compliance, NumberError, NumberStatus, PhoneNumber};

/// A number the business asks for, has, or has had.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0197c0de-0000-7000-8000-000000000002", "phone": "+12125550100", "status": "requested", "reason": null,
    "since": "2026-06-10T18:00:00Z"
}))]
pub(super) struct NumberView {
    /// Its id.
    id: PhoneNumberId,
    /// The number.
    phone: E164,
    /// Where it stands.
    status: NumberStatus,
    /// Why, where somebody said so.
    reason: Option<String>,
    /// Since when it stands there, UTC.
    since: DateTime<Utc>,
}

impl From<PhoneNumber> for NumberView {
    fn from(number: PhoneNumber) -> Self {
        Self { id: number.id, phone: number.phone, status: number.status, reason: number.reason, since: number.since }
    }
}

/// The number that is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"phone": "+12125550100"}))]
pub(super) struct RequestNumber {
    /// The number the business's customers call.
    phone: E164,
}

/// All numbers of a business.
#[derive(Serialize, ToSchema)]
pub(super) struct Numbers {
    /// The oldest first; a business has few.
    items: Vec<NumberView>,
}

/// The business's numbers
#[utoipa::path(
    get,
    path = "/compliance/numbers",
    tag = "compliance",
    security(("clerk" = [])),
    responses((status = 200, body = Numbers), ApiRefusal)
)]
pub(super) async fn list(State(compliance): State<Compliance>, Owner(actor): Owner) -> Result<Json<Numbers>, Problem> {
    let mut tx = compliance.db().read(actor.tenant()).await?;
    let numbers = compliance.numbers(&mut tx).await?;
    tx.finish().await?;
    Ok(Json(Numbers { items: numbers.into_iter().map(Into::into).collect() }))
}

/// Ask for a number as the business's own
///
/// It is `requested` until an operator has confirmed that it is. Asking again changes nothing. Repeatable with an
/// `Idempotency-Key`.
#[utoipa::path(
    post,
    path = "/compliance/numbers",
    tag = "compliance",
    security(("clerk" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "A repeat with the same key gets the first answer")),
    request_body = RequestNumber,
    responses(
        (status = 201, body = NumberView),
        (status = 409, description = "`too_many_numbers`; `idempotency_key_reused`", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid_input`: no phone number", body = Problem,
            content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn request(
    State(compliance): State<Compliance>,
    Owner(actor): Owner,
    IdempotentJson { body, key }: IdempotentJson<RequestNumber>,
) -> Result<(StatusCode, Json<NumberView>), Problem> {
    let number = compliance.request_number(&actor, &body.phone, key.as_ref()).await?;
    Ok((StatusCode::CREATED, Json(number.into())))
}

impl From<NumberError> for Problem {
    fn from(error: NumberError) -> Self {
        match error {
            NumberError::Forbidden => Self::forbidden("owner_required", "Only an owner of the business may do this."),
            NumberError::TooMany => {
                Self::conflict("too_many_numbers", "The business has asked for as many numbers as it may.")
            }
            NumberError::KeyReused => Self::idempotency_key_reused(),
            NumberError::Reason(error) => {
                let text = error.to_string();
                let (field, message) = text.split_once(": ").unwrap_or(("reason", &text));
                Self::invalid_field(field, message)
            }
            // Answers to operators, whose commands are no requests.
            error @ (NumberError::Taken | NumberError::NotRequested | NumberError::Active | NumberError::NotActive) => {
                Self::internal(&error)
            }
            NumberError::Database(error) => error.into(),
        }
    }
}
