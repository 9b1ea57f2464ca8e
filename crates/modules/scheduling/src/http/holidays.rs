use axum::{Json, extract::State, http::StatusCode};
use nmc_web::{ApiRefusal, IdempotentJson, Page, PageRequest, Path, Problem, Query, User};
use uuid::Uuid;

use super::filter::Dates;
use crate::{AddedHoliday, Holiday, HolidayError, NewHoliday, Scheduling, model::date::is_usual};

/// Days on which nobody of the business works
#[utoipa::path(
    get,
    path = "/scheduling/holidays",
    tag = "scheduling",
    security(("clerk" = [])),
    params(PageRequest, Dates),
    responses(
        (status = 200, description = "In their order", body = Page<Holiday>),
        (status = 422, description = "`invalid_input`: `from`, `to`, `limit` or `cursor`", body = Problem,
            content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn list(
    State(scheduling): State<Scheduling>,
    User(actor): User,
    page: PageRequest,
    Query(dates): Query<Dates>,
) -> Result<Json<Page<Holiday>>, Problem> {
    for (field, date) in [("from", dates.from), ("to", dates.to)] {
        if date.is_some_and(|date| !is_usual(date)) {
            return Err(Problem::invalid_field(field, "must be of a year from 1 to 9998"));
        }
    }
    let holidays = scheduling.holidays(&actor, (dates.from, dates.to), page.after()?, page.fetch_limit()).await?;
    Ok(Json(Page::new(holidays, &page, Holiday::position)))
}

/// Make a day a holiday
///
/// What is booked on it stays, and is named. Repeatable with an `Idempotency-Key`.
#[utoipa::path(
    post,
    path = "/scheduling/holidays",
    tag = "scheduling",
    security(("clerk" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "A repeat with the same key gets the first answer")),
    request_body = NewHoliday,
    responses(
        (status = 201, description = "The holiday", body = AddedHoliday),
        (status = 409, description = "`holiday_exists`; `too_many_holidays`; `idempotency_key_reused`", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid_input`: `date` or `name`", body = Problem,
            content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn add(
    State(scheduling): State<Scheduling>,
    User(actor): User,
    IdempotentJson { body, key }: IdempotentJson<NewHoliday>,
) -> Result<(StatusCode, Json<AddedHoliday>), Problem> {
    Ok((StatusCode::CREATED, Json(scheduling.add_holiday(&actor, body, key.as_ref()).await?)))
}

/// Make a holiday a day like others
#[utoipa::path(
    delete,
    path = "/scheduling/holidays/{id}",
    tag = "scheduling",
    security(("clerk" = [])),
    params(("id" = Uuid, Path, description = "The holiday")),
    responses(
        (status = 204, description = "It is a day like others"),
        (status = 404, description = "`not_found`", body = Problem, content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn remove(
    State(scheduling): State<Scheduling>,
    User(actor): User,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    if scheduling.remove_holiday(&actor, id).await? { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found()) }
}

impl From<HolidayError> for Problem {
    fn from(error: HolidayError) -> Self {
        match error {
            HolidayError::Invalid(error) => Self::invalid_field(error.field(), error.to_string()),
            HolidayError::Exists => Self::conflict("holiday_exists", "The day is a holiday already."),
            HolidayError::TooMany => {
                Self::conflict("too_many_holidays", "The business has as many holidays as it may.")
            }
            HolidayError::KeyReused => Self::idempotency_key_reused(),
            HolidayError::Database(error) => error.into(),
        }
    }
}
