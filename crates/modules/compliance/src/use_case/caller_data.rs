use nmc_db::{DbError, ReadTx, Tx};
use nmc_kernel::E164;

use crate::{Compliance, store::caller};

impl Compliance {
    /// Everything the module holds about a caller, as one JSON document. On the caller's transaction.
    pub async fn export_caller(&self, tx: &mut ReadTx, phone: &E164) -> Result<serde_json::Value, DbError> {
        caller::export(tx, phone).await
    }

    /// Erases what was decided about a caller; says how many rows it was. Opt-outs stay, so that they are honoured. On
    /// the caller's transaction.
    pub async fn erase_caller(&self, tx: &mut Tx, phone: &E164) -> Result<u64, DbError> {
        caller::erase(tx, phone).await
    }

    /// Whether something about a caller outlives erasure: an opt-out with its history, or the business's own list.
    pub async fn keeps_stop_of(&self, tx: &mut ReadTx, phone: &E164) -> Result<bool, DbError> {
        caller::is_stopped(tx, phone).await
    }
}
