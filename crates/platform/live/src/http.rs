use std::{convert::Infallible, time::Duration};

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::CACHE_CONTROL},
    response::{
        IntoResponse, Response,
        sse::{KeepAlive, Sse},
    },
};
use futures::StreamExt as _;
use nmc_web::{ApiRefusal, Problem, SignedInUntil, User};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Live, Position, StreamEvent, hub::Full, live::NotOpened};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// nginx hands a response on as it comes only when told to:
/// <https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_buffering>.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// Most proxies give up a connection that is silent for a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// When a place may be free again.
const RETRY_AFTER: Duration = Duration::from_secs(10);

impl Live {
    /// `GET /stream`.
    pub fn v1_routes(&self) -> OpenApiRouter {
        OpenApiRouter::new().routes(routes!(stream)).with_state(self.clone())
    }
}

/// What happens in the business, while it happens
///
/// Server-Sent Events, to be read with fetch and the bearer token. Each has `id` (its place, `xid.seq`), `event` and
/// `data` (one line of JSON).
///
/// - `ready`: the stream begins here. What is read from the API after it, together with what follows, is complete.
///   `data` is `{}`.
/// - `reset`: the `Last-Event-ID` cannot be gone on from (too old, or not of this business); read everything anew. The
///   stream begins here. `data` is `{}`.
/// - an event of the catalog under its name, such as `nmc.conversation.MessageSent`: conversations, messages, tasks, holds,
///   bookings, calendars in conflict.
/// - comments keep the connection alive every 15 seconds.
///
/// With `Last-Event-ID` the stream goes on after that event: nothing is left out, nothing comes twice, in the order of
/// the ids. It ends when the token expires, when the person is deactivated, when the server stops, and when the client
/// does not read as fast as things happen: come back with a fresh token and the last id.
#[utoipa::path(
    get,
    path = "/stream",
    tag = "live",
    operation_id = "stream",
    params(("Last-Event-ID" = Option<String>, Header, description = "The last id seen, `xid.seq`", example = "812.44")),
    security(("clerk" = [])),
    responses(
        (
            status = 200,
            description = "The events, without end. The schema is that of a catalog event's `data`.",
            content_type = "text/event-stream",
            body = StreamEvent,
            example = json!("id: 812.44\nevent: nmc.conversation.ConversationReleased\ndata: {\"event_id\":\"0193a3c8-0000-7000-8000-000000000001\",\"schema_version\":\"1.0.0\",\"occurred_at\":\"2026-01-05T17:00:00Z\",\"correlation_id\":\"0193a3c8-0000-7000-8000-000000000002\",\"payload\":{\"conversation_id\":\"0193a3c8-0000-7000-8000-000000000003\",\"user_id\":\"0193a3c8-0000-7000-8000-000000000004\"}}\n\n")
        ),
        ApiRefusal,
        (
            status = 422,
            description = "`invalid_input`: `Last-Event-ID` is not of the form `xid.seq`",
            content_type = "application/problem+json",
            body = Problem
        ),
        (
            status = 429,
            description = "`rate_limited`; `too_many_streams`: the business has as many open as it may",
            content_type = "application/problem+json",
            body = Problem
        ),
    )
)]
async fn stream(
    State(live): State<Live>,
    User(actor): User,
    signed_in_until: Option<Extension<SignedInUntil>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let seen = seen(&headers)?;
    let signed_in_until = signed_in_until.map(|Extension(SignedInUntil(until))| until);
    let events = live.open(actor, seen, signed_in_until).await.map_err(|refusal| match refusal {
        NotOpened::Full(Full::Tenant) => {
            let detail = "This business has as many live streams open as it may.";
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_streams", detail).with_retry_after(RETRY_AFTER)
        }
        NotOpened::Full(Full::Process) => Problem::unavailable("overloaded", RETRY_AFTER),
        NotOpened::Database(error) => error.into(),
    })?;
    let stream = Sse::new(events.map(Ok::<_, Infallible>)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    let headers = [
        (X_ACCEL_BUFFERING, HeaderValue::from_static("no")),
        // In place of axum's `no-cache`: what happens is personal data.
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, stream).into_response())
}

/// The last event the client has seen.
fn seen(headers: &HeaderMap) -> Result<Option<Position>, Problem> {
    // An empty one says that there was none: <https://html.spec.whatwg.org/multipage/server-sent-events.html>.
    let Some(id) = headers.get(LAST_EVENT_ID).filter(|id| !id.is_empty()) else { return Ok(None) };
    let position = id.to_str().ok().and_then(|id| id.parse().ok());
    position.map(Some).ok_or_else(|| Problem::invalid_field("Last-Event-ID", "must be the id of an event, `xid.seq`"))
}
