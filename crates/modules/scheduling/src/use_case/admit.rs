use nmc_db::{DbError, ReadTx};
use nmc_identity::{Admission, FeatureGate};
use nmc_kernel::{Actor, UserId};

use crate::Scheduling;

/// Why a business takes no bookings. What is booked can still be called off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Barred {
    /// Its gate is closed.
    #[error("the business's gate for booking is closed")]
    Closed,
    /// It is not served.
    #[error("the business is suspended")]
    Suspended,
}

/// Asks whether the transaction's business takes bookings. One statement.
pub(crate) async fn barred(scheduling: &Scheduling, tx: &mut ReadTx) -> Result<Option<Barred>, DbError> {
    Ok(match scheduling.identity.admits(tx, FeatureGate::Booking).await? {
        Admission::Open => None,
        Admission::Closed => Some(Barred::Closed),
        Admission::Suspended => Some(Barred::Suspended),
    })
}

/// The person behind an actor, if it is one.
pub(crate) const fn user_of(actor: &Actor) -> Option<UserId> {
    match actor {
        Actor::User { user, .. } => Some(*user),
        Actor::System { .. } | Actor::Operator { .. } => None,
    }
}
