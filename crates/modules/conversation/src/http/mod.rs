//! The module's routes.

mod sms_status;

use axum::{extract::FromRef, middleware::from_fn};
use nmc_providers::twilio::TwilioWebhooks;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Conversation;

pub(crate) use sms_status::status_callback_url;

#[derive(Clone)]
struct HttpState {
    conversations: Conversation,
    webhooks: TwilioWebhooks,
}

impl FromRef<HttpState> for TwilioWebhooks {
    fn from_ref(state: &HttpState) -> Self {
        state.webhooks.clone()
    }
}

impl FromRef<HttpState> for Conversation {
    fn from_ref(state: &HttpState) -> Self {
        state.conversations.clone()
    }
}

pub(crate) fn router(conversations: Conversation, webhooks: TwilioWebhooks) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(sms_status::sms_status))
        .route_layer(from_fn(nmc_webhooks::measure))
        .with_state(HttpState { conversations, webhooks })
}
