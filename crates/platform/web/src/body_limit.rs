use axum::{
    body::Body,
    extract::Request,
    http::header::CONTENT_LENGTH,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http_body_util::Limited;

use crate::{Problem, shed::is_webhook};

/// Bytes of a request's body at most.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a webhook's body at most: providers send what they like.
pub const WEBHOOK_BODY_BYTES_MAX: usize = 1024 * 1024;

/// Refuses a body that says it is too long at once, and one that turns out to be while it is read.
pub(crate) async fn limit_body(request: Request, next: Next) -> Response {
    let bytes_max = if is_webhook(request.uri().path()) { WEBHOOK_BODY_BYTES_MAX } else { BODY_BYTES_MAX };
    let declared = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|bytes| bytes > bytes_max) {
        return Problem::payload_too_large().into_response();
    }
    next.run(request.map(|body| Body::new(Limited::new(body, bytes_max)))).await
}
