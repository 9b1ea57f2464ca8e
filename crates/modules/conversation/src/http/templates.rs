use axum::{Json, extract::State};
use nmc_web::{ApiRefusal, JsonBody, Owner, Page, Path, Problem, User};
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::TemplateView;
use crate::{Conversation, TemplateKey};

/// The texts the service writes by itself
///
/// There are as many as there are keys, so that there is one page.
#[utoipa::path(
    get,
    path = "/templates",
    tag = "conversation",
    security(("clerk" = [])),
    responses(
        (status = 200, description = "Every text with the wording that is sent", body = Page<TemplateView>),
        ApiRefusal
    )
)]
pub(super) async fn list(
    State(conversations): State<Conversation>,
    User(actor): User,
) -> Result<Json<Page<TemplateView>>, Problem> {
    let items = conversations.templates(&actor).await?.into_iter().map(TemplateView::from).collect();
    Ok(Json(Page { items, next_cursor: None }))
}

/// A wording.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "body": "{business}, automated text: sorry we missed you! Reply STOP to opt out." }))]
pub(super) struct TemplateRequest {
    /// 1 to 480 characters; `{business}` stands for the business's name.
    body: String,
}

/// Write a text anew
///
/// The first texts (`greeting-call`, `greeting-text`) must name the business, say that they are automated, and say
/// "Reply STOP to opt out".
#[utoipa::path(
    put,
    path = "/templates/{key}",
    tag = "conversation",
    security(("clerk" = [])),
    params(("key" = TemplateKey, Path, description = "Which text")),
    request_body = TemplateRequest,
    responses(
        (status = 200, description = "The wording that is sent from now on", body = TemplateView),
        (status = 404, description = "`not_found`: there is no such text", body = Problem,
         content_type = "application/problem+json"),
        (status = 413, description = "`payload_too_large`", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = Problem,
         content_type = "application/problem+json"),
        (status = 422, description = "`invalid_input`: the message begins with the rule that is broken: `empty`, \
         `too-long`, `control-character`, `unknown-placeholder`, `business-missing`, `not-automated`, \
         `stop-line-missing`, `invites-keyword`", body = Problem, content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn set(
    State(conversations): State<Conversation>,
    Owner(actor): Owner,
    Path(key): Path<TemplateKey>,
    JsonBody(request): JsonBody<TemplateRequest>,
) -> Result<Json<TemplateView>, Problem> {
    Ok(Json(conversations.set_template(&actor, key, &request.body).await?.into()))
}

/// Go back to the built-in wording
#[utoipa::path(
    delete,
    path = "/templates/{key}",
    tag = "conversation",
    security(("clerk" = [])),
    params(("key" = TemplateKey, Path, description = "Which text")),
    responses(
        (status = 200, description = "The wording that is sent from now on", body = TemplateView),
        (status = 404, description = "`not_found`: there is no such text", body = Problem,
         content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn reset(
    State(conversations): State<Conversation>,
    Owner(actor): Owner,
    Path(key): Path<TemplateKey>,
) -> Result<Json<TemplateView>, Problem> {
    Ok(Json(conversations.reset_template(&actor, key).await?.into()))
}
