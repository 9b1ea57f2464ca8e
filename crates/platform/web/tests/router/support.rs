//! A router in the standard layers, and requests to it.

use axum::{Router, body::Body, extract::Request, response::Response};
use nmc_config::{HttpConfig, HttpLimits};
use nmc_kernel::{Clock, Ids, Random};
use nmc_web::standard_layers;
use serde_json::Value;
use tower::ServiceExt as _;

/// The correlation id of [`get_request`].
pub(crate) const CORRELATION: &str = "018f0000-0000-7000-8000-000000000001";

/// The routes in the layers, with nothing configured but what has to be.
pub(crate) fn layered(routes: Router) -> Router {
    standard_layers(routes, &http(None), &limits(), ids())
}

pub(crate) fn http(origins: Option<&str>) -> HttpConfig {
    let origins = origins.map(ToOwned::to_owned);
    HttpConfig::from_lookup(&|key| match key {
        "PUBLIC_BASE_URL" => Some("https://nmc.example.com".to_owned()),
        "HTTP_CORS_ORIGINS" => origins.clone(),
        _ => None,
    })
    .expect("valid")
}

pub(crate) fn limits() -> HttpLimits {
    HttpLimits::from_lookup(&|_| None).expect("the defaults are valid")
}

pub(crate) fn ids() -> Ids {
    Ids::new(Clock::system(), Random::seeded(1))
}

pub(crate) async fn call(app: &Router, request: Request) -> Response {
    app.clone().oneshot(request).await.expect("routers do not fail")
}

pub(crate) fn get_request(path: &str) -> Request {
    Request::get(path).header("x-correlation-id", CORRELATION).body(Body::empty()).expect("valid")
}

pub(crate) fn json_request(path: &str, body: impl Into<Body>) -> Request {
    Request::post(path).header("content-type", "application/json").body(body.into()).expect("valid")
}

pub(crate) async fn text(response: Response) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// The problem, after the checks every problem has to pass.
pub(crate) async fn problem(response: Response) -> Value {
    let status = response.status();
    let correlation_id = response.headers()["x-correlation-id"].to_str().expect("text").to_owned();
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let length = response.headers().get("content-length").map(|length| length.to_str().expect("text").to_owned());
    let text = text(response).await;
    assert!(length.is_none_or(|length| length == text.len().to_string()));
    let problem: Value = serde_json::from_str(&text).expect("json");
    assert_eq!(problem["type"], "about:blank");
    assert_eq!(problem["status"], status.as_u16());
    assert_eq!(problem["correlation_id"], correlation_id);
    assert!(["title", "detail", "code"].iter().all(|key| problem[key].as_str().is_some_and(|text| !text.is_empty())));
    problem
}
