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
        let payload = serde_json::to_value(event).map_err(|error| PayloadError::new(E::NAME, &error))?;
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
        let mut field = serde_path_to_error::Track::new();
        let payload = serde_path_to_error::Deserializer::new(&self.payload, &mut field);
        E::deserialize(payload).map_err(|_| PayloadError { name: E::NAME, at: format!("at {}", field.path()) })
    }

    /// The context for what this event causes.
    pub fn caused(&self) -> Context {
        Context { correlation: self.correlation_id, causation: Some(self.event_id) }
    }
}

/// A payload and its type do not fit each other. Says where and not what stands there: it may be somebody's words, and
/// errors are logged and kept.
#[derive(Debug, thiserror::Error)]
#[error("the payload of {name} does not have its documented shape ({at})")]
pub struct PayloadError {
    name: &'static str,
    at: String,
}

impl PayloadError {
    fn new(name: &'static str, error: &serde_json::Error) -> Self {
        let what = match error.classify() {
            serde_json::error::Category::Io => "io",
            serde_json::error::Category::Syntax => "syntax",
            serde_json::error::Category::Data => "data",
            serde_json::error::Category::Eof => "end of input",
        };
        Self { name, at: format!("{what}, line {}, column {}", error.line(), error.column()) }
    }

    /// The same trouble with an effect's stored request.
    #[allow(clippy::needless_pass_by_value, reason = "for `map_err`")]
    pub fn of_request(error: serde_json::Error) -> Self {
        Self::new("an effect's request", &error)
    }

    /// The same trouble with the answer that is kept for a request's idempotency key.
    #[allow(clippy::needless_pass_by_value, reason = "for `map_err`")]
    pub fn of_answer(error: serde_json::Error) -> Self {
        Self::new("a kept answer", &error)
    }
}
