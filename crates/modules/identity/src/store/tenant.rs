use chrono_tz::Tz;
use nmc_db::{DbError, ReadTx, Tx};
use nmc_kernel::TenantId;
use sqlx::types::Json;

use crate::{SETTINGS_VERSION, Tenant, TenantName, TenantSettings, TenantStatus};

/// What a tenant's row cannot be if only this program writes it.
#[derive(Debug, thiserror::Error)]
enum Damaged {
    #[error("the stored name of the tenant is not one")]
    Name,
    #[error("the stored time zone of the tenant does not exist")]
    TimeZone,
    #[error("the stored status of the tenant is unknown")]
    Status,
    #[error("the stored settings are of version {0}, which this program does not know")]
    SettingsVersion(u16),
}

impl From<Damaged> for DbError {
    fn from(damaged: Damaged) -> Self {
        sqlx::Error::Decode(Box::new(damaged)).into()
    }
}

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

fn read(id: TenantId, name: &str, zone: &str, status: &str, settings: TenantSettings) -> Result<Tenant, Damaged> {
    if settings.version != SETTINGS_VERSION {
        return Err(Damaged::SettingsVersion(settings.version));
    }
    let status = TenantStatus::ALL.into_iter().find(|known| known.as_str() == status).ok_or(Damaged::Status)?;
    let name = TenantName::parse(name).map_err(|_| Damaged::Name)?;
    let time_zone: Tz = zone.parse().map_err(|_| Damaged::TimeZone)?;
    Ok(Tenant { id, name, time_zone, status, settings })
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

/// Replaces the settings; `false` where there is no such tenant.
pub(crate) async fn update_settings(tx: &mut Tx, settings: &TenantSettings) -> Result<bool, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let updated = sqlx::query!(
        "update id_tenants set settings = $2, updated_at = $3 where tenant_id = $1 and id = $1",
        tenant.as_uuid(),
        Json(settings) as _,
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(updated.rows_affected() == 1)
}
