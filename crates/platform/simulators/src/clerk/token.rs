//! Session tokens as Clerk makes them: <https://clerk.com/docs/guides/sessions/session-tokens>.

use chrono::{DateTime, TimeDelta, Utc};
use nmc_kernel::{Role, TenantId};
use nmc_providers::clerk::ClerkUserId;
use serde_json::{Value, json};

/// Clerk's own: a minute.
const LIFETIME: TimeDelta = TimeDelta::seconds(60);
/// A token begins this much before it was made, for clocks that are behind.
const BACKDATED: TimeDelta = TimeDelta::seconds(10);

/// Which shape the claims have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenVersion {
    /// `org_id`, `org_role`.
    V1,
    /// `o`.
    #[default]
    V2,
}

/// A token to make. What is `None` is left out of it.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    /// Who signs in.
    pub user: ClerkUserId,
    /// The claim `nmc_tenant_id`.
    pub tenant: Option<TenantId>,
    /// The claim `nmc_role`.
    pub role: Option<Role>,
    /// The organisation's id and role, without `org:`.
    pub organization: Option<(String, String)>,
    /// Which shape.
    pub version: TokenVersion,
    /// How long it holds.
    pub lifetime: TimeDelta,
    /// The origin that asked.
    pub authorized_party: Option<String>,
    /// Whom it is for.
    pub audience: Option<String>,
}

impl TokenRequest {
    /// A token of a minute that says who signs in and no more.
    pub fn of(user: ClerkUserId) -> Self {
        Self {
            user,
            tenant: None,
            role: None,
            organization: None,
            version: TokenVersion::V2,
            lifetime: LIFETIME,
            authorized_party: None,
            audience: None,
        }
    }

    pub(super) fn claims(&self, issuer: &str, token_id: &str, now: DateTime<Utc>) -> Value {
        let mut claims = json!({
            "iss": issuer,
            "sub": self.user,
            "sid": format!("sess_{token_id}"),
            "iat": now.timestamp(),
            "nbf": (now - BACKDATED).timestamp(),
            "exp": (now + self.lifetime).timestamp(),
            "fva": [0, -1],
        });
        let optional = [
            ("azp", self.authorized_party.as_ref().map(|party| json!(party))),
            ("aud", self.audience.as_ref().map(|audience| json!(audience))),
            ("nmc_tenant_id", self.tenant.map(|tenant| json!(tenant))),
            ("nmc_role", self.role.map(|role| json!(role))),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                claims[name] = value;
            }
        }
        match self.version {
            TokenVersion::V1 => {
                if let Some((id, role)) = &self.organization {
                    claims["org_id"] = json!(id);
                    claims["org_role"] = json!(format!("org:{role}"));
                    claims["org_slug"] = json!(id.to_lowercase());
                }
            }
            TokenVersion::V2 => {
                claims["v"] = json!(2);
                claims["jti"] = json!(token_id);
                claims["pla"] = json!("u:free");
                claims["sts"] = json!("active");
                if let Some((id, role)) = &self.organization {
                    claims["o"] = json!({"id": id, "rol": role, "slg": id.to_lowercase(), "per": "", "fpm": ""});
                }
            }
        }
        claims
    }
}
