use nmc_db::{DbError, Tx};
use nmc_events::scheduling::ReleaseReason;
use nmc_kernel::{HoldId, ResourceId, Timeslot};

use super::release;
use crate::{store, timers::hold_expiry::HoldExpiry};

/// Clears a hold away whose time has run out. One that has ended is left alone.
pub(crate) async fn expire(tx: &mut Tx, id: HoldId) -> Result<(), DbError> {
    let Some(hold) = store::hold::lock(tx, id).await? else { return Ok(()) };
    if hold.is_over(tx.now()) {
        release::end(tx, id, ReleaseReason::Expired).await?;
    }
    Ok(())
}

/// Clears away what is over and lies in the way of this range of a resource, which the caller holds: nobody waits for
/// the timer.
pub(crate) async fn end_in_the_way(tx: &mut Tx, resource: ResourceId, range: Timeslot) -> Result<(), DbError> {
    for hold in store::hold::end_over(tx, resource, range).await? {
        HoldExpiry::cancel(tx, hold.id).await?;
        tx.publish(&hold.released(ReleaseReason::Expired), hold.context())?;
    }
    Ok(())
}
