use nmc_db::Tx;
use nmc_events::{Envelope, telephony::InboundSmsReceived};
use nmc_outbox::{ConsumeError, Consumer};

use crate::{Conversation, use_case::take_text::take_text};

/// A caller's text is taken. A text is known by its id, so hearing of it again does nothing.
pub(crate) struct OnInboundSmsReceived(pub(crate) Conversation);

impl Consumer for OnInboundSmsReceived {
    type Event = InboundSmsReceived;
    const NAME: &'static str = "conversation.take-text";

    async fn consume(&self, tx: &mut Tx, event: &InboundSmsReceived, envelope: &Envelope) -> Result<(), ConsumeError> {
        Ok(take_text(&self.0, tx, event, envelope).await?)
    }
}
