//! What others look at.

use nmc_db::DbError;
use nmc_kernel::{Actor, ConversationId, E164};

use crate::{Conversation, ConversationRecord, Message, Task, store};

/// More messages than any thread of 72 hours' silence has; an answer must not grow without bound.
const MAX_MESSAGES: i64 = 500;
const MAX_TASKS: i64 = 200;

pub(crate) async fn conversation_with(
    conversations: &Conversation,
    actor: &Actor,
    caller: &E164,
) -> Result<Option<ConversationRecord>, DbError> {
    let mut tx = conversations.db.read(actor.tenant()).await?;
    let found = match store::conversation::newest(&mut tx, caller).await? {
        Some(id) => store::conversation::find(&mut tx, id).await?,
        None => None,
    };
    tx.finish().await?;
    Ok(found)
}

pub(crate) async fn messages(
    conversations: &Conversation,
    actor: &Actor,
    id: ConversationId,
) -> Result<Vec<Message>, DbError> {
    let mut tx = conversations.db.read(actor.tenant()).await?;
    let messages = store::message::of_conversation(&mut tx, id, MAX_MESSAGES).await?;
    tx.finish().await?;
    Ok(messages)
}

pub(crate) async fn open_tasks(conversations: &Conversation, actor: &Actor) -> Result<Vec<Task>, DbError> {
    let mut tx = conversations.db.read(actor.tenant()).await?;
    let tasks = store::task::open(&mut tx, MAX_TASKS).await?;
    tx.finish().await?;
    Ok(tasks)
}
