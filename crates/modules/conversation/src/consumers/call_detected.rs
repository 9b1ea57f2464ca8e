use nmc_db::Tx;
use nmc_events::{Envelope, telephony::CallDetected};
use nmc_outbox::{ConsumeError, Consumer};

use crate::{Conversation, use_case::answer_call::answer_call};

/// A missed call is answered. A call is known by its id, so hearing of it again does nothing.
pub(crate) struct OnCallDetected(pub(crate) Conversation);

impl Consumer for OnCallDetected {
    type Event = CallDetected;
    const NAME: &'static str = "conversation.answer-call";

    async fn consume(&self, tx: &mut Tx, event: &CallDetected, envelope: &Envelope) -> Result<(), ConsumeError> {
        Ok(answer_call(&self.0, tx, event, envelope).await?)
    }
}
