use nmc_db::Tx;
use nmc_events::{Context, scheduling::CancelledReason};
use nmc_kernel::{Actor, AppointmentId};

use super::change::{self, ChangeError};
use crate::{Appointment, AppointmentStatus, Scheduling, model::appointment::ChangeKind};

/// A person calls an appointment off. Doing it twice changes nothing.
pub(crate) async fn cancel(
    scheduling: &Scheduling,
    actor: &Actor,
    id: AppointmentId,
    reason: CancelledReason,
) -> Result<Appointment, ChangeError> {
    let (mut tx, appointment) = change::begin(&scheduling.db, actor, id).await?;
    let context = appointment.context();
    let cancelled = cancelled(&mut tx, actor, appointment, reason, context).await?;
    tx.commit().await?;
    Ok(cancelled)
}

/// The same on the caller's transaction.
pub(crate) async fn cancel_in(
    tx: &mut Tx,
    actor: &Actor,
    id: AppointmentId,
    reason: CancelledReason,
    context: Context,
) -> Result<Appointment, ChangeError> {
    let appointment = change::lock(tx, id).await?;
    cancelled(tx, actor, appointment, reason, context).await
}

async fn cancelled(
    tx: &mut Tx,
    actor: &Actor,
    mut appointment: Appointment,
    reason: CancelledReason,
    context: Context,
) -> Result<Appointment, ChangeError> {
    match appointment.status {
        AppointmentStatus::Cancelled => return Ok(appointment),
        AppointmentStatus::Completed | AppointmentStatus::NoShow => return Err(ChangeError::Over),
        AppointmentStatus::Booked => {}
    }
    let what = (ChangeKind::Cancelled, Some(reason));
    change::conclude(tx, actor, &mut appointment, AppointmentStatus::Cancelled, what).await?;
    tx.publish(&appointment.cancelled(reason), context)?;
    Ok(appointment)
}
