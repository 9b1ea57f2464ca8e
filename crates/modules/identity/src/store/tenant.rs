use chrono_tz::Tz;
use nmc_db::{DbError, ReadTx, Tx};
use nmc_kernel::TenantId;
use sqlx::types::Json;

use super::Damaged;
use crate::{FeatureGate, SETTINGS_VERSION, Tenant, TenantName, TenantSettings, TenantStatus};

/// The transaction's tenant.
pub(crate) async fn find(tx: &mut ReadTx) -> Result<Tenant, DbError> {
    let id = tx.tenant();
    let row = sqlx::query!(
        r#"
        select name, time_zone, status, settings as "settings: Json<TenantSettings>"
        from id_tenants where tenant_id = $1 and id = $1
        "#,
        id.as_uuid()
    )
    .fetch_one(tx.conn().await?)
    .await?;
    read(id, &row.name, &row.time_zone, &row.status, row.settings.0).map_err(DbError::from)
}

/// The transaction's tenant, and whether a gate is open to it.
pub(crate) async fn find_with_gate(tx: &mut ReadTx, gate: FeatureGate) -> Result<(Tenant, bool), DbError> {
    let id = tx.tenant();
    let row = sqlx::query!(
        r#"
        select t.name, t.time_zone, t.status, t.settings as "settings: Json<TenantSettings>",
               coalesce(g.enabled, true) as "is_open!"
        from id_tenants t left join id_feature_gates g on g.tenant_id = $1 and g.gate = $2
        where t.tenant_id = $1 and t.id = $1
        "#,
        id.as_uuid(),
        gate as FeatureGate
    )
    .fetch_one(tx.conn().await?)
    .await?;
    let tenant = read(id, &row.name, &row.time_zone, &row.status, row.settings.0)?;
    Ok((tenant, row.is_open))
}

fn read(id: TenantId, name: &str, zone: &str, status: &str, settings: TenantSettings) -> Result<Tenant, Damaged> {
    if settings.version != SETTINGS_VERSION {
        return Err(Damaged::SettingsVersion(settings.version));
    }
    let status = TenantStatus::ALL.into_iter().find(|known| known.as_str() == status).ok_or(Damaged::Status)?;
    let name = TenantName::parse(name).map_err(|_| Damaged::Name)?;
    let time_zone: Tz = zone.parse().map_err(|_| Damaged::TimeZone)?;
    Ok(Tenant { id, name, time_zone, status, settings })
}

/// Holds the transaction's tenant to its end; `false` where there is none. Whoever changes the business, or what one of
/// its people may do, holds it: so the last owner is counted by one at a time.
pub(crate) async fn lock(tx: &mut Tx) -> Result<bool, DbError> {
    let tenant = tx.tenant();
    let locked =
        sqlx::query!("select id from id_tenants where tenant_id = $1 and id = $1 for no key update", tenant.as_uuid())
            .fetch_optional(tx.conn().await?)
            .await?;
    Ok(locked.is_some())
}

/// Adds a tenant's row.
pub(crate) async fn insert(tx: &mut Tx, tenant: &Tenant) -> Result<(), DbError> {
    let now = tx.now();
    sqlx::query!(
        "insert into id_tenants (tenant_id, id, name, time_zone, settings, status, created_at, updated_at)
         values ($1, $1, $2, $3, $4, $5, $6, $6)",
        tenant.id.as_uuid(),
        tenant.name.as_str(),
        tenant.time_zone.name(),
        Json(&tenant.settings) as _,
        tenant.status.as_str(),
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}

/// Stores what can change of a tenant. The caller holds it.
pub(crate) async fn update(tx: &mut Tx, tenant: &Tenant) -> Result<(), DbError> {
    let now = tx.now();
    sqlx::query!(
        "update id_tenants set name = $2, time_zone = $3, settings = $4, status = $5, updated_at = $6
         where tenant_id = $1 and id = $1",
        tenant.id.as_uuid(),
        tenant.name.as_str(),
        tenant.time_zone.name(),
        Json(&tenant.settings) as _,
        tenant.status.as_str(),
        now
    )
    .execute(tx.conn().await?)
    .await?;
    tx.forget::<Tenant>();
    Ok(())
}
