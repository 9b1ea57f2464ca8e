use axum::{
    Json,
    extract::State,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
    },
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use nmc_kernel::{ResourceId, TenantId};
use nmc_web::{ApiRefusal, Owner, Path, Problem, User};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use crate::Scheduling;

/// Where a resource's calendar is read.
#[derive(Serialize, ToSchema)]
#[schema(as = CalendarFeed, example = json!({
    "url": "https://api.example.com/calendar-feeds/0197c0de-0000-7000-8000-000000000001/\
0197c0de-0000-7000-8000-000000000003/1.c2lnbmVkIGJ5IHRoZSBpbnN0YWxsYXRpb24ncyBrZXk.ics"
}))]
pub(super) struct FeedView {
    /// A calendar program subscribes to it. Who has it can read the calendar, so it is given to nobody else.
    url: String,
}

/// Where a resource's calendar is read
///
/// A calendar program subscribes to the address and shows the resource's appointments. The address is all it takes.
#[utoipa::path(
    get,
    path = "/scheduling/resources/{id}/feed",
    tag = "scheduling",
    security(("clerk" = [])),
    params(("id" = ResourceId, Path, description = "The resource")),
    responses(
        (status = 200, description = "The address", body = FeedView),
        (status = 404, description = "`not_found`", body = Problem, content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn address(
    State(scheduling): State<Scheduling>,
    User(actor): User,
    Path(id): Path<ResourceId>,
) -> Result<Json<FeedView>, Problem> {
    let url = scheduling.feed_url(&actor, id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(FeedView { url }))
}

/// Give a resource's calendar another address
///
/// For owners. The address before leads nowhere from then on.
#[utoipa::path(
    post,
    path = "/scheduling/resources/{id}/feed/rotate",
    tag = "scheduling",
    security(("clerk" = [])),
    params(("id" = ResourceId, Path, description = "The resource")),
    responses(
        (status = 200, description = "The new address", body = FeedView),
        (status = 404, description = "`not_found`", body = Problem, content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn rotate(
    State(scheduling): State<Scheduling>,
    Owner(actor): Owner,
    Path(id): Path<ResourceId>,
) -> Result<Json<FeedView>, Problem> {
    Ok(Json(FeedView { url: scheduling.rotate_feed(&actor, id).await? }))
}

/// A resource's calendar, for calendar programs
///
/// iCalendar: the appointments of the last 30 days and of those to come, with those that were cancelled in the last 30
/// days. The address is signed and comes from `GET /v1/scheduling/resources/{id}/feed`; no token is asked for.
#[utoipa::path(
    get,
    path = "/calendar-feeds/{tenant_id}/{resource_id}/{signature}",
    tag = "scheduling",
    params(
        ("tenant_id" = TenantId, Path, description = "The business"),
        ("resource_id" = ResourceId, Path, description = "The resource"),
        ("signature" = String, Path, description = "What makes the address one of ours; ends in `.ics`"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the answer before")
    ),
    responses(
        (status = 200, description = "The calendar", body = String, content_type = "text/calendar"),
        (status = 304, description = "The calendar is as it was"),
        (status = 404, description = "`not_found`: no address of ours, or void by now; or the business is suspended",
            body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`rate_limited`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`database_unavailable`", body = Problem, content_type = "application/problem+json")
    )
)]
pub(super) async fn read(
    State(scheduling): State<Scheduling>,
    Path((tenant, resource, signature)): Path<(TenantId, ResourceId, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let calendar = scheduling.feed(tenant, resource, &signature).await?.ok_or_else(Problem::not_found)?;
    // Weak: what is between us and the reader may compress it.
    let etag = format!("W/\"{}\"", BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&calendar)));
    let is_known =
        headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).any(|known| {
            known.split(',').map(str::trim).any(|known| known == "*" || known == etag || etag[2..] == *known)
        });
    let mut answer = if is_known { StatusCode::NOT_MODIFIED.into_response() } else { calendar.into_response() };
    let headers = answer.headers_mut();
    if !is_known {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/calendar; charset=utf-8"));
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    if let Ok(etag) = HeaderValue::try_from(etag) {
        headers.insert(ETAG, etag);
    }
    Ok(answer)
}
