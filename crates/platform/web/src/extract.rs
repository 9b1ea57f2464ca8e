//! Extractors whose refusals are problems.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE, request::Parts},
    response::IntoResponse as _,
};
use serde::de::DeserializeOwned;

use crate::{FieldError, Problem};

/// A JSON body. Refused: another content type (415), too many bytes (413), and what is not a `T` (422 with the field).
/// Whether unknown fields are refused is up to `T`: request types carry `#[serde(deny_unknown_fields)]`.
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        parse_json(&json_bytes(request, state).await?).map(Self)
    }
}

/// The body of a request that says it is JSON.
pub(crate) async fn json_bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    if !is_json(request.headers()) {
        return Err(Problem::unsupported_media_type());
    }
    Bytes::from_request(request, state).await.map_err(unread)
}

/// The bytes as a `T` and nothing after it. A body is an object: serde would take a list for a struct as well, by the
/// order of its fields.
pub(crate) fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if bytes.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
        return Err(malformed("", "must be an object"));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        malformed(&path, &error.into_inner().to_string())
    })?;
    json.end().map_err(|error| malformed("", &error.to_string()))?;
    Ok(value)
}

/// `application/json` or a type built on it, such as `application/merge-patch+json`.
fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn unread(rejection: BytesRejection) -> Problem {
    match rejection.into_response().status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::payload_too_large(),
        _ => Problem::new(StatusCode::BAD_REQUEST, "body_incomplete", "The request's body did not arrive completely."),
    }
}

/// The parameters of the route's path. What does not parse (an id that is no UUID) is 404, as any unknown id.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        path.map(|axum::extract::Path(value)| Self(value)).map_err(|_| Problem::not_found())
    }
}

/// The query string. What is not a `T` is 422 with the field. Parameters of a list's page are read by
/// [`PageRequest`](crate::PageRequest) beside it.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let pairs = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let query = serde_urlencoded::Deserializer::new(pairs);
        serde_path_to_error::deserialize(query).map(Self).map_err(|error| {
            let path = error.path().to_string();
            malformed(&path, &error.into_inner().to_string())
        })
    }
}

/// serde's words, which name types and fields of the API and nothing behind it, without the position in the text.
fn malformed(path: &str, message: &str) -> Problem {
    let message = message.split(" at line ").next().unwrap_or_default();
    // `.` is the whole, `?` is where the text broke off.
    let path = path.trim_end_matches('?').trim_end_matches('.');
    // A field that is missing is reported at its parent; callers look for the field.
    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    let field = match missing {
        Some(name) if path.is_empty() => name.to_owned(),
        Some(name) => format!("{path}.{name}"),
        None => path.to_owned(),
    };
    Problem::invalid(vec![FieldError::new(field, message)])
}
