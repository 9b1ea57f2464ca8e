//! The business's side: the product's API and live stream, asked as its owner.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{Query, State},
    http::{HeaderName, Method, StatusCode, Uri, header::CONTENT_TYPE},
    response::{IntoResponse as _, Response},
};
use futures::{StreamExt as _, stream};
use nmc_kernel::Role;
use nmc_web::Problem;
use reqwest::RequestBuilder;
use serde::Deserialize;

use super::Local;
use crate::clerk::token_of;

/// Longer than the server lets a request take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const JSON: &str = "application/json";

/// Asks the API the same under the same path.
pub(super) async fn ask(
    State(local): State<Arc<Local>>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> Result<Response, Problem> {
    let path = uri.path();
    // Nothing that could be read as another path over there.
    if !path.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-')) {
        return Err(Problem::not_found());
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut request = local.request(method, &format!("{path}{query}"))?.timeout(ANSWER_TIMEOUT);
    if !body.is_empty() {
        request = request.header(CONTENT_TYPE, JSON).body(body);
    }
    let answer = request.send().await.map_err(|_| away())?;
    relay(answer).await
}

#[derive(Deserialize)]
pub(super) struct Since {
    /// The last event the page has seen. A page that connects anew cannot set the header that says so.
    after: Option<String>,
}

/// The business's live stream, as it comes.
pub(super) async fn stream(
    State(local): State<Arc<Local>>,
    Query(Since { after }): Query<Since>,
) -> Result<Response, Problem> {
    let seat = local.seat()?;
    let mut request = local.request(Method::GET, "/stream")?;
    if let Some(after) = after {
        request = request.header(LAST_EVENT_ID, after);
    }
    // Its head comes at once; its body has no end.
    let answer = tokio::time::timeout(ANSWER_TIMEOUT, request.send()).await;
    let answer = answer.map_err(|_| away())?.map_err(|_| away())?;
    if !answer.status().is_success() {
        return relay(answer).await;
    }
    let stop = local.shutdown.clone().cancelled_owned();
    let chunks = stream::unfold((answer, seat), async |(mut answer, seat)| {
        let chunk = answer.chunk().await.transpose()?;
        Some((chunk, (answer, seat)))
    });
    Ok(([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(chunks.take_until(stop))).into_response())
}

impl Local {
    fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, Problem> {
        let token = token_of(&self.clerk, Role::Owner).map_err(|error| Problem::internal(&error))?;
        Ok(self.http.request(method, format!("{}/v1{path}", self.server)).bearer_auth(token))
    }
}

async fn relay(answer: reqwest::Response) -> Result<Response, Problem> {
    let (status, kind) = (answer.status(), answer.headers().get(CONTENT_TYPE).cloned());
    let mut response = (status, answer.bytes().await.map_err(|_| away())?).into_response();
    if let Some(kind) = kind {
        response.headers_mut().insert(CONTENT_TYPE, kind);
    }
    Ok(response)
}

/// Why does not matter to who looks at the page; the programs' logs have it.
fn away() -> Problem {
    let detail = "The server does not answer. It is started again.";
    Problem::new(StatusCode::BAD_GATEWAY, "server_away", detail)
}
