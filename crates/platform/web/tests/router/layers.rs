//! The standard layers around small routes of the test's own.

use std::time::Duration;

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Extension, Request},
    http::{HeaderMap, Method, StatusCode},
    routing::{get, post},
};
use nmc_config::HttpLimits;
use nmc_kernel::CorrelationId;
use nmc_web::{
    BODY_BYTES_MAX, FieldError, Problem, Readiness, WEBHOOK_BODY_BYTES_MAX, docs_routes, health_routes, standard_layers,
};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::support::{CORRELATION, call, get_request, http, ids, json_request, layered, limits, problem, text};

fn routes() -> Router {
    Router::new()
        .route("/v1/echo", post(async |body: Bytes| body.len().to_string()))
        .route("/v1/items/{id}", get(async || "an item"))
        .route("/v1/correlation", get(async |Extension(id): Extension<CorrelationId>| id.to_string()))
        .route("/v1/panic", get(panics))
        .route("/v1/slow", get(async || std::future::pending::<()>().await))
        .route("/v1/fault", get(async || Problem::internal(&std::io::Error::other("host=db password=hunter2"))))
        .route(
            "/v1/conflict",
            get(async || Problem::conflict("taken", "Taken.").with_errors(vec![FieldError::new("slot", "is taken")])),
        )
        .route("/v1/limited", get(async || Problem::too_many_requests(Duration::from_millis(1500))))
        .route("/v1/unauthorized", get(async || Problem::unauthorized("no_token", "A token is missing.")))
        .route("/webhooks/echo", post(async |body: Bytes| body.len().to_string()))
        .route("/webhooks/unsigned", get(async || Problem::unsigned("signature_missing", "A signature is missing.")))
        .merge(health_routes(async || Readiness::Ready))
}

fn app() -> Router {
    layered(routes())
}

#[allow(clippy::panic, reason = "a handler that panics")]
async fn panics() -> String {
    panic!("secret of the handler")
}

#[tokio::test]
async fn a_correlation_id_is_taken_over_or_made_and_always_returned() {
    let app = app();
    let given = call(&app, get_request("/v1/correlation")).await;
    assert_eq!(given.headers()["x-correlation-id"], CORRELATION);
    assert_eq!(text(given).await, CORRELATION);
    let nonsense = Request::get("/v1/correlation").header("x-correlation-id", "'; drop table").body(Body::empty());
    let made = call(&app, nonsense.expect("valid")).await;
    let id = made.headers()["x-correlation-id"].to_str().expect("text").to_owned();
    assert!(id.parse::<CorrelationId>().is_ok(), "{id}");
    assert_eq!(text(made).await, id);
}

#[tokio::test]
async fn what_is_not_routed_is_a_problem() {
    let app = app();
    let missing = call(&app, get_request("/nothing")).await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    assert_eq!(problem(missing).await["code"], "not_found");
    let wrong_method = call(&app, get_request("/v1/echo")).await;
    assert_eq!(wrong_method.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(wrong_method.headers()["allow"], "POST");
    assert_eq!(problem(wrong_method).await["code"], "method_not_allowed");
}

#[tokio::test]
async fn bodies_that_are_too_long_are_refused_whether_they_say_so_or_not() {
    let app = app();
    for (path, bytes_max) in [("/v1/echo", BODY_BYTES_MAX), ("/webhooks/echo", WEBHOOK_BODY_BYTES_MAX)] {
        assert_eq!(call(&app, json_request(path, vec![b' '; bytes_max])).await.status(), StatusCode::OK, "{path}");
        let declared = json_request(path, vec![b' '; bytes_max + 1]);
        let mut declared_with_length = json_request(path, Body::empty());
        let length = (bytes_max + 1).to_string().parse().expect("a header");
        declared_with_length.headers_mut().insert("content-length", length);
        for request in [declared, declared_with_length] {
            let refused = call(&app, request).await;
            assert_eq!(refused.status(), StatusCode::PAYLOAD_TOO_LARGE, "{path}");
            assert_eq!(problem(refused).await["code"], "payload_too_large");
        }
    }
}

#[tokio::test]
async fn a_panic_and_a_fault_tell_nothing() {
    let app = app();
    for path in ["/v1/panic", "/v1/fault"] {
        let response = call(&app, get_request(path)).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        let problem = problem(response).await;
        assert_eq!(problem["code"], "internal_error");
        assert!(!problem.to_string().contains("secret") && !problem.to_string().contains("hunter2"), "{problem}");
    }
}

#[tokio::test]
async fn problems_carry_their_fields_and_headers() {
    let app = app();
    let conflict = problem(call(&app, get_request("/v1/conflict")).await).await;
    assert_eq!(conflict["errors"], json!([{ "field": "slot", "message": "is taken" }]));
    assert_eq!(conflict["title"], "Conflict");
    assert_eq!(call(&app, get_request("/v1/limited")).await.headers()["retry-after"], "2");
    assert_eq!(call(&app, get_request("/v1/unauthorized")).await.headers()["www-authenticate"], "Bearer");
    let unsigned = call(&app, get_request("/webhooks/unsigned")).await;
    assert_eq!((unsigned.status(), unsigned.headers().get("www-authenticate")), (StatusCode::UNAUTHORIZED, None));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_takes_too_long_is_given_up() {
    let slow = call(&app(), get_request("/v1/slow")).await;
    assert_eq!(slow.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(slow.headers()["retry-after"], "1");
    assert_eq!(problem(slow).await["code"], "timeout");
    let endless = Body::new(http_body_util::StreamBody::new(Never));
    let slow = call(&app(), json_request("/v1/echo", endless)).await;
    assert_eq!(slow.status(), StatusCode::REQUEST_TIMEOUT);
    assert_eq!(problem(slow).await["code"], "request_timeout");
}

/// A body that never comes.
struct Never;

impl futures::Stream for Never {
    type Item = Result<hyper::body::Frame<Bytes>, std::io::Error>;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Pending
    }
}

#[tokio::test]
async fn a_busy_api_is_refused_early_and_leaves_webhooks_and_health_alone() {
    static ENTERED: Notify = Notify::const_new();
    static GO_ON: Notify = Notify::const_new();
    let hold = async || {
        ENTERED.notify_one();
        GO_ON.notified().await;
    };
    let routes = Router::new()
        .route("/v1/hold", get(hold))
        .route("/webhooks/hold", post(hold))
        .merge(health_routes(async || Readiness::Ready));
    let limits = HttpLimits { concurrency_max: 1, concurrency_reserved: 1, ..limits() };
    let app = standard_layers(routes, &http(None), &limits, ids());
    let spawn = |request: Request| {
        let app = app.clone();
        tokio::spawn(async move { call(&app, request).await.status() })
    };
    let api = spawn(get_request("/v1/hold"));
    ENTERED.notified().await;

    let refused = call(&app, get_request("/v1/hold")).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(problem(refused).await["code"], "overloaded");
    assert_eq!(call(&app, get_request("/healthz")).await.status(), StatusCode::OK);

    let webhook = spawn(json_request("/webhooks/hold", Body::empty()));
    ENTERED.notified().await;
    let refused = call(&app, json_request("/webhooks/hold", Body::empty())).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE, "the reserve has an end too");
    assert_eq!(call(&app, get_request("/readyz")).await.status(), StatusCode::OK);

    GO_ON.notify_waiters();
    assert_eq!((api.await.expect("ends"), webhook.await.expect("ends")), (StatusCode::OK, StatusCode::OK));
    GO_ON.notify_one();
    assert_eq!(call(&app, get_request("/v1/hold")).await.status(), StatusCode::OK, "room was given back");
}

#[tokio::test]
async fn browsers_are_told_to_refuse() {
    let headers = call(&app(), get_request("/v1/correlation")).await.headers().clone();
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["x-frame-options"], "DENY");
    assert_eq!(headers["referrer-policy"], "no-referrer");
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(headers["cross-origin-resource-policy"], "same-origin");
    assert_eq!(headers["cross-origin-opener-policy"], "same-origin");
    assert!(headers["content-security-policy"].to_str().expect("text").starts_with("default-src 'none'"));
    assert!(headers["strict-transport-security"].to_str().expect("text").starts_with("max-age="));
    assert!(!headers.contains_key("access-control-allow-origin"));
}

fn preflight(origin: &str) -> Request {
    Request::builder()
        .method(Method::OPTIONS)
        .uri("/v1/echo")
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type,idempotency-key")
        .body(Body::empty())
        .expect("valid")
}

#[tokio::test]
async fn only_configured_origins_may_call_from_a_browser() {
    let allowed = |headers: &HeaderMap| headers.get("access-control-allow-origin").cloned();
    let app = standard_layers(routes(), &http(Some("https://app.example.com")), &limits(), ids());
    let ours = call(&app, preflight("https://app.example.com")).await;
    assert_eq!(ours.status(), StatusCode::OK);
    assert_eq!(allowed(ours.headers()).expect("allowed"), "https://app.example.com");
    assert!(!ours.headers().contains_key("access-control-allow-credentials"));
    assert_eq!(allowed(call(&app, preflight("https://evil.example.com")).await.headers()), None);
    let closed = layered(routes());
    assert_eq!(allowed(call(&closed, preflight("https://app.example.com")).await.headers()), None);
}

#[tokio::test(start_paused = true)]
async fn readiness_is_what_the_check_says() {
    let with = |check: Readiness| health_routes(move || std::future::ready(check));
    let ready = call(&layered(with(Readiness::Ready)), get_request("/readyz")).await;
    assert_eq!(ready.status(), StatusCode::OK);
    let hanging = health_routes(async || std::future::pending().await);
    for routes in [with(Readiness::NotReady("Migrations are not current.")), hanging] {
        let not_ready = call(&layered(routes), get_request("/readyz")).await;
        assert_eq!(not_ready.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(not_ready.headers()["retry-after"], "2");
        assert_eq!(problem(not_ready).await["code"], "not_ready");
    }
}

#[tokio::test]
async fn the_reference_is_served_from_here_alone() {
    let openapi = utoipa::openapi::OpenApiBuilder::new().build();
    let app = layered(docs_routes(openapi));
    let document = call(&app, get_request("/openapi.json")).await;
    let document: Value = serde_json::from_str(&text(document).await).expect("json");
    assert_eq!(document["openapi"], "3.1.0");
    for path in ["/docs/", "/docs/swagger-initializer.js", "/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js"] {
        let response = call(&app, get_request(path)).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert!(response.headers()["content-security-policy"].to_str().expect("text").contains("script-src 'self'"));
        if path != "/docs/swagger-ui-bundle.js" {
            let text = text(response).await;
            assert!(
                !text.contains("src=\"http") && !text.contains("href=\"http") && !text.contains("url(http"),
                "{path}"
            );
        }
    }
    let initializer = text(call(&app, get_request("/docs/swagger-initializer.js")).await).await;
    assert!(
        initializer.contains("/openapi.json") && initializer.contains("\"validatorUrl\": \"none\""),
        "{initializer}"
    );
}

#[test]
fn durations_are_recorded_by_route_and_never_by_path() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let app = app();
            call(&app, get_request(&format!("/v1/items/{CORRELATION}?phone=15005550123"))).await;
            call(&app, get_request("/+15005550123")).await;
            let made_up = Request::builder().method("BREW").uri("/v1/echo").body(Body::empty()).expect("valid");
            call(&app, made_up).await;
            // A client that hangs up: its request is dropped once it has begun.
            let hung_up = tokio::time::timeout(Duration::from_millis(1), call(&app, get_request("/v1/slow"))).await;
            assert!(hung_up.is_err());
        });
    });
    let text = recorder.handle().render();
    for labels in [
        r#"route="/v1/items/{id}",method="GET",status="200""#,
        r#"route="unmatched",method="GET",status="404""#,
        r#"route="/v1/echo",method="OTHER",status="405""#,
        r#"route="/v1/slow",method="GET",status="499""#,
    ] {
        assert!(text.contains(&format!("http_request_duration_seconds_count{{{labels}}} 1")), "{text}");
    }
    assert!(!text.contains("5005550123") && !text.contains(CORRELATION), "{text}");
}
