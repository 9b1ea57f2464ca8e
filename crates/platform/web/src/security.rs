//! What browsers are told to refuse, and what callers are told of a panic.

use std::{any::Any, time::Duration};

use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{
            AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER,
            STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
        },
    },
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use nmc_config::HttpConfig;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::{Problem, docs::is_docs, observe::X_CORRELATION_ID};

/// Answers are data: a browser that renders one loads and runs nothing.
const CSP: HeaderValue =
    HeaderValue::from_static("default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
/// The reference is a page of our own: its scripts, styles and requests come from here and nowhere else. It sets
/// styles inline and draws its icons from `data:`.
const CSP_DOCS: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
/// Two years, as browsers' preload lists ask: <https://hstspreload.org/>.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000; includeSubDomains");
/// No other site embeds an answer or keeps a hold on the reference's window; calls that CORS allows are not affected:
/// <https://fetch.spec.whatwg.org/#cross-origin-resource-policy-header>.
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const CROSS_ORIGIN_OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
/// How long a browser may remember a preflight's answer.
const PREFLIGHT_AGE_MAX: Duration = Duration::from_mins(10);

#[derive(Clone)]
pub(crate) struct SecurityHeaders {
    https: bool,
}

impl SecurityHeaders {
    pub(crate) fn new(http: &HttpConfig) -> Self {
        Self { https: http.public_base_url.is_https() }
    }
}

pub(crate) async fn set_headers(State(security): State<SecurityHeaders>, request: Request, next: Next) -> Response {
    let csp = if is_docs(request.uri().path()) { CSP_DOCS } else { CSP };
    let mut response = next.run(request).await;
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CONTENT_SECURITY_POLICY, csp);
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, SAME_ORIGIN);
    headers.insert(CROSS_ORIGIN_OPENER_POLICY, SAME_ORIGIN);
    // Answers hold personal data unless their handler says otherwise.
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if security.https {
        headers.insert(STRICT_TRANSPORT_SECURITY, HSTS);
    }
    response
}

/// Exact origins and no credentials: callers authenticate with a bearer token. Without origins no header is sent.
pub(crate) fn cors(origins: &[String]) -> CorsLayer {
    let origins: Vec<HeaderValue> = origins.iter().filter_map(|origin| HeaderValue::try_from(origin).ok()).collect();
    if origins.is_empty() {
        return CorsLayer::new();
    }
    let header = HeaderName::from_static;
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            AUTHORIZATION,
            CONTENT_TYPE,
            X_CORRELATION_ID,
            header("idempotency-key"),
            header("last-event-id"),
            header("traceparent"),
        ])
        .expose_headers([X_CORRELATION_ID, RETRY_AFTER])
        .max_age(PREFLIGHT_AGE_MAX)
}

/// The panic hook has logged it already.
#[allow(clippy::needless_pass_by_value, reason = "the signature tower-http asks for")]
pub(crate) fn panicked(_payload: Box<dyn Any + Send>) -> Response {
    Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR).into_response()
}
