//! What each route is. A route that is missing here, or a row without a route, fails a test.

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Any person of the business.
    Any,
    /// Owners only.
    Owner,
    /// Somebody with a valid token who is not in a business yet.
    SignUp,
}

/// What an id in a route is the id of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Call,
    Conversation,
    Message,
    Task,
    User,
    DoNotText,
    Invitation,
    ServiceItem,
    Resource,
    Hold,
    Appointment,
    TimeOff,
    Holiday,
    /// No id: a word that is the same for every business.
    Word(&'static str),
}

pub(crate) struct Row {
    pub(crate) route: &'static str,
    pub(crate) role: Role,
    /// What each parameter of the path, and each id in query and body, is.
    pub(crate) ids: &'static [(&'static str, Kind)],
}

const fn row(route: &'static str, role: Role, ids: &'static [(&'static str, Kind)]) -> Row {
    Row { route, role, ids }
}

use Kind::{
    Appointment, Call, Conversation, DoNotText, Hold, Holiday, Invitation, Message, Resource, ServiceItem, Task,
    TimeOff, User, Word,
};
use Role::{Any, Owner, SignUp};

pub(crate) const TABLE: &[Row] = &[
    row("GET /v1/stream", Any, &[]),
    row("GET /v1/me", Any, &[]),
    row("PATCH /v1/me", Any, &[]),
    row("POST /v1/tenants", SignUp, &[]),
    row("GET /v1/tenant", Any, &[]),
    row("PATCH /v1/tenant", Owner, &[]),
    row("GET /v1/users", Owner, &[]),
    row("POST /v1/users/invite", Owner, &[]),
    row("PATCH /v1/users/{id}", Owner, &[("id", User)]),
    row("DELETE /v1/users/{id}", Owner, &[("id", User)]),
    row("GET /v1/invitations", Owner, &[]),
    row("DELETE /v1/invitations/{id}", Owner, &[("id", Invitation)]),
    row("GET /v1/conversations", Any, &[]),
    row("GET /v1/conversations/{id}", Any, &[("id", Conversation)]),
    row("GET /v1/conversations/{id}/messages", Any, &[("id", Conversation)]),
    row("POST /v1/conversations/{id}/messages", Any, &[("id", Conversation)]),
    row("POST /v1/conversations/{id}/takeover", Any, &[("id", Conversation)]),
    row("POST /v1/conversations/{id}/release", Any, &[("id", Conversation)]),
    row("POST /v1/conversations/{id}/close", Any, &[("id", Conversation)]),
    row("GET /v1/messages/{id}/why", Any, &[("id", Message)]),
    row("GET /v1/do-not-text", Any, &[]),
    row("POST /v1/do-not-text", Any, &[]),
    row("DELETE /v1/do-not-text/{id}", Any, &[("id", DoNotText)]),
    row("GET /v1/calls", Any, &[]),
    row("GET /v1/calls/{id}", Any, &[("id", Call)]),
    row("GET /v1/calls/{id}/why", Any, &[("id", Call)]),
    row("GET /v1/tasks", Any, &[]),
    row("POST /v1/tasks/{id}/done", Any, &[("id", Task)]),
    row("GET /v1/templates", Any, &[]),
    row("PUT /v1/templates/{key}", Owner, &[("key", Word("greeting-call"))]),
    row("DELETE /v1/templates/{key}", Owner, &[("key", Word("greeting-call"))]),
    row("POST /v1/compliance/submit", Owner, &[]),
    row("GET /v1/compliance/status", Owner, &[]),
    row("GET /v1/compliance/numbers", Owner, &[]),
    row("POST /v1/compliance/numbers", Owner, &[]),
    row("GET /v1/compliance/opt-outs", Owner, &[]),
    row("GET /v1/catalog/items", Any, &[]),
    row("POST /v1/catalog/items", Owner, &[]),
    row("GET /v1/catalog/items/{id}", Any, &[("id", ServiceItem)]),
    row("PATCH /v1/catalog/items/{id}", Owner, &[("id", ServiceItem)]),
    row("DELETE /v1/catalog/items/{id}", Owner, &[("id", ServiceItem)]),
    row("PUT /v1/catalog/items/{id}/aliases", Owner, &[("id", ServiceItem)]),
    row("GET /v1/catalog/quote/{id}", Any, &[("id", ServiceItem)]),
    row("POST /v1/catalog/match", Any, &[]),
    row("GET /v1/scheduling/resources", Any, &[]),
    row("POST /v1/scheduling/resources", Any, &[("skills", ServiceItem)]),
    row("GET /v1/scheduling/resources/{id}", Any, &[("id", Resource)]),
    row("PATCH /v1/scheduling/resources/{id}", Any, &[("id", Resource), ("skills", ServiceItem)]),
    row("DELETE /v1/scheduling/resources/{id}", Any, &[("id", Resource)]),
    row("GET /v1/scheduling/resources/{id}/time-off", Any, &[("id", Resource)]),
    row("POST /v1/scheduling/resources/{id}/time-off", Any, &[("id", Resource)]),
    row("DELETE /v1/scheduling/time-off/{id}", Any, &[("id", TimeOff)]),
    row("GET /v1/scheduling/holidays", Any, &[]),
    row("POST /v1/scheduling/holidays", Any, &[]),
    row("DELETE /v1/scheduling/holidays/{id}", Any, &[("id", Holiday)]),
    row("GET /v1/scheduling/resources/{id}/feed", Any, &[("id", Resource)]),
    row("POST /v1/scheduling/resources/{id}/feed/rotate", Owner, &[("id", Resource)]),
    row(
        "POST /v1/scheduling/search",
        Any,
        &[("resource_ids", Resource), ("service_item_id", ServiceItem), ("moves_appointment_id", Appointment)],
    ),
    row("GET /v1/scheduling/holds", Any, &[]),
    row(
        "POST /v1/scheduling/holds",
        Any,
        &[("resource_id", Resource), ("service_item_id", ServiceItem), ("moves_appointment_id", Appointment)],
    ),
    row("DELETE /v1/scheduling/holds/{id}", Any, &[("id", Hold)]),
    row("POST /v1/scheduling/book", Any, &[("hold_id", Hold), ("service_item_id", ServiceItem)]),
    row("POST /v1/scheduling/reschedule", Any, &[("appointment_id", Appointment), ("hold_id", Hold)]),
    row("POST /v1/scheduling/cancel", Any, &[("appointment_id", Appointment)]),
    row("POST /v1/scheduling/complete", Any, &[("appointment_id", Appointment)]),
    row("POST /v1/scheduling/no-show", Any, &[("appointment_id", Appointment)]),
    row("GET /v1/scheduling/appointments", Any, &[("resource_id", Resource)]),
    row("GET /v1/scheduling/appointments/{id}", Any, &[("id", Appointment)]),
    row("PATCH /v1/scheduling/appointments/{id}", Any, &[("id", Appointment)]),
];
