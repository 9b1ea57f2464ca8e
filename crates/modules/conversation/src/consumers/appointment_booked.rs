use nmc_db::Tx;
use nmc_events::{Envelope, scheduling::AppointmentBooked};
use nmc_outbox::{ConsumeError, Consumer};

use crate::{Conversation, use_case::follow_up::plan_reminder::plan};

/// An appointment was booked: its customer is reminded the day before.
pub(crate) struct OnAppointmentBooked(pub(crate) Conversation);

impl Consumer for OnAppointmentBooked {
    type Event = AppointmentBooked;
    const NAME: &'static str = "conversation.set-reminder";

    async fn consume(&self, tx: &mut Tx, event: &AppointmentBooked, envelope: &Envelope) -> Result<(), ConsumeError> {
        Ok(plan(&self.0, tx, event.appointment_id, event.start, envelope.occurred_at).await?)
    }
}
