//! The instance's controls over HTTP, for other processes and pages: `/simulator/...`.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use chrono::TimeDelta;
use nmc_kernel::{Role, TenantId};
use nmc_providers::clerk::{ClerkUserId, InvitationId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Instance, NewUser, SimulatedInvitation, TokenRequest};

pub(super) fn router() -> Router<Arc<Instance>> {
    Router::new()
        .route("/users", get(users).post(sign_up))
        .route("/invitations", get(invitations))
        .route("/invitations/{id}/accept", post(accept))
        .route("/tokens", post(token))
}

async fn users(State(instance): State<Arc<Instance>>) -> Json<Value> {
    Json(instance.state().directory.users.iter().map(super::SimulatedUser::json).collect())
}

async fn invitations(State(instance): State<Arc<Instance>>) -> Json<Value> {
    Json(instance.state().directory.invitations.iter().map(SimulatedInvitation::json).collect())
}

async fn sign_up(State(instance): State<Arc<Instance>>, Json(new): Json<NewUser>) -> Response {
    match instance.sign_up(new) {
        Ok(user) => (StatusCode::CREATED, Json(user.json())).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn accept(State(instance): State<Arc<Instance>>, Path(id): Path<InvitationId>) -> Response {
    match instance.accept(&id) {
        Ok(Some(user)) => (StatusCode::CREATED, Json(user.json())).into_response(),
        Ok(None) => (StatusCode::NOT_FOUND, "no open invitation of that id").into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WantedToken {
    user: ClerkUserId,
    #[serde(default)]
    tenant: Option<TenantId>,
    #[serde(default)]
    role: Option<Role>,
    #[serde(default)]
    minutes: Option<u32>,
}

async fn token(State(instance): State<Arc<Instance>>, Json(wanted): Json<WantedToken>) -> Response {
    let mut request = TokenRequest { tenant: wanted.tenant, role: wanted.role, ..TokenRequest::of(wanted.user) };
    if let Some(minutes) = wanted.minutes {
        request.lifetime = TimeDelta::minutes(i64::from(minutes));
    }
    match instance.token(&request) {
        Ok(token) => Json(json!({ "jwt": token })).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
