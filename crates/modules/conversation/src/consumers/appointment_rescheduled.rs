use nmc_db::Tx;
use nmc_events::{Envelope, scheduling::AppointmentRescheduled};
use nmc_outbox::{ConsumeError, Consumer};

use crate::{Conversation, use_case::follow_up::plan_reminder::plan};

/// An appointment has moved, and the reminder of it as well.
pub(crate) struct OnAppointmentRescheduled(pub(crate) Conversation);

impl Consumer for OnAppointmentRescheduled {
    type Event = AppointmentRescheduled;
    const NAME: &'static str = "conversation.move-reminder";

    async fn consume(
        &self,
        tx: &mut Tx,
        event: &AppointmentRescheduled,
        envelope: &Envelope,
    ) -> Result<(), ConsumeError> {
        Ok(plan(&self.0, tx, event.appointment_id, event.new_start, envelope.occurred_at).await?)
    }
}
