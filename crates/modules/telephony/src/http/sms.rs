//! Texts.

use axum::extract::State;
use nmc_providers::twilio::{InboundSms, Twiml};
use nmc_web::Problem;
use nmc_webhooks::{Refusal, Webhook};

use super::WebhookState;

/// A text has come in
///
/// Deduplicated by `MessageSid`. Nothing is answered here: what is to be said is sent as a text of its own.
#[utoipa::path(
    post,
    path = "/webhooks/twilio/sms-inbound",
    tag = "webhooks",
    request_body(
        content = HashMap<String, String>,
        content_type = "application/x-www-form-urlencoded",
        description = "Signed by `X-Twilio-Signature`. Required: `MessageSid`, `From`, `To`."
    ),
    responses(
        (status = 200, description = "Taken: an empty TwiML document", content_type = "text/xml", body = String),
        Refusal
    )
)]
pub(super) async fn sms_inbound(
    State(state): State<WebhookState>,
    webhook: Webhook<InboundSms>,
) -> Result<Twiml, Problem> {
    state.telephony.text_received(&webhook.content, &webhook.receipt).await?;
    Ok(Twiml::empty())
}
