//! What Scheduling publishes.

use chrono::{DateTime, Utc};
use nmc_kernel::{AppointmentId, CalendarId, ConversationId, E164, HoldId, Money, ResourceId, ServiceItemId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Event, SchemaVersion};

/// A timeslot was reserved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AppointmentHeld {
    /// The hold.
    pub hold_id: HoldId,
    /// Who is reserved.
    pub resource_id: ResourceId,
    /// Start as the customer was told, UTC.
    pub start: DateTime<Utc>,
    /// End as the customer was told, UTC.
    pub end: DateTime<Utc>,
    /// The conversation that holds it, if one does.
    pub conversation_id: Option<ConversationId>,
}

/// A hold ended without a booking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AppointmentReleased {
    /// The hold.
    pub hold_id: HoldId,
    /// Who was reserved.
    pub resource_id: ResourceId,
    /// Start as the customer was told, UTC.
    pub start: DateTime<Utc>,
    /// End as the customer was told, UTC.
    pub end: DateTime<Utc>,
    /// The conversation that held it, if one did.
    pub conversation_id: Option<ConversationId>,
    /// Why it ended.
    pub reason: ReleaseReason,
}

/// Why a hold ended without a booking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReleaseReason {
    /// Its time ran out.
    Expired,
    /// It was given back.
    Released,
}

/// A hold became an appointment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AppointmentBooked {
    /// The appointment.
    pub appointment_id: AppointmentId,
    /// Who is booked.
    pub resource_id: ResourceId,
    /// Start, UTC.
    pub start: DateTime<Utc>,
    /// End, UTC.
    pub end: DateTime<Utc>,
    /// The job.
    pub service_item_id: ServiceItemId,
    /// What it costs, as quoted.
    pub price: Money,
    /// The customer.
    pub customer_phone: E164,
    /// The conversation it came from, if any.
    pub conversation_id: Option<ConversationId>,
    /// Who booked it.
    pub booked_by: BookedBy,
}

/// Who booked an appointment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BookedBy {
    /// The automatic conversation.
    Automation,
    /// A person of the business.
    User,
}

/// An appointment moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AppointmentRescheduled {
    /// The appointment.
    pub appointment_id: AppointmentId,
    /// Start before, UTC.
    pub old_start: DateTime<Utc>,
    /// End before, UTC.
    pub old_end: DateTime<Utc>,
    /// Who was booked before.
    pub old_resource_id: ResourceId,
    /// Start now, UTC.
    pub new_start: DateTime<Utc>,
    /// End now, UTC.
    pub new_end: DateTime<Utc>,
    /// Who is booked now.
    pub new_resource_id: ResourceId,
}

/// An appointment was cancelled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AppointmentCancelled {
    /// The appointment.
    pub appointment_id: AppointmentId,
    /// Who was booked.
    pub resource_id: ResourceId,
    /// Start, UTC.
    pub start: DateTime<Utc>,
    /// End, UTC.
    pub end: DateTime<Utc>,
    /// Who or what cancelled it.
    pub cancelled_reason: CancelledReason,
}

/// Who or what cancelled an appointment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CancelledReason {
    /// The customer.
    User,
    /// The business.
    Tenant,
    /// The service.
    System,
    /// Another event took the time.
    Conflict,
}

/// A person says the job was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AppointmentCompleted {
    /// The appointment.
    pub appointment_id: AppointmentId,
}

/// A person says the customer was not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AppointmentNoShow {
    /// The appointment.
    pub appointment_id: AppointmentId,
}

/// An external calendar event lies over an appointment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CalendarConflictDetected {
    /// The calendar.
    pub calendar_id: CalendarId,
    /// Whose calendar.
    pub resource_id: ResourceId,
    /// The appointment underneath.
    pub appointment_id: Option<AppointmentId>,
}

/// A calendar stopped syncing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CalendarBroken {
    /// The calendar.
    pub calendar_id: CalendarId,
    /// Whose calendar.
    pub resource_id: ResourceId,
    /// Null: no single appointment is concerned.
    pub appointment_id: Option<AppointmentId>,
}

macro_rules! events {
    ($($name:ident $(by $key:ident)?),+ $(,)?) => {$(
        impl Event for $name {
            const NAME: &'static str = concat!("nmc.scheduling.", stringify!($name));
            const VERSION: SchemaVersion = SchemaVersion::V1;
            $(fn order_key(&self) -> Option<String> {
                Some(self.$key.to_string())
            })?
        }
    )+};
}

events!(
    AppointmentHeld by resource_id,
    AppointmentReleased by resource_id,
    AppointmentBooked by resource_id,
    AppointmentRescheduled by new_resource_id,
    AppointmentCancelled by resource_id,
    AppointmentCompleted,
    AppointmentNoShow,
    CalendarConflictDetected by resource_id,
    CalendarBroken by resource_id,
);
