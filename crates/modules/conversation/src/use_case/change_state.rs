//! What a person does with a conversation: take it over, give it back, end it.

use nmc_db::{DbError, Tx};
use nmc_events::conversation::{CloseReason, ConversationReleased, HumanTakeoverRequested};
use nmc_kernel::{Actor, ConversationId, UserId};

use super::close::{close as close_locked, take_back_planned};
use crate::{Conversation, ConversationRecord, ConversationState, store};

/// Doing it twice is a value, not an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It is so since now.
    Now,
    /// It was so already.
    Already,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeStateError {
    /// There is no such thing, or it is another business's.
    #[error("there is nothing of this id")]
    NotFound,
    /// The conversation has ended.
    #[error("the conversation is closed")]
    Closed,
    /// The campaign is not approved: nobody can write in it.
    #[error("the conversation waits for the campaign's approval")]
    Blocked,
    /// A statement failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// A person takes an open conversation over.
pub(crate) async fn take_over(
    conversations: &Conversation,
    actor: &Actor,
    id: ConversationId,
) -> Result<Changed, ChangeStateError> {
    let mut tx = conversations.db.begin(actor.tenant()).await?;
    let mut conversation = lock_live(&mut tx, id).await?;
    match conversation.state {
        ConversationState::Human => return Ok(Changed::Already),
        ConversationState::Blocked => return Err(ChangeStateError::Blocked),
        ConversationState::Closed => return Err(ChangeStateError::Closed),
        ConversationState::Open => {}
    }
    take_back_planned(&mut tx, &conversation, "taken-over").await?;
    conversation.change_to(ConversationState::Human);
    store::conversation::save(&mut tx, &conversation).await?;
    let requested = HumanTakeoverRequested { conversation_id: id, user_id: user_of(actor), reason: "user".to_owned() };
    tx.publish(&requested, conversation.context(None))?;
    tx.commit().await?;
    metrics::counter!(nmc_telemetry::name::HUMAN_TAKEOVER_TOTAL).increment(1);
    Ok(Changed::Now)
}

/// A person gives a conversation back.
pub(crate) async fn release(
    conversations: &Conversation,
    actor: &Actor,
    id: ConversationId,
) -> Result<Changed, ChangeStateError> {
    let mut tx = conversations.db.begin(actor.tenant()).await?;
    let mut conversation = lock_live(&mut tx, id).await?;
    if conversation.state != ConversationState::Human {
        return Ok(Changed::Already);
    }
    conversation.change_to(ConversationState::Open);
    store::conversation::save(&mut tx, &conversation).await?;
    let released = ConversationReleased { conversation_id: id, user_id: user_of(actor) };
    tx.publish(&released, conversation.context(None))?;
    tx.commit().await?;
    Ok(Changed::Now)
}

/// A person ends a conversation.
pub(crate) async fn close(
    conversations: &Conversation,
    actor: &Actor,
    id: ConversationId,
) -> Result<Changed, ChangeStateError> {
    let mut tx = conversations.db.begin(actor.tenant()).await?;
    let mut conversation = match lock_live(&mut tx, id).await {
        Err(ChangeStateError::Closed) => return Ok(Changed::Already),
        found => found?,
    };
    close_locked(&mut tx, &mut conversation, CloseReason::User, None).await?;
    tx.commit().await?;
    Ok(Changed::Now)
}

async fn lock_live(tx: &mut Tx, id: ConversationId) -> Result<ConversationRecord, ChangeStateError> {
    let found = store::conversation::lock(tx, id).await?.ok_or(ChangeStateError::NotFound)?;
    if found.is_live() { Ok(found) } else { Err(ChangeStateError::Closed) }
}

/// The person behind an actor, if it is one.
pub(crate) const fn user_of(actor: &Actor) -> Option<UserId> {
    match actor {
        Actor::User { user, .. } => Some(*user),
        Actor::System { .. } | Actor::Operator { .. } => None,
    }
}
