use nmc_db::{Db, DbError, ReadTx, Tx};
use nmc_kernel::{Actor, TenantId};

use crate::{
    AuditChain, AuditEntry, CreateTenantError, NewTenant, Tenant, TenantSettings, UpdateSettingsError, store,
    use_case::{create_tenant, update_settings, verify_audit},
};

/// The module's face; cheap to clone.
#[derive(Clone, Debug)]
pub struct Identity {
    db: Db,
}

impl Identity {
    /// Identity over this database.
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    /// Takes a new business on; it is active at once. Begins a transaction of its own.
    pub async fn create_tenant(&self, new: NewTenant) -> Result<TenantId, CreateTenantError> {
        create_tenant::create_tenant(&self.db, new).await
    }

    /// Replaces the settings of the actor's tenant; its owners and operators may. Begins a transaction of its own.
    pub async fn update_settings(&self, actor: &Actor, settings: TenantSettings) -> Result<(), UpdateSettingsError> {
        update_settings::update_settings(&self.db, actor, settings).await
    }

    /// The transaction's tenant. One statement. A tenant that does not exist, or whose row cannot be read, is
    /// [`DbError::Other`]: a transaction is opened for a tenant that somebody has looked up.
    pub async fn tenant(&self, tx: &mut ReadTx) -> Result<Tenant, DbError> {
        store::tenant::find(tx).await
    }

    /// Writes down what `actor` changed, with the change itself: whoever lets a person or an operator change something
    /// calls it last in the same transaction. The tenant's log is held until the transaction ends, so nothing may be
    /// locked after it. Three statements.
    pub async fn audit(&self, tx: &mut Tx, actor: &Actor, entry: &AuditEntry) -> Result<(), DbError> {
        store::audit::append(tx, actor, entry).await
    }

    /// Looks through the whole log of the actor's tenant for a row that was tampered with.
    pub async fn verify_audit(&self, actor: &Actor) -> Result<AuditChain, DbError> {
        verify_audit::verify_audit(&self.db, actor).await
    }
}
