use chrono::{DateTime, Utc};
use nmc_kernel::{CorrelationId, EventId, TenantId};
use serde_json::Value;

use crate::{Event, SchemaVersion};

/// What an event belongs to: the call or conversation it is part of, and the event that directly caused it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// One per call or conversation.
    pub correlation: CorrelationId,
    /// The event that directly caused this one; nothing where a request or a timer did.
    pub causation: Option<EventId>,
}

/// An event before the outbox has it: everything but the tenant and the time, which the transaction knows.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// `nmc.<domain>.<EventName>`.
    pub name: &'static str,
    /// Version of the payload's shape.
    pub version: SchemaVersion,
    /// See [`Event::order_key`].
    pub order_key: Option<String>,
    /// What it belongs to.
    pub context: Context,
    /// The payload as JSON.
    pub payload: Value,
}

impl NewEvent {
    /// Serialises `event`. Fails only where a payload holds a map with keys that are not text; none does.
    pub fn new<E: Event>(event: &E, context: Context) -> Result<Self, PayloadError> {
        let payload = serde_json::to_value(event).map_err(|source| PayloadError { name: E::NAME, source })?;
        Ok(Self { name: E::NAME, version: E::VERSION, order_key: event.order_key(), context, payload })
    }
}

/// An event as the outbox holds it.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// The event's own id; deliveries are deduplicated by it.
    pub event_id: EventId,
    /// `nmc.<domain>.<EventName>`.
    pub event_name: String,
    /// Version of the payload's shape.
    pub schema_version: SchemaVersion,
    /// The business it happened in.
    pub tenant_id: TenantId,
    /// When it happened, UTC.
    pub occurred_at: DateTime<Utc>,
    /// One per call or conversation.
    pub correlation_id: CorrelationId,
    /// The event that directly caused this one.
    pub causation_id: Option<EventId>,
    /// The payload as JSON.
    pub payload: Value,
}

impl Envelope {
    /// Reads the payload as `E`. The caller has checked name and major version.
    pub fn decode<E: Event>(&self) -> Result<E, PayloadError> {
        E::deserialize(&self.payload).map_err(|source| PayloadError { name: E::NAME, source })
    }

    /// The context for what this event causes.
    pub fn caused(&self) -> Context {
        Context { correlation: self.correlation_id, causation: Some(self.event_id) }
    }
}

/// A payload and its type do not fit each other.
#[derive(Debug, thiserror::Error)]
#[error("the payload of {name} does not have its documented shape")]
pub struct PayloadError {
    name: &'static str,
    source: serde_json::Error,
}

impl PayloadError {
    /// The same trouble with an effect's stored request.
    pub fn of_request(source: serde_json::Error) -> Self {
        Self { name: "an effect's request", source }
    }

    /// The same trouble with the answer that is kept for a request's idempotency key.
    pub fn of_answer(source: serde_json::Error) -> Self {
        Self { name: "a kept answer", source }
    }
}
