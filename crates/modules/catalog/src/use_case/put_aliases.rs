use nmc_db::{Db, DbError};
use nmc_identity::Identity;
use nmc_kernel::{Actor, ServiceItemId};

use super::record::{may_change, record};
use crate::{Alias, ServiceItem, model::item::deduplicated, store};

/// Words for one job; every text of a caller is compared with all of them.
pub(crate) const ALIASES_MAX: usize = 50;

/// Why an item's aliases stayed as they were.
#[derive(Debug, thiserror::Error)]
pub enum AliasesError {
    /// Only owners of the business and operators may.
    #[error("only an owner of the business may change its catalog")]
    Forbidden,
    /// The business has no such item.
    #[error("there is no such service item")]
    NotFound,
    /// More than an item may have.
    #[error("a service item has at most {ALIASES_MAX} aliases")]
    TooMany,
    /// The database did not do it.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Puts the list in the place of the one that was.
pub(crate) async fn put_aliases(
    db: &Db,
    identity: &Identity,
    actor: &Actor,
    id: ServiceItemId,
    aliases: Vec<Alias>,
) -> Result<ServiceItem, AliasesError> {
    if !may_change(actor) {
        return Err(AliasesError::Forbidden);
    }
    let aliases = deduplicated(aliases);
    if aliases.len() > ALIASES_MAX {
        return Err(AliasesError::TooMany);
    }
    let mut tx = db.begin(actor.tenant()).await?;
    store::item::lock_catalog(&mut tx).await?;
    let before = store::item::find(&mut tx, id).await?.ok_or(AliasesError::NotFound)?;
    let after = ServiceItem { aliases, ..before.clone() };
    if after != before {
        store::alias::replace(&mut tx, id, &after.aliases).await?;
        record(identity, &mut tx, actor, "service-item.aliases-changed", Some(&before), &after).await?;
    }
    tx.commit().await?;
    Ok(after)
}
