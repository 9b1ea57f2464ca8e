use nmc_db::{DbError, Tx};
use nmc_kernel::{Actor, ConversationId, HoldId, ResourceId};

use crate::{Scheduling, model::hold::Became, store, timers::hold_expiry::HoldExpiry};

/// Why nothing was given back.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// There is no such hold.
    #[error("there is no such hold")]
    NotFound,
    /// It has become an appointment, which can be cancelled.
    #[error("the hold is booked")]
    Booked,
    /// A statement failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// A person gives a hold back. Doing it twice changes nothing.
pub(crate) async fn release(scheduling: &Scheduling, actor: &Actor, id: HoldId) -> Result<(), ReleaseError> {
    let mut tx = scheduling.db.begin(actor.tenant()).await?;
    release_in(&mut tx, id).await?;
    tx.commit().await?;
    Ok(())
}

/// The same on the caller's transaction.
pub(crate) async fn release_in(tx: &mut Tx, id: HoldId) -> Result<(), ReleaseError> {
    if store::hold::lock(tx, id).await?.is_some() && end(tx, id).await? {
        return Ok(());
    }
    match store::hold::ended(tx, id).await? {
        Some(Became::Released | Became::Expired) => Ok(()),
        Some(Became::Booked(_)) => Err(ReleaseError::Booked),
        None => Err(ReleaseError::NotFound),
    }
}

/// Gives back what the automation holds for a conversation, if it holds anything.
pub(crate) async fn release_automatic_in(tx: &mut Tx, conversation: ConversationId) -> Result<(), DbError> {
    let Some(id) = store::hold::automatic_of(tx, conversation).await? else { return Ok(()) };
    if store::hold::lock(tx, id).await?.is_some() {
        end(tx, id).await?;
    }
    Ok(())
}

/// Ends a hold without a booking; `false` where it has ended already. The caller holds its resource.
pub(crate) async fn end(tx: &mut Tx, id: HoldId) -> Result<bool, DbError> {
    let Some(hold) = store::hold::find(tx, id).await? else { return Ok(false) };
    let reason = hold.end_reason(tx.now());
    if !store::hold::end(tx, id, reason.into()).await? {
        return Ok(false);
    }
    HoldExpiry::cancel(tx, id).await?;
    tx.publish(&hold.released(reason), hold.context())?;
    Ok(true)
}

/// Ends everything that is held of a resource, which the caller holds.
pub(crate) async fn end_all_of(tx: &mut Tx, resource: ResourceId) -> Result<(), DbError> {
    for hold in store::hold::end_all(tx, resource).await? {
        HoldExpiry::cancel(tx, hold.id).await?;
        tx.publish(&hold.released(hold.end_reason(tx.now())), hold.context())?;
    }
    Ok(())
}
