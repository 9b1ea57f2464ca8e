use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use nmc_kernel::E164;
use nmc_web::{ApiRefusal, IdempotentJson, Page, PageRequest, Path, Problem, User};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Compliance, DoNotText, DoNotTextError};

/// A number never to text.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"phone": "+12125550142", "label": "brother"}))]
pub(super) struct NewEntry {
    /// The number.
    phone: E164,
    /// Whose it is: one line of 1 to 120 characters.
    label: String,
}

/// The numbers never to text: family, suppliers
#[utoipa::path(
    get,
    path = "/do-not-text",
    tag = "compliance",
    security(("clerk" = [])),
    params(PageRequest),
    responses(
        (status = 200, description = "The oldest first", body = Page<DoNotText>),
        (status = 422, description = "`invalid_input`: `limit` or `cursor`", body = Problem,
            content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn list(
    State(compliance): State<Compliance>,
    User(actor): User,
    page: PageRequest,
) -> Result<Json<Page<DoNotText>>, Problem> {
    let after: Option<(DateTime<Utc>, Uuid)> = page.after()?;
    let mut tx = compliance.db().read(actor.tenant()).await?;
    let rows = compliance.do_not_text(&mut tx, after, page.fetch_limit()).await?;
    tx.finish().await?;
    Ok(Json(Page::new(rows, &page, |row| (row.added_at, row.id))))
}

/// Put a number on the list, or give it another label
///
/// Repeatable with an `Idempotency-Key`.
#[utoipa::path(
    post,
    path = "/do-not-text",
    tag = "compliance",
    security(("clerk" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "A repeat with the same key gets the first answer")),
    request_body = NewEntry,
    responses(
        (status = 201, body = DoNotText),
        (status = 409, description = "`list_full`; `idempotency_key_reused`", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid_input`: `phone` or `label`", body = Problem,
            content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn add(
    State(compliance): State<Compliance>,
    User(actor): User,
    IdempotentJson { body, key }: IdempotentJson<NewEntry>,
) -> Result<(StatusCode, Json<DoNotText>), Problem> {
    let entry = compliance.add_do_not_text(&actor, &body.phone, &body.label, key.as_ref()).await?;
    Ok((StatusCode::CREATED, Json(entry)))
}

/// Take a number off the list
#[utoipa::path(
    delete,
    path = "/do-not-text/{id}",
    tag = "compliance",
    security(("clerk" = [])),
    params(("id" = Uuid, Path, description = "The entry")),
    responses(
        (status = 204, description = "It is off the list"),
        (status = 404, description = "`not_found`", body = Problem, content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn remove(
    State(compliance): State<Compliance>,
    User(actor): User,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    if compliance.remove_do_not_text(&actor, id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found())
    }
}

impl From<DoNotTextError> for Problem {
    fn from(error: DoNotTextError) -> Self {
        match error {
            DoNotTextError::Label(error) => {
                let text = error.to_string();
                let (field, message) = text.split_once(": ").unwrap_or(("label", &text));
                Self::invalid_field(field, message)
            }
            DoNotTextError::Full => Self::conflict("list_full", "The list has as many numbers as it may."),
            DoNotTextError::KeyReused => Self::idempotency_key_reused(),
            DoNotTextError::Database(error) => error.into(),
        }
    }
}
