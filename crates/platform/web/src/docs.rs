use axum::Router;
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerUi};

/// Where the human-readable reference is.
const DOCS: &str = "/docs";
/// Where the document for programs is.
const OPENAPI: &str = "/openapi.json";

/// `GET /openapi.json`, and the reference made of it at `/docs/`, whose files are part of the program: nothing is
/// loaded from elsewhere, and the document is sent to no validator.
pub fn docs_routes(openapi: OpenApi) -> Router {
    let config = Config::from(OPENAPI).validator_url("none");
    SwaggerUi::new(DOCS).url(OPENAPI, openapi).config(config).into()
}

/// Whether the path belongs to the reference.
pub(crate) fn is_docs(path: &str) -> bool {
    path.strip_prefix(DOCS).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
