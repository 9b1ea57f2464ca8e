use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use chrono_tz::Tz;
use nmc_providers::clerk::{ClerkClient, ClerkTokens, ClerkUserId};
use nmc_web::{ApiRefusal, JsonBody, Limiter, Problem};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{authenticate::verify, view::MeView};
use crate::{Identity, SignUp, SignedUp, TenantName};

/// First sign-ins a person may try in a minute on one server: each asks Clerk, whose API has one limit for the whole
/// installation (<https://clerk.com/docs/guides/how-clerk-works/system-limits>).
pub(super) const TRIES_PER_MINUTE: u32 = 20;

/// The business of somebody who signs in for the first time. Whoever was invited need not say anything.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Example Plumbing", "time_zone": "America/New_York"}))]
pub(super) struct NewBusiness {
    /// The name its callers will know it by: one line of 1 to 120 characters.
    #[schema(value_type = Option<String>)]
    name: Option<TenantName>,
    /// Where its local times are told: an IANA time zone.
    #[schema(value_type = Option<String>)]
    time_zone: Option<Tz>,
}

/// First sign-in: create a business, or join the one that has sent an invitation
///
/// Whoever has a business already gets it again. For people with a token and no business yet.
#[utoipa::path(
    post,
    path = "/tenants",
    tag = "identity",
    security(("clerk" = [])),
    request_body = NewBusiness,
    responses(
        (status = 201, description = "They have a business now", body = MeView),
        (status = 200, description = "They had one before", body = MeView),
        (status = 422, description = "A name or a time zone is missing or not accepted (`invalid_input`)",
         body = Problem, content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn post_tenants(
    State(identity): State<Identity>,
    State(tokens): State<ClerkTokens>,
    State(clerk): State<ClerkClient>,
    State(limit): State<Arc<Limiter<ClerkUserId>>>,
    headers: HeaderMap,
    body: Result<JsonBody<NewBusiness>, Problem>,
) -> Result<(StatusCode, Json<MeView>), Problem> {
    // Before anything is said about the body.
    let token = verify(&tokens, &headers).await?;
    let JsonBody(NewBusiness { name, time_zone }) = body?;
    limit.admit("person", &token.subject)?;
    match identity.sign_up(&clerk, &token.subject, SignUp { name, time_zone }).await? {
        SignedUp::New(me) => Ok((StatusCode::CREATED, Json(me.into()))),
        SignedUp::Already(me) => Ok((StatusCode::OK, Json(me.into()))),
    }
}
