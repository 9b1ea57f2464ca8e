use chrono::{DateTime, Duration, Utc};
use nmc_db::{DbError, Tx};
use nmc_timers::{Timer, TimerError};
use uuid::Uuid;

use crate::{Conversation, ConversationRecord, use_case::follow_up::nudge};

/// So long somebody is silent who was asked something about a booking, before they are asked once more. Sooner it would
/// be pressing: people ask at home first, or drive. Later they have called somebody else.
pub(crate) const SILENCE: Duration = Duration::minutes(30);

/// A caller who was asked something about a booking has not answered. What has happened meanwhile is seen when it
/// fires, so that nobody who answers, takes over or closes has to take it back.
pub(crate) struct NudgeTimer(pub(crate) Conversation);

impl NudgeTimer {
    /// Sets or moves the look at whether the caller is silent.
    pub(crate) async fn set(
        tx: &mut Tx,
        conversation: &ConversationRecord,
        due_at: DateTime<Utc>,
    ) -> Result<(), DbError> {
        nmc_timers::set(tx, Self::KIND, conversation.id.as_uuid(), due_at).await
    }
}

impl Timer for NudgeTimer {
    const KIND: &'static str = "conversation.nudge";

    async fn fire(&self, tx: &mut Tx, ref_id: Uuid) -> Result<(), TimerError> {
        Ok(nudge::nudge(&self.0, tx, ref_id.into()).await?)
    }
}
