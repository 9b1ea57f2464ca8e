use axum::{Json, extract::State};
use nmc_web::{ApiRefusal, JsonBody, Problem, User};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{Catalog, Matches, matches};

/// A caller's text.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"text": "Hi, my kitchen drain is cloged, how much?"}))]
pub(super) struct MatchRequest {
    /// The text; its first 320 characters count.
    text: String,
}

/// Which items a caller's text means
///
/// The same text and catalog give the same answer. Below a confidence of 0.5 the caller is to be asked: nothing fits
/// well, or two things as well as each other.
#[utoipa::path(
    post,
    path = "/catalog/match",
    tag = "catalog",
    security(("clerk" = [])),
    request_body = MatchRequest,
    responses(
        (status = 200, description = "The best and what else it could be", body = Matches),
        (status = 422, description = "`invalid_input`: `text`", body = Problem, content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn match_text(
    State(catalog): State<Catalog>,
    User(actor): User,
    JsonBody(request): JsonBody<MatchRequest>,
) -> Result<Json<Matches>, Problem> {
    let mut tx = catalog.db().read(actor.tenant()).await?;
    let sold = catalog.sold(&mut tx).await?;
    tx.finish().await?;
    Ok(Json(matches(&sold, &request.text)))
}
