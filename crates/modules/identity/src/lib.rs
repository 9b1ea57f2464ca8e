//! Who the businesses are, who works in them, and how each wants to be served.
//!
//! Owns: tenants, their names, time zones and settings; users, their roles and what they want to hear; invitations;
//! feature gates; the log of who changed what (`id_` tables). Never: what may be sent to whom (Compliance), anything
//! about a caller, or a password: people sign in at Clerk, and what a token claims grants nothing, because the local row
//! decides. It publishes nothing and hears nothing of the outbox; it hears Clerk's webhooks. Others read a tenant and
//! write the log through [`Identity`] on the transaction they have open.
//!
//! Lock order: the business, then an invitation or a user, then intents, then the log.

mod effects;
mod http;
mod identity;
mod model;
mod store;
mod use_case;

pub use effects::{InvitationRequest, RevokeClerkInvitation, SendClerkInvitation};
pub use http::{Authentication, authenticate};
pub use identity::Identity;
pub use model::{
    audit::AuditEntry,
    change::{QuietHoursChange, SettingsChange, TenantChange},
    email::{Email, EmailError},
    gate::{Admission, FeatureGate, GateState},
    hours::{OpenWindow, OpeningHours, QuietHours},
    invitation::{Invitation, InvitationStatus},
    notifications::{Channels, NotificationPreferences, NotificationsChange},
    settings::{CallMode, Language, SETTINGS_VERSION, SettingsError, TenantSettings},
    tenant::{NameError, NewTenant, Tenant, TenantName, TenantStatus},
    user::{LastOwner, Person, User, UserChange},
};
pub use use_case::{
    add_user::{AddUserError, AddedUser},
    change_tenant::ChangeTenantError,
    change_user::ChangeUserError,
    create_tenant::CreateTenantError,
    hear_from_clerk::Heard,
    invite::{InviteError, Invited},
    me::Me,
    revoke_invitation::RevokeError,
    sign_up::{SignUp, SignUpError, SignedUp},
    verify_audit::{AuditChain, Broken},
};
