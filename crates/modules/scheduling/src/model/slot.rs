use chrono::{DateTime, Utc};
use nmc_kernel::{AppointmentId, ResourceId, ServiceItemId, Timeslot};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A time that can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "resource_id": "0190a0a0-0000-7000-8000-000000000020", "start": "2026-06-11T14:00:00Z", "end": "2026-06-11T15:30:00Z"
}))]
pub struct Slot {
    /// With whom.
    pub resource_id: ResourceId,
    /// Start as the customer is told it, UTC.
    pub start: DateTime<Utc>,
    /// End as the customer is told it, UTC.
    pub end: DateTime<Utc>,
}

impl Slot {
    pub(crate) const fn new(resource_id: ResourceId, slot: Timeslot) -> Self {
        Self { resource_id, start: slot.start(), end: slot.end() }
    }
}

/// What somebody wanted and could not have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) resource_id: ResourceId,
    pub(crate) slot: Timeslot,
    pub(crate) service_item_id: Option<ServiceItemId>,
    pub(crate) moves_appointment_id: Option<AppointmentId>,
}
