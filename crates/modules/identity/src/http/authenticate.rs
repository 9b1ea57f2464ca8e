use std::time::Duration;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header::AUTHORIZATION},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use nmc_kernel::Actor;
use nmc_providers::clerk::{ClerkTokens, TokenRejection, VerifiedToken};
use nmc_web::{Problem, SignedInUntil};

use crate::Identity;

/// Clerk's keys are asked for again after a few seconds.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// What [`authenticate`] needs; cheap to clone.
#[derive(Clone, Debug)]
pub struct Authentication {
    identity: Identity,
    tokens: ClerkTokens,
}

impl Authentication {
    pub(crate) fn new(identity: Identity, tokens: ClerkTokens) -> Self {
        Self { identity, tokens }
    }

    async fn actor(&self, headers: &HeaderMap) -> Result<(Actor, SignedInUntil), Problem> {
        let token = verify(&self.tokens, headers).await?;
        let user = self.identity.signed_in(&token.subject).await?;
        let user = user.ok_or_else(|| Problem::forbidden("no_business", "You do not belong to a business yet."))?;
        if !user.is_active {
            return Err(inactive());
        }
        let actor = Actor::User { tenant: user.tenant, user: user.user, role: user.role };
        Ok((actor, SignedInUntil(token.expires_at)))
    }
}

/// Puts the [`Actor`], and until when its token holds, into the request: 401 without a token that holds, 403 for whoever has no business or was
/// deactivated there.
///
/// One round trip to the database per request (`nmc_signed_in`: route, tenant, user, role and whether active), none to
/// Clerk while its keys are known. The row decides each time: what the token claims of tenant and role grants nothing,
/// and a role that was taken away is gone with the next request.
pub async fn authenticate(State(authentication): State<Authentication>, mut request: Request, next: Next) -> Response {
    match authentication.actor(request.headers()).await {
        Ok((actor, until)) => {
            request.extensions_mut().insert(actor);
            request.extensions_mut().insert(until);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// The request's bearer token, verified.
pub(super) async fn verify(tokens: &ClerkTokens, headers: &HeaderMap) -> Result<VerifiedToken, Problem> {
    let token = bearer(headers)?;
    tokens.verify(token).await.map_err(|rejection| match rejection {
        TokenRejection::KeysUnavailable => Problem::unavailable("sign_in_unavailable", RETRY_AFTER),
        TokenRejection::Expired => Problem::unauthorized("token_expired", "The token has expired."),
        TokenRejection::Pending => Problem::unauthorized("session_pending", "Finish signing in first."),
        TokenRejection::TooLong
        | TokenRejection::Malformed
        | TokenRejection::Algorithm
        | TokenRejection::Header
        | TokenRejection::UnknownKey
        | TokenRejection::Signature
        | TokenRejection::Claims
        | TokenRejection::Version
        | TokenRejection::Issuer
        | TokenRejection::Audience
        | TokenRejection::AuthorizedParty
        | TokenRejection::NotYetValid => Problem::unauthorized("token_invalid", "The token does not hold."),
    })
}

pub(super) fn inactive() -> Problem {
    Problem::forbidden("user_inactive", "You have been deactivated by an owner of the business.")
}

/// What follows `Bearer ` in the one `Authorization` header.
fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let missing = || Problem::unauthorized("unauthenticated", "Sign in to use this.");
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let (Some(header), None) = (given.next(), given.next()) else { return Err(missing()) };
    let (scheme, token) = header.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(missing)?;
    // The scheme's case does not matter: <https://www.rfc-editor.org/rfc/rfc9110#section-11.1>.
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(missing()) }
}
