use nmc_db::{DbError, Tx};
use nmc_timers::{Timer, TimerError};
use uuid::Uuid;

use crate::{Conversation, ConversationRecord, store, use_case::override_window};

/// A caller's text waits in a conversation that a person has, and the window in which the person should answer is over.
pub(crate) struct OverrideTimer(pub(crate) Conversation);

impl OverrideTimer {
    /// The window begins now.
    pub(crate) async fn set(
        conversations: &Conversation,
        tx: &mut Tx,
        conversation: &ConversationRecord,
    ) -> Result<(), DbError> {
        let due_at = tx.now() + conversations.settings.override_window;
        nmc_timers::set(tx, Self::KIND, conversation.id.as_uuid(), due_at).await
    }

    /// Somebody has answered, or nobody need any more.
    pub(crate) async fn cancel(tx: &mut Tx, conversation: &ConversationRecord) -> Result<(), DbError> {
        nmc_timers::cancel(tx, Self::KIND, conversation.id.as_uuid()).await
    }
}

impl Timer for OverrideTimer {
    const KIND: &'static str = "conversation.override-window";

    async fn fire(&self, tx: &mut Tx, ref_id: Uuid) -> Result<(), TimerError> {
        if let Some(mut conversation) = store::conversation::lock(tx, ref_id.into()).await? {
            override_window::is_over(&self.0, tx, &mut conversation).await?;
        }
        Ok(())
    }
}
