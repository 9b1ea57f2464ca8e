//! The HTTP API: the modules' routes with what stands around them, and its document.

use std::iter;

use axum::middleware::from_fn_with_state;
use nmc_identity::authenticate;
use nmc_kernel::Clock;
use nmc_web::{limit_address, limit_tenant};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        ContentBuilder, OpenApi as Document, Ref, ResponseBuilder,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::router::OpenApiRouter;

use crate::{Modules, example};

/// The document, without the routes: they bring their own parts.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "NeverMissCall",
        description = "A small trade business that misses a phone call wins the customer anyway.\n\n\
            People sign in with Clerk and send its session token as a bearer token. Errors are \
            `application/problem+json`, told apart by `code`. Lists come in pages: `limit` (50, at most 200) and \
            `cursor`, the `next_cursor` of the page before. A `POST` that creates something takes an \
            `Idempotency-Key`: sent again with the same body it is answered with the first answer.",
        license(name = "Apache-2.0")
    ),
    servers((url = "/", description = "This installation")),
    modifiers(&BearerToken),
    tags(
        (name = "identity", description = "The signed-in person, the business, its people and settings"),
        (name = "conversation", description = "Threads with callers, their messages, tasks for people, templates"),
        (name = "telephony", description = "Calls that came in"),
        (name = "scheduling", description = "Who can be booked when; what is held and booked"),
        (name = "compliance", description = "Registration with the carriers, numbers, opt-outs, who is never texted"),
        (name = "catalog", description = "What the business sells, and by which words callers ask for it"),
        (name = "live", description = "What happens, while it happens"),
        (name = "webhooks", description = "What providers call; verified by their signatures, not by a token")
    )
)]
struct ApiDocument;

/// What `security(("clerk" = []))` of a route means.
struct BearerToken;

impl Modify for BearerToken {
    fn modify(&self, document: &mut Document) {
        let clerk = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("A session token of the installation's Clerk instance."));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("clerk", SecurityScheme::Http(clerk.build()));
    }
}

/// Says what is the same for all routes, so that none can forget it: a name that no other route has, and how a body is
/// refused.
fn complete(document: &mut Document) {
    let problem = |description: &str| {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        ResponseBuilder::new().description(description).content("application/problem+json", content).build()
    };
    for (path, item) in &mut document.paths.paths {
        let methods = [
            ("get", &mut item.get),
            ("put", &mut item.put),
            ("post", &mut item.post),
            ("delete", &mut item.delete),
            ("patch", &mut item.patch),
        ];
        for (method, operation) in methods {
            let Some(operation) = operation else { continue };
            operation.operation_id = Some(name(method, path));
            if operation.request_body.is_some() && path.starts_with("/v1/") {
                let responses = &mut operation.responses.responses;
                for (status, description) in [
                    ("400", "`body_incomplete`: the body broke off"),
                    ("413", "`payload_too_large`: the body has more than 64 KiB"),
                    ("415", "`unsupported_media_type`: the body is not JSON"),
                ] {
                    responses.entry(status.to_owned()).or_insert_with(|| problem(description).into());
                }
            }
        }
    }
}

/// `POST /v1/tasks/{id}/done` is `post_tasks_by_id_done`.
fn name(method: &str, path: &str) -> String {
    let words = path.trim_start_matches("/v1").split('/').filter(|word| !word.is_empty()).map(|word| {
        let parameter = word.strip_prefix('{').and_then(|word| word.strip_suffix('}'));
        parameter.map_or_else(|| word.replace('-', "_"), |parameter| format!("by_{parameter}"))
    });
    iter::once(method.to_owned()).chain(words).collect::<Vec<_>>().join("_")
}

impl Modules {
    /// Every route of the modules, with its part of the API's document.
    pub fn routes(&self) -> OpenApiRouter {
        let mut routes = OpenApiRouter::with_openapi(ApiDocument::openapi())
            .nest("/v1", self.v1_routes())
            .merge(self.telephony.routes(self.webhooks.clone()))
            .merge(self.conversation.router(self.webhooks.clone()))
            .merge(self.identity.routes(self.clerk.webhooks.clone(), Clock::system()))
            .merge(self.scheduling.feed_routes().layer(from_fn_with_state(self.rate_limits.clone(), limit_address)));
        complete(routes.get_openapi_mut());
        example::complete(routes.get_openapi_mut());
        routes
    }

    /// What people use. A request is counted for its address before anybody is asked who sent it, and for its business
    /// after.
    fn v1_routes(&self) -> OpenApiRouter {
        let (tokens, client) = (self.clerk.tokens.clone(), self.clerk.client.clone());
        OpenApiRouter::new()
            .merge(self.identity.v1_routes())
            .merge(self.conversation.v1_routes())
            .merge(self.telephony.v1_routes())
            .merge(self.compliance.v1_routes())
            .merge(self.catalog.v1_routes())
            .merge(self.scheduling.v1_routes())
            .merge(self.live.v1_routes())
            // The layer added last is the first a request meets.
            .layer(from_fn_with_state(self.rate_limits.clone(), limit_tenant))
            .layer(from_fn_with_state(self.identity.authenticate(tokens.clone()), authenticate))
            .merge(self.identity.sign_up_routes(tokens, client))
            .layer(from_fn_with_state(self.rate_limits.clone(), limit_address))
    }
}
