use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use nmc_kernel::{AppointmentId, HoldId, ResourceId, ServiceItemId};
use nmc_web::{ApiRefusal, IdempotentJson, Page, PageRequest, Path, Problem, User};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    slots::timeslot,
    view::{HoldView, SlotProblem},
};
use crate::{Held, Hold, NewHold, Scheduling, use_case::read};

/// What is to be reserved.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "resource_id": "0190a0a0-0000-7000-8000-000000000020", "start": "2026-06-11T14:00:00Z",
    "end": "2026-06-11T15:30:00Z", "service_item_id": "0190a0a0-0000-7000-8000-000000000010"
}))]
pub(super) struct HoldRequest {
    /// Who is to be reserved.
    resource_id: ResourceId,
    /// Start as the customer is told it, UTC; on a quarter of an hour by the clock on the wall, with `override` on any
    /// whole minute.
    start: DateTime<Utc>,
    /// End as the customer is told it, UTC; 1 to 480 minutes after `start`, and exactly as long as the item lasts.
    end: DateTime<Utc>,
    /// What is to be done. Its price is kept for as long as the hold lives.
    service_item_id: Option<ServiceItemId>,
    /// The appointment that is to move here: it is no obstacle to itself.
    moves_appointment_id: Option<AppointmentId>,
    /// Sets the rules of the resource and the item aside, on purpose: hours, holidays, time off, other calendars, notice,
    /// horizon, quarters of an hour, length and skill. Never: another appointment or hold, the past, an inactive resource.
    #[serde(default, rename = "override")]
    #[schema(default = false)]
    is_override: bool,
}

/// Hold a slot
///
/// It is reserved for as long as `expires_at` says, and becomes an appointment by `POST /v1/scheduling/book`, or the new
/// time of one by `POST /v1/scheduling/reschedule`. Repeatable with an `Idempotency-Key`.
#[utoipa::path(
    post,
    path = "/scheduling/holds",
    tag = "scheduling",
    security(("clerk" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "A repeat with the same key gets the first answer")),
    request_body = HoldRequest,
    responses(
        (status = 201, description = "It is reserved", body = Held),
        (status = 403, description = "`booking_closed`, `tenant_suspended`; `user_inactive`, `no_business`", body = Problem,
         content_type = "application/problem+json"),
        (status = 404, description = "`not_found`: no such resource, item or appointment", body = Problem,
         content_type = "application/problem+json"),
        (status = 409, description = "With `alternatives`: `slot_taken`, `buffer_conflict`, `outside_hours`, `holiday`, \
            `time_off`, `external_busy`, `minimum_notice`, `beyond_horizon`, `slot_not_aligned`, `in_the_past`, \
            `lacks_skill`, `resource_inactive`, `appointment_over`. Without: `idempotency_key_reused`", body = SlotProblem,
         content_type = "application/problem+json"),
        (status = 410, description = "`item_inactive`: the item is not offered any more", body = Problem,
         content_type = "application/problem+json"),
        (status = 422, description = "`duration_mismatch`: the slot does not last as long as the item; `invalid_input`",
         body = Problem, content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn hold(
    State(scheduling): State<Scheduling>,
    User(actor): User,
    IdempotentJson { body, key }: IdempotentJson<HoldRequest>,
) -> Result<(StatusCode, Json<Held>), Problem> {
    let new = NewHold {
        resource_id: body.resource_id,
        slot: timeslot(body.start, body.end, ["start", "end"])?,
        service_item_id: body.service_item_id,
        conversation_id: None,
        moves_appointment_id: body.moves_appointment_id,
        is_override: body.is_override,
    };
    Ok((StatusCode::CREATED, Json(scheduling.hold(&actor, &new, key.as_ref()).await?)))
}

/// Holds
///
/// Those that reserve something now, by their start.
#[utoipa::path(
    get,
    path = "/scheduling/holds",
    tag = "scheduling",
    security(("clerk" = [])),
    params(PageRequest),
    responses(
        (status = 200, description = "A page of holds", body = Page<HoldView>),
        (status = 422, description = "`invalid_input`: a parameter cannot be", body = Problem,
         content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn list(
    State(scheduling): State<Scheduling>,
    User(actor): User,
    page: PageRequest,
) -> Result<Json<Page<HoldView>>, Problem> {
    let found = read::holds(&scheduling, &actor, page.after()?, page.fetch_limit()).await?;
    let position = |hold: &Hold| (hold.slot.start(), hold.id);
    Ok(Json(Page::new(found, &page, position).map(HoldView::from)))
}

/// Give a hold back
///
/// Doing it twice changes nothing.
#[utoipa::path(
    delete,
    path = "/scheduling/holds/{id}",
    tag = "scheduling",
    security(("clerk" = [])),
    params(("id" = HoldId, Path, description = "The hold")),
    responses(
        (status = 204, description = "It reserves nothing"),
        (status = 404, description = "`not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`hold_booked`: it has become an appointment, which can be cancelled", body = Problem,
         content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn release(
    State(scheduling): State<Scheduling>,
    User(actor): User,
    Path(id): Path<HoldId>,
) -> Result<StatusCode, Problem> {
    scheduling.release(&actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
