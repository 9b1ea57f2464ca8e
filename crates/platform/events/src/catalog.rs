use schemars::{Schema, SchemaGenerator};

use crate::{Event, SchemaVersion, billing, catalog_items, compliance, conversation, scheduling, telephony};

/// One event of the catalog.
#[derive(Clone, Copy)]
pub struct CatalogEntry {
    /// `nmc.<domain>.<EventName>`.
    pub name: &'static str,
    /// Version of the payload's shape.
    pub version: SchemaVersion,
    /// Makes the payload's JSON Schema.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
}

macro_rules! catalog {
    ($($event:ty),+ $(,)?) => {
        /// Every event there is, in the order of the main job.
        pub const CATALOG: &[CatalogEntry] = &[$(CatalogEntry {
            name: <$event as Event>::NAME,
            version: <$event as Event>::VERSION,
            schema: |generator| generator.root_schema_for::<$event>(),
        }),+];
    };
}

catalog!(
    telephony::CallDetected,
    telephony::InboundSmsReceived,
    conversation::ConversationStarted,
    conversation::MessageSent,
    conversation::DeliveryUpdated,
    conversation::HumanTakeoverRequested,
    conversation::ConversationClosed,
    conversation::ConversationReleased,
    conversation::ConversationUnblocked,
    conversation::TaskRaised,
    conversation::TaskDone,
    catalog_items::CatalogUpdated,
    scheduling::AppointmentHeld,
    scheduling::AppointmentReleased,
    scheduling::AppointmentBooked,
    scheduling::AppointmentRescheduled,
    scheduling::AppointmentCancelled,
    scheduling::AppointmentCompleted,
    scheduling::AppointmentNoShow,
    scheduling::CalendarConflictDetected,
    scheduling::CalendarBroken,
    compliance::ComplianceStatusChanged,
    compliance::OptOutRecorded,
    compliance::OptOutRevoked,
    billing::SubscriptionUpdated,
);
