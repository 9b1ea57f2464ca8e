use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::Response,
};
use nmc_telemetry::name::WEBHOOK_HANDLER_DURATION_SECONDS;

/// Measures how long a webhook takes to be answered, refusals included.
pub async fn measure(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let path = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let endpoint = path.as_ref().and_then(|path| path.as_str().rsplit('/').next()).unwrap_or_default();
    metrics::histogram!(
        WEBHOOK_HANDLER_DURATION_SECONDS,
        "provider" => "twilio", "endpoint" => endpoint.to_owned(), "status" => response.status().as_u16().to_string(),
    )
    .record(begun.elapsed());
    response
}
