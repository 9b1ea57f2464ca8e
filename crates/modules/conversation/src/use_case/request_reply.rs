use nmc_db::{DbError, Tx};
use nmc_kernel::EventId;

use super::raise_task::raise_task;
use crate::{ConversationRecord, Message, TaskKind, model::task::NewTask};

/// A caller's text awaits an answer: a person is asked for it, once per stretch of texts that nobody has answered. The
/// one place that decides who answers a text. The conversation is locked.
pub(crate) async fn request_reply(
    tx: &mut Tx,
    conversation: &ConversationRecord,
    text: &Message,
    causation: Option<EventId>,
) -> Result<(), DbError> {
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
