use chrono::{DateTime, TimeDelta, Utc};
use nmc_kernel::{InvitationId, Role, TenantId, UserId};
use nmc_providers::clerk::InvitationId as ClerkInvitationId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::email::Email;

/// Clerk's own time for an invitation, after which its link leads nowhere: 30 days
/// (`expires_in_days`, <https://clerk.com/docs/reference/backend/invitations/create-invitation>).
pub(crate) const OPEN_FOR: TimeDelta = TimeDelta::days(30);

const TENANT_KEY: &str = "nmc_tenant_id";
const INVITATION_KEY: &str = "nmc_invitation_id";

/// Somebody was asked to join a business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// Whom it goes to.
    pub email: Email,
    /// What they will be.
    pub role: Role,
    /// How far it is.
    pub status: InvitationStatus,
    /// A stable word for why it could not be sent.
    pub failure: Option<String>,
    /// Who asked; nobody where an operator did.
    pub invited_by: Option<UserId>,
    /// Clerk's id of it, once Clerk has it.
    pub clerk_invitation_id: Option<ClerkInvitationId>,
    /// When Clerk took it.
    pub sent_at: Option<DateTime<Utc>>,
    /// After this its link leads nowhere.
    pub expires_at: DateTime<Utc>,
    /// When they were asked.
    pub created_at: DateTime<Utc>,
}

/// How far an invitation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum InvitationStatus {
    /// Waits to be accepted.
    Open,
    /// The person has joined.
    Accepted,
    /// Taken back.
    Revoked,
    /// It could not be sent.
    Failed,
    /// Nobody came in time.
    Expired,
}

impl Invitation {
    /// Whether somebody may still join by it.
    pub fn is_open(&self, now: DateTime<Utc>) -> bool {
        self.status == InvitationStatus::Open && now < self.expires_at
    }

    /// How far it is, its time considered.
    pub fn status_at(&self, now: DateTime<Utc>) -> InvitationStatus {
        match self.status {
            InvitationStatus::Open if now >= self.expires_at => InvitationStatus::Expired,
            status => status,
        }
    }
}

/// What goes with an invitation to Clerk and becomes the user's public metadata, which only a backend with the secret
/// key can write: <https://clerk.com/docs/guides/users/extending>.
pub(crate) fn metadata(tenant: TenantId, invitation: InvitationId) -> Map<String, Value> {
    Map::from_iter([(TENANT_KEY.to_owned(), json!(tenant)), (INVITATION_KEY.to_owned(), json!(invitation))])
}

/// The invitation that metadata names; nothing where there is none.
pub(crate) fn invited_by_metadata(metadata: &Map<String, Value>) -> Option<(TenantId, InvitationId)> {
    let id = |key: &str| metadata.get(key)?.as_str();
    Some((id(TENANT_KEY)?.parse().ok()?, id(INVITATION_KEY)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use sqlx::types::Uuid;

    use super::*;

    #[test]
    fn metadata_comes_back_as_it_went() {
        let (tenant, invitation) = (TenantId::from(Uuid::from_u128(1)), InvitationId::from(Uuid::from_u128(2)));
        let told = metadata(tenant, invitation);
        assert_eq!(invited_by_metadata(&told), Some((tenant, invitation)));
        for key in [TENANT_KEY, INVITATION_KEY] {
            let mut broken = told.clone();
            broken.insert(key.to_owned(), json!(7));
            assert_eq!(invited_by_metadata(&broken), None);
            broken.remove(key);
            assert_eq!(invited_by_metadata(&broken), None);
        }
    }

    #[test]
    fn an_invitation_is_over_when_its_time_is() {
        let invitation = Invitation {
            id: InvitationId::from(Uuid::from_u128(1)),
            email: Email::parse("tech@example.com").unwrap(),
            role: Role::Tech,
            status: InvitationStatus::Open,
            failure: None,
            invited_by: None,
            clerk_invitation_id: None,
            sent_at: None,
            expires_at: DateTime::UNIX_EPOCH + OPEN_FOR,
            created_at: DateTime::UNIX_EPOCH,
        };
        let last = invitation.expires_at - TimeDelta::microseconds(1);
        assert!(invitation.is_open(last) && !invitation.is_open(invitation.expires_at));
        assert_eq!(invitation.status_at(last), InvitationStatus::Open);
        assert_eq!(invitation.status_at(invitation.expires_at), InvitationStatus::Expired);
        let revoked = Invitation { status: InvitationStatus::Revoked, ..invitation };
        assert!(!revoked.is_open(DateTime::UNIX_EPOCH));
        assert_eq!(revoked.status_at(revoked.expires_at), InvitationStatus::Revoked);
    }
}
