use nmc_db::{DbError, ReadTx};
use nmc_kernel::ServiceItemId;

use crate::{Quote, store};

/// Why there is no price.
#[derive(Debug, thiserror::Error)]
pub enum QuoteError {
    /// The business has no such item.
    #[error("there is no such service item")]
    Unknown,
    /// It is not sold any more.
    #[error("the service item is not active")]
    Inactive,
    /// The database did not do it.
    #[error(transparent)]
    Database(#[from] DbError),
}

pub(crate) async fn quote(tx: &mut ReadTx, id: ServiceItemId) -> Result<Quote, QuoteError> {
    let (quote, is_active) = store::item::quote(tx, id).await?.ok_or(QuoteError::Unknown)?;
    if is_active { Ok(quote) } else { Err(QuoteError::Inactive) }
}
