use axum::{Json, extract::State};
use nmc_web::{ApiRefusal, JsonBody, Problem, User};
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::MeView;
use crate::{Identity, NotificationsChange};

/// What is to be different about the person who is signed in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"notifications": {"booking": {"sms": false, "email": true}}}))]
pub(super) struct MeChange {
    /// Of what they want to hear.
    notifications: Option<NotificationsChange>,
}

/// Who is signed in: the person, their business, their role, and what the business may use
#[utoipa::path(
    get,
    path = "/me",
    tag = "identity",
    security(("clerk" = [])),
    responses((status = 200, description = "The person", body = MeView), ApiRefusal)
)]
pub(super) async fn get_me(State(identity): State<Identity>, User(actor): User) -> Result<Json<MeView>, Problem> {
    let me = identity.me(&actor).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(me.into()))
}

/// Change of what the person who is signed in wants to hear; only the fields that are given change
#[utoipa::path(
    patch,
    path = "/me",
    tag = "identity",
    security(("clerk" = [])),
    request_body = MeChange,
    responses(
        (status = 200, description = "The person as they are now", body = MeView),
        (status = 422, description = "A field is unknown or has a value that is not accepted (`invalid_input`)",
         body = Problem, content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn patch_me(
    State(identity): State<Identity>,
    User(actor): User,
    JsonBody(change): JsonBody<MeChange>,
) -> Result<Json<MeView>, Problem> {
    let me =
        identity.change_me(&actor, change.notifications.unwrap_or_default()).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(me.into()))
}
