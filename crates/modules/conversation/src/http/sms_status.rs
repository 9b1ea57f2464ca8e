use std::{collections::HashMap, time::Duration};

use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use nmc_db::{DbError, RouteKind};
use nmc_kernel::{IntentId, TenantId};
use nmc_providers::twilio::{SmsStatusWebhook, TwilioForm, WebhookForm};
use nmc_web::Problem;

use crate::{
    Conversation,
    use_case::record_delivery::{Attempt, record_delivery},
};

const PATH: &str = "/webhooks/twilio/sms-status";
/// How soon Twilio may try again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Where Twilio reports what becomes of an attempt. Twilio signs the whole address, so what it says comes from us.
pub(crate) fn status_callback_url(base_url: &str, tenant: TenantId, intent: IntentId, attempt: u32) -> String {
    format!("{base_url}{PATH}?tenant={tenant}&intent={intent}&attempt={attempt}")
}

/// An outbound text has moved on.
#[utoipa::path(
    post,
    path = PATH,
    tag = "webhooks",
    request_body(content = String, content_type = "application/x-www-form-urlencoded", description = "Twilio's status callback"),
    responses(
        (status = 200, description = "Taken, or known already, or about no text of ours"),
        (status = 400, description = "A field is missing or malformed"),
        (status = 401, description = "The signature is missing or wrong"),
        (status = 503, description = "The database cannot be reached: Twilio tries again"),
    )
)]
pub(super) async fn sms_status(
    State(conversations): State<Conversation>,
    Query(query): Query<HashMap<String, String>>,
    TwilioForm(form): TwilioForm,
) -> Response {
    let callback = match SmsStatusWebhook::try_from(&form) {
        Ok(callback) => callback,
        Err(rejection) => return rejection.into_response(),
    };
    let parameter = |name: &str| query.get(name).map(String::as_str);
    let attempt = || {
        let intent = parameter("intent")?.parse().ok()?;
        Some(Attempt { intent, number: parameter("attempt")?.parse().ok()? })
    };
    let tenant = match parameter("tenant").and_then(|id| id.parse().ok()) {
        Some(tenant) => Some(tenant),
        None => match tenant_of_sender(&conversations, &form).await {
            Ok(tenant) => tenant,
            Err(error) => return unavailable(&error),
        },
    };
    let Some(tenant) = tenant else {
        // Answered with success, so that the provider does not repeat it for ever.
        tracing::warn!("a status callback leads to no business");
        return StatusCode::OK.into_response();
    };
    let hash = form.payload_hash(SmsStatusWebhook::CORE_FIELDS);
    match record_delivery(&conversations, tenant, attempt(), &callback, hash).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => unavailable(&error),
    }
}

/// A callback without our parameters (set up by hand in Twilio's console): the sending number leads to the business.
async fn tenant_of_sender(conversations: &Conversation, form: &WebhookForm) -> Result<Option<TenantId>, DbError> {
    let Some(from) = form.get("From") else { return Ok(None) };
    Ok(conversations.db.route(RouteKind::TwilioNumber, from).await?.map(|route| route.tenant))
}

fn unavailable(error: &DbError) -> Response {
    if error.is_transient() {
        tracing::warn!(%error, "a status callback waits for the database");
        Problem::unavailable("database_unavailable", RETRY_AFTER).into_response()
    } else {
        Problem::internal(error).into_response()
    }
}
