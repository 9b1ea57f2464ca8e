use nmc_events::scheduling::{AppointmentCompleted, AppointmentNoShow};
use nmc_kernel::{Actor, AppointmentId};

use super::change::{self, ChangeError};
use crate::{Appointment, AppointmentStatus, Scheduling, model::appointment::ChangeKind};

/// What came of an appointment that was kept for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The job was done.
    Completed,
    /// The customer was not there.
    NoShow,
}

impl Outcome {
    const fn status(self) -> AppointmentStatus {
        match self {
            Self::Completed => AppointmentStatus::Completed,
            Self::NoShow => AppointmentStatus::NoShow,
        }
    }
}

/// A person says what came of an appointment. Saying it twice changes nothing.
pub(crate) async fn complete(
    scheduling: &Scheduling,
    actor: &Actor,
    id: AppointmentId,
    outcome: Outcome,
) -> Result<Appointment, ChangeError> {
    let (mut tx, mut appointment) = change::begin(&scheduling.db, actor, id).await?;
    if appointment.status == outcome.status() {
        return Ok(appointment);
    }
    if appointment.status != AppointmentStatus::Booked {
        return Err(ChangeError::Over);
    }
    if tx.now() < appointment.slot.start() {
        return Err(ChangeError::NotBegun);
    }
    let context = appointment.context();
    let what = match outcome {
        Outcome::Completed => {
            tx.publish(&AppointmentCompleted { appointment_id: id }, context)?;
            ChangeKind::Completed
        }
        Outcome::NoShow => {
            tx.publish(&AppointmentNoShow { appointment_id: id }, context)?;
            ChangeKind::NoShow
        }
    };
    change::conclude(&mut tx, actor, &mut appointment, outcome.status(), (what, None)).await?;
    tx.commit().await?;
    Ok(appointment)
}
