use nmc_db::{Db, DbError};
use nmc_kernel::TenantId;

use crate::{NewTenant, SettingsError, Tenant, TenantStatus, store};

/// Why no tenant was created.
#[derive(Debug, thiserror::Error)]
pub enum CreateTenantError {
    /// The settings cannot be stored.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The database did not do it.
    #[error(transparent)]
    Database(#[from] DbError),
}

pub(crate) async fn create_tenant(db: &Db, new: NewTenant) -> Result<TenantId, CreateTenantError> {
    new.settings.check()?;
    let id: TenantId = db.ids().next();
    let tenant =
        Tenant { id, name: new.name, time_zone: new.time_zone, status: TenantStatus::Active, settings: new.settings };
    let mut tx = db.begin(id).await?;
    store::tenant::insert(&mut tx, &tenant).await?;
    tx.commit().await?;
    Ok(id)
}
