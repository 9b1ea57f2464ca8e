use chrono::Duration;
use nmc_db::{DbError, Tx};
use nmc_events::conversation::CloseReason;
use nmc_timers::{Timer, TimerError};
use uuid::Uuid;

use crate::{Conversation, ConversationRecord, store, use_case::close};

/// A conversation in which nothing was said for the configured time ends.
pub(crate) struct CloseTimer(pub(crate) Conversation);

impl CloseTimer {
    /// Sets or moves the conversation's end.
    pub(crate) async fn set(
        tx: &mut Tx,
        conversation: &ConversationRecord,
        inactivity: Duration,
    ) -> Result<(), DbError> {
        let due_at = conversation.last_activity_at + inactivity;
        nmc_timers::set(tx, Self::KIND, conversation.id.as_uuid(), due_at).await
    }

    /// Takes the conversation's end back.
    pub(crate) async fn cancel(tx: &mut Tx, conversation: &ConversationRecord) -> Result<(), DbError> {
        nmc_timers::cancel(tx, Self::KIND, conversation.id.as_uuid()).await
    }
}

impl Timer for CloseTimer {
    const KIND: &'static str = "conversation.close";

    async fn fire(&self, tx: &mut Tx, ref_id: Uuid) -> Result<(), TimerError> {
        let Some(mut conversation) = store::conversation::lock(tx, ref_id.into()).await? else { return Ok(()) };
        let is_due = conversation.last_activity_at + self.0.settings.inactivity <= tx.now();
        if conversation.is_live() && is_due {
            close::close(&self.0, tx, &mut conversation, CloseReason::Inactivity, None).await?;
        }
        Ok(())
    }
}
