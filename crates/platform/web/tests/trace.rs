//! A trace that comes in with a request is the one its handler works in. Alone in its file: telemetry starts once in a
//! process.
#![allow(clippy::expect_used, reason = "a test that meets the unexpected stops there")]

use axum::{Router, body::Body, http::Request, routing::get};
use nmc_config::{HttpConfig, HttpLimits, TelemetryConfig};
use nmc_kernel::{Clock, Ids, Random};
use nmc_web::standard_layers;
use tower::ServiceExt as _;

#[tokio::test(flavor = "multi_thread")]
async fn a_request_continues_the_trace_it_came_with() {
    // Nobody listens there: what is exported does not matter here, that spans of the default filter are traced does.
    let config = TelemetryConfig::from_lookup(&|key| match key {
        "OTEL_EXPORTER_OTLP_ENDPOINT" => Some("http://127.0.0.1:9".to_owned()),
        "OTEL_TRACES_SAMPLER_ARG" => Some("1".to_owned()),
        _ => None,
    });
    let telemetry = nmc_telemetry::init(&config.expect("valid"), "nmc-web-test").expect("the first start");
    let http = HttpConfig::from_lookup(&|key| (key == "PUBLIC_BASE_URL").then(|| "http://localhost".to_owned()));
    let limits = HttpLimits::from_lookup(&|_| None).expect("valid");
    let routes = Router::new().route("/", get(async || nmc_telemetry::current_traceparent().unwrap_or_default()));
    let ids = Ids::new(Clock::system(), Random::seeded(1));
    let app = standard_layers(routes, &http.expect("valid"), &limits, ids);

    let (trace, parent) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    let seen = async |traceparent: &str| {
        let request = Request::get("/").header("traceparent", traceparent).body(Body::empty()).expect("valid");
        let answer = app.clone().oneshot(request).await.expect("routers do not fail");
        let bytes = axum::body::to_bytes(answer.into_body(), 1024).await.expect("a body");
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let continued = seen(&format!("00-{trace}-{parent}-01")).await;
    assert!(continued.starts_with(&format!("00-{trace}-")) && !continued.contains(parent), "{continued}");
    assert!(continued.ends_with("-01"), "{continued}");
    // A caller that decided against sampling is followed in that too.
    assert!(seen(&format!("00-{trace}-{parent}-00")).await.ends_with("-00"));
    let begun = seen("nonsense").await;
    assert!(begun.starts_with("00-") && !begun.contains(trace), "{begun}");
    drop(telemetry);
}
