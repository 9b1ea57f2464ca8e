use axum::response::sse;
use chrono::{DateTime, Utc};
use nmc_events::{
    Event,
    conversation::{
        ConversationClosed, ConversationReleased, ConversationStarted, ConversationUnblocked, DeliveryUpdated,
        HumanTakeoverRequested, MessageSent, TaskDone, TaskRaised,
    },
    scheduling::{
        AppointmentBooked, AppointmentCancelled, AppointmentCompleted, AppointmentHeld, AppointmentNoShow,
        AppointmentReleased, AppointmentRescheduled, CalendarBroken, CalendarConflictDetected,
    },
};
use nmc_kernel::{CorrelationId, EventId};
use serde::Serialize;

use crate::Position;

/// What people of a business are told of: conversations, messages, tasks, holds, bookings and calendars in conflict.
pub const STREAMED: &[&str] = &[
    ConversationStarted::NAME,
    MessageSent::NAME,
    DeliveryUpdated::NAME,
    HumanTakeoverRequested::NAME,
    ConversationReleased::NAME,
    ConversationUnblocked::NAME,
    ConversationClosed::NAME,
    TaskRaised::NAME,
    TaskDone::NAME,
    AppointmentHeld::NAME,
    AppointmentReleased::NAME,
    AppointmentBooked::NAME,
    AppointmentRescheduled::NAME,
    AppointmentCancelled::NAME,
    AppointmentCompleted::NAME,
    AppointmentNoShow::NAME,
    CalendarConflictDetected::NAME,
    CalendarBroken::NAME,
];

/// An event's `data`, in one line of JSON. The event's name is the `event` line, its place the `id` line.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct StreamEvent {
    /// The event's own id.
    pub event_id: EventId,
    /// Version of the payload's shape: a new minor version adds fields.
    #[schema(example = "1.0.0")]
    pub schema_version: String,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// The same for everything about one call or conversation.
    pub correlation_id: CorrelationId,
    /// What happened; its shape is in the event catalog under the event's name.
    pub payload: serde_json::Value,
}

/// A streamed event at its place.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) position: Position,
    pub(crate) name: String,
    pub(crate) event: StreamEvent,
}

impl Placed {
    /// As it goes over the wire.
    pub(crate) fn to_sse(&self) -> sse::Event {
        // Ids, times and a JSON value serialise.
        let data = serde_json::to_string(&self.event).unwrap_or_default();
        sse::Event::default().id(self.position.to_string()).event(&self.name).data(data)
    }
}
