use nmc_db::Tx;
use nmc_timers::{Timer, TimerError};
use uuid::Uuid;

use crate::{Conversation, store, use_case::unblock};

/// A blocked conversation is looked at after the campaign's approval: one at a time, however many there are.
pub(crate) struct UnblockTimer(pub(crate) Conversation);

impl Timer for UnblockTimer {
    const KIND: &'static str = "conversation.unblock";

    async fn fire(&self, tx: &mut Tx, ref_id: Uuid) -> Result<(), TimerError> {
        if let Some(mut conversation) = store::conversation::lock(tx, ref_id.into()).await? {
            unblock::unblock(&self.0, tx, &mut conversation, None).await?;
        }
        Ok(())
    }
}
