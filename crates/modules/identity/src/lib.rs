//! Who the businesses are and how each wants to be served.
//!
//! Owns: tenants, their names, time zones and settings (`id_` tables). Never: what may be sent to whom (Compliance),
//! or anything about a caller. It publishes nothing and hears nothing; others read a tenant through [`Identity`] on the
//! transaction they have open.

mod identity;
mod model;
mod store;
mod use_case;

pub use identity::Identity;
pub use model::{
    audit::AuditEntry,
    settings::{CallMode, QuietHours, SETTINGS_VERSION, SettingsError, TenantSettings},
    tenant::{NameError, NewTenant, Tenant, TenantName, TenantStatus},
};
pub use use_case::{
    create_tenant::CreateTenantError,
    update_settings::UpdateSettingsError,
    verify_audit::{AuditChain, Broken},
};
