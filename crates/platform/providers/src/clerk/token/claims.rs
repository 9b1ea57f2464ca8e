//! The claims of a token whose signature holds, both versions of them.
//!
//! Source: <https://clerk.com/docs/guides/sessions/session-tokens>: version 2 has the organisation in `o`, version 1 in
//! `org_id` and its siblings and has no `v`.

use chrono::{DateTime, TimeDelta, Utc};
use nmc_kernel::{Role, TenantId};
use serde::Deserialize;

use super::{Organization, TokenRejection, TokenSettings, VerifiedToken};
use crate::clerk::id::ClerkUserId;

/// How far Clerk's clock and ours may be apart; what Clerk's own libraries allow
/// (`clockSkewInMs`, <https://clerk.com/docs/reference/backend/verify-token>).
const LEEWAY: TimeDelta = TimeDelta::seconds(5);

/// A claim that stands twice is an error, one that is `null` counts as absent: a template's shortcode for something the
/// user does not have gives that (<https://clerk.com/docs/guides/sessions/jwt-templates>).
#[derive(Deserialize)]
pub(super) struct Claims {
    iss: String,
    sub: ClerkUserId,
    exp: i64,
    nbf: Option<i64>,
    iat: Option<i64>,
    azp: Option<String>,
    aud: Option<OneOrMany>,
    sts: Option<String>,
    v: Option<u64>,
    o: Option<OrganizationClaim>,
    org_id: Option<String>,
    org_role: Option<String>,
    org_slug: Option<String>,
    nmc_tenant_id: Option<TenantId>,
    nmc_role: Option<Role>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
struct OrganizationClaim {
    id: Option<String>,
    rol: Option<String>,
    slg: Option<String>,
}

impl Claims {
    pub(super) fn read(json: &[u8]) -> Result<Self, TokenRejection> {
        serde_json::from_slice(json).map_err(|_| TokenRejection::Claims)
    }

    pub(super) fn check(self, settings: &TokenSettings, now: DateTime<Utc>) -> Result<VerifiedToken, TokenRejection> {
        if self.iss != settings.issuer {
            return Err(TokenRejection::Issuer);
        }
        if !self.is_for(settings.audience.as_deref()) {
            return Err(TokenRejection::Audience);
        }
        // Clerk leaves `azp` out where the browser sent no origin.
        if self.azp.as_ref().is_some_and(|party| !settings.authorized_parties.contains(party)) {
            return Err(TokenRejection::AuthorizedParty);
        }
        let expires_at = self.check_times(now)?;
        // `pending`: a session that still owes a task, such as choosing an organisation.
        if self.sts.as_ref().is_some_and(|status| status != "active") {
            return Err(TokenRejection::Pending);
        }
        let organization = self.organization()?;
        Ok(VerifiedToken {
            subject: self.sub,
            tenant: self.nmc_tenant_id,
            role: self.nmc_role,
            organization,
            expires_at,
        })
    }

    fn is_for(&self, audience: Option<&str>) -> bool {
        let Some(wanted) = audience else { return true };
        match &self.aud {
            None => false,
            Some(OneOrMany::One(only)) => only == wanted,
            Some(OneOrMany::Many(all)) => all.iter().any(|one| one == wanted),
        }
    }

    fn check_times(&self, now: DateTime<Utc>) -> Result<DateTime<Utc>, TokenRejection> {
        let time = |seconds| DateTime::from_timestamp_secs(seconds).ok_or(TokenRejection::Claims);
        let expires_at = time(self.exp)?;
        if expires_at <= now - LEEWAY {
            return Err(TokenRejection::Expired);
        }
        for begins in [self.nbf, self.iat].into_iter().flatten() {
            if time(begins)? > now + LEEWAY {
                return Err(TokenRejection::NotYetValid);
            }
        }
        Ok(expires_at)
    }

    fn organization(&self) -> Result<Option<Organization>, TokenRejection> {
        let (id, role, slug) = match self.v {
            None | Some(1) => (&self.org_id, &self.org_role, &self.org_slug),
            Some(2) => match &self.o {
                None => return Ok(None),
                Some(o) => (&o.id, &o.rol, &o.slg),
            },
            Some(_) => return Err(TokenRejection::Version),
        };
        let role = role.as_deref().map(|role| role.strip_prefix("org:").unwrap_or(role).to_owned());
        let organization = Organization { id: id.clone(), role, slug: slug.clone() };
        let says_something = organization.id.is_some() || organization.role.is_some() || organization.slug.is_some();
        Ok(says_something.then_some(organization))
    }
}
