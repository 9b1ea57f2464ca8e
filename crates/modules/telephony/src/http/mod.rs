//! Twilio's webhooks, and the calls for the business's people. A handler extracts, calls the facade, and writes the
//! answer down.

mod calls;
mod leg_key;
mod sms;
mod twiml;
mod voice;

use axum::{extract::FromRef, middleware::from_fn};
use nmc_providers::twilio::{TwilioWebhooks, Twiml};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Telephony, model::answer::Answer};

/// What the handlers are given.
#[derive(Clone)]
struct WebhookState {
    telephony: Telephony,
    webhooks: TwilioWebhooks,
}

impl WebhookState {
    /// An answer as TwiML.
    fn document(&self, answer: &Answer) -> Twiml {
        twiml::document(answer, &self.telephony.settings.public_base_url)
    }
}

impl FromRef<WebhookState> for TwilioWebhooks {
    fn from_ref(state: &WebhookState) -> Self {
        state.webhooks.clone()
    }
}

/// For signed-in people.
pub(crate) fn v1_routes(telephony: Telephony) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(calls::calls)).routes(routes!(calls::call)).with_state(telephony)
}

pub(crate) fn routes(telephony: Telephony, webhooks: TwilioWebhooks) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(voice::voice))
        .routes(routes!(voice::whisper))
        .routes(routes!(voice::whisper_result))
        .routes(routes!(voice::dial_status))
        .routes(routes!(voice::voice_status))
        .routes(routes!(sms::sms_inbound))
        .route_layer(from_fn(nmc_webhooks::measure))
        .with_state(WebhookState { telephony, webhooks })
}
