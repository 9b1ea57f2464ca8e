use nmc_db::{DbError, Tx};
use nmc_kernel::HoldId;
use nmc_timers::{Timer, TimerError};
use uuid::Uuid;

use crate::{Hold, use_case::expire};

/// A hold's time runs out. One whose timer is late or lost blocks nothing: who needs its place clears it away.
pub(crate) struct HoldExpiry;

impl HoldExpiry {
    /// Sets the hold's end.
    pub(crate) async fn set(tx: &mut Tx, hold: &Hold) -> Result<(), DbError> {
        nmc_timers::set(tx, Self::KIND, hold.id.as_uuid(), hold.expires_at).await
    }

    /// Takes it back: the hold has ended otherwise.
    pub(crate) async fn cancel(tx: &mut Tx, hold: HoldId) -> Result<(), DbError> {
        nmc_timers::cancel(tx, Self::KIND, hold.as_uuid()).await
    }
}

impl Timer for HoldExpiry {
    const KIND: &'static str = "scheduling.hold-expiry";

    async fn fire(&self, tx: &mut Tx, ref_id: Uuid) -> Result<(), TimerError> {
        Ok(expire::expire(tx, ref_id.into()).await?)
    }
}
