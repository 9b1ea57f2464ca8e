//! Calls.

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::StatusCode,
};
use nmc_providers::twilio::{
    DialStatusWebhook, Twiml, VoiceStatusWebhook, VoiceWebhook, WhisperResultWebhook, WhisperWebhook,
};
use nmc_web::Problem;
use nmc_webhooks::{Refusal, Webhook, malformed};

use super::{WebhookState, leg_key::LegQuery};

/// What the address of a leg to the business's phone says.
type Leg = Result<Query<LegQuery>, QueryRejection>;

/// A call has come in
///
/// Deduplicated by `CallSid`; a repetition gets the same TwiML. A call to a number of nobody is rejected.
#[utoipa::path(
    post,
    path = "/webhooks/twilio/voice",
    tag = "webhooks",
    request_body(
        content = HashMap<String, String>,
        content_type = "application/x-www-form-urlencoded",
        description = "Signed by `X-Twilio-Signature`. Required: `CallSid`, `From`, `To`, `CallStatus`."
    ),
    responses(
        (status = 200, description = "What the caller hears, as TwiML", content_type = "text/xml", body = String),
        Refusal
    )
)]
pub(super) async fn voice(State(state): State<WebhookState>, webhook: Webhook<VoiceWebhook>) -> Result<Twiml, Problem> {
    let answer = state.telephony.call_arrived(&webhook.content, &webhook.receipt).await?;
    Ok(state.document(&answer))
}

/// The business's phone has stopped ringing
///
/// Or the talk is over. Deduplicated by `CallSid` and `DialCallStatus`; a repetition gets the same TwiML.
#[utoipa::path(
    post,
    path = "/webhooks/twilio/dial-status",
    tag = "webhooks",
    request_body(
        content = HashMap<String, String>,
        content_type = "application/x-www-form-urlencoded",
        description = "Signed by `X-Twilio-Signature`. Required: `CallSid`, `From`, `To`, `DialCallStatus`."
    ),
    responses(
        (status = 200, description = "What the caller hears, as TwiML", content_type = "text/xml", body = String),
        Refusal
    )
)]
pub(super) async fn dial_status(
    State(state): State<WebhookState>,
    webhook: Webhook<DialStatusWebhook>,
) -> Result<Twiml, Problem> {
    let answer = state.telephony.dial_ended(&webhook.content, &webhook.receipt).await?;
    Ok(state.document(&answer))
}

/// The business's phone was picked up
///
/// Whoever did is asked to press 1. Deduplicated by the `CallSid` of that leg; a repetition gets the same TwiML.
#[utoipa::path(
    post,
    path = "/webhooks/twilio/whisper",
    tag = "webhooks",
    params(LegQuery),
    request_body(
        content = HashMap<String, String>,
        content_type = "application/x-www-form-urlencoded",
        description = "Signed by `X-Twilio-Signature`. Required: `CallSid`."
    ),
    responses(
        (status = 200, description = "What is asked, as TwiML", content_type = "text/xml", body = String),
        Refusal
    )
)]
pub(super) async fn whisper(
    State(state): State<WebhookState>,
    leg: Leg,
    webhook: Webhook<WhisperWebhook>,
) -> Result<Twiml, Problem> {
    let Query(leg) = leg.map_err(|_| malformed("call", "is not an id"))?;
    let answer = state.telephony.picked_up(leg.leg()?, &webhook.content, &webhook.receipt).await?;
    Ok(state.document(&answer))
}

/// A key was pressed on the business's phone
///
/// 1 connects the call, anything else hangs up. Deduplicated by the `CallSid` of that leg; a repetition gets the same
/// TwiML.
#[utoipa::path(
    post,
    path = "/webhooks/twilio/whisper-result",
    tag = "webhooks",
    params(LegQuery),
    request_body(
        content = HashMap<String, String>,
        content_type = "application/x-www-form-urlencoded",
        description = "Signed by `X-Twilio-Signature`. Required: `CallSid`."
    ),
    responses(
        (status = 200, description = "The connection or the hang-up, as TwiML", content_type = "text/xml", body = String),
        Refusal
    )
)]
pub(super) async fn whisper_result(
    State(state): State<WebhookState>,
    leg: Leg,
    webhook: Webhook<WhisperResultWebhook>,
) -> Result<Twiml, Problem> {
    let Query(leg) = leg.map_err(|_| malformed("call", "is not an id"))?;
    let answer = state.telephony.key_pressed(leg.leg()?, &webhook.content, &webhook.receipt).await?;
    Ok(state.document(&answer))
}

/// A call has a new status
///
/// Deduplicated by `CallSid` and `CallStatus`.
#[utoipa::path(
    post,
    path = "/webhooks/twilio/voice-status",
    tag = "webhooks",
    request_body(
        content = HashMap<String, String>,
        content_type = "application/x-www-form-urlencoded",
        description = "Signed by `X-Twilio-Signature`. Required: `CallSid`, `From`, `To`, `CallStatus`."
    ),
    responses(
        (status = 200, description = "Taken"),
        Refusal
    )
)]
pub(super) async fn voice_status(
    State(state): State<WebhookState>,
    webhook: Webhook<VoiceStatusWebhook>,
) -> Result<StatusCode, Problem> {
    state.telephony.status_changed(&webhook.content, &webhook.receipt).await?;
    Ok(StatusCode::OK)
}
