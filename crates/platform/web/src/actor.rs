//! Who sent the request, as handlers take it.

use axum::{extract::FromRequestParts, http::request::Parts};
use chrono::{DateTime, Utc};
use nmc_kernel::{Actor, Role};

use crate::Problem;

/// A signed-in person of any role: the [`Actor`] that authentication put into the request. 401 where there is none.
#[derive(Clone, Copy, Debug)]
pub struct User(pub Actor);

impl<S: Sync> FromRequestParts<S> for User {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let actor = parts.extensions.get::<Actor>().copied();
        actor.map(Self).ok_or_else(|| Problem::unauthorized("unauthenticated", "Sign in to use this."))
    }
}

/// A signed-in owner of the business. 401 where nobody is signed in, 403 for anybody else.
#[derive(Clone, Copy, Debug)]
pub struct Owner(pub Actor);

impl<S: Sync> FromRequestParts<S> for Owner {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match User::from_request_parts(parts, state).await? {
            User(actor @ Actor::User { role: Role::Owner, .. }) => Ok(Self(actor)),
            User(_) => Err(Problem::forbidden("owner_required", "Only an owner of the business may do this.")),
        }
    }
}

/// Until when the token that came with the request holds; put into the request beside the [`Actor`]. An answer that goes
/// on for longer ends then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedInUntil(pub DateTime<Utc>);

/// The refusals every signed-in route shares.
#[derive(utoipa::IntoResponses)]
pub enum ApiRefusal {
    /// No token, or one that does not hold (`unauthenticated`, or the code of what is wrong with it)
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(Problem),
    /// The person may not: `owner_required` for a technician, `user_inactive`, `no_business`
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(Problem),
    /// Too many requests of this address or business (`rate_limited`); `Retry-After` says when to try again
    #[response(status = 429, content_type = "application/problem+json")]
    TooMany(Problem),
    /// The service cannot answer now (`overloaded`, `timeout`, `database_unavailable`); try again after `Retry-After`
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(Problem),
}
