//! What a person does with a conversation: take it over, give it back, end it.

use nmc_compliance::BlockReason;
use nmc_db::{DbError, Tx};
use nmc_events::conversation::{CloseReason, ConversationReleased, HumanTakeoverRequested};
use nmc_kernel::{Actor, ConversationId, UserId};
use serde_json::json;

use super::{
    audit::audit,
    close::{close as close_locked, take_back_automatic},
    override_window::is_answered,
    request_reply::{answer_what_waits, ask_a_person_instead},
};
use crate::{
    Conversation, ConversationRecord, ConversationState, StretchBegan, StretchEnded, model::task::AnsweredBy, store,
    timers::override_window::OverrideTimer,
};

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

/// A person takes a conversation over: an open one, or one that the automation has handed over and no person has done
/// anything in yet.
pub(crate) async fn take_over(
    conversations: &Conversation,
    actor: &Actor,
    id: ConversationId,
) -> Result<Changed, ChangeStateError> {
    let mut tx = conversations.db.begin(actor.tenant()).await?;
    let mut conversation = lock_live(&mut tx, id).await?;
    let is_taken_up = take_up(&mut tx, &mut conversation).await?;
    match conversation.state {
        ConversationState::Human if is_taken_up => {
            let before = ConversationState::Human;
            audit_state(conversations, &mut tx, actor, "conversation.taken-over", &conversation, before).await?;
        }
        ConversationState::Human => return Ok(Changed::Already),
        ConversationState::Blocked => return Err(ChangeStateError::Blocked),
        ConversationState::Closed => return Err(ChangeStateError::Closed),
        ConversationState::Open => {
            take_over_locked(conversations, &mut tx, actor, &mut conversation, StretchBegan::TakenOver).await?;
        }
    }
    store::conversation::save(&mut tx, &conversation).await?;
    tx.commit().await?;
    metrics::counter!(nmc_telemetry::name::HUMAN_TAKEOVER_TOTAL).increment(1);
    Ok(Changed::Now)
}

/// The automation falls silent in an open conversation that is locked, and what it had planned never leaves. What it
/// holds stays held until its time is over: a person who steps in books just that for the caller. The caller saves it.
pub(crate) async fn take_over_locked(
    conversations: &Conversation,
    tx: &mut Tx,
    actor: &Actor,
    conversation: &mut ConversationRecord,
    because: StretchBegan,
) -> Result<(), DbError> {
    let before = conversation.state;
    silence(tx, conversation).await?;
    if because == StretchBegan::TakenOver {
        ask_a_person_instead(tx, conversation, None).await?;
    }
    is_a_persons(conversations, tx, conversation, user_of(actor), because).await?;
    audit_state(conversations, tx, actor, "conversation.taken-over", conversation, before).await
}

/// The first that a person does in a conversation that the automation has handed over, and that is locked: what was
/// still to be said before that never leaves. Says whether it was the first. The caller saves it.
pub(crate) async fn take_up(tx: &mut Tx, conversation: &mut ConversationRecord) -> Result<bool, DbError> {
    let is_first = conversation.state == ConversationState::Human && store::turn::has_spoken(tx, conversation).await?;
    if is_first {
        silence(tx, conversation).await?;
    }
    Ok(is_first)
}

/// What the automation has planned never leaves. The conversation is locked; the caller saves it.
async fn silence(tx: &mut Tx, conversation: &mut ConversationRecord) -> Result<(), DbError> {
    let unsaid = take_back_automatic(tx, conversation, BlockReason::TakenOver.as_str()).await?;
    // Whose answer was taken back waits as before.
    conversation.waiting_since = [conversation.waiting_since, unsaid].into_iter().flatten().min();
    conversation.change_to(ConversationState::Human);
    Ok(())
}

/// The automation gives an open conversation that is locked to a person. What it has planned still goes out; what it
/// holds it gives back, because nobody has said to go on with that. The caller saves it.
pub(crate) async fn hand_over_locked(
    conversations: &Conversation,
    tx: &mut Tx,
    conversation: &mut ConversationRecord,
) -> Result<(), DbError> {
    conversation.hand_over();
    is_a_persons(conversations, tx, conversation, None, StretchBegan::HandedOver).await?;
    conversations.scheduling.release_automatic_in(tx, conversation.id).await
}

/// The automation is silent from now on, and whoever waits waits for a person.
async fn is_a_persons(
    conversations: &Conversation,
    tx: &mut Tx,
    conversation: &ConversationRecord,
    user: Option<UserId>,
    because: StretchBegan,
) -> Result<(), DbError> {
    store::turn::delete(tx, conversation.id).await?;
    store::stretch::begin(tx, conversation.id, user, because).await?;
    if conversation.waiting_since.is_some() {
        OverrideTimer::set(conversations, tx, conversation).await?;
    }
    let requested =
        HumanTakeoverRequested { conversation_id: conversation.id, user_id: user, reason: because.as_str().to_owned() };
    tx.publish(&requested, conversation.context(None)).map(drop)
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
    OverrideTimer::cancel(&mut tx, &conversation).await?;
    // What the automation handed over is the person's: it would only be handed over again.
    if let Some(newer) = store::stretch::heard_since_hand_over(&mut tx, id).await? {
        match newer {
            Some(first) => conversation.waiting_since = conversation.waiting_since.map(|since| since.max(first)),
            None => is_answered(&mut tx, &mut conversation, AnsweredBy::Person(user_of(actor))).await?,
        }
    }
    release_locked(conversations, &mut tx, &mut conversation, user_of(actor), StretchEnded::Released).await?;
    audit_state(conversations, &mut tx, actor, "conversation.released", &conversation, ConversationState::Human)
        .await?;
    tx.commit().await?;
    Ok(Changed::Now)
}

/// The automation answers again in a conversation that is locked and that a person had. It begins anew, so that nothing
/// is held from before.
pub(crate) async fn release_locked(
    conversations: &Conversation,
    tx: &mut Tx,
    conversation: &mut ConversationRecord,
    user: Option<UserId>,
    because: StretchEnded,
) -> Result<(), DbError> {
    conversation.change_to(ConversationState::Open);
    store::conversation::save(tx, conversation).await?;
    store::stretch::end(tx, conversation.id, user, because).await?;
    answer_what_waits(tx, conversation).await?;
    let released = ConversationReleased { conversation_id: conversation.id, user_id: user };
    tx.publish(&released, conversation.context(None))?;
    conversations.scheduling.release_automatic_in(tx, conversation.id).await
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
    let before = conversation.state;
    store::stretch::end(&mut tx, id, user_of(actor), StretchEnded::Closed).await?;
    close_locked(conversations, &mut tx, &mut conversation, CloseReason::User, None).await?;
    audit_state(conversations, &mut tx, actor, "conversation.closed", &conversation, before).await?;
    tx.commit().await?;
    Ok(Changed::Now)
}

/// Who answers the caller, before and after.
async fn audit_state(
    conversations: &Conversation,
    tx: &mut Tx,
    actor: &Actor,
    action: &'static str,
    conversation: &ConversationRecord,
    before: ConversationState,
) -> Result<(), DbError> {
    let state = |state: ConversationState| json!({ "state": state.as_str() });
    let what = (action, "conversation", conversation.id.as_uuid());
    audit(conversations, tx, actor, what, &state(before), &state(conversation.state)).await
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
