//! The module's routes.

mod authenticate;
mod clerk_webhook;
mod invitations;
mod me;
mod problem;
mod sign_up;
mod tenant;
mod users;
mod view;

use std::sync::Arc;

use axum::extract::FromRef;
use nmc_kernel::Clock;
use nmc_providers::clerk::{ClerkClient, ClerkTokens, ClerkUserId, ClerkWebhooks};
use nmc_web::Limiter;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Identity;

pub use authenticate::{Authentication, authenticate};

pub(crate) fn v1_routes(identity: Identity) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(me::get_me, me::patch_me))
        .routes(routes!(tenant::get_tenant, tenant::patch_tenant))
        .routes(routes!(users::list_users))
        .routes(routes!(users::invite_user))
        .routes(routes!(users::patch_user, users::delete_user))
        .routes(routes!(invitations::list_invitations))
        .routes(routes!(invitations::delete_invitation))
        .with_state(identity)
}

#[derive(Clone, FromRef)]
struct SignUpState {
    identity: Identity,
    tokens: ClerkTokens,
    clerk: ClerkClient,
    limit: Arc<Limiter<ClerkUserId>>,
}

pub(crate) fn sign_up_routes(identity: Identity, tokens: ClerkTokens, clerk: ClerkClient) -> OpenApiRouter {
    let limit = Arc::new(Limiter::new(sign_up::TRIES_PER_MINUTE));
    let state = SignUpState { identity, tokens, clerk, limit };
    OpenApiRouter::new().routes(routes!(sign_up::post_tenants)).with_state(state)
}

#[derive(Clone, FromRef)]
struct WebhookState {
    identity: Identity,
    webhooks: ClerkWebhooks,
    clock: Clock,
}

pub(crate) fn webhook_routes(identity: Identity, webhooks: ClerkWebhooks, clock: Clock) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(clerk_webhook::post_clerk)).with_state(WebhookState {
        identity,
        webhooks,
        clock,
    })
}
