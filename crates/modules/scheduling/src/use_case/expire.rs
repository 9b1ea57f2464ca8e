use nmc_db::{DbError, Tx};
use nmc_events::scheduling::ReleaseReason;
use nmc_kernel::{HoldId, ResourceId, Timeslot};

use crate::{model::hold::Became, store, timers::hold_expiry::HoldExpiry};

/// Clears a hold away whose time has run out; for its timer, which goes by itself: taken back here, the firing would count
/// as one that did not happen. A hold that has ended is left alone.
pub(crate) async fn expire(tx: &mut Tx, id: HoldId) -> Result<(), DbError> {
    let Some(hold) = store::hold::lock(tx, id).await? else { return Ok(()) };
    if hold.is_over(tx.now()) && store::hold::end(tx, id, Became::Expired).await? {
        tx.publish(&hold.released(ReleaseReason::Expired), hold.context())?;
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
