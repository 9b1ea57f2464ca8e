//! Messages: one that was accepted goes its way and reports it; one that comes in is handed to the service.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    Account, DeliveryOutcome, DeliveryPlan,
    ledger::{Direction, Message, opt_out_type},
    webhook::{Params, WebhookAnswer},
};

/// A text from a phone to one of the account's numbers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextRequest {
    /// The phone that writes.
    pub from: String,
    /// The account's number.
    pub to: String,
    /// The text.
    pub body: String,
    /// Pictures: URL and MIME type.
    #[serde(default)]
    pub media: Vec<(String, String)>,
}

impl TextRequest {
    /// A text without pictures.
    pub fn new(from: impl Into<String>, to: impl Into<String>, body: impl Into<String>) -> Self {
        Self { from: from.into(), to: to.into(), body: body.into(), media: Vec::new() }
    }
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TextResult {
    /// The message's id.
    pub message_sid: String,
    /// The webhook's fields, to send them again by hand.
    pub params: Vec<(String, String)>,
    /// The last answer of the service; nothing where the number has no webhook.
    pub answer: Option<WebhookAnswer>,
}

/// Takes a text in and hands it to the number's webhook.
pub(super) async fn receive(account: &Arc<Account>, request: TextRequest) -> TextResult {
    let message_sid = account.new_sid(if request.media.is_empty() { "SM" } else { "MM" });
    let now = account.settings.clock.now();
    let params = inbound_params(account, &message_sid, &request);
    account.state().ledger.put(Message {
        sid: message_sid.clone(),
        direction: Direction::Inbound,
        from: request.from,
        to: request.to.clone(),
        body: request.body,
        status: "received".to_owned(),
        error_code: None,
        received_at: now,
        updated_at: now,
        status_callback: None,
        messaging_service_sid: account.settings.messaging_service_sid.as_ref().map(ToString::to_string),
        media: request.media,
    });
    let number = account.number(&request.to);
    let answer = match number.as_ref().and_then(|number| number.sms_url.as_deref().map(|url| (url, number))) {
        Some((url, number)) => Some(account.post_with_fallback(url, number.sms_fallback_url.as_deref(), &params).await),
        None => None,
    };
    TextResult { message_sid, params, answer }
}

/// Source: <https://www.twilio.com/docs/messaging/guides/webhook-request>.
fn inbound_params(account: &Account, sid: &str, request: &TextRequest) -> Params {
    let mut params = vec![
        ("ToCountry", "US".to_owned()),
        ("MessageSid", sid.to_owned()),
        ("SmsSid", sid.to_owned()),
        ("SmsMessageSid", sid.to_owned()),
        ("AccountSid", account.settings.account_sid.to_string()),
        ("From", request.from.clone()),
        ("To", request.to.clone()),
        ("Body", request.body.clone()),
        ("SmsStatus", "received".to_owned()),
        ("NumSegments", "1".to_owned()),
        ("NumMedia", request.media.len().to_string()),
        ("FromCountry", "US".to_owned()),
        ("ApiVersion", "2010-04-01".to_owned()),
    ];
    if let Some(service) = &account.settings.messaging_service_sid {
        params.push(("MessagingServiceSid", service.to_string()));
    }
    if account.state().behaviour.advanced_opt_out {
        params.extend(opt_out_type(&request.body).map(|kind| ("OptOutType", kind.to_owned())));
    }
    let mut params: Params = params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    for (index, (url, content_type)) in request.media.iter().enumerate() {
        params.push((format!("MediaUrl{index}"), url.clone()));
        params.push((format!("MediaContentType{index}"), content_type.clone()));
    }
    params
}

/// Takes an accepted message through its states, in the background.
pub(super) fn start_delivery(account: &Arc<Account>, sid: String) {
    let worker = account.clone();
    account.work.spawn(async move { deliver(&worker, &sid).await });
}

async fn deliver(account: &Arc<Account>, sid: &str) {
    let Some((message, plan, behaviour)) = ({
        let state = account.state();
        state.ledger.message(sid).cloned().map(|message| {
            let plan = state.plans.get(&message.to).unwrap_or(&state.default_plan).clone();
            (message, plan, state.behaviour.clone())
        })
    }) else {
        return;
    };
    let step = Duration::from_millis(behaviour.step_millis);
    let mut reports = Vec::new();
    for (status, code) in states(&plan, behaviour.reports_queued) {
        tokio::time::sleep(step).await;
        account.state().ledger.set_status(sid, status, code, account.settings.clock.now());
        if !plan.silent {
            reports.push(status_params(account, &message, status, code));
        }
        if !plan.reversed {
            report(account, &message, &plan, &mut reports).await;
        }
    }
    reports.reverse();
    report(account, &message, &plan, &mut reports).await;
}

/// Source: <https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks>.
fn states(plan: &DeliveryPlan, reports_queued: bool) -> Vec<(&'static str, Option<u32>)> {
    let mut states = if reports_queued { vec![("queued", None)] } else { Vec::new() };
    match plan.outcome {
        DeliveryOutcome::Delivered => states.extend([("sent", None), ("delivered", None)]),
        DeliveryOutcome::Undelivered { code } => states.extend([("sent", None), ("undelivered", Some(code))]),
        DeliveryOutcome::Failed { code } => states.push(("failed", Some(code))),
        DeliveryOutcome::Stuck => {}
    }
    states
}

async fn report(account: &Arc<Account>, message: &Message, plan: &DeliveryPlan, reports: &mut Vec<Params>) {
    let waiting = std::mem::take(reports);
    let Some(url) = &message.status_callback else { return };
    for params in waiting {
        let posts = (0..=plan.duplicates).map(|_| account.post_until_answered(url, &params));
        futures::future::join_all(posts).await;
    }
}

fn status_params(account: &Account, message: &Message, status: &str, code: Option<u32>) -> Params {
    let mut params = vec![
        ("MessageSid", message.sid.clone()),
        ("SmsSid", message.sid.clone()),
        ("MessageStatus", status.to_owned()),
        ("SmsStatus", status.to_owned()),
        ("To", message.to.clone()),
        ("From", message.from.clone()),
        ("AccountSid", account.settings.account_sid.to_string()),
        ("ApiVersion", "2010-04-01".to_owned()),
    ];
    if let Some(service) = &message.messaging_service_sid {
        params.push(("MessagingServiceSid", service.clone()));
    }
    if let Some(code) = code {
        params.push(("ErrorCode", code.to_string()));
    }
    params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
