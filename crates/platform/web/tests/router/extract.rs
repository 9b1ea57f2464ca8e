//! Extractors and pages: what is taken from a request, and how it is refused.

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::StatusCode,
    routing::{get, post},
};
use chrono::{DateTime, Utc};
use nmc_kernel::CorrelationId;
use nmc_web::{BODY_BYTES_MAX, Cursor, JsonBody, Page, PageRequest, Path, Problem, Query};
use serde::Deserialize;
use serde_json::Value;

use crate::support::{CORRELATION, call, get_request, json_request, layered, problem, text};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    lines: Vec<Line>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    quantity: u8,
}

#[derive(Deserialize)]
struct Filter {
    state: Option<u8>,
}

fn app() -> Router {
    layered(
        Router::new()
            .route(
                "/v1/orders",
                post(async |JsonBody(order): JsonBody<Order>| {
                    order.lines.iter().map(|line| u32::from(line.quantity)).sum::<u32>().to_string()
                }),
            )
            .route("/v1/orders/{id}", get(async |Path(id): Path<CorrelationId>| id.to_string()))
            .route("/v1/numbers", get(numbers)),
    )
}

async fn numbers(page: PageRequest, Query(filter): Query<Filter>) -> Result<axum::Json<Page<i64>>, Problem> {
    let after = page.after::<i64>()?.map_or(i64::from(filter.state.unwrap_or(0)), |(_, number)| number);
    let rows = (after + 1..=120).take(usize::try_from(page.fetch_limit()).unwrap_or(0)).collect();
    Ok(axum::Json(Page::new(rows, &page, |row| (DateTime::UNIX_EPOCH, *row))))
}

#[tokio::test]
async fn an_id_that_is_none_looks_like_one_that_is_not_there() {
    let app = app();
    let nonsense = call(&app, get_request("/v1/orders/nonsense")).await;
    assert_eq!(nonsense.status(), StatusCode::NOT_FOUND);
    assert_eq!(problem(nonsense).await["code"], "not_found");
    assert_eq!(text(call(&app, get_request(&format!("/v1/orders/{CORRELATION}"))).await).await, CORRELATION);
}

#[tokio::test]
async fn json_bodies_are_refused_with_the_field() {
    let app = app();
    for (body, field) in [
        (r#"{"lines":[{"quantity":1},{"quantity":300}]}"#, "lines[1].quantity"),
        (r#"{"lines":[{"quantity":"many"}]}"#, "lines[0].quantity"),
        (r#"{"lines":[{}]}"#, "lines[0].quantity"),
        (r#"{"lines":[],"more":1}"#, "more"),
        ("{}", "lines"),
        ("[[]]", ""),
        ("null", ""),
        ("{", ""),
        ("", ""),
        (r#"{"lines":[]} {}"#, ""),
    ] {
        let refused = call(&app, json_request("/v1/orders", body)).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        let problem = problem(refused).await;
        assert_eq!(problem["errors"][0]["field"], field, "{body}: {problem}");
        let message = problem["errors"][0]["message"].as_str().expect("text");
        assert!(!message.is_empty() && !message.contains("line "), "{body}: {message}");
    }
    let long = json_request("/v1/orders", vec![b' '; BODY_BYTES_MAX + 1]);
    assert_eq!(problem(call(&app, long).await).await["code"], "payload_too_large");
    let accepted = call(&app, json_request("/v1/orders", r#"{"lines":[{"quantity":3}]}"#)).await;
    assert_eq!((accepted.status(), text(accepted).await), (StatusCode::OK, "3".to_owned()));
}

#[tokio::test]
async fn bodies_of_another_type_are_refused() {
    let app = app();
    for content_type in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("text/json")] {
        let mut request = Request::post("/v1/orders");
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let refused = call(&app, request.body(Body::from("{}")).expect("valid")).await;
        assert_eq!(refused.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert_eq!(problem(refused).await["code"], "unsupported_media_type");
    }
}

#[tokio::test]
async fn lists_are_read_page_by_page() {
    let app = app();
    let (mut cursor, mut seen, mut sizes) = (String::new(), Vec::new(), Vec::new());
    loop {
        let page = call(&app, get_request(&format!("/v1/numbers{cursor}"))).await;
        let page: Value = serde_json::from_str(&text(page).await).expect("json");
        let items = page["items"].as_array().expect("items");
        sizes.push(items.len());
        seen.extend(items.iter().filter_map(Value::as_i64));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("?cursor={next}");
    }
    assert_eq!(sizes, [50, 50, 20]);
    assert_eq!(seen, (1..=120).collect::<Vec<_>>());
}

#[tokio::test]
async fn pages_that_cannot_be_are_refused_with_the_field() {
    let app = app();
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=many", "limit"),
        ("cursor=nonsense", "cursor"),
        ("cursor=%00", "cursor"),
        ("state=x", "state"),
        (cursor_at("-4713-01-01T00:00:00Z").as_str(), "cursor"),
        (cursor_at("+10000-01-01T00:00:00Z").as_str(), "cursor"),
    ] {
        let refused = call(&app, get_request(&format!("/v1/numbers?{query}"))).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert_eq!(problem(refused).await["errors"][0]["field"], field, "{query}");
    }
    let possible = cursor_at("9999-12-31T23:59:59Z");
    for query in ["limit=200&state=3", &possible] {
        assert_eq!(call(&app, get_request(&format!("/v1/numbers?{query}"))).await.status(), StatusCode::OK, "{query}");
    }
}

/// A cursor of the right form that no list of ours has given: Postgres has no such time.
fn cursor_at(time: &str) -> String {
    let time: DateTime<Utc> = time.parse().expect("a time");
    format!("cursor={}", Cursor::new(&(time, 7)))
}
