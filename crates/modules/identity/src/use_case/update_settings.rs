use nmc_db::{Db, DbError};
use nmc_kernel::{Actor, Role};

use crate::{SettingsError, TenantSettings, store};

/// Why the settings stayed as they were.
#[derive(Debug, thiserror::Error)]
pub enum UpdateSettingsError {
    /// Only owners of the business and operators may change them.
    #[error("only an owner of the business may change its settings")]
    Forbidden,
    /// The settings cannot be stored.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// There is no such tenant.
    #[error("there is no such business")]
    NotFound,
    /// The database did not do it.
    #[error(transparent)]
    Database(#[from] DbError),
}

pub(crate) async fn update_settings(
    db: &Db,
    actor: &Actor,
    settings: TenantSettings,
) -> Result<(), UpdateSettingsError> {
    match actor {
        Actor::User { role: Role::Owner, .. } | Actor::Operator { .. } => {}
        Actor::User { role: Role::Tech, .. } | Actor::System { .. } => return Err(UpdateSettingsError::Forbidden),
    }
    settings.check()?;
    let mut tx = db.begin(actor.tenant()).await?;
    if !store::tenant::update_settings(&mut tx, &settings).await? {
        return Err(UpdateSettingsError::NotFound);
    }
    tx.commit().await?;
    Ok(())
}
