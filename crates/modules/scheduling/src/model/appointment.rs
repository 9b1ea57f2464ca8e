use chrono::{DateTime, Utc};
use nmc_events::{
    Context,
    scheduling::{AppointmentBooked, AppointmentCancelled, BookedBy, CancelledReason},
};
use nmc_kernel::{
    AppointmentId, ConversationId, CorrelationId, E164, HoldId, Money, ResourceId, ServiceItemId, Timeslot, UserId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::details::Details;

/// What a hold is booked as.
#[derive(Clone, Debug)]
pub struct NewAppointment {
    /// The hold.
    pub hold_id: HoldId,
    /// What is to be done.
    pub service_item_id: ServiceItemId,
    /// For whom.
    pub customer_phone: E164,
    /// What is known of them beside that.
    pub details: Details,
}

/// What a booking is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({ "appointment_id": "0190a0a0-0000-7000-8000-000000000022" }))]
pub struct Booked {
    /// The appointment.
    pub appointment_id: AppointmentId,
}

/// Where an appointment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum AppointmentStatus {
    /// It is to be kept.
    Booked,
    /// It was called off.
    Cancelled,
    /// A person says that the job was done.
    Completed,
    /// A person says that the customer was not there.
    NoShow,
}

/// A booking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appointment {
    /// Its id.
    pub id: AppointmentId,
    /// Who is booked.
    pub resource_id: ResourceId,
    /// The time as the customer was told it.
    pub slot: Timeslot,
    /// What is kept free for it, buffers included.
    pub blocked: Timeslot,
    /// What is to be done.
    pub service_item_id: ServiceItemId,
    /// What it costs, as quoted.
    pub price: Money,
    /// For whom.
    pub customer_phone: E164,
    /// What is known of them beside that.
    pub details: Details,
    /// The conversation it came from.
    pub conversation_id: Option<ConversationId>,
    /// What its events belong to.
    pub correlation_id: CorrelationId,
    /// Who booked it.
    pub booked_by: BookedBy,
    /// Where it stands.
    pub status: AppointmentStatus,
    /// Raised by each change; 1 when it is booked.
    pub version: i32,
    /// When it was booked.
    pub created_at: DateTime<Utc>,
}

impl Appointment {
    /// What its events belong to.
    pub(crate) const fn context(&self) -> Context {
        Context { correlation: self.correlation_id, causation: None }
    }

    /// Whether somebody is still waited for.
    pub(crate) fn is_to_be_kept(&self, now: DateTime<Utc>) -> bool {
        self.status == AppointmentStatus::Booked && self.slot.end() > now
    }

    /// The news of it.
    pub(crate) fn booked(&self) -> AppointmentBooked {
        AppointmentBooked {
            appointment_id: self.id,
            resource_id: self.resource_id,
            start: self.slot.start(),
            end: self.slot.end(),
            service_item_id: self.service_item_id,
            price: self.price,
            customer_phone: self.customer_phone.clone(),
            conversation_id: self.conversation_id,
            booked_by: self.booked_by,
        }
    }

    /// The news of its being called off.
    pub(crate) const fn cancelled(&self, reason: CancelledReason) -> AppointmentCancelled {
        AppointmentCancelled {
            appointment_id: self.id,
            resource_id: self.resource_id,
            start: self.slot.start(),
            end: self.slot.end(),
            cancelled_reason: reason,
        }
    }
}

/// What happened to an appointment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ChangeKind {
    /// It was booked.
    Booked,
    /// It moved to another time or resource.
    Moved,
    /// What is known of the customer was corrected.
    Corrected,
    /// It was called off.
    Cancelled,
    /// The job was done.
    Completed,
    /// The customer was not there.
    NoShow,
}

/// One change of an appointment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AppointmentChange {
    /// The version of the appointment that it made.
    pub version: i32,
    /// What happened.
    pub what: ChangeKind,
    /// Who did it; null: the automation or the service itself.
    pub user_id: Option<UserId>,
    /// Who was booked from then on.
    pub resource_id: ResourceId,
    /// Start from then on, UTC.
    pub start: DateTime<Utc>,
    /// End from then on, UTC.
    pub end: DateTime<Utc>,
    /// Who or what cancelled it, where it was: `user` (the customer), `tenant`, `system`, `conflict`.
    #[schema(value_type = Option<String>)]
    pub reason: Option<String>,
    /// When, UTC.
    pub at: DateTime<Utc>,
}

/// The stored word.
pub(crate) const fn booked_by_word(by: BookedBy) -> &'static str {
    match by {
        BookedBy::Automation => "automation",
        BookedBy::User => "user",
    }
}

/// The stored word.
pub(crate) const fn reason_word(reason: CancelledReason) -> &'static str {
    match reason {
        CancelledReason::User => "user",
        CancelledReason::Tenant => "tenant",
        CancelledReason::System => "system",
        CancelledReason::Conflict => "conflict",
    }
}
