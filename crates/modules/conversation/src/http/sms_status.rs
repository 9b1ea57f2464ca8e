use std::collections::HashMap;

use axum::{
    extract::{Query, State},
    http::StatusCode,
};
use nmc_db::RouteKind;
use nmc_kernel::{IntentId, TenantId};
use nmc_providers::twilio::SmsStatusWebhook;
use nmc_web::Problem;
use nmc_webhooks::{Refusal, Webhook};

use crate::{
    Conversation,
    use_case::record_delivery::{Attempt, record_delivery},
};

const PATH: &str = "/webhooks/twilio/sms-status";

/// Where Twilio reports what becomes of an attempt. Twilio signs the whole address, so what it says comes from us.
pub(crate) fn status_callback_url(base_url: &str, tenant: TenantId, intent: IntentId, attempt: u32) -> String {
    format!("{base_url}{PATH}?tenant={tenant}&intent={intent}&attempt={attempt}")
}

/// An outbound text has moved on
///
/// Deduplicated by `MessageSid` and `MessageStatus`. The address carries the business, the intent and the attempt.
#[utoipa::path(
    post,
    path = PATH,
    tag = "webhooks",
    request_body(
        content = HashMap<String, String>,
        content_type = "application/x-www-form-urlencoded",
        description = "Signed by `X-Twilio-Signature`. Required: `MessageSid`, `MessageStatus`."
    ),
    responses(
        (status = 200, description = "Taken, or known already, or about no text of ours"),
        Refusal
    )
)]
pub(super) async fn sms_status(
    State(conversations): State<Conversation>,
    Query(query): Query<HashMap<String, String>>,
    webhook: Webhook<SmsStatusWebhook>,
) -> Result<StatusCode, Problem> {
    let parameter = |name: &str| query.get(name).map(String::as_str);
    let attempt = || {
        let intent = parameter("intent")?.parse().ok()?;
        Some(Attempt { intent, number: parameter("attempt")?.parse().ok()? })
    };
    let tenant = match parameter("tenant").and_then(|id| id.parse().ok()) {
        Some(tenant) => Some(tenant),
        None => tenant_of_sender(&conversations, &webhook.content).await?,
    };
    let Some(tenant) = tenant else {
        // Answered with success, so that the provider does not repeat it for ever.
        tracing::warn!("a status callback leads to no business");
        return Ok(StatusCode::OK);
    };
    record_delivery(&conversations, tenant, attempt(), &webhook.content, &webhook.receipt).await?;
    Ok(StatusCode::OK)
}

/// A callback without our parameters (set up by hand in Twilio's console): the sending number leads to the business.
async fn tenant_of_sender(
    conversations: &Conversation,
    callback: &SmsStatusWebhook,
) -> Result<Option<TenantId>, Problem> {
    let Some(from) = &callback.from else { return Ok(None) };
    let route = conversations.db.route(RouteKind::TwilioNumber, from.as_str()).await?;
    Ok(route.map(|route| route.tenant))
}
