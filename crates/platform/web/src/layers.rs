use axum::{Router, extract::DefaultBodyLimit, middleware::from_fn, middleware::from_fn_with_state};
use nmc_config::{HttpConfig, HttpLimits};
use nmc_kernel::Ids;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    body_limit::limit_body,
    observe::{Observer, observe},
    security::{self, SecurityHeaders},
    shed::{Pools, shed},
    time_limit::{TimeLimit, limit_time},
};

/// Puts around `router` what every request goes through, the first line below first:
///
/// - correlation id, trace, metrics; every error becomes a problem
/// - security headers, and CORS for the configured origins
/// - a panic becomes a 500
/// - requests beyond the concurrency limit become a 503; webhooks and health checks have a reserve of their own
/// - a request that takes too long becomes a 408 (its body did not arrive) or a 503
/// - a body that is too long becomes a 413
pub fn standard_layers(router: Router, http: &HttpConfig, limits: &HttpLimits, ids: Ids) -> Router {
    // The layer added last is the first a request meets.
    router
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn(limit_body))
        .layer(from_fn_with_state(TimeLimit(limits.request_timeout), limit_time))
        .layer(from_fn_with_state(Pools::new(limits), shed))
        .layer(CatchPanicLayer::custom(security::panicked))
        .layer(security::cors(http.cors_origins.as_deref().unwrap_or_default()))
        .layer(from_fn_with_state(SecurityHeaders::new(http), security::set_headers))
        .layer(from_fn_with_state(Observer::new(ids), observe))
}
