//! HTTP as every route has it: problems, extractors, pages, the layers around the routes, and the server beneath them.
//!
//! Knows no module and no table. A handler extracts ([`JsonBody`], [`Path`], [`Query`], [`PageRequest`]), calls a use
//! case, and answers with a value or a [`Problem`]. The application puts [`standard_layers`] around all routes and
//! runs them with [`serve()`].

mod actor;
mod body_limit;
mod client;
mod cursor;
mod database;
mod docs;
mod extract;
mod health;
mod idempotent;
mod layers;
mod observe;
mod page;
mod problem;
mod rate_limit;
mod security;
mod serve;
mod shed;
mod stall;
mod time_limit;

pub use actor::{ApiRefusal, Owner, SignedInUntil, User};
pub use body_limit::{BODY_BYTES_MAX, WEBHOOK_BODY_BYTES_MAX};
pub use cursor::Cursor;
pub use docs::docs_routes;
pub use extract::{JsonBody, Path, Query};
pub use health::{Readiness, health_routes};
pub use idempotent::{IDEMPOTENCY_KEY, IdempotentJson};
pub use layers::standard_layers;
pub use nmc_config::{HttpConfig, HttpLimits};
pub use observe::X_CORRELATION_ID;
pub use page::{PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX, Page, PageRequest, is_storable};
pub use problem::{FieldError, Problem};
pub use rate_limit::{Limiter, RateLimits, limit_address, limit_tenant};
pub use serve::serve;
