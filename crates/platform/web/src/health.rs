use std::{future::Future, time::Duration};

use axum::{
    Router,
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::get,
};

use crate::Problem;

/// How long a readiness check may take: whoever asks waits no longer.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);
/// How soon it makes sense to ask again.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Whether the process can do its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It can.
    Ready,
    /// It cannot, for this reason, which callers may read: no addresses, no error texts.
    NotReady(&'static str),
}

/// `GET /healthz` (the process answers) and `GET /readyz` (`check` says it can work; 503 with `Retry-After` until then).
pub fn health_routes<F, C>(check: F) -> Router
where
    F: Fn() -> C + Clone + Send + Sync + 'static,
    C: Future<Output = Readiness> + Send,
{
    let ready = async move || -> Response {
        match tokio::time::timeout(CHECK_TIMEOUT, check()).await {
            Ok(Readiness::Ready) => (StatusCode::OK, "ready\n").into_response(),
            Ok(Readiness::NotReady(reason)) => not_ready(reason),
            Err(_) => not_ready("The check took too long."),
        }
    };
    Router::new().route("/healthz", get(async || "ok\n")).route("/readyz", get(ready))
}

fn not_ready(reason: &'static str) -> Response {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", reason).with_retry_after(RETRY_AFTER).into_response()
}
