use chrono::Duration;
use nmc_db::{DbError, Tx};
use nmc_timers::{Timer, TimerError};
use uuid::Uuid;

use crate::{Conversation, ConversationRecord, ConversationState, store, use_case::unblock};

/// A blocked conversation is looked at after the campaign's approval: one at a time, however many there are. What is
/// left waiting in one that is not blocked any more is handed to a person.
pub(crate) struct UnblockTimer(pub(crate) Conversation);

/// Longer than any transaction that blocks a conversation: no statement of one may take so long.
const AFTER_COMMIT: Duration = Duration::seconds(30);

impl UnblockTimer {
    /// There is more to do than one transaction takes.
    pub(crate) async fn set(tx: &mut Tx, conversation: &ConversationRecord) -> Result<(), DbError> {
        let now = tx.now();
        nmc_timers::set(tx, Self::KIND, conversation.id.as_uuid(), now).await
    }

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
        let Some(mut conversation) = store::conversation::lock(tx, ref_id.into()).await? else { return Ok(()) };
        if conversation.state == ConversationState::Blocked {
            Ok(unblock::unblock(&self.0, tx, &mut conversation, None).await?)
        } else {
            Ok(unblock::give_up_waiting(tx, &conversation, None).await?)
        }
    }
}
