use nmc_db::{Db, DbError};
use nmc_kernel::Actor;

use crate::{
    AuditEntry, SettingsError, Tenant, TenantChange, TenantSettings, TenantStatus,
    model::{change::audited, user::runs_the_business},
    store,
};

/// Why a business stayed as it was.
#[derive(Debug, thiserror::Error)]
pub enum ChangeTenantError {
    /// Only owners of the business and operators may change it.
    #[error("only an owner of the business may change it")]
    Forbidden,
    /// The settings cannot be stored.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A country was chosen that this installation does not text; which it does.
    #[error("only countries that this installation texts are expected: {}", .0.join(", "))]
    CountryNotOffered(Vec<String>),
    /// There is no such tenant.
    #[error("there is no such business")]
    NotFound,
    /// The database did not do it.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Changes the fields that are given.
pub(crate) async fn change_tenant(
    db: &Db,
    offered: &[String],
    actor: &Actor,
    change: TenantChange,
) -> Result<Tenant, ChangeTenantError> {
    store_changed(db, offered, actor, "tenant.changed", |tenant| change.apply(tenant)).await
}

/// Replaces the settings.
pub(crate) async fn update_settings(
    db: &Db,
    offered: &[String],
    actor: &Actor,
    settings: TenantSettings,
) -> Result<(), ChangeTenantError> {
    store_changed(db, offered, actor, "tenant.changed", |tenant| Tenant { settings, ..tenant.clone() }).await?;
    Ok(())
}

/// Lets the business be served, or not.
pub(crate) async fn set_status(db: &Db, actor: &Actor, status: TenantStatus) -> Result<(), ChangeTenantError> {
    if !matches!(actor, Actor::Operator { .. }) {
        return Err(ChangeTenantError::Forbidden);
    }
    let action = match status {
        TenantStatus::Active => "tenant.resumed",
        TenantStatus::Suspended => "tenant.suspended",
    };
    store_changed(db, &[], actor, action, |tenant| Tenant { status, ..tenant.clone() }).await?;
    Ok(())
}

/// `offered`: the countries that a business may choose from.
async fn store_changed(
    db: &Db,
    offered: &[String],
    actor: &Actor,
    action: &'static str,
    change: impl FnOnce(&Tenant) -> Tenant,
) -> Result<Tenant, ChangeTenantError> {
    if !runs_the_business(actor) {
        return Err(ChangeTenantError::Forbidden);
    }
    let mut tx = db.begin(actor.tenant()).await?;
    if !store::tenant::lock(&mut tx).await? {
        return Err(ChangeTenantError::NotFound);
    }
    let before = store::tenant::find(&mut tx).await?;
    let after = change(&before);
    after.settings.check()?;
    // What was chosen when the installation texted more countries is no obstacle to another change.
    let may_choose = |country: &String| offered.contains(country) || before.settings.countries.contains(country);
    if !after.settings.countries.iter().all(may_choose) {
        return Err(ChangeTenantError::CountryNotOffered(offered.to_vec()));
    }
    if after != before {
        store::tenant::update(&mut tx, &after).await?;
        let (was, is) = audited(&before, &after);
        let object_id = after.id.as_uuid();
        let entry = AuditEntry { action, object: "tenant", object_id, before: was, after: is };
        store::audit::append(&mut tx, actor, &entry).await?;
    }
    tx.commit().await?;
    Ok(after)
}
