use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use nmc_kernel::ServiceItemId;
use nmc_web::{ApiRefusal, IdempotentJson, JsonBody, Owner, Page, PageRequest, Path, Problem, Query, User};
use serde::Deserialize;
use utoipa::ToSchema;

use super::filter::ItemFilter;
use crate::{Alias, Catalog, ItemChange, NewItem, Quote, ServiceItem};

/// The catalog
#[utoipa::path(
    get,
    path = "/catalog/items",
    tag = "catalog",
    security(("clerk" = [])),
    params(ItemFilter, PageRequest),
    responses(
        (status = 200, description = "The oldest first", body = Page<ServiceItem>),
        (status = 422, description = "`invalid_input`: `active`, `limit` or `cursor`", body = Problem,
            content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn list(
    State(catalog): State<Catalog>,
    User(actor): User,
    Query(filter): Query<ItemFilter>,
    page: PageRequest,
) -> Result<Json<Page<ServiceItem>>, Problem> {
    let after: Option<(DateTime<Utc>, ServiceItemId)> = page.after()?;
    let mut tx = catalog.db().read(actor.tenant()).await?;
    let rows = catalog.items(&mut tx, filter.active, after, page.fetch_limit()).await?;
    tx.finish().await?;
    Ok(Json(Page::new(rows, &page, |row| (row.created_at, row.id))))
}

/// Add a service item
///
/// For owners. A catalog has at most 500 items, inactive ones included, and one currency. Repeatable with an
/// `Idempotency-Key`.
#[utoipa::path(
    post,
    path = "/catalog/items",
    tag = "catalog",
    security(("clerk" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "A repeat with the same key gets the first answer")),
    request_body = NewItem,
    responses(
        (status = 201, description = "It is sold from now on", body = ServiceItem),
        (status = 409, description = "`name_taken`; `other_currency`; `catalog_full`; `idempotency_key_reused`",
            body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A field is unknown, missing or not accepted (`invalid_input`)", body = Problem,
            content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn create(
    State(catalog): State<Catalog>,
    Owner(actor): Owner,
    IdempotentJson { body, key }: IdempotentJson<NewItem>,
) -> Result<(StatusCode, Json<ServiceItem>), Problem> {
    Ok((StatusCode::CREATED, Json(catalog.create_item(&actor, &body, key.as_ref()).await?)))
}

/// A service item, active or not
#[utoipa::path(
    get,
    path = "/catalog/items/{id}",
    tag = "catalog",
    security(("clerk" = [])),
    params(("id" = ServiceItemId, Path, description = "The item")),
    responses(
        (status = 200, description = "The item", body = ServiceItem),
        (status = 404, description = "`not_found`", body = Problem, content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn get(
    State(catalog): State<Catalog>,
    User(actor): User,
    Path(id): Path<ServiceItemId>,
) -> Result<Json<ServiceItem>, Problem> {
    let mut tx = catalog.db().read(actor.tenant()).await?;
    let item = catalog.item(&mut tx, id).await?;
    tx.finish().await?;
    item.map(Json).ok_or_else(Problem::not_found)
}

/// Change a service item; only the fields that are given change
///
/// For owners. `active` takes it out of what is sold, and brings it back. What is booked keeps its price.
#[utoipa::path(
    patch,
    path = "/catalog/items/{id}",
    tag = "catalog",
    security(("clerk" = [])),
    params(("id" = ServiceItemId, Path, description = "The item")),
    request_body = ItemChange,
    responses(
        (status = 200, description = "The item as it is now", body = ServiceItem),
        (status = 404, description = "`not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`name_taken`; `other_currency`", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "A field is unknown or not accepted (`invalid_input`)", body = Problem,
            content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn change(
    State(catalog): State<Catalog>,
    Owner(actor): Owner,
    Path(id): Path<ServiceItemId>,
    JsonBody(change): JsonBody<ItemChange>,
) -> Result<Json<ServiceItem>, Problem> {
    Ok(Json(catalog.change_item(&actor, id, change).await?))
}

/// Take a service item out of what is sold
///
/// For owners. It stays in the catalog, inactive: `PATCH` with `active` brings it back.
#[utoipa::path(
    delete,
    path = "/catalog/items/{id}",
    tag = "catalog",
    security(("clerk" = [])),
    params(("id" = ServiceItemId, Path, description = "The item")),
    responses(
        (status = 200, description = "The item, inactive; the same where it was inactive before", body = ServiceItem),
        (status = 404, description = "`not_found`", body = Problem, content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn deactivate(
    State(catalog): State<Catalog>,
    Owner(actor): Owner,
    Path(id): Path<ServiceItemId>,
) -> Result<Json<ServiceItem>, Problem> {
    Ok(Json(catalog.deactivate_item(&actor, id).await?))
}

/// All aliases of an item.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"aliases": [{"text": "clogged drain", "priority": 10}, {"text": "slow drain"}]}))]
pub(super) struct AliasesRequest {
    /// At most 50; of a text given twice the higher priority counts.
    aliases: Vec<Alias>,
}

/// Replace the aliases of a service item
///
/// For owners. Aliases are the words callers have for the job; they are kept in lower case.
#[utoipa::path(
    put,
    path = "/catalog/items/{id}/aliases",
    tag = "catalog",
    security(("clerk" = [])),
    params(("id" = ServiceItemId, Path, description = "The item")),
    request_body = AliasesRequest,
    responses(
        (status = 200, description = "The item with these aliases and no others", body = ServiceItem),
        (status = 404, description = "`not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "An alias is not accepted, or there are too many (`invalid_input`)",
            body = Problem, content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn put_aliases(
    State(catalog): State<Catalog>,
    Owner(actor): Owner,
    Path(id): Path<ServiceItemId>,
    JsonBody(request): JsonBody<AliasesRequest>,
) -> Result<Json<ServiceItem>, Problem> {
    Ok(Json(catalog.put_aliases(&actor, id, request.aliases).await?))
}

/// What a job is and costs
#[utoipa::path(
    get,
    path = "/catalog/quote/{id}",
    tag = "catalog",
    security(("clerk" = [])),
    params(("id" = ServiceItemId, Path, description = "The item")),
    responses(
        (status = 200, description = "What may be said to a caller", body = Quote),
        (status = 404, description = "`not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "`item_inactive`: it is not sold any more", body = Problem,
            content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn quote(
    State(catalog): State<Catalog>,
    User(actor): User,
    Path(id): Path<ServiceItemId>,
) -> Result<Json<Quote>, Problem> {
    let mut tx = catalog.db().read(actor.tenant()).await?;
    let quote = catalog.quote(&mut tx, id).await?;
    tx.finish().await?;
    Ok(Json(quote))
}
