//! A call or a text that Twilio lists and no webhook delivered.

use chrono::{DateTime, Utc};
use nmc_db::{DbError, RouteKind};
use nmc_identity::CallMode;
use nmc_kernel::E164;
use nmc_providers::twilio::{
    ClientError, DialStatusWebhook, InboundSms, ListedCall, ListedMessage, MessageStatus, VoiceStatusWebhook,
    WebhookRejection,
};
use nmc_webhooks::Webhook;

use super::{
    caller_leg::{self, Span},
    take_text::take_text,
};
use crate::Telephony;

/// An entry of one of Twilio's lists.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    Text(ListedMessage),
    Call(ListedCall),
}

/// Why an entry could not be taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotTaken {
    #[error(transparent)]
    Twilio(#[from] ClientError),
    #[error(transparent)]
    Database(#[from] DbError),
    #[error(transparent)]
    Malformed(#[from] WebhookRejection),
}

impl Found {
    /// For metrics.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Call(_) => "call",
        }
    }

    pub(crate) fn sid(&self) -> &str {
        match self {
            Self::Text(text) => text.sid.as_str(),
            Self::Call(call) => call.sid.as_str(),
        }
    }

    pub(crate) const fn created_at(&self) -> DateTime<Utc> {
        match self {
            Self::Text(text) => text.date_created,
            Self::Call(call) => call.date_created,
        }
    }

    /// Since when nothing more is to be expected of it.
    pub(crate) fn settled_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Text(text) => (text.status != MessageStatus::Receiving).then_some(text.date_created),
            Self::Call(call) => call.ended_at(),
        }
    }

    /// Whether it came in, and is not a leg of something that did.
    pub(crate) fn is_inbound(&self) -> bool {
        match self {
            Self::Text(text) => text.direction == "inbound",
            Self::Call(call) => call.direction == "inbound" && call.parent_call_sid.is_none(),
        }
    }

    /// The ids of the webhooks any of which has told all there is to tell. `voice` has: a call that it opened is either
    /// decided or asked about by itself.
    pub(crate) fn webhook_ids(&self) -> impl Iterator<Item = String> {
        let sid = self.sid().to_owned();
        let status = match self {
            Self::Text(_) => None,
            Self::Call(call) => Some(format!("{sid}:{}", call.status)),
        };
        [sid].into_iter().chain(status)
    }

    fn to(&self) -> Option<E164> {
        let to = match self {
            Self::Text(text) => text.to.as_deref(),
            Self::Call(call) => call.to.as_deref(),
        };
        E164::parse(to?).ok()
    }
}

/// Does what the webhook would have done, as of when it came about. `false` where it is nobody's: the number belongs to
/// no business, or did not yet.
pub(crate) async fn take_found(telephony: &Telephony, found: &Found) -> Result<bool, NotTaken> {
    let Some(to) = found.to() else { return Ok(false) };
    let Some(route) = telephony.db.route(RouteKind::TwilioNumber, to.as_str()).await? else { return Ok(false) };
    let mut tx = telephony.db.read(route.tenant).await?;
    let since = tx.routed_since(RouteKind::TwilioNumber, to.as_str()).await?;
    let mode = telephony.identity.tenant(&mut tx).await?.settings.call_mode;
    tx.finish().await?;
    if since.is_none_or(|since| found.created_at() < since) {
        return Ok(false);
    }
    tracing::warn!(tenant_id = %route.tenant, poll.entry = found.sid(), "no webhook delivered what Twilio lists");
    match found {
        Found::Text(text) => text_found(telephony, text).await?,
        Found::Call(call) => call_found(telephony, call, mode).await?,
    }
    Ok(true)
}

async fn text_found(telephony: &Telephony, text: &ListedMessage) -> Result<(), NotTaken> {
    let media = match text.num_media {
        None | Some(0) => Vec::new(),
        Some(_) => known(telephony.twilio.media_of(&text.sid).await)?.unwrap_or_default(),
    };
    let webhook = Webhook::<InboundSms>::read(&text.inbound_form(&media))?;
    Ok(take_text(telephony, &webhook.content, &webhook.receipt, Some(text.date_created)).await?)
}

/// What belongs to an entry, where Twilio still has it: an entry is not given up because a part of it was deleted.
fn known<T>(answer: Result<T, ClientError>) -> Result<Option<T>, ClientError> {
    match answer {
        Ok(part) => Ok(Some(part)),
        Err(ClientError::NotFound | ClientError::Unreadable) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A call that our TwiML never answered may still have rung the business's phone: by the TwiML of the fallback address.
async fn call_found(telephony: &Telephony, call: &ListedCall, mode: CallMode) -> Result<(), NotTaken> {
    let span = call.ended_at().map(|ended_at| Span { began_at: call.date_created, ended_at });
    let leg = match mode {
        CallMode::Dial => known(telephony.twilio.dialled_leg(&call.sid).await)?.flatten(),
        CallMode::Forwarded | CallMode::StatusOnly => None,
    };
    if let Some(leg) = leg.filter(|leg| leg.status.is_final()) {
        let dial = Webhook::<DialStatusWebhook>::read(&call.dial_form(&leg))?;
        caller_leg::dial_ended(telephony, &dial.content, &dial.receipt, span).await?;
    }
    let status = Webhook::<VoiceStatusWebhook>::read(&call.status_form())?;
    Ok(caller_leg::status_changed(telephony, &status.content, &status.receipt, span).await?)
}
