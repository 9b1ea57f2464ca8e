//! Ending a conversation, and taking back what was planned in it.

use chrono::{DateTime, Utc};
use nmc_compliance::BlockReason;
use nmc_db::{DbError, Tx};
use nmc_events::conversation::{CloseReason, ConversationClosed};
use nmc_kernel::{EventId, IntentId};

use super::{send::order_key, unblock::give_up_waiting};
use crate::{
    Conversation, ConversationRecord, ConversationState, StretchEnded, store,
    timers::{close::CloseTimer, override_window::OverrideTimer},
};

/// Takes back every text of the automation that has not been claimed; what a person wrote still goes out. Says since
/// when the caller waits, where one of them was the answer. The conversation is locked.
pub(crate) async fn take_back_automatic(
    tx: &mut Tx,
    conversation: &ConversationRecord,
    reason: &'static str,
) -> Result<Option<DateTime<Utc>>, DbError> {
    let mut taken_back = Vec::new();
    for intent in store::message::waiting_automatic(tx, conversation.id).await? {
        if nmc_effects::cancel(tx, intent, reason).await? {
            taken_back.push(intent);
        }
    }
    fail(tx, &taken_back, reason).await
}

/// The same of every text, but for what the service itself must answer.
pub(crate) async fn take_back_planned(
    tx: &mut Tx,
    conversation: &ConversationRecord,
    reason: &'static str,
) -> Result<Option<DateTime<Utc>>, DbError> {
    let intents = nmc_effects::cancel_pending(tx, &order_key(conversation.id), reason).await?;
    fail(tx, &intents, reason).await
}

async fn fail(tx: &mut Tx, intents: &[IntentId], reason: &'static str) -> Result<Option<DateTime<Utc>>, DbError> {
    if intents.is_empty() {
        return Ok(None);
    }
    store::message::fail_of_intents(tx, intents, reason).await?;
    store::message::unanswered_without(tx, intents).await
}

/// Ends a live conversation that is locked, and gives back what the automation holds in it: nobody goes on with that.
pub(crate) async fn close(
    conversations: &Conversation,
    tx: &mut Tx,
    conversation: &mut ConversationRecord,
    reason: CloseReason,
    causation: Option<EventId>,
) -> Result<(), DbError> {
    match reason {
        CloseReason::OptOut => take_back_planned(tx, conversation, BlockReason::OptedOut.as_str()).await?,
        CloseReason::Inactivity | CloseReason::User => {
            take_back_automatic(tx, conversation, BlockReason::ConversationClosed.as_str()).await?
        }
    };
    store::turn::delete(tx, conversation.id).await?;
    if conversation.state == ConversationState::Human {
        store::stretch::end(tx, conversation.id, None, StretchEnded::Closed).await?;
        OverrideTimer::cancel(tx, conversation).await?;
    }
    // What waited for the campaign's approval waits for nothing any more.
    give_up_waiting(tx, conversation, causation).await?;
    conversation.close(reason, tx.now());
    store::conversation::save(tx, conversation).await?;
    // A timer that fires into this finds it closed; taking it back spares the firing.
    if reason != CloseReason::Inactivity {
        CloseTimer::cancel(tx, conversation).await?;
    }
    let closed = ConversationClosed { conversation_id: conversation.id, reason };
    tx.publish(&closed, conversation.context(causation))?;
    conversations.scheduling.release_automatic_in(tx, conversation.id).await
}
