//! What changes an appointment: it is held together with its resource. Where it has moved to another meanwhile, the
//! transaction begins anew, so that resources are always locked in the order of their ids.

use nmc_db::{Db, DbError, Tx};
use nmc_kernel::{Actor, AppointmentId};

use super::admit::user_of;
use crate::{
    Appointment, AppointmentStatus,
    model::appointment::ChangeKind,
    store::{
        self,
        appointment::{Change, Locked},
    },
};

/// Nobody moves one appointment more often than this while somebody else waits for it.
const ATTEMPTS_MAX: u32 = 3;

/// Why an appointment is not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// There is no such appointment.
    #[error("there is no such appointment")]
    NotFound,
    /// It is not to be kept any more: it was cancelled, completed, or the customer was not there.
    #[error("the appointment is over")]
    Over,
    /// It has not begun.
    #[error("the appointment has not begun")]
    NotBegun,
    /// Somebody else moved it at the same time.
    #[error("the appointment was moved meanwhile")]
    Moved,
    /// A statement failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Begins a transaction that holds the appointment and its resource.
pub(crate) async fn begin(db: &Db, actor: &Actor, id: AppointmentId) -> Result<(Tx, Appointment), ChangeError> {
    let mut attempt = 1;
    loop {
        let mut tx = db.begin(actor.tenant()).await?;
        match lock(&mut tx, id).await {
            Err(ChangeError::Moved) if attempt < ATTEMPTS_MAX => tx.roll_back().await?,
            locked => return Ok((tx, locked?)),
        }
        attempt += 1;
    }
}

/// Holds the appointment and its resource.
pub(crate) async fn lock(tx: &mut Tx, id: AppointmentId) -> Result<Appointment, ChangeError> {
    match store::appointment::lock(tx, id).await? {
        Locked::Here(appointment) => Ok(appointment),
        Locked::Moved => Err(ChangeError::Moved),
        Locked::Missing => Err(ChangeError::NotFound),
    }
}

/// Moves a booked appointment, which the caller holds, on to another status.
pub(crate) async fn conclude(
    tx: &mut Tx,
    actor: &Actor,
    appointment: &mut Appointment,
    status: AppointmentStatus,
    change: (ChangeKind, Option<nmc_events::scheduling::CancelledReason>),
) -> Result<(), DbError> {
    appointment.status = status;
    appointment.version += 1;
    let (what, reason) = change;
    store::appointment::save(tx, appointment, Change { what, by: user_of(actor), reason }).await
}
