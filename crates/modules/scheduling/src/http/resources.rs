use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use nmc_identity::OpeningHours;
use nmc_kernel::{ResourceId, ServiceItemId};
use nmc_web::{ApiRefusal, FieldError, IdempotentJson, JsonBody, Page, PageRequest, Path, Problem, Query, User};
use serde::Serialize;
use utoipa::ToSchema;

use super::filter::Deactivation;
use crate::{NewResource, Resource, ResourceChange, ResourceError, Scheduling, WithAppointments};

/// A worker or team that can be booked.
#[derive(Serialize, ToSchema)]
#[schema(as = Resource, example = json!({
    "id": "0197c0de-0000-7000-8000-000000000003", "name": "Alex", "time_zone": null,
    "weekly_hours": {
        "monday": [{"opens": "08:00:00", "closes": "17:00:00"}], "tuesday": [], "wednesday": [], "thursday": [],
        "friday": [{"opens": "08:00:00", "closes": "12:00:00"}], "saturday": [], "sunday": []
    },
    "buffer_before_minutes": 0, "buffer_after_minutes": 15, "minimum_notice_minutes": 120, "horizon_days": 60,
    "skills": null, "active": true, "created_at": "2026-06-10T18:00:00Z"
}))]
pub(super) struct ResourceView {
    /// Its id.
    id: ResourceId,
    /// What the business calls it.
    name: String,
    /// Where its local times are told; null: where the business's are.
    time_zone: Option<&'static str>,
    /// When it works.
    weekly_hours: OpeningHours,
    /// Kept free before each appointment.
    buffer_before_minutes: i32,
    /// Kept free after each appointment.
    buffer_after_minutes: i32,
    /// An appointment begins no sooner than so many minutes from now.
    minimum_notice_minutes: i32,
    /// An appointment begins no later than so many days from now.
    horizon_days: i32,
    /// The items of the catalog it can do; null: all of them.
    skills: Option<Vec<ServiceItemId>>,
    /// Whether it can be booked.
    active: bool,
    /// Since when it exists, UTC.
    created_at: DateTime<Utc>,
}

impl From<Resource> for ResourceView {
    fn from(resource: Resource) -> Self {
        Self {
            id: resource.id,
            name: resource.name,
            time_zone: resource.time_zone.map(Tz::name),
            weekly_hours: resource.weekly_hours,
            buffer_before_minutes: resource.buffer_before_minutes,
            buffer_after_minutes: resource.buffer_after_minutes,
            minimum_notice_minutes: resource.minimum_notice_minutes,
            horizon_days: resource.horizon_days,
            skills: resource.skills,
            active: resource.is_active,
            created_at: resource.created_at,
        }
    }
}

/// The business's resources, active or not
#[utoipa::path(
    get,
    path = "/scheduling/resources",
    tag = "scheduling",
    security(("clerk" = [])),
    params(PageRequest),
    responses(
        (status = 200, description = "The oldest first", body = Page<ResourceView>),
        (status = 422, description = "`invalid_input`: `limit` or `cursor`", body = Problem,
            content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn list(
    State(scheduling): State<Scheduling>,
    User(actor): User,
    page: PageRequest,
) -> Result<Json<Page<ResourceView>>, Problem> {
    let resources = scheduling.resources(&actor, page.after()?, page.fetch_limit()).await?;
    let page = Page::new(resources, &page, |resource| (resource.created_at, resource.id));
    Ok(Json(page.map(ResourceView::from)))
}

/// Add a worker or team that can be booked
///
/// Repeatable with an `Idempotency-Key`.
#[utoipa::path(
    post,
    path = "/scheduling/resources",
    tag = "scheduling",
    security(("clerk" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "A repeat with the same key gets the first answer")),
    request_body = NewResource,
    responses(
        (status = 201, description = "The resource", body = ResourceView),
        (status = 409, description = "`name_taken`; `too_many_resources`; `idempotency_key_reused`", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid_input`: `errors` names the fields", body = Problem,
            content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn create(
    State(scheduling): State<Scheduling>,
    User(actor): User,
    IdempotentJson { body, key }: IdempotentJson<NewResource>,
) -> Result<(StatusCode, Json<ResourceView>), Problem> {
    let resource = scheduling.create_resource(&actor, body, key.as_ref()).await?;
    Ok((StatusCode::CREATED, Json(resource.into())))
}

/// A worker or team
#[utoipa::path(
    get,
    path = "/scheduling/resources/{id}",
    tag = "scheduling",
    security(("clerk" = [])),
    params(("id" = ResourceId, Path, description = "The resource")),
    responses(
        (status = 200, description = "The resource", body = ResourceView),
        (status = 404, description = "`not_found`", body = Problem, content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn get(
    State(scheduling): State<Scheduling>,
    User(actor): User,
    Path(id): Path<ResourceId>,
) -> Result<Json<ResourceView>, Problem> {
    let resource = scheduling.resource(&actor, id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(resource.into()))
}

/// Change a worker or team; only the fields that are given change
///
/// What is booked stays as it is, with the buffers it was booked with.
#[utoipa::path(
    patch,
    path = "/scheduling/resources/{id}",
    tag = "scheduling",
    security(("clerk" = [])),
    params(("id" = ResourceId, Path, description = "The resource")),
    request_body = ResourceChange,
    responses(
        (status = 200, description = "The resource as it is now", body = ResourceView),
        (status = 404, description = "`not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`name_taken`; `resource_has_appointments` where `active` is false", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid_input`: `errors` names the fields", body = Problem,
            content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn change(
    State(scheduling): State<Scheduling>,
    User(actor): User,
    Path(id): Path<ResourceId>,
    JsonBody(change): JsonBody<ResourceChange>,
) -> Result<Json<ResourceView>, Problem> {
    Ok(Json(scheduling.change_resource(&actor, id, change).await?.into()))
}

/// Let nobody book a worker or team any more
///
/// What it holds is given back. `PATCH` with `active` brings it back. Doing it twice changes nothing.
#[utoipa::path(
    delete,
    path = "/scheduling/resources/{id}",
    tag = "scheduling",
    security(("clerk" = [])),
    params(("id" = ResourceId, Path, description = "The resource"), Deactivation),
    responses(
        (status = 204, description = "It cannot be booked any more"),
        (status = 404, description = "`not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`resource_has_appointments`: `appointments` says how many are still to come",
            body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_input`: `keep_appointments`", body = Problem,
            content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn deactivate(
    State(scheduling): State<Scheduling>,
    User(actor): User,
    Path(id): Path<ResourceId>,
    Query(deactivation): Query<Deactivation>,
) -> Result<StatusCode, Problem> {
    let appointments = if deactivation.keep_appointments { WithAppointments::Keep } else { WithAppointments::Refuse };
    scheduling.deactivate_resource(&actor, id, appointments).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<ResourceError> for Problem {
    fn from(error: ResourceError) -> Self {
        match error {
            ResourceError::Invalid(errors) => {
                Self::invalid(errors.iter().map(|error| FieldError::new(error.field(), error.to_string())).collect())
            }
            ResourceError::NameTaken => Self::conflict("name_taken", "Another resource of the business is called so."),
            ResourceError::TooMany => {
                Self::conflict("too_many_resources", "The business has as many resources as it may.")
            }
            ResourceError::NotFound => Self::not_found(),
            ResourceError::HasAppointments(count) => {
                let detail = format!("The resource has {count} appointments that are still to come or under way.");
                Self::conflict("resource_has_appointments", detail).with("appointments", count)
            }
            ResourceError::KeyReused => Self::idempotency_key_reused(),
            ResourceError::Database(error) => error.into(),
        }
    }
}
