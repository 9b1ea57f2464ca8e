//! The module's routes.

mod calls;
mod conversations;
mod filter;
mod messages;
mod problem;
mod sms_status;
mod tasks;
mod templates;
mod view;

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

pub(crate) fn v1_routes(conversations: Conversation) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(conversations::list))
        .routes(routes!(conversations::show))
        .routes(routes!(conversations::take_over))
        .routes(routes!(conversations::release))
        .routes(routes!(conversations::close))
        .routes(routes!(messages::list, messages::write))
        .routes(routes!(messages::why))
        .routes(routes!(calls::why))
        .routes(routes!(tasks::list))
        .routes(routes!(tasks::done))
        .routes(routes!(templates::list))
        .routes(routes!(templates::set, templates::reset))
        .with_state(conversations)
}
