//! How long a caller waits for the person who has the conversation.

use nmc_db::{DbError, Tx};

use super::{change_state::release_locked, raise_task::raise_task};
use crate::{
    Conversation, ConversationRecord, ConversationState, StretchEnded, TaskKind,
    model::task::{AnsweredBy, NewTask},
    store,
    timers::override_window::OverrideTimer,
};

/// The caller has written, and somebody should answer: the stretch of unanswered texts begins, unless it has begun
/// already. The conversation is locked; the caller saves it.
pub(crate) async fn text_waits(
    conversations: &Conversation,
    tx: &mut Tx,
    conversation: &mut ConversationRecord,
) -> Result<(), DbError> {
    if let Some(since) = conversation.waiting_since {
        // Of two that came at once the later may have been first to the lock.
        conversation.waiting_since = Some(since.min(tx.now()));
        return Ok(());
    }
    conversation.waiting_since = Some(tx.now());
    if conversation.state == ConversationState::Human {
        OverrideTimer::set(conversations, tx, conversation).await?;
    }
    Ok(())
}

/// The caller is answered, by a person in writing or otherwise, or by the automation: nothing waits any more, and the
/// tasks that asked for it are done. The conversation is locked; the caller saves it.
pub(crate) async fn is_answered(
    tx: &mut Tx,
    conversation: &mut ConversationRecord,
    by: AnsweredBy,
) -> Result<(), DbError> {
    if conversation.waiting_since.take().is_some() {
        OverrideTimer::cancel(tx, conversation).await?;
        store::turn::delete(tx, conversation.id).await?;
    }
    for done in store::task::answer_all(tx, conversation.id, by).await? {
        tx.publish(&done.event(), conversation.context(None))?;
    }
    Ok(())
}

/// The window is over: where the caller still waits for the person, somebody is told, once per stretch of unanswered
/// texts, and the automation takes the conversation back where the business wants that. The conversation is locked.
pub(crate) async fn is_over(
    conversations: &Conversation,
    tx: &mut Tx,
    conversation: &mut ConversationRecord,
) -> Result<(), DbError> {
    let (ConversationState::Human, Some(since)) = (conversation.state, conversation.waiting_since) else {
        return Ok(());
    };
    let task = NewTask {
        purpose_key: format!("unanswered:{}:{}", conversation.id, since.timestamp_micros()),
        kind: TaskKind::Unanswered,
        conversation_id: Some(conversation.id),
        call_id: None,
        caller_phone: Some(conversation.caller_phone.clone()),
        text: "Answer the caller, who waits in a conversation that you have taken over.".to_owned(),
    };
    raise_task(tx, &task, conversation.context(None)).await?;
    // Whom the automation has handed over it has nothing more to say to, until a person has said something.
    let is_wanted = conversations.identity.tenant(tx).await?.settings.override_release;
    if is_wanted && store::stretch::is_a_persons(tx, conversation.id).await? {
        release_locked(conversations, tx, conversation, None, StretchEnded::Unanswered).await?;
    }
    Ok(())
}
