use axum::{Json, extract::State};
use nmc_kernel::{AppointmentId, given};
use nmc_web::{ApiRefusal, JsonBody, Page, PageRequest, Path, Problem, Query, User};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    filter::AppointmentQuery,
    view::{AppointmentDetail, AppointmentView},
};
use crate::{Appointment, Correction, Scheduling, use_case::read};

/// Appointments
///
/// By their start.
#[utoipa::path(
    get,
    path = "/scheduling/appointments",
    tag = "scheduling",
    security(("clerk" = [])),
    params(AppointmentQuery, PageRequest),
    responses(
        (status = 200, description = "A page of appointments", body = Page<AppointmentView>),
        (status = 422, description = "`invalid_input`: a parameter cannot be", body = Problem,
         content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn list(
    State(scheduling): State<Scheduling>,
    User(actor): User,
    Query(query): Query<AppointmentQuery>,
    page: PageRequest,
) -> Result<Json<Page<AppointmentView>>, Problem> {
    let filter = query.try_into()?;
    let found = read::appointments(&scheduling, &actor, &filter, page.after()?, page.fetch_limit()).await?;
    let position = |appointment: &Appointment| (appointment.slot.start(), appointment.id);
    Ok(Json(Page::new(found, &page, position).map(AppointmentView::from)))
}

/// An appointment
#[utoipa::path(
    get,
    path = "/scheduling/appointments/{id}",
    tag = "scheduling",
    security(("clerk" = [])),
    params(("id" = AppointmentId, Path, description = "The appointment")),
    responses(
        (status = 200, description = "The appointment, and what happened to it", body = AppointmentDetail),
        (status = 404, description = "`not_found`", body = Problem, content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn show(
    State(scheduling): State<Scheduling>,
    User(actor): User,
    Path(id): Path<AppointmentId>,
) -> Result<Json<AppointmentDetail>, Problem> {
    let found = read::appointment(&scheduling, &actor, id).await?;
    let (appointment, history) = found.ok_or_else(Problem::not_found)?;
    Ok(Json(AppointmentDetail { appointment: appointment.into(), history }))
}

/// What is to be different; what is left out stays, what is null is taken away.
#[allow(clippy::option_option, reason = "a field that is not given, one that is null, and one with a value")]
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "customer_name": "Pat Example", "notes": null }))]
pub(super) struct CorrectRequest {
    /// The customer's name, at most 120 characters.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    customer_name: Option<Option<String>>,
    /// Where the job is, at most 300 characters.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    address: Option<Option<String>>,
    /// Anything else, at most 2,000 characters.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    notes: Option<Option<String>>,
}

/// Correct what is known of the customer
///
/// Whatever became of the appointment. Raises its version where anything is different.
#[utoipa::path(
    patch,
    path = "/scheduling/appointments/{id}",
    tag = "scheduling",
    security(("clerk" = [])),
    params(("id" = AppointmentId, Path, description = "The appointment")),
    request_body = CorrectRequest,
    responses(
        (status = 200, description = "The appointment as it is now", body = AppointmentView),
        (status = 404, description = "`not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`appointment_moved`: by somebody else at the same time", body = Problem,
         content_type = "application/problem+json"),
        (status = 422, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn correct(
    State(scheduling): State<Scheduling>,
    User(actor): User,
    Path(id): Path<AppointmentId>,
    JsonBody(body): JsonBody<CorrectRequest>,
) -> Result<Json<AppointmentView>, Problem> {
    let correction = Correction { name: body.customer_name, address: body.address, notes: body.notes };
    Ok(Json(scheduling.correct(&actor, id, &correction).await?.into()))
}
