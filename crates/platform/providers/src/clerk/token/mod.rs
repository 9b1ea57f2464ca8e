//! A session token of Clerk's, verified: RS256 against the keys Clerk publishes, nothing the token proposes.
//!
//! The order is fixed: length, shape, header, key, signature; only then does a claim exist. Sources:
//! <https://clerk.com/docs/guides/sessions/manual-jwt-verification>,
//! <https://clerk.com/docs/guides/sessions/session-tokens>.

mod claims;
mod header;
mod jwks;
mod keys;

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use jsonwebtoken::Algorithm;
use nmc_kernel::{Clock, Role, TenantId};

use super::{client::ClientError, id::ClerkUserId};
use crate::http::{Http, parse_base_url};
use claims::Claims;
use keys::Keys;

/// The one algorithm, from this constant and never from a token's header.
const ALGORITHM: Algorithm = Algorithm::RS256;

/// A session token fits into a cookie of 4 KiB; a template may add to it. More is not looked at.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Whose tokens are accepted, and where the keys to them are.
#[derive(Clone, Debug)]
pub struct TokenSettings {
    /// The instance's Frontend API URL, exactly as `iss` has it.
    pub issuer: String,
    /// What `aud` must hold, where tokens are made for an audience.
    pub audience: Option<String>,
    /// The origins that may ask for tokens: `azp` must be one of them where it is present.
    pub authorized_parties: Vec<String>,
    /// `<issuer>/.well-known/jwks.json`.
    pub jwks_url: String,
}

/// Verifies tokens; clones share the keys.
#[derive(Clone, Debug)]
pub struct ClerkTokens {
    settings: Arc<TokenSettings>,
    keys: Keys,
    clock: Clock,
}

/// What a token that holds says. It is a claim about who signed in, not yet the right to do anything: the local row
/// decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedToken {
    /// Who signed in.
    pub subject: ClerkUserId,
    /// The claim `nmc_tenant_id`.
    pub tenant: Option<TenantId>,
    /// The claim `nmc_role`.
    pub role: Option<Role>,
    /// The organisation the session is in.
    pub organization: Option<Organization>,
    /// When the token ends.
    pub expires_at: DateTime<Utc>,
}

/// An organisation as a token tells of it; Clerk may leave out any part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// `org_...`.
    pub id: Option<String>,
    /// The role without its prefix `org:`, whichever version the token has.
    pub role: Option<String>,
    /// The name in addresses.
    pub slug: Option<String>,
}

/// Why a token was refused.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq, Hash)]
pub enum TokenRejection {
    /// More than [`MAX_TOKEN_BYTES`].
    #[error("the token is too long")]
    TooLong,
    /// Not three parts of base64url, or a part that is not the JSON it should be.
    #[error("the token is malformed")]
    Malformed,
    /// `alg` is not RS256.
    #[error("the token is signed with another algorithm")]
    Algorithm,
    /// A header that brings or names a key, asks for something to be understood, or is of another kind of token.
    #[error("the token's header asks for something it may not")]
    Header,
    /// No key of that id.
    #[error("the token's key is not known")]
    UnknownKey,
    /// The signature is not of this key over these bytes.
    #[error("the token's signature is wrong")]
    Signature,
    /// A claim is missing or of the wrong type.
    #[error("the token's claims are malformed")]
    Claims,
    /// A version of Clerk's claims that is not known here.
    #[error("the token's version is not known")]
    Version,
    /// Another instance's token.
    #[error("the token is of another issuer")]
    Issuer,
    /// Made for somebody else.
    #[error("the token is for another audience")]
    Audience,
    /// Asked for by an origin that may not.
    #[error("the token was issued to another party")]
    AuthorizedParty,
    /// Over.
    #[error("the token has expired")]
    Expired,
    /// Not begun, or issued in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// The session is not active: something is still asked of the person.
    #[error("the session is pending")]
    Pending,
    /// Nothing is known of Clerk's keys and Clerk cannot be asked: our trouble, not the caller's.
    #[error("Clerk's keys cannot be had")]
    KeysUnavailable,
}

impl TokenRejection {
    /// A stable word, for metrics and problem codes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::Algorithm => "algorithm",
            Self::Header => "header",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "signature",
            Self::Claims => "claims",
            Self::Version => "version",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::AuthorizedParty => "authorized_party",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Pending => "pending",
            Self::KeysUnavailable => "keys_unavailable",
        }
    }
}

impl ClerkTokens {
    /// Verifies against the keys at `settings.jwks_url`; fetches nothing before a token asks for it.
    pub fn new(settings: TokenSettings, clock: Clock) -> Result<Self, ClientError> {
        let url = parse_base_url(&settings.jwks_url).map_err(|_| ClientError::BaseUrl)?;
        let http = Http::new("clerk", &url, jwks::BOUNDS).map_err(ClientError::Build)?;
        Ok(Self { settings: Arc::new(settings), keys: Keys::new(http, url, clock.clone()), clock })
    }

    /// Verifies what follows `Bearer ` in the header; counts a refusal by its reason.
    pub async fn verify(&self, bearer: &str) -> Result<VerifiedToken, TokenRejection> {
        self.check(bearer).await.inspect_err(|reason| {
            metrics::counter!("auth_failures_total", "reason" => reason.as_str()).increment(1);
        })
    }

    async fn check(&self, token: &str) -> Result<VerifiedToken, TokenRejection> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenRejection::TooLong);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(TokenRejection::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(TokenRejection::Malformed)?;
        let kid = header::key_id(&decode(header)?)?;
        let payload = decode(payload)?;
        decode(signature)?;
        let key = self.keys.find(&kid).await?;
        // An error is a key or signature of the wrong form: no better than a wrong signature.
        if !jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, ALGORITHM).unwrap_or(false) {
            return Err(TokenRejection::Signature);
        }
        Claims::read(&payload)?.check(&self.settings, self.clock.now())
    }
}

/// Strict: no padding, no whitespace, no stray bits at the end, so that a token can be written in one way only.
fn decode(part: &str) -> Result<Vec<u8>, TokenRejection> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenRejection::Malformed)
}
