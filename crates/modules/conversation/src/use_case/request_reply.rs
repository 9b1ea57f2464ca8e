//! Who answers the caller.

use chrono::{DateTime, Utc};
use nmc_compliance::Purpose;
use nmc_db::{DbError, Tx};
use nmc_kernel::EventId;

use super::raise_task::raise_task;
use crate::{
    ConversationRecord, ConversationState, Message, TaskKind,
    model::{message::useful_until, task::NewTask, turn::is_too_late},
    store,
};

/// A caller's text, written at `written_at`, awaits an answer: the automation works one out, or a person is asked for
/// it, once per stretch of texts that nobody has answered. The one place that decides who answers a text. The
/// conversation is locked.
pub(crate) async fn request_reply(
    tx: &mut Tx,
    conversation: &ConversationRecord,
    text: &Message,
    written_at: DateTime<Utc>,
    causation: Option<EventId>,
) -> Result<(), DbError> {
    // One that is heard of too late is answered into a conversation that has moved on.
    let is_late = useful_until(Purpose::Reply, written_at) <= tx.now();
    if conversation.state == ConversationState::Open && !is_late {
        // Whoever writes at night does not wait for the morning, nor does the greeting that the answer has to follow.
        let introduction = store::introduction::of(tx, &conversation.caller_phone, text.id).await?;
        nmc_effects::bring_forward(tx, &introduction.planned).await?;
        return store::turn::set(tx, conversation.id).await;
    }
    let what = if text.media_count > 0 { "sent a picture" } else { "wrote" };
    let task = NewTask {
        purpose_key: format!("reply:{}", text.id),
        kind: TaskKind::Reply,
        conversation_id: Some(conversation.id),
        call_id: None,
        caller_phone: Some(conversation.caller_phone.clone()),
        text: format!("Reply to the caller, who {what}."),
    };
    raise_task(tx, &task, conversation.context(causation)).await
}

/// The automation falls silent in a conversation that is locked: whoever waits for its answer waits for a person's from
/// now on.
pub(crate) async fn ask_a_person_instead(
    tx: &mut Tx,
    conversation: &ConversationRecord,
    causation: Option<EventId>,
) -> Result<(), DbError> {
    store::turn::delete(tx, conversation.id).await?;
    let Some(since) = conversation.waiting_since else { return Ok(()) };
    let task = NewTask {
        purpose_key: format!("reply:{}:{}:{}", conversation.id, conversation.epoch, since.timestamp_micros()),
        kind: TaskKind::Reply,
        conversation_id: Some(conversation.id),
        call_id: None,
        caller_phone: Some(conversation.caller_phone.clone()),
        text: "Reply to the caller, who wrote.".to_owned(),
    };
    raise_task(tx, &task, conversation.context(causation)).await
}

/// The automation answers again in an open conversation that is locked: it begins with what the caller still waits for.
pub(crate) async fn answer_what_waits(tx: &mut Tx, conversation: &ConversationRecord) -> Result<(), DbError> {
    match conversation.waiting_since {
        // Its "tomorrow" was another day, and whoever had the conversation has seen it.
        Some(since) if is_too_late(since, tx.now()) => ask_a_person_instead(tx, conversation, None).await,
        Some(_) => store::turn::set_now(tx, conversation.id).await,
        None => Ok(()),
    }
}
