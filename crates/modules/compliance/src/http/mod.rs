//! The module's routes for signed-in people.

mod do_not_text;
mod filter;
mod numbers;
mod opt_outs;
mod registration;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Compliance;

pub(crate) fn v1_routes(compliance: Compliance) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(registration::submit))
        .routes(routes!(registration::status))
        .routes(routes!(numbers::list, numbers::request))
        .routes(routes!(opt_outs::list))
        .routes(routes!(do_not_text::list, do_not_text::add))
        .routes(routes!(do_not_text::remove))
        .with_state(compliance)
}
