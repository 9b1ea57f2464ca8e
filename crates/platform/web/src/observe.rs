//! The outermost layer: names the request, follows it, measures it, and makes every error a problem.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method,
        header::{CONTENT_LENGTH, CONTENT_TYPE},
    },
    middleware::Next,
    response::Response,
};
use nmc_kernel::{CorrelationId, Ids};
use nmc_telemetry::name::HTTP_REQUEST_DURATION_SECONDS;
use tracing::{Instrument as _, Span, field};

use crate::Problem;

/// The header that carries a request's correlation id, in and out.
pub const X_CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");

/// The route of requests that match none: their paths are the caller's invention and no label.
const UNMATCHED: &str = "unmatched";

/// The status in the metrics of a request whose client hung up before the answer, as nginx counts it.
const CLIENT_GONE: u16 = 499;

#[derive(Clone)]
pub(crate) struct Observer {
    ids: Ids,
}

impl Observer {
    pub(crate) fn new(ids: Ids) -> Self {
        Self { ids }
    }
}

pub(crate) async fn observe(State(observer): State<Observer>, mut request: Request, next: Next) -> Response {
    let correlation_id = given_correlation_id(request.headers()).unwrap_or_else(|| observer.ids.next());
    request.extensions_mut().insert(correlation_id);
    let method = method_label(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or(UNMATCHED, MatchedPath::as_str);
    let mut measurement = Measurement { begun: Instant::now(), method, route, status: CLIENT_GONE };
    let span = request_span(method, route, correlation_id);
    if let Some(traceparent) = request.headers().get("traceparent").and_then(|value| value.to_str().ok()) {
        nmc_telemetry::set_parent(&span, traceparent);
    }

    let response = next.run(request).instrument(span.clone()).await;

    let mut response = as_problem(response, correlation_id);
    if let Ok(value) = HeaderValue::try_from(correlation_id.to_string()) {
        response.headers_mut().insert(X_CORRELATION_ID, value);
    }
    let status = response.status();
    // Signed: OpenTelemetry has no other integers, and would be given a text.
    span.record("http.response.status_code", i64::from(status.as_u16()));
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    measurement.status = status.as_u16();
    response
}

/// Records the request's duration when it ends, also where nobody waited for the answer.
struct Measurement<'a> {
    begun: Instant,
    method: &'static str,
    route: &'a str,
    status: u16,
}

impl Drop for Measurement<'_> {
    fn drop(&mut self) {
        let status = self.status.to_string();
        metrics::histogram!(
            HTTP_REQUEST_DURATION_SECONDS,
            "route" => self.route.to_owned(), "method" => self.method, "status" => status,
        )
        .record(self.begun.elapsed());
    }
}

/// At INFO: spans below are not kept by the default filter, and then no request would be traced.
fn request_span(method: &'static str, route: &str, correlation_id: CorrelationId) -> Span {
    tracing::info_span!(
        "http.request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = field::Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = field::Empty,
        correlation_id = %correlation_id,
    )
}

fn given_correlation_id(headers: &HeaderMap) -> Option<CorrelationId> {
    headers.get(X_CORRELATION_ID)?.to_str().ok()?.parse().ok()
}

/// The methods of HTTP; anything else a client makes up shares one label.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

/// Gives a problem its correlation id, and an error without one (no such route, an extractor's plain text) a problem.
fn as_problem(response: Response, correlation_id: CorrelationId) -> Response {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let problem = match response.extensions().get::<Problem>() {
        Some(problem) => problem.clone(),
        None if has_own_body(response.headers()) => return response,
        None => Problem::of_status(status),
    };
    let mut answer = problem.respond(Some(correlation_id));
    for (name, value) in response.headers() {
        // `Allow`, `Retry-After`, CORS and the like stay.
        if name != CONTENT_TYPE && name != CONTENT_LENGTH && !answer.headers().contains_key(name) {
            answer.headers_mut().append(name, value.clone());
        }
    }
    answer
}

fn has_own_body(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|content_type| !content_type.starts_with("text/plain"))
}
