use nmc_db::{Db, DbError};
use nmc_identity::Identity;
use nmc_kernel::{Actor, ServiceItemId};

use super::record::{may_change, record};
use crate::{ItemChange, ServiceItem, store};

/// Why an item stayed as it was.
#[derive(Debug, thiserror::Error)]
pub enum ChangeItemError {
    /// Only owners of the business and operators may.
    #[error("only an owner of the business may change its catalog")]
    Forbidden,
    /// The business has no such item.
    #[error("there is no such service item")]
    NotFound,
    /// Another item of the business, perhaps an inactive one, has the name.
    #[error("another service item has this name")]
    NameTaken,
    /// The business's other prices are in another currency.
    #[error("the catalog is in another currency")]
    OtherCurrency,
    /// The database did not do it.
    #[error(transparent)]
    Database(DbError),
}

impl From<DbError> for ChangeItemError {
    fn from(error: DbError) -> Self {
        match error.constraint() {
            Some("catalog_service_items_name") => Self::NameTaken,
            Some("catalog_service_items_one_currency") => Self::OtherCurrency,
            _ => Self::Database(error),
        }
    }
}

/// Changes the fields that are given. A change that changes nothing is one as well, and no news.
pub(crate) async fn change(
    db: &Db,
    identity: &Identity,
    actor: &Actor,
    id: ServiceItemId,
    change: ItemChange,
) -> Result<ServiceItem, ChangeItemError> {
    if !may_change(actor) {
        return Err(ChangeItemError::Forbidden);
    }
    let mut tx = db.begin(actor.tenant()).await?;
    store::item::lock_catalog(&mut tx).await?;
    let before = store::item::find(&mut tx, id).await?.ok_or(ChangeItemError::NotFound)?;
    let after = change.apply(&before);
    if after != before {
        store::item::update(&mut tx, &after).await?;
        record(identity, &mut tx, actor, "service-item.changed", Some(&before), &after).await?;
    }
    tx.commit().await?;
    Ok(after)
}
