//! What the API shows.

use chrono::{DateTime, Utc};
use nmc_kernel::{AppointmentId, ConversationId, E164, HoldId, Money, ResourceId, ServiceItemId, UserId};
use nmc_web::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Appointment, AppointmentChange, AppointmentStatus, BookedBy, Hold, Slot};

/// A refusal, with what could be had instead.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "type": "about:blank", "title": "Conflict", "status": 409, "detail": "The timeslot is taken.", "code": "slot_taken",
    "correlation_id": "0190a0a0-0000-7000-8000-000000000009",
    "alternatives": [{
        "resource_id": "0190a0a0-0000-7000-8000-000000000020", "start": "2026-06-11T15:30:00Z",
        "end": "2026-06-11T17:00:00Z"
    }]
}))]
pub(super) struct SlotProblem {
    #[serde(flatten)]
    problem: Problem,
    /// Up to three slots, the nearest to what was wanted first; absent where nothing was wanted that could be had.
    alternatives: Option<Vec<Slot>>,
}

/// An appointment.
#[derive(Serialize, ToSchema)]
#[schema(as = Appointment, example = json!({
    "id": "0190a0a0-0000-7000-8000-000000000022", "resource_id": "0190a0a0-0000-7000-8000-000000000020",
    "start": "2026-06-11T14:00:00Z", "end": "2026-06-11T15:30:00Z",
    "service_item_id": "0190a0a0-0000-7000-8000-000000000010", "price": { "amount_cents": 9500, "currency": "USD" },
    "customer_phone": "+12125550142", "customer_name": "Pat Example", "address": "1 Main St", "notes": null,
    "conversation_id": null, "booked_by": "user", "status": "booked", "version": 1,
    "created_at": "2026-06-10T18:00:00Z"
}))]
pub(super) struct AppointmentView {
    /// Its id.
    id: AppointmentId,
    /// Who is booked.
    resource_id: ResourceId,
    /// Start as the customer was told it, UTC.
    start: DateTime<Utc>,
    /// End as the customer was told it, UTC.
    end: DateTime<Utc>,
    /// What is to be done.
    service_item_id: ServiceItemId,
    /// What it costs, as quoted.
    price: Money,
    /// For whom.
    customer_phone: E164,
    /// The customer's name.
    customer_name: Option<String>,
    /// Where the job is.
    address: Option<String>,
    /// Anything else.
    notes: Option<String>,
    /// The conversation it came from.
    conversation_id: Option<ConversationId>,
    /// Who booked it: `automation` or `user`.
    #[schema(value_type = String)]
    booked_by: BookedBy,
    /// Where it stands.
    status: AppointmentStatus,
    /// Raised by each change.
    version: i32,
    /// When it was booked, UTC.
    created_at: DateTime<Utc>,
}

impl From<Appointment> for AppointmentView {
    fn from(appointment: Appointment) -> Self {
        let details = &appointment.details;
        Self {
            id: appointment.id,
            resource_id: appointment.resource_id,
            start: appointment.slot.start(),
            end: appointment.slot.end(),
            service_item_id: appointment.service_item_id,
            price: appointment.price,
            customer_name: details.name().map(str::to_owned),
            address: details.address().map(str::to_owned),
            notes: details.notes().map(str::to_owned),
            customer_phone: appointment.customer_phone,
            conversation_id: appointment.conversation_id,
            booked_by: appointment.booked_by,
            status: appointment.status,
            version: appointment.version,
            created_at: appointment.created_at,
        }
    }
}

/// An appointment, and what happened to it.
#[derive(Serialize, ToSchema)]
pub(super) struct AppointmentDetail {
    #[serde(flatten)]
    pub(super) appointment: AppointmentView,
    /// What happened to it, in its order.
    pub(super) history: Vec<AppointmentChange>,
}

/// A hold.
#[derive(Serialize, ToSchema)]
#[schema(as = Hold, example = json!({
    "hold_id": "0190a0a0-0000-7000-8000-000000000021", "resource_id": "0190a0a0-0000-7000-8000-000000000020",
    "start": "2026-06-11T14:00:00Z", "end": "2026-06-11T15:30:00Z", "expires_at": "2026-06-10T18:15:00Z",
    "service_item_id": "0190a0a0-0000-7000-8000-000000000010", "price": { "amount_cents": 9500, "currency": "USD" },
    "conversation_id": null, "user_id": "0190a0a0-0000-7000-8000-000000000002", "moves_appointment_id": null,
    "override": false, "created_at": "2026-06-10T18:00:00Z"
}))]
pub(super) struct HoldView {
    /// Its id.
    hold_id: HoldId,
    /// Who is reserved.
    resource_id: ResourceId,
    /// Start as the customer is told it, UTC.
    start: DateTime<Utc>,
    /// End as the customer is told it, UTC.
    end: DateTime<Utc>,
    /// Until when it reserves its time, UTC.
    expires_at: DateTime<Utc>,
    /// What is to be done, where that was said.
    service_item_id: Option<ServiceItemId>,
    /// What that costs, as quoted.
    price: Option<Money>,
    /// The conversation it is for.
    conversation_id: Option<ConversationId>,
    /// Who asked for it; null: the automation.
    user_id: Option<UserId>,
    /// The appointment that is to move here.
    moves_appointment_id: Option<AppointmentId>,
    /// Whether a person set the resource's rules aside.
    #[serde(rename = "override")]
    is_override: bool,
    /// When it was made, UTC.
    created_at: DateTime<Utc>,
}

impl From<Hold> for HoldView {
    fn from(hold: Hold) -> Self {
        Self {
            hold_id: hold.id,
            resource_id: hold.resource_id,
            start: hold.slot.start(),
            end: hold.slot.end(),
            expires_at: hold.expires_at,
            service_item_id: hold.service_item_id,
            price: hold.price,
            conversation_id: hold.conversation_id,
            user_id: hold.user_id,
            moves_appointment_id: hold.moves_appointment_id,
            is_override: hold.is_override,
            created_at: hold.created_at,
        }
    }
}
