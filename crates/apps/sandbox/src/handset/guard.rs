//! Whoever has the page open is at this machine. Other pages in the same browser are strangers: they may not ask
//! anything here, under whatever name they have made resolve to this address.

use axum::{
    extract::Request,
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
            X_FRAME_OPTIONS,
        },
    },
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use nmc_web::Problem;

/// Everything comes from here; nothing is loaded from, sent to or shown in another place.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                   base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// Set by browsers, and not by pages: <https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header>.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// The page itself, which a link elsewhere may lead to.
const PAGE: &str = "/";
const HEADERS: [(HeaderName, &str); 7] = [
    (CONTENT_SECURITY_POLICY, CSP),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

pub(super) async fn guard(request: Request, next: Next) -> Response {
    let mut response = match refusal(request.headers(), request.uri().path()) {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn refusal(headers: &HeaderMap, path: &str) -> Option<Problem> {
    let refuse = |code, detail| Some(Problem::new(StatusCode::FORBIDDEN, code, detail));
    // The port is any: it is another one where somebody reaches this machine through a tunnel.
    let host = text(headers, HOST).filter(|host| {
        let name = host.rsplit_once(':').map_or(*host, |(name, _port)| name);
        matches!(name, "127.0.0.1" | "localhost")
    });
    let Some(host) = host else {
        return refuse("foreign_host", "This page is only for this machine: open it as http://127.0.0.1 or localhost.");
    };
    let is_from_here = !headers.contains_key(ORIGIN)
        || text(headers, ORIGIN).and_then(|origin| origin.strip_prefix("http://")) == Some(host);
    let is_asked_from_here = path == PAGE
        || !headers.contains_key(SEC_FETCH_SITE)
        || matches!(text(headers, SEC_FETCH_SITE), Some("same-origin" | "none"));
    if is_from_here && is_asked_from_here {
        return None;
    }
    refuse("foreign_origin", "Only the handset's own page may ask here.")
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}
