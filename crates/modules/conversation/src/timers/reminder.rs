use chrono::{DateTime, Utc};
use nmc_db::{DbError, Tx};
use nmc_kernel::AppointmentId;
use nmc_timers::{Timer, TimerError};
use uuid::Uuid;

use crate::{Conversation, use_case::follow_up::remind};

/// An appointment is on the next day. The timer's subject is the appointment, which is Scheduling's: what is known of
/// it is asked when it fires.
pub(crate) struct ReminderTimer(pub(crate) Conversation);

impl ReminderTimer {
    /// Sets or moves the reminder.
    pub(crate) async fn set(tx: &mut Tx, appointment: AppointmentId, due_at: DateTime<Utc>) -> Result<(), DbError> {
        nmc_timers::set(tx, Self::KIND, appointment.as_uuid(), due_at).await
    }

    /// Sees to it that there is a reminder that was due before now: one that waits for something goes on waiting.
    pub(crate) async fn make_up(tx: &mut Tx, appointment: AppointmentId, due_at: DateTime<Utc>) -> Result<(), DbError> {
        nmc_timers::set_unless_set(tx, Self::KIND, appointment.as_uuid(), due_at).await
    }

    /// Takes the reminder back.
    pub(crate) async fn cancel(tx: &mut Tx, appointment: AppointmentId) -> Result<(), DbError> {
        nmc_timers::cancel(tx, Self::KIND, appointment.as_uuid()).await
    }
}

impl Timer for ReminderTimer {
    const KIND: &'static str = "conversation.reminder";

    async fn fire(&self, tx: &mut Tx, ref_id: Uuid) -> Result<(), TimerError> {
        Ok(remind::remind(&self.0, tx, ref_id.into()).await?)
    }
}
