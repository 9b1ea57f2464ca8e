//! `POST Messages.json`. It is not idempotent, as Twilio's is not.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Json,
    body::Bytes,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use nmc_kernel::{CallerNumber, E164};
use nmc_providers::twilio::segments;

use super::{Refusal, message_json, request::ApiRequest};
use crate::twilio::{
    Account, Api,
    ledger::{Direction, Message},
    message::start_delivery,
};

pub(super) async fn create(request: ApiRequest, body: Bytes) -> Response {
    request
        .answer(Api::SendMessage, move |account| {
            let message = accept(account, &body)?;
            Ok((StatusCode::CREATED, Json(message_json(account, &message))).into_response())
        })
        .await
}

/// Checks in the order in which Twilio names its errors, then takes the message.
fn accept(account: &Arc<Account>, body: &[u8]) -> Result<Message, Refusal> {
    let fields: HashMap<String, String> = form_urlencoded::parse(body).into_owned().collect();
    let field = |name: &str| fields.get(name).map(String::as_str).filter(|value| !value.is_empty());

    let to = field("To").ok_or_else(|| Refusal::bad(21_604, "A 'To' phone number is required."))?;
    let text = field("Body").ok_or_else(|| Refusal::bad(21_602, "Message body is required."))?;
    if E164::parse(to).is_err() || matches!(CallerNumber::from_provider(to), CallerNumber::None(_)) {
        return Err(Refusal::bad(21_211, format!("Invalid 'To' Phone Number: {to}")));
    }
    if !segments::fits(text) {
        return Err(Refusal::bad(21_617, "The concatenated message body exceeds the 1600 character limit."));
    }
    let status_callback = field("StatusCallback").map(str::to_owned);
    if status_callback.as_deref().is_some_and(|url| url::Url::parse(url).is_err()) {
        return Err(Refusal::bad(21_609, "The 'StatusCallback' URL is not a valid URL."));
    }
    let (from, service) = sender(account, field("From"), field("MessagingServiceSid"))?;
    if from == to {
        return Err(Refusal::bad(21_266, "'To' and 'From' number cannot be the same."));
    }
    let mut state = account.state();
    if state.behaviour.keeps_opt_outs && state.ledger.has_opted_out(to, &from) {
        return Err(Refusal::bad(21_610, "Attempt to send to unsubscribed recipient"));
    }
    let now = account.settings.clock.now();
    let message = Message {
        sid: account.new_sid("SM"),
        direction: Direction::OutboundApi,
        from,
        to: to.to_owned(),
        body: text.to_owned(),
        status: if service.is_some() { "accepted" } else { "queued" }.to_owned(),
        error_code: None,
        received_at: now,
        updated_at: now,
        status_callback,
        messaging_service_sid: service,
        media: Vec::new(),
    };
    state.ledger.put(message.clone());
    drop(state);
    start_delivery(account, message.sid.clone());
    Ok(message)
}

/// The sending number, and the service that chose it.
fn sender(account: &Account, from: Option<&str>, service: Option<&str>) -> Result<(String, Option<String>), Refusal> {
    let is_ours = |phone: &str| account.number(phone).is_some();
    match (from, service) {
        (None, None) => Err(Refusal::bad(21_603, "A 'From' phone number is required.")),
        (Some(from), None) if is_ours(from) => Ok((from.to_owned(), None)),
        (Some(_), None) => {
            Err(Refusal::bad(21_659, "'From' is not a Twilio phone number or Short Code country mismatch"))
        }
        (from, Some(service)) => {
            if account.settings.messaging_service_sid.as_ref().is_none_or(|known| known.as_str() != service) {
                return Err(Refusal::bad(21_701, "The Messaging Service does not exist"));
            }
            let first = || account.state().numbers.first().map(|number| number.phone.as_str().to_owned());
            let number = match from {
                Some(from) if is_ours(from) => Some(from.to_owned()),
                Some(_) => {
                    return Err(Refusal::bad(21_712, "The 'From' number does not belong to the Messaging Service"));
                }
                None => first(),
            };
            let number =
                number.ok_or_else(|| Refusal::bad(21_703, "The Messaging Service contains no phone numbers"))?;
            Ok((number, Some(service.to_owned())))
        }
    }
}
