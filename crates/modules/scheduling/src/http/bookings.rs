use std::time::Instant;

use axum::{Json, extract::State, http::StatusCode};
use nmc_kernel::{AppointmentId, E164, HoldId, ServiceItemId};
use nmc_telemetry::name::BOOKING_POST_DURATION_SECONDS;
use nmc_web::{ApiRefusal, IdempotentJson, JsonBody, Problem, User};
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::{AppointmentView, SlotProblem};
use crate::{Booked, CancelledReason, Details, NewAppointment, Scheduling};

/// What a hold is booked as.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "hold_id": "0190a0a0-0000-7000-8000-000000000021", "service_item_id": "0190a0a0-0000-7000-8000-000000000010",
    "customer_phone": "+12125550142", "customer_name": "Pat Example", "address": "1 Main St"
}))]
pub(super) struct BookRequest {
    /// The hold.
    hold_id: HoldId,
    /// What is to be done; what it was held for.
    service_item_id: ServiceItemId,
    /// For whom.
    customer_phone: E164,
    /// The customer's name, at most 120 characters.
    customer_name: Option<String>,
    /// Where the job is, at most 300 characters.
    address: Option<String>,
    /// Anything else, at most 2,000 characters.
    notes: Option<String>,
}

/// Book what is held
///
/// At the price that was quoted when it was held. Booking the same hold twice gives the same appointment. Repeatable with
/// an `Idempotency-Key`.
#[utoipa::path(
    post,
    path = "/scheduling/book",
    tag = "scheduling",
    security(("clerk" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "A repeat with the same key gets the first answer")),
    request_body = BookRequest,
    responses(
        (status = 201, description = "It is booked", body = Booked),
        (status = 403, description = "`booking_closed`, `tenant_suspended`; `user_inactive`, `no_business`", body = Problem,
         content_type = "application/problem+json"),
        (status = 404, description = "`not_found`: no such hold or item", body = Problem,
         content_type = "application/problem+json"),
        (status = 409, description = "With `alternatives`: `hold_booked` (for somebody or something else), \
            `hold_for_another_item`, `hold_moves_appointment`, `lacks_skill`, `slot_taken`. Without: \
            `idempotency_key_reused`", body = SlotProblem, content_type = "application/problem+json"),
        (status = 410, description = "`hold_expired`, `hold_released`; `item_inactive`", body = Problem,
         content_type = "application/problem+json"),
        (status = 422, description = "`duration_mismatch`: the hold, made for no item, does not last as long as the item; \
            `invalid_input`", body = Problem, content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn book(
    State(scheduling): State<Scheduling>,
    User(actor): User,
    IdempotentJson { body, key }: IdempotentJson<BookRequest>,
) -> Result<(StatusCode, Json<Booked>), Problem> {
    let details = Details::new(body.customer_name.as_deref(), body.address.as_deref(), body.notes.as_deref())?;
    let new = NewAppointment {
        hold_id: body.hold_id,
        service_item_id: body.service_item_id,
        customer_phone: body.customer_phone,
        details,
    };
    let begun = Instant::now();
    let booked = scheduling.book(&actor, &new, key.as_ref()).await;
    metrics::histogram!(BOOKING_POST_DURATION_SECONDS).record(begun.elapsed());
    Ok((StatusCode::CREATED, Json(booked?)))
}

/// Where an appointment moves to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "appointment_id": "0190a0a0-0000-7000-8000-000000000022", "hold_id": "0190a0a0-0000-7000-8000-000000000021"
}))]
pub(super) struct RescheduleRequest {
    /// The appointment.
    appointment_id: AppointmentId,
    /// What is held for it.
    hold_id: HoldId,
}

/// Move an appointment
///
/// To what is held; the price stays. Doing it twice changes nothing.
#[utoipa::path(
    post,
    path = "/scheduling/reschedule",
    tag = "scheduling",
    security(("clerk" = [])),
    request_body = RescheduleRequest,
    responses(
        (status = 200, description = "It has moved", body = AppointmentView),
        (status = 403, description = "`booking_closed`, `tenant_suspended`; `user_inactive`, `no_business`", body = Problem,
         content_type = "application/problem+json"),
        (status = 404, description = "`not_found`: no such appointment or hold", body = Problem,
         content_type = "application/problem+json"),
        (status = 409, description = "With `alternatives`: `appointment_over`, `appointment_moved` (by somebody else at the \
            same time), `hold_booked`, `hold_for_another_item`, `hold_moves_appointment`, `lacks_skill`, `slot_taken`",
         body = SlotProblem, content_type = "application/problem+json"),
        (status = 410, description = "`hold_expired`, `hold_released`", body = Problem,
         content_type = "application/problem+json"),
        (status = 422, description = "`duration_mismatch`: the hold, made for no item, does not last as long as the appointment; \
            `invalid_input`", body = Problem, content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn reschedule(
    State(scheduling): State<Scheduling>,
    User(actor): User,
    JsonBody(body): JsonBody<RescheduleRequest>,
) -> Result<Json<AppointmentView>, Problem> {
    Ok(Json(scheduling.reschedule(&actor, body.appointment_id, body.hold_id).await?.into()))
}

/// Why an appointment is called off.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum CancelReason {
    /// The customer wants it so.
    User,
    /// The business does.
    #[default]
    Tenant,
    /// Something else takes the time.
    Conflict,
}

impl From<CancelReason> for CancelledReason {
    fn from(reason: CancelReason) -> Self {
        match reason {
            CancelReason::User => Self::User,
            CancelReason::Tenant => Self::Tenant,
            CancelReason::Conflict => Self::Conflict,
        }
    }
}

/// Which appointment is called off.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "appointment_id": "0190a0a0-0000-7000-8000-000000000022", "reason": "user" }))]
pub(super) struct CancelRequest {
    /// The appointment.
    appointment_id: AppointmentId,
    /// Why: `user` (the customer), `tenant` (the business, by default), `conflict`.
    #[serde(default)]
    #[schema(default = "tenant")]
    reason: CancelReason,
}

/// Cancel an appointment
///
/// Its time is free from then on. Doing it twice changes nothing.
#[utoipa::path(
    post,
    path = "/scheduling/cancel",
    tag = "scheduling",
    security(("clerk" = [])),
    request_body = CancelRequest,
    responses(
        (status = 200, description = "It is cancelled", body = AppointmentView),
        (status = 404, description = "`not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`appointment_over`: it was completed, or the customer was not there; \
            `appointment_moved`: again and again, by somebody else", body = Problem,
         content_type = "application/problem+json"),
        (status = 422, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn cancel(
    State(scheduling): State<Scheduling>,
    User(actor): User,
    JsonBody(body): JsonBody<CancelRequest>,
) -> Result<Json<AppointmentView>, Problem> {
    Ok(Json(scheduling.cancel(&actor, body.appointment_id, body.reason.into()).await?.into()))
}

/// Which appointment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "appointment_id": "0190a0a0-0000-7000-8000-000000000022" }))]
pub(super) struct AppointmentRequest {
    /// The appointment.
    appointment_id: AppointmentId,
}

/// Say that the job was done
///
/// From the appointment's start on. Saying it twice changes nothing.
#[utoipa::path(
    post,
    path = "/scheduling/complete",
    tag = "scheduling",
    security(("clerk" = [])),
    request_body = AppointmentRequest,
    responses(
        (status = 200, description = "It is completed", body = AppointmentView),
        (status = 404, description = "`not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`appointment_over`: it was cancelled, or the customer was not there; \
            `appointment_not_begun`; `appointment_moved`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn complete(
    State(scheduling): State<Scheduling>,
    User(actor): User,
    JsonBody(body): JsonBody<AppointmentRequest>,
) -> Result<Json<AppointmentView>, Problem> {
    Ok(Json(scheduling.complete(&actor, body.appointment_id).await?.into()))
}

/// Say that the customer was not there
///
/// From the appointment's start on. Saying it twice changes nothing.
#[utoipa::path(
    post,
    path = "/scheduling/no-show",
    tag = "scheduling",
    security(("clerk" = [])),
    request_body = AppointmentRequest,
    responses(
        (status = 200, description = "It is so", body = AppointmentView),
        (status = 404, description = "`not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`appointment_over`: it was cancelled or completed; `appointment_not_begun`; \
            `appointment_moved`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn no_show(
    State(scheduling): State<Scheduling>,
    User(actor): User,
    JsonBody(body): JsonBody<AppointmentRequest>,
) -> Result<Json<AppointmentView>, Problem> {
    Ok(Json(scheduling.no_show(&actor, body.appointment_id).await?.into()))
}
