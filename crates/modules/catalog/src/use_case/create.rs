use nmc_db::{Db, DbError, IdempotencyError};
use nmc_identity::Identity;
use nmc_kernel::{Actor, IdempotencyKey};

use super::record::{may_change, record};
use crate::{NewItem, ServiceItem, store};

/// The most items of a catalog, inactive ones included. What a small trade sells, and far more: every text of a caller is
/// compared with all of it.
pub const ITEMS_MAX: i64 = 500;

/// Why an item was not added.
#[derive(Debug, thiserror::Error)]
pub enum CreateItemError {
    /// Only owners of the business and operators may.
    #[error("only an owner of the business may change its catalog")]
    Forbidden,
    /// Another item of the business, perhaps an inactive one, has the name.
    #[error("another service item has this name")]
    NameTaken,
    /// The business's prices are in another currency.
    #[error("the catalog is in another currency")]
    OtherCurrency,
    /// The catalog is full.
    #[error("the catalog has {ITEMS_MAX} service items already")]
    Full,
    /// The request's key belongs to another request.
    #[error("the idempotency key belongs to another request")]
    KeyReused,
    /// The database did not do it.
    #[error(transparent)]
    Database(DbError),
}

impl From<IdempotencyError> for CreateItemError {
    fn from(error: IdempotencyError) -> Self {
        match error {
            IdempotencyError::KeyReused => Self::KeyReused,
            IdempotencyError::Database(error) => error.into(),
        }
    }
}

impl From<DbError> for CreateItemError {
    fn from(error: DbError) -> Self {
        match error.constraint() {
            Some("catalog_service_items_name") => Self::NameTaken,
            Some("catalog_service_items_one_currency") => Self::OtherCurrency,
            _ => Self::Database(error),
        }
    }
}

pub(crate) async fn create(
    db: &Db,
    identity: &Identity,
    actor: &Actor,
    new: &NewItem,
    key: Option<&IdempotencyKey>,
) -> Result<ServiceItem, CreateItemError> {
    if !may_change(actor) {
        return Err(CreateItemError::Forbidden);
    }
    let mut tx = db.begin(actor.tenant()).await?;
    if let Some(first) = tx.first_answer(actor, key).await? {
        return Ok(first);
    }
    store::item::lock_catalog(&mut tx).await?;
    if store::item::count(&mut tx).await? >= ITEMS_MAX {
        return Err(CreateItemError::Full);
    }
    let item = store::item::insert(&mut tx, new).await?;
    record(identity, &mut tx, actor, "service-item.created", None, &item).await?;
    tx.keep_answer(actor, key, &item).await?;
    tx.commit().await?;
    Ok(item)
}
