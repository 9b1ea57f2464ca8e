//! Ending a conversation, and taking back what was planned in it.

use nmc_db::{DbError, Tx};
use nmc_events::conversation::{CloseReason, ConversationClosed};
use nmc_kernel::EventId;

use super::{send::order_key, unblock::hand_to_a_person};
use crate::{ConversationRecord, store, timers::close::CloseTimer};

/// Takes back every text of the automation that has not been claimed. The conversation is locked.
pub(crate) async fn take_back_planned(
    tx: &mut Tx,
    conversation: &ConversationRecord,
    reason: &'static str,
) -> Result<(), DbError> {
    let intents = nmc_effects::cancel_pending(tx, &order_key(conversation.id), reason).await?;
    if intents.is_empty() {
        return Ok(());
    }
    store::message::fail_of_intents(tx, &intents, reason).await
}

/// Ends a live conversation that is locked.
pub(crate) async fn close(
    tx: &mut Tx,
    conversation: &mut ConversationRecord,
    reason: CloseReason,
    causation: Option<EventId>,
) -> Result<(), DbError> {
    let word = match reason {
        CloseReason::OptOut => "opted-out",
        CloseReason::Inactivity | CloseReason::User => "conversation-closed",
    };
    take_back_planned(tx, conversation, word).await?;
    // What waited for the campaign's approval waits for nothing any more.
    let waiting = store::contact::waiting(tx, conversation.id).await?;
    hand_to_a_person(tx, conversation, &waiting, "texting was not approved in time", causation).await?;
    conversation.close(reason, tx.now());
    store::conversation::save(tx, conversation).await?;
    // A timer that fires into this finds it closed; taking it back spares the firing.
    if reason != CloseReason::Inactivity {
        CloseTimer::cancel(tx, conversation).await?;
    }
    let closed = ConversationClosed { conversation_id: conversation.id, reason };
    tx.publish(&closed, conversation.context(causation)).map(drop)
}
