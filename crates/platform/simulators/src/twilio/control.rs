//! The controls over HTTP, below `/simulator/`: JSON in, JSON out, for the handset page, the demo and other processes.
//!
//! | route | does |
//! |---|---|
//! | `GET /summary` | the counts |
//! | `GET /messages?with=&since=` | all messages, or those of one phone, oldest first |
//! | `GET /ledger?to=` | messages accepted through the API, oldest first |
//! | `GET /calls` | every leg of every call, newest first |
//! | `POST /calls` | places a call, answers with its transcript when it is over |
//! | `POST /texts` | sends a text to a number of the account |
//! | `POST /webhooks` | sends a webhook as told |
//! | `GET`, `POST`, `DELETE /faults` | lists, sets, clears faults |
//! | `GET`, `PUT /behaviour` | times and retries |
//! | `PUT /delivery` | what becomes of messages |
//! | `GET`, `PUT /numbers` | the account's numbers |
//! | `PUT /service-url` | where webhooks are sent |

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    routing::{get, post, put},
};
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{
    Account, Behaviour, Call, CallRequest, DeliveryPlan, Direction, FaultRule, Message, SimulatedNumber, Summary,
    TextRequest, TextResult, Transcript, WebhookAnswer, WebhookRequest, call, message, webhook,
};

type Shared = State<Arc<Account>>;

/// Which messages to show.
#[derive(Deserialize)]
struct Wanted {
    with: Option<String>,
    to: Option<String>,
    since: Option<DateTime<Utc>>,
}

/// A plan for one recipient, or for all that have none of their own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Delivery {
    to: Option<String>,
    plan: DeliveryPlan,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ServiceUrl {
    url: String,
}

pub(super) fn router() -> Router<Arc<Account>> {
    Router::new()
        .route("/summary", get(summary))
        .route("/messages", get(messages))
        .route("/ledger", get(ledger))
        .route("/calls", get(calls).post(place_call))
        .route("/texts", post(send_text))
        .route("/webhooks", post(deliver))
        .route("/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/behaviour", get(behaviour).put(set_behaviour))
        .route("/delivery", put(set_delivery))
        .route("/numbers", get(numbers).put(put_number))
        .route("/service-url", put(set_service_url))
}

async fn summary(State(account): Shared) -> Json<Summary> {
    Json(account.state().ledger.summary.clone())
}

async fn messages(State(account): Shared, Query(wanted): Query<Wanted>) -> Json<Vec<Message>> {
    let of_phone = |m: &Message| wanted.with.as_ref().is_none_or(|phone| *phone == m.from || *phone == m.to);
    let is_recent = |m: &Message| wanted.since.is_none_or(|since| m.updated_at >= since);
    Json(account.messages(|message| of_phone(message) && is_recent(message)))
}

async fn ledger(State(account): Shared, Query(wanted): Query<Wanted>) -> Json<Vec<Message>> {
    let is_wanted = |m: &Message| wanted.to.as_ref().is_none_or(|to| *to == m.to);
    Json(account.messages(|message| message.direction == Direction::OutboundApi && is_wanted(message)))
}

async fn calls(State(account): Shared) -> Json<Vec<Call>> {
    Json(account.state().ledger.calls().cloned().collect())
}

/// Played in a task of its own: a page that is closed half way does not tear the call off.
async fn place_call(State(account): Shared, Json(request): Json<CallRequest>) -> Result<Json<Transcript>, StatusCode> {
    in_background(async move {
        let _under_way = account.work.begin();
        call::place(&account, request).await
    })
    .await
}

async fn send_text(State(account): Shared, Json(request): Json<TextRequest>) -> Result<Json<TextResult>, StatusCode> {
    in_background(async move {
        let _under_way = account.work.begin();
        message::receive(&account, request).await
    })
    .await
}

async fn deliver(
    State(account): Shared,
    Json(request): Json<WebhookRequest>,
) -> Result<Json<Vec<WebhookAnswer>>, StatusCode> {
    in_background(async move {
        let _under_way = account.work.begin();
        webhook::deliver(&account, request).await
    })
    .await
}

async fn in_background<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<Json<T>, StatusCode> {
    tokio::spawn(work).await.map(Json).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

async fn faults(State(account): Shared) -> Json<Vec<FaultRule>> {
    Json(account.state().faults.rules().to_vec())
}

async fn add_fault(State(account): Shared, Json(rule): Json<FaultRule>) -> StatusCode {
    account.state().faults.add(rule);
    StatusCode::NO_CONTENT
}

async fn clear_faults(State(account): Shared) -> StatusCode {
    account.state().faults.clear();
    StatusCode::NO_CONTENT
}

async fn behaviour(State(account): Shared) -> Json<Behaviour> {
    Json(account.state().behaviour.clone())
}

async fn set_behaviour(State(account): Shared, Json(behaviour): Json<Behaviour>) -> StatusCode {
    account.state().behaviour = behaviour;
    StatusCode::NO_CONTENT
}

async fn set_delivery(State(account): Shared, Json(delivery): Json<Delivery>) -> StatusCode {
    account.set_delivery(delivery.to.as_deref(), delivery.plan);
    StatusCode::NO_CONTENT
}

async fn numbers(State(account): Shared) -> Json<Vec<SimulatedNumber>> {
    Json(account.state().numbers.clone())
}

async fn put_number(State(account): Shared, Json(number): Json<SimulatedNumber>) -> StatusCode {
    account.put_number(number);
    StatusCode::NO_CONTENT
}

async fn set_service_url(State(account): Shared, Json(service): Json<ServiceUrl>) -> StatusCode {
    account.state().service_url = Some(service.url);
    StatusCode::NO_CONTENT
}
