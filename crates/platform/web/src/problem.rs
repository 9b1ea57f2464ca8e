use std::{borrow::Cow, collections::BTreeMap, error::Error, time::Duration};

use axum::{
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use nmc_kernel::CorrelationId;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// What is wrong with one field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Where it stands, as `customer.phone` or `lines[2].quantity`; empty for the body as a whole.
    pub field: String,
    /// What is wrong with it, for people.
    pub message: String,
}

impl FieldError {
    /// An error of the field at `field`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// An error as the API answers it: `application/problem+json`, <https://www.rfc-editor.org/rfc/rfc9457>.
///
/// Says only what the caller may know. What went wrong inside goes to the log ([`Problem::internal`]).
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: `code` tells problems of one status apart.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "about:blank")]
    kind: AboutBlank,
    /// The status in words.
    #[schema(value_type = String, example = "Conflict")]
    title: &'static str,
    /// The HTTP status.
    #[serde(serialize_with = "as_number")]
    #[schema(value_type = u16, example = 409)]
    status: StatusCode,
    /// What happened, for people; may change.
    #[schema(value_type = String)]
    detail: Cow<'static, str>,
    /// What happened, for programs; stable.
    #[schema(value_type = String, example = "idempotency_key_reused")]
    code: &'static str,
    /// The request, as logs and support know it; also in the `X-Correlation-Id` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<CorrelationId>,
    /// The fields that are wrong, where the input is the problem.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<FieldError>)]
    errors: Box<[FieldError]>,
    /// What this kind of problem says beside that (RFC 9457, section 3.2).
    #[serde(flatten)]
    #[schema(ignore)]
    #[expect(clippy::box_collection, reason = "few problems have any, and all errors are as large as this one")]
    extensions: Box<BTreeMap<&'static str, Value>>,
    #[serde(skip)]
    retry_after_seconds: Option<u32>,
    /// Whether signing in with a token would help.
    #[serde(skip)]
    wants_token: bool,
}

/// The one `type` there is.
#[derive(Clone, Copy, Debug)]
struct AboutBlank;

impl Serialize for AboutBlank {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("about:blank")
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn as_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Problem {
    /// A problem of any status; the constructors below cover the usual ones.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind: AboutBlank,
            title: status.canonical_reason().unwrap_or("Error"),
            status,
            detail: detail.into(),
            code,
            correlation_id: None,
            errors: Box::default(),
            extensions: Box::default(),
            retry_after_seconds: None,
            wants_token: false,
        }
    }

    /// 401: no token, or one that does not hold. Asks for a bearer token.
    pub fn unauthorized(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { wants_token: true, ..Self::new(StatusCode::UNAUTHORIZED, code, detail) }
    }

    /// 401: a webhook without a signature that holds. No token would help its sender.
    pub fn unsigned(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, detail)
    }

    /// 403: known, but not allowed to (role, inactive user, closed gate).
    pub fn forbidden(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail)
    }

    /// 404: not there, or another tenant's; always the same answer, so that one cannot be told from the other.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is nothing here.")
    }

    /// 409: contradicts the state of things.
    pub fn conflict(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 409: the `Idempotency-Key` belongs to another request of this user.
    pub fn idempotency_key_reused() -> Self {
        Self::conflict("idempotency_key_reused", "This Idempotency-Key was sent with another request before.")
    }

    /// 410: was there, and is not any more.
    pub fn gone(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::GONE, code, detail)
    }

    /// 413: the body is longer than this route takes.
    pub fn payload_too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", "The request's body is too long.")
    }

    /// 415: the body is not of the type this route takes.
    pub fn unsupported_media_type() -> Self {
        let detail = "The request's body must be application/json.";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
    }

    /// 422: fields with values that cannot be.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = "Some fields have values that are not accepted.";
        Self { errors: errors.into(), ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_input", detail) }
    }

    /// 422 for a single field.
    pub fn invalid_field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError::new(field, message)])
    }

    /// 429: too often.
    pub fn too_many_requests(retry_after: Duration) -> Self {
        let detail = "There were too many requests; try again later.";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail).with_retry_after(retry_after)
    }

    /// 503: the service cannot answer now and may soon (overload, no database connection, starting).
    pub fn unavailable(code: &'static str, retry_after: Duration) -> Self {
        let detail = "The service cannot answer at the moment; try again shortly.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).with_retry_after(retry_after)
    }

    /// 500: a fault of ours. Logs the error with everything that caused it; the caller learns nothing of it.
    pub fn internal(error: &(dyn Error + 'static)) -> Self {
        tracing::error!(error.chain = chain(error), "request failed");
        Self::of_status(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The plain problem of a status, for answers that came without one.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let (code, detail) = match status {
            StatusCode::NOT_FOUND => return Self::not_found(),
            StatusCode::PAYLOAD_TOO_LARGE => return Self::payload_too_large(),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => return Self::unsupported_media_type(),
            StatusCode::METHOD_NOT_ALLOWED => ("method_not_allowed", "This address does not take this method."),
            StatusCode::REQUEST_TIMEOUT => ("request_timeout", "The request did not arrive in time."),
            status if status.is_server_error() => ("internal_error", "Something went wrong on our side."),
            _ => ("bad_request", "The request is not understood."),
        };
        Self::new(status, code, detail)
    }

    /// The same problem with the fields that caused it.
    #[must_use]
    pub fn with_errors(self, errors: Vec<FieldError>) -> Self {
        Self { errors: errors.into(), ..self }
    }

    /// The same problem with a member of its own beside the standard ones. What cannot be written as JSON is left out.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Serialize) -> Self {
        if let Ok(value) = serde_json::to_value(value) {
            self.extensions.insert(name, value);
        }
        self
    }

    /// The same problem with the time after which trying again makes sense: whole seconds, at least one, because zero
    /// would ask for a retry at once.
    #[must_use]
    pub fn with_retry_after(self, retry_after: Duration) -> Self {
        let seconds = retry_after.as_millis().div_ceil(1000).max(1);
        Self { retry_after_seconds: Some(u32::try_from(seconds).unwrap_or(u32::MAX)), ..self }
    }

    /// The HTTP status.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// The answer to the request with this correlation id.
    pub(crate) fn respond(self, correlation_id: Option<CorrelationId>) -> Response {
        let problem = Self { correlation_id, ..self };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if problem.wants_token {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = problem.retry_after_seconds {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = (problem.status, headers, body).into_response();
        response.extensions_mut().insert(problem);
        response
    }
}

impl IntoResponse for Problem {
    /// The correlation id is filled in on the way out, by the layer that knows it.
    fn into_response(self) -> Response {
        self.respond(None)
    }
}

fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug)]
    struct Outer(io::Error);

    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("the call could not be stored")
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn a_chain_names_every_cause_once() {
        let error = Outer(io::Error::other("connection reset"));
        assert_eq!(chain(&error), "the call could not be stored: connection reset");
    }

    #[test]
    fn a_member_of_its_own_stands_beside_the_standard_ones() {
        let plain = serde_json::to_value(Problem::conflict("slot_taken", "Taken.")).unwrap();
        assert_eq!(plain.get("alternatives"), None);
        let with = Problem::conflict("slot_taken", "Taken.").with("alternatives", ["10:00", "11:00"]);
        let with = serde_json::to_value(with).unwrap();
        assert_eq!(
            (&with["code"], &with["alternatives"]),
            (&"slot_taken".into(), &serde_json::json!(["10:00", "11:00"]))
        );
    }

    #[test]
    fn retries_are_never_asked_for_at_once() {
        for (wait, seconds) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (u64::MAX, u32::MAX)] {
            let problem = Problem::too_many_requests(Duration::from_millis(wait));
            assert_eq!(problem.retry_after_seconds, Some(seconds), "{wait} ms");
        }
    }
}
