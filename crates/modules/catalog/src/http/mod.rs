//! The module's routes for signed-in people.

mod filter;
mod items;
mod matching;
mod problem;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Catalog;

pub(crate) fn v1_routes(catalog: Catalog) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(items::list, items::create))
        .routes(routes!(items::get, items::change, items::deactivate))
        .routes(routes!(items::put_aliases))
        .routes(routes!(items::quote))
        .routes(routes!(matching::match_text))
        .with_state(catalog)
}
