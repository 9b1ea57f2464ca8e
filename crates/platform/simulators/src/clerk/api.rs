//! The key set and the Backend API: <https://clerk.com/docs/reference/backend-api>.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::{
    Extension, Json, Router,
    body::Bytes,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Endpoint, Fault, Instance, SimulatedInvitation};
use crate::server::Connection;

const DEFAULT_PAGE: usize = 10;
const MAX_PAGE: usize = 500;

pub(super) fn router() -> Router<Arc<Instance>> {
    Router::new()
        .route("/.well-known/jwks.json", get(jwks))
        // The Backend API has the same keys, for whoever has its secret.
        .route("/v1/jwks", get(backend_jwks))
        .route("/v1/users/{id}", get(user))
        .route("/v1/invitations", post(create_invitation).get(list_invitations))
        .route("/v1/invitations/{id}/revoke", post(revoke_invitation))
}

/// A refusal in Clerk's form: <https://clerk.com/docs/guides/development/errors/overview>.
struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: &'static str,
}

impl Refusal {
    const fn new(status: StatusCode, code: &'static str, message: &'static str) -> Self {
        Self { status, code, message }
    }

    const fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "resource_not_found", "not found")
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self { status, code, message } = self;
        let error = json!({"code": code, "message": message, "long_message": message, "meta": {}});
        (status, Json(json!({"errors": [error], "clerk_trace_id": "0"}))).into_response()
    }
}

fn authenticate(instance: &Instance, headers: &HeaderMap) -> Result<(), Refusal> {
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    if given == Some(instance.settings.secret_key.expose_secret()) {
        return Ok(());
    }
    Err(Refusal::new(StatusCode::UNAUTHORIZED, "clerk_key_invalid", "The provided Clerk Secret Key is invalid."))
}

/// Counts the request, then does `work` and answers, or plays the fault that is set.
async fn answer(
    instance: &Arc<Instance>,
    endpoint: Endpoint,
    connection: &Connection,
    work: impl FnOnce(&Arc<Instance>) -> Result<Value, Refusal>,
) -> Response {
    let fault = {
        let mut state = instance.state();
        *state.requests.entry(endpoint).or_default() += 1;
        state.faults.take(endpoint)
    };
    let plain = |status, body: String| {
        (StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), body).into_response()
    };
    match fault {
        None => work(instance).map_or_else(IntoResponse::into_response, |value| Json(value).into_response()),
        Some(Fault::Answer { status, body }) => plain(status, body),
        Some(Fault::DoThenAnswer { status, body }) => {
            drop(work(instance));
            plain(status, body)
        }
        Some(Fault::Reset) => match connection.reset().await {},
        Some(Fault::DoThenReset) => {
            drop(work(instance));
            match connection.reset().await {}
        }
        Some(Fault::Hang { millis }) => {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            match connection.reset().await {}
        }
        Some(Fault::DoThenHang { millis }) => {
            drop(work(instance));
            tokio::time::sleep(Duration::from_millis(millis)).await;
            match connection.reset().await {}
        }
    }
}

async fn jwks(State(instance): State<Arc<Instance>>, Extension(connection): Extension<Connection>) -> Response {
    answer(&instance, Endpoint::Jwks, &connection, |instance| Ok(key_set(instance))).await
}

async fn backend_jwks(
    State(instance): State<Arc<Instance>>,
    Extension(connection): Extension<Connection>,
    headers: HeaderMap,
) -> Response {
    answer(&instance, Endpoint::Jwks, &connection, |instance| {
        authenticate(instance, &headers)?;
        Ok(key_set(instance))
    })
    .await
}

fn key_set(instance: &Instance) -> Value {
    let keys: Vec<Value> = instance.state().directory.keys.iter().map(super::SigningKey::jwk).collect();
    json!({ "keys": keys })
}

async fn user(
    State(instance): State<Arc<Instance>>,
    Extension(connection): Extension<Connection>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    answer(&instance, Endpoint::GetUser, &connection, |instance| {
        authenticate(instance, &headers)?;
        instance.state().directory.user(&id).map(super::SimulatedUser::json).ok_or(Refusal::not_found())
    })
    .await
}

#[derive(Deserialize)]
struct NewInvitation {
    email_address: String,
    #[serde(default)]
    public_metadata: Option<Map<String, Value>>,
    #[serde(default)]
    redirect_url: Option<String>,
    #[serde(default)]
    ignore_existing: bool,
}

async fn create_invitation(
    State(instance): State<Arc<Instance>>,
    Extension(connection): Extension<Connection>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(&instance, Endpoint::CreateInvitation, &connection, |instance| {
        authenticate(instance, &headers)?;
        let new: NewInvitation = serde_json::from_slice(&body).map_err(|_| {
            Refusal::new(StatusCode::BAD_REQUEST, "request_body_invalid", "The request body is invalid.")
        })?;
        invite(instance, new)
    })
    .await
}

fn invite(instance: &Instance, new: NewInvitation) -> Result<Value, Refusal> {
    let invalid = || Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "form_param_format_invalid", "is invalid");
    let (name, host) = new.email_address.split_once('@').ok_or_else(invalid)?;
    if name.is_empty() || !host.contains('.') {
        return Err(invalid());
    }
    let now = instance.settings.clock.now();
    let id = instance.new_id("inv_").parse().map_err(|_| invalid())?;
    let mut state = instance.state();
    let directory = &mut state.directory;
    let is_same = |address: &str| address.eq_ignore_ascii_case(&new.email_address);
    if !new.ignore_existing {
        if directory.users.iter().any(|user| user.email.as_deref().is_some_and(is_same)) {
            return Err(Refusal::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "form_identifier_exists",
                "That email address is taken. Please try another.",
            ));
        }
        let is_open = |invitation: &SimulatedInvitation| invitation.status == "pending";
        if directory.invitations.iter().any(|known| is_open(known) && is_same(&known.email_address)) {
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "duplicate_record", "duplicate invitation"));
        }
    }
    let invitation = SimulatedInvitation {
        id,
        email_address: new.email_address,
        public_metadata: new.public_metadata.unwrap_or_default(),
        redirect_url: new.redirect_url,
        status: "pending".to_owned(),
        created_at: now,
        updated_at: now,
    };
    directory.invitations.push(invitation.clone());
    drop(state);
    instance.save();
    Ok(invitation.json())
}

async fn list_invitations(
    State(instance): State<Arc<Instance>>,
    Extension(connection): Extension<Connection>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    answer(&instance, Endpoint::ListInvitations, &connection, |instance| {
        authenticate(instance, &headers)?;
        let number = |name: &str, unless: usize| query.get(name).and_then(|n| n.parse().ok()).unwrap_or(unless);
        let status = query.get("status");
        let part = query.get("query").map(|part| part.to_lowercase());
        let state = instance.state();
        let found: Vec<&SimulatedInvitation> = state
            .directory
            .invitations
            .iter()
            .rev()
            .filter(|invitation| {
                status.map_or(invitation.status != "revoked", |status| invitation.status == *status)
                    && part.as_ref().is_none_or(|part| {
                        invitation.email_address.to_lowercase().contains(part) || invitation.id.as_str() == part
                    })
            })
            .collect();
        let page = found.iter().skip(number("offset", 0)).take(number("limit", DEFAULT_PAGE).min(MAX_PAGE));
        let page = Value::Array(page.map(|invitation| invitation.json()).collect());
        let is_counted = query.get("paginated").is_some_and(|wanted| wanted == "true");
        Ok(if is_counted { json!({"data": page, "total_count": found.len()}) } else { page })
    })
    .await
}

async fn revoke_invitation(
    State(instance): State<Arc<Instance>>,
    Extension(connection): Extension<Connection>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    answer(&instance, Endpoint::RevokeInvitation, &connection, |instance| {
        authenticate(instance, &headers)?;
        let now = instance.settings.clock.now();
        let revoked = {
            let mut state = instance.state();
            let known = state.directory.invitations.iter_mut().find(|invitation| invitation.id.as_str() == id);
            let known = known.ok_or(Refusal::not_found())?;
            if known.status != "pending" {
                let code = if known.status == "revoked" {
                    "invitation_already_revoked"
                } else {
                    "invitation_already_accepted"
                };
                return Err(Refusal::new(StatusCode::BAD_REQUEST, code, "The invitation is not open."));
            }
            "revoked".clone_into(&mut known.status);
            known.updated_at = now;
            known.json()
        };
        instance.save();
        Ok(revoked)
    })
    .await
}
