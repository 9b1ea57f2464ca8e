use nmc_db::{Db, DbError, Tx};
use nmc_kernel::{Actor, TenantId};
use serde_json::{Value, json};

use crate::{AuditEntry, NewTenant, SettingsError, Tenant, TenantStatus, store};

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

/// By an operator: nobody signs in to it yet.
pub(crate) async fn create_tenant(db: &Db, new: NewTenant) -> Result<TenantId, CreateTenantError> {
    new.settings.check()?;
    let id: TenantId = db.ids().next();
    let mut tx = db.begin(id).await?;
    insert_tenant(&mut tx, &Actor::Operator { tenant: id }, new).await?;
    tx.commit().await?;
    Ok(id)
}

/// Adds the transaction's tenant, which is active at once, and writes it down.
pub(crate) async fn insert_tenant(tx: &mut Tx, actor: &Actor, new: NewTenant) -> Result<Tenant, DbError> {
    let id = tx.tenant();
    let NewTenant { name, time_zone, settings } = new;
    let tenant = Tenant { id, name, time_zone, status: TenantStatus::Active, settings };
    store::tenant::insert(tx, &tenant).await?;
    let after = json!({ "time_zone": tenant.time_zone.name(), "call_mode": tenant.settings.call_mode });
    let object_id = id.as_uuid();
    let entry = AuditEntry { action: "tenant.created", object: "tenant", object_id, before: Value::Null, after };
    store::audit::append(tx, actor, &entry).await?;
    Ok(tenant)
}
