use nmc_db::DbError;
use nmc_kernel::{Actor, AppointmentId};

use super::{
    admit::user_of,
    change::{self, ChangeError},
};
use crate::{
    Appointment, Correction, DetailsError, Scheduling,
    model::appointment::ChangeKind,
    store::{self, appointment::Change},
};

/// Why nothing is corrected.
#[derive(Debug, thiserror::Error)]
pub enum CorrectError {
    /// There is no such appointment, or somebody moved it at the same time.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// A text is too long.
    #[error(transparent)]
    Details(#[from] DetailsError),
}

impl From<DbError> for CorrectError {
    fn from(error: DbError) -> Self {
        Self::Change(error.into())
    }
}

/// A person corrects what is known of the customer; nobody else is told.
pub(crate) async fn correct(
    scheduling: &Scheduling,
    actor: &Actor,
    id: AppointmentId,
    correction: &Correction,
) -> Result<Appointment, CorrectError> {
    let (mut tx, mut appointment) = change::begin(&scheduling.db, actor, id).await?;
    let details = appointment.details.clone().corrected(correction)?;
    if details != appointment.details {
        appointment.details = details;
        appointment.version += 1;
        let change = Change { what: ChangeKind::Corrected, by: user_of(actor), reason: None };
        store::appointment::save(&mut tx, &appointment, change).await?;
    }
    tx.commit().await?;
    Ok(appointment)
}
