//! The page's files, which are part of the program.

use std::sync::Arc;

use axum::{Router, http::header::CONTENT_TYPE, routing::get};

use super::Local;

/// Path, type, contents.
type File = (&'static str, &'static str, &'static str);

const SCRIPT: &str = "text/javascript; charset=utf-8";

pub(super) const FILES: [File; 10] = [
    ("/", "text/html; charset=utf-8", include_str!("page/index.html")),
    ("/style.css", "text/css; charset=utf-8", include_str!("page/style.css")),
    ("/icon.svg", "image/svg+xml", include_str!("page/icon.svg")),
    ("/app.js", SCRIPT, include_str!("page/app.js")),
    ("/ask.js", SCRIPT, include_str!("page/ask.js")),
    ("/business.js", SCRIPT, include_str!("page/business.js")),
    ("/calendar.js", SCRIPT, include_str!("page/calendar.js")),
    ("/element.js", SCRIPT, include_str!("page/element.js")),
    ("/phone.js", SCRIPT, include_str!("page/phone.js")),
    ("/words.js", SCRIPT, include_str!("page/words.js")),
];

pub(super) fn routes() -> Router<Arc<Local>> {
    FILES.into_iter().fold(Router::new(), |router, (path, kind, contents)| {
        router.route(path, get(async move || ([(CONTENT_TYPE, kind)], contents)))
    })
}
