//! Finding the caller's conversation, or beginning one.

use nmc_db::{DbError, Tx};
use nmc_events::conversation::ConversationStarted;
use nmc_kernel::{CorrelationId, E164, EventId};

use crate::{
    Contact, Conversation, ConversationRecord, ConversationState,
    store::{self, contact::Taken},
    timers::close::CloseTimer,
};

/// Each try ends with the conversation unless it was closed or opened in the same moment.
const MAX_TRIES: usize = 4;

/// The caller's live conversation, locked; or a new open one, with `true`. Of two at once one writes it and the other
/// waits and finds it.
///
/// It is written before the gate is asked, because a conversation's lock comes before the phone's; whoever is refused
/// takes it back.
pub(crate) async fn lock_or_create(
    tx: &mut Tx,
    caller: &E164,
    business_phone: &E164,
    correlation_id: CorrelationId,
) -> Result<(ConversationRecord, bool), DbError> {
    for _ in 0..MAX_TRIES {
        if let Some(found) = store::conversation::lock_live(tx, caller).await? {
            return Ok((found, false));
        }
        let new = begun(tx, caller, business_phone, correlation_id);
        if store::conversation::insert(tx, &new).await? {
            return Ok((new, true));
        }
    }
    Err(DbError::Collision(sqlx::Error::RowNotFound))
}

/// The same for a contact that is written down first; nothing where it has been heard of before.
pub(crate) async fn take_contact(
    tx: &mut Tx,
    contact: &Contact,
    caller: &E164,
    correlation_id: CorrelationId,
) -> Result<Option<(ConversationRecord, bool)>, DbError> {
    let new = begun(tx, caller, &contact.business_phone, correlation_id);
    Ok(match store::contact::take(tx, contact, caller, &new).await? {
        Taken::Known => None,
        Taken::Live(found) => Some((found, false)),
        Taken::Begun => Some((new, true)),
        Taken::Missed => Some(lock_or_create(tx, caller, &contact.business_phone, correlation_id).await?),
    })
}

fn begun(tx: &Tx, caller: &E164, business_phone: &E164, correlation_id: CorrelationId) -> ConversationRecord {
    let now = tx.now();
    ConversationRecord {
        id: tx.ids().next(),
        caller_phone: caller.clone(),
        business_phone: business_phone.clone(),
        state: ConversationState::Open,
        epoch: 0,
        correlation_id,
        opened_at: now,
        last_activity_at: now,
        waiting_since: None,
        closed_at: None,
        closed_reason: None,
    }
}

/// Something was said or tried: writes the conversation as it is now and moves the time at which it is closed.
pub(crate) async fn touch(
    conversations: &Conversation,
    tx: &mut Tx,
    conversation: &mut ConversationRecord,
    business_phone: &E164,
) -> Result<(), DbError> {
    conversation.last_activity_at = tx.now();
    conversation.business_phone = business_phone.clone();
    store::conversation::save(tx, conversation).await?;
    CloseTimer::set(tx, conversation, conversations.settings.inactivity).await
}

/// Tells the others of a conversation that has begun.
pub(crate) fn publish_started(
    tx: &mut Tx,
    conversation: &ConversationRecord,
    causation: Option<EventId>,
) -> Result<(), DbError> {
    let started =
        ConversationStarted { conversation_id: conversation.id, caller_phone: conversation.caller_phone.clone() };
    tx.publish(&started, conversation.context(causation)).map(drop)
}
