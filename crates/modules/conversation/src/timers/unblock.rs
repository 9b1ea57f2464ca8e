use chrono::Duration;
use nmc_db::{DbError, Tx};
use nmc_timers::{Timer, TimerError};
use uuid::Uuid;

use crate::{Conversation, ConversationRecord, store, use_case::unblock};

/// A blocked conversation is looked at after the campaign's approval: one at a time, however many there are.
pub(crate) struct UnblockTimer(pub(crate) Conversation);

/// Longer than any transaction that blocks a conversation: no statement of one may take so long.
const AFTER_COMMIT: Duration = Duration::seconds(30);

impl UnblockTimer {
    /// Looks once more after a conversation was blocked: an approval that was given between the gate's answer and this
    /// transaction's commit has not seen the conversation. Does nothing where there was none.
    pub(crate) async fn set_after_commit(tx: &mut Tx, conversation: &ConversationRecord) -> Result<(), DbError> {
        let due_at = tx.now() + AFTER_COMMIT;
        nmc_timers::set(tx, Self::KIND, conversation.id.as_uuid(), due_at).await
    }
}

impl Timer for UnblockTimer {
    const KIND: &'static str = "conversation.unblock";

    async fn fire(&self, tx: &mut Tx, ref_id: Uuid) -> Result<(), TimerError> {
        if let Some(mut conversation) = store::conversation::lock(tx, ref_id.into()).await? {
            unblock::unblock(&self.0, tx, &mut conversation, None).await?;
        }
        Ok(())
    }
}
