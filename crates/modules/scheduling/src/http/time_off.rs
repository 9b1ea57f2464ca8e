use axum::{Json, extract::State, http::StatusCode};
use nmc_kernel::ResourceId;
use nmc_web::{ApiRefusal, IdempotentJson, Page, PageRequest, Path, Problem, Query, User};
use uuid::Uuid;

use super::filter::Window;
use crate::{AddedTimeOff, NewTimeOff, Scheduling, TimeOff, TimeOffError};

/// When a resource is away
#[utoipa::path(
    get,
    path = "/scheduling/resources/{id}/time-off",
    tag = "scheduling",
    security(("clerk" = [])),
    params(("id" = ResourceId, Path, description = "The resource"), PageRequest, Window),
    responses(
        (status = 200, description = "By their beginning", body = Page<TimeOff>),
        (status = 404, description = "`not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_input`: `from`, `to`, `limit` or `cursor`", body = Problem,
            content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn list(
    State(scheduling): State<Scheduling>,
    User(actor): User,
    Path(id): Path<ResourceId>,
    page: PageRequest,
    Query(window): Query<Window>,
) -> Result<Json<Page<TimeOff>>, Problem> {
    let absences = scheduling.time_off(&actor, id, (window.from, window.to), page.after()?, page.fetch_limit()).await?;
    Ok(Json(Page::new(absences, &page, |absence| (absence.start, absence.id))))
}

/// Say that a resource is away
///
/// What is booked stays, and is named. Repeatable with an `Idempotency-Key`.
#[utoipa::path(
    post,
    path = "/scheduling/resources/{id}/time-off",
    tag = "scheduling",
    security(("clerk" = [])),
    params(
        ("id" = ResourceId, Path, description = "The resource"),
        ("Idempotency-Key" = Option<String>, Header, description = "A repeat with the same key gets the first answer")
    ),
    request_body = NewTimeOff,
    responses(
        (status = 201, description = "The absence", body = AddedTimeOff),
        (status = 404, description = "`not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`too_many_absences`; `idempotency_key_reused`", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid_input`: `errors` names the field", body = Problem,
            content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn add(
    State(scheduling): State<Scheduling>,
    User(actor): User,
    Path(id): Path<ResourceId>,
    IdempotentJson { body, key }: IdempotentJson<NewTimeOff>,
) -> Result<(StatusCode, Json<AddedTimeOff>), Problem> {
    Ok((StatusCode::CREATED, Json(scheduling.add_time_off(&actor, id, body, key.as_ref()).await?)))
}

/// Say that a resource is not away after all
#[utoipa::path(
    delete,
    path = "/scheduling/time-off/{id}",
    tag = "scheduling",
    security(("clerk" = [])),
    params(("id" = Uuid, Path, description = "The absence")),
    responses(
        (status = 204, description = "It is not away"),
        (status = 404, description = "`not_found`", body = Problem, content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn remove(
    State(scheduling): State<Scheduling>,
    User(actor): User,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    if scheduling.remove_time_off(&actor, id).await? { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found()) }
}

impl From<TimeOffError> for Problem {
    fn from(error: TimeOffError) -> Self {
        match error {
            TimeOffError::Invalid(error) => Self::invalid_field(error.field(), error.to_string()),
            TimeOffError::Window => Self::invalid_field("to", "must be after from, and at most 366 days after it"),
            TimeOffError::NotFound => Self::not_found(),
            TimeOffError::TooMany => {
                Self::conflict("too_many_absences", "The resource has as many absences to come as it may.")
            }
            TimeOffError::KeyReused => Self::idempotency_key_reused(),
            TimeOffError::Database(error) => error.into(),
        }
    }
}
