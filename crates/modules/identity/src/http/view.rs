//! What the API shows.

use chrono::{DateTime, Utc};
use nmc_kernel::{E164, InvitationId, Role, TenantId, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    GateState, Invitation, InvitationStatus, Me, NotificationPreferences, Tenant, TenantSettings, TenantStatus, User,
};

/// A business.
#[derive(Serialize, ToSchema)]
#[schema(as = Tenant)]
pub(super) struct TenantView {
    /// Its id.
    id: TenantId,
    /// The name its callers know it by.
    #[schema(example = "Example Plumbing")]
    name: String,
    /// Where its local times are told.
    #[schema(example = "America/New_York")]
    time_zone: String,
    /// Whether it is served.
    status: TenantStatus,
    /// How it wants to be served.
    settings: TenantSettings,
}

/// Somebody who works in the business.
#[derive(Serialize, ToSchema)]
#[schema(as = User)]
pub(super) struct UserView {
    /// Their id.
    id: UserId,
    /// Their verified address.
    #[schema(example = "owner@example.com")]
    email: String,
    /// Their own phone, where it is known.
    #[schema(value_type = Option<String>, example = "+12125550111")]
    phone: Option<E164>,
    /// What they may do.
    role: Role,
    /// Whether they may do anything.
    active: bool,
    /// Of what they want to hear.
    notifications: NotificationPreferences,
    /// When they joined.
    created_at: DateTime<Utc>,
}

/// Who is signed in, and what they have.
#[derive(Serialize, ToSchema)]
#[schema(as = Me)]
pub(super) struct MeView {
    /// The person.
    user: UserView,
    /// Their business.
    tenant: TenantView,
    /// What they may do: the person's role.
    role: Role,
    /// What the business may use.
    gates: Vec<GateState>,
}

/// Somebody was asked to join.
#[derive(Serialize, ToSchema)]
#[schema(as = Invitation)]
pub(super) struct InvitationView {
    /// Its id.
    id: InvitationId,
    /// Whom it goes to.
    #[schema(example = "tech@example.com")]
    email: String,
    /// What they will be.
    role: Role,
    /// How far it is.
    status: InvitationStatus,
    /// Why it could not be sent, where it could not: `already-registered`, `already-invited`, `refused`,
    /// `not-sent-in-time`.
    failure: Option<String>,
    /// Who asked; null where an operator did.
    invited_by: Option<UserId>,
    /// When the e-mail was handed over; null while it waits.
    sent_at: Option<DateTime<Utc>>,
    /// After this its link leads nowhere.
    expires_at: DateTime<Utc>,
    /// When they were asked.
    created_at: DateTime<Utc>,
}

impl From<Tenant> for TenantView {
    fn from(tenant: Tenant) -> Self {
        Self {
            id: tenant.id,
            name: tenant.name.into(),
            time_zone: tenant.time_zone.name().to_owned(),
            status: tenant.status,
            settings: tenant.settings,
        }
    }
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            email: user.email.into(),
            phone: user.phone,
            role: user.role,
            active: user.is_active,
            notifications: user.notifications,
            created_at: user.created_at,
        }
    }
}

impl From<Me> for MeView {
    fn from(me: Me) -> Self {
        Self { role: me.user.role, user: me.user.into(), tenant: me.tenant.into(), gates: me.gates }
    }
}

impl InvitationView {
    /// As it stands at `now`.
    pub(super) fn at(invitation: Invitation, now: DateTime<Utc>) -> Self {
        Self {
            id: invitation.id,
            status: invitation.status_at(now),
            email: invitation.email.into(),
            role: invitation.role,
            failure: invitation.failure,
            invited_by: invitation.invited_by,
            sent_at: invitation.sent_at,
            expires_at: invitation.expires_at,
            created_at: invitation.created_at,
        }
    }
}
