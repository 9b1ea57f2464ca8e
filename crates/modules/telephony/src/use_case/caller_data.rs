use nmc_db::{DbError, ReadTx, Tx};
use nmc_kernel::E164;

use crate::{Telephony, store::caller};

impl Telephony {
    /// Everything the module holds about a caller, as one JSON document. On the caller's transaction.
    pub async fn export_caller(&self, tx: &mut ReadTx, phone: &E164) -> Result<serde_json::Value, DbError> {
        caller::export(tx, phone).await
    }

    /// Makes a caller's calls and texts nobody's; says how many rows it was. On the caller's transaction.
    pub async fn erase_caller(&self, tx: &mut Tx, phone: &E164) -> Result<u64, DbError> {
        caller::erase(tx, phone).await
    }
}
