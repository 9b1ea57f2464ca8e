use nmc_db::Tx;
use nmc_events::{Envelope, compliance::OptOutRecorded};
use nmc_outbox::{ConsumeError, Consumer};

use crate::{Conversation, store, use_case::answer_keyword::close_opted_out};

/// A caller has opted out, in whatever way: the conversation ends and what was planned in it is taken back. A closed
/// conversation is not closed again, and one that began after the caller opted in again goes on.
pub(crate) struct OnOptOutRecorded(pub(crate) Conversation);

impl Consumer for OnOptOutRecorded {
    type Event = OptOutRecorded;
    const NAME: &'static str = "conversation.close-opted-out";

    async fn consume(&self, tx: &mut Tx, event: &OptOutRecorded, envelope: &Envelope) -> Result<(), ConsumeError> {
        metrics::counter!(nmc_telemetry::name::STOP_OPTOUT_TOTAL).increment(1);
        if let Some(mut live) = store::conversation::lock_live(tx, &event.phone).await? {
            close_opted_out(&self.0, tx, &mut live, envelope).await?;
        }
        Ok(())
    }
}
