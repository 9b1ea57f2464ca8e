use axum::{Json, extract::State};
use nmc_web::{ApiRefusal, JsonBody, Owner, Problem, User};

use super::view::TenantView;
use crate::{Identity, TenantChange};

/// The business and how it wants to be served
#[utoipa::path(
    get,
    path = "/tenant",
    tag = "identity",
    security(("clerk" = [])),
    responses((status = 200, description = "The business", body = TenantView), ApiRefusal)
)]
pub(super) async fn get_tenant(
    State(identity): State<Identity>,
    User(actor): User,
) -> Result<Json<TenantView>, Problem> {
    let me = identity.me(&actor).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(me.tenant.into()))
}

/// Change the business; only the fields that are given change
///
/// For owners.
#[utoipa::path(
    patch,
    path = "/tenant",
    tag = "identity",
    security(("clerk" = [])),
    request_body = TenantChange,
    responses(
        (status = 200, description = "The business as it is now", body = TenantView),
        (status = 422, description = "A field is unknown or has a value that is not accepted (`invalid_input`): `errors` \
         names it, as `settings.countries`", body = Problem, content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn patch_tenant(
    State(identity): State<Identity>,
    Owner(actor): Owner,
    JsonBody(change): JsonBody<TenantChange>,
) -> Result<Json<TenantView>, Problem> {
    Ok(Json(identity.change_tenant(&actor, change).await?.into()))
}
