use chrono::{DateTime, Utc};
use nmc_db::{DbError, Tx};
use nmc_kernel::AppointmentId;
use nmc_scheduling::AppointmentStatus;

use crate::{Conversation, model::reminder, timers::reminder::ReminderTimer};

/// An appointment was booked for `start`, or moved there, and its customer was told at `told_at`: sees to it that they
/// are reminded. What is heard of a time that is not the appointment's any more is left to the news of the next one, so
/// that the order in which they are heard does not matter.
pub(crate) async fn plan(
    conversations: &Conversation,
    tx: &mut Tx,
    id: AppointmentId,
    start: DateTime<Utc>,
    told_at: DateTime<Utc>,
) -> Result<(), DbError> {
    let appointment = conversations.scheduling.appointment(tx, id).await?;
    let booked = appointment.filter(|appointment| appointment.status == AppointmentStatus::Booked);
    let Some(appointment) = booked else { return ReminderTimer::cancel(tx, id).await };
    if appointment.slot.start() != start {
        return Ok(());
    }
    let zone = conversations.identity.tenant(tx).await?.time_zone;
    let due_at = reminder::due_at(start, zone);
    if !reminder::is_wanted(due_at, told_at) {
        ReminderTimer::cancel(tx, id).await
    } else if due_at > tx.now() {
        ReminderTimer::set(tx, id, due_at).await
    } else {
        ReminderTimer::make_up(tx, id, due_at).await
    }
}
