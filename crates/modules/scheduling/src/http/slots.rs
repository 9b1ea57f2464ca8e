use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use nmc_kernel::{AppointmentId, Minutes, ResourceId, ServiceItemId, Timeslot};
use nmc_web::{ApiRefusal, JsonBody, Problem, User, is_storable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Found, Granularity, Job, Scheduling, Search, Slot, use_case::resources::RESOURCES_MAX};

/// What is looked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "resource_ids": ["0190a0a0-0000-7000-8000-000000000020"],
    "service_item_id": "0190a0a0-0000-7000-8000-000000000010", "window_start": "2026-06-11T00:00:00Z",
    "window_end": "2026-06-13T00:00:00Z", "granularity_minutes": 30
}))]
pub(super) struct SearchRequest {
    /// With whom; left out: with anybody who can do it.
    #[schema(max_items = 50)]
    resource_ids: Option<Vec<ResourceId>>,
    /// What is to be done. Either this or `duration_minutes`.
    service_item_id: Option<ServiceItemId>,
    /// How long it takes, 1 to 480, with anybody.
    duration_minutes: Option<Minutes>,
    /// Slots begin no earlier, UTC.
    window_start: DateTime<Utc>,
    /// Slots end no later, UTC; at most 14 days after `window_start`.
    window_end: DateTime<Utc>,
    /// How far apart slots begin by the clock on the wall: 15, 30 or 60; left out: as the installation is set (15 unless
    /// it is changed).
    #[schema(value_type = Option<i32>)]
    granularity_minutes: Option<Granularity>,
    /// The appointment that is to move: it is no obstacle to itself.
    moves_appointment_id: Option<AppointmentId>,
}

/// What is free.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "slots": [{
        "resource_id": "0190a0a0-0000-7000-8000-000000000020", "start": "2026-06-11T14:00:00Z",
        "end": "2026-06-11T15:30:00Z"
    }],
    "complete": true
}))]
pub(super) struct Slots {
    /// By their start, then by resource.
    slots: Vec<Slot>,
    /// Whether these are all; else a smaller window shows more.
    complete: bool,
}

impl From<Found> for Slots {
    fn from(found: Found) -> Self {
        Self { slots: found.slots, complete: found.is_complete }
    }
}

impl TryFrom<SearchRequest> for Search {
    type Error = Problem;
    fn try_from(request: SearchRequest) -> Result<Self, Problem> {
        let asked = request.resource_ids.as_ref().map_or(0, Vec::len);
        // No business has more.
        if i64::try_from(asked).is_ok_and(|asked| asked > RESOURCES_MAX) {
            return Err(Problem::invalid_field("resource_ids", format!("must be at most {RESOURCES_MAX}")));
        }
        let job = match (request.service_item_id, request.duration_minutes) {
            (Some(item), None) => Job::Item(item),
            (None, Some(length)) => Job::Length(length),
            _ => {
                let message = "either service_item_id or duration_minutes must be given";
                return Err(Problem::invalid_field("service_item_id", message));
            }
        };
        Ok(Self {
            resource_ids: request.resource_ids,
            job,
            window: timeslot(request.window_start, request.window_end, ["window_start", "window_end"])?,
            granularity: request.granularity_minutes,
            conversation_id: None,
            moves_appointment_id: request.moves_appointment_id,
        })
    }
}

/// The time between two fields of a body.
pub(super) fn timeslot(
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    [start_field, end_field]: [&str; 2],
) -> Result<Timeslot, Problem> {
    for (field, time) in [(start_field, start), (end_field, end)] {
        if !is_storable(time) {
            return Err(Problem::invalid_field(field, "must have a year of four digits"));
        }
    }
    Timeslot::new(start, end).map_err(|_| Problem::invalid_field(end_field, format!("must be after {start_field}")))
}

/// Look for free slots
///
/// What is listed can be held, by the same rules: hours, holidays, time off, other calendars, buffers, notice, horizon.
#[utoipa::path(
    post,
    path = "/scheduling/search",
    tag = "scheduling",
    security(("clerk" = [])),
    request_body = SearchRequest,
    responses(
        (status = 200, description = "What is free", body = Slots),
        (status = 404, description = "`not_found`: no such item, resource or appointment", body = Problem,
         content_type = "application/problem+json"),
        (status = 410, description = "`item_inactive`: the item is not offered any more", body = Problem,
         content_type = "application/problem+json"),
        (status = 422, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn search(
    State(scheduling): State<Scheduling>,
    User(actor): User,
    JsonBody(request): JsonBody<SearchRequest>,
) -> Result<Json<Slots>, Problem> {
    Ok(Json(scheduling.search(&actor, &request.try_into()?).await?.into()))
}
