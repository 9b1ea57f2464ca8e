use nmc_db::Tx;
use nmc_events::{Envelope, scheduling::AppointmentCancelled};
use nmc_outbox::{ConsumeError, Consumer};

use crate::timers::reminder::ReminderTimer;

/// An appointment was called off: nobody is reminded of it. A reminder that fires into this finds it called off.
pub(crate) struct OnAppointmentCancelled;

impl Consumer for OnAppointmentCancelled {
    type Event = AppointmentCancelled;
    const NAME: &'static str = "conversation.drop-reminder";

    async fn consume(&self, tx: &mut Tx, event: &AppointmentCancelled, _: &Envelope) -> Result<(), ConsumeError> {
        Ok(ReminderTimer::cancel(tx, event.appointment_id).await?)
    }
}
