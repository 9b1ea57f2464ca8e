//! What others look at.

use chrono::{DateTime, Duration, Utc};
use nmc_db::{DbError, ReadTx};
use nmc_kernel::{Actor, ConversationId, E164};
use uuid::Uuid;

use crate::{
    Conversation, ConversationOverview, ConversationRecord, ConversationState, HumanStretch, Message, Task, store,
    store::Position,
};

/// More messages than any thread of 72 hours' silence has; an answer must not grow without bound.
const MAX_MESSAGES: i64 = 500;
const MAX_TASKS: i64 = 200;
/// A conversation that changed hands more often than this is not looked at stretch by stretch.
const MAX_STRETCHES: i64 = 100;

/// Which rows of a list: so many, after the one with this time and id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slice {
    pub(crate) after: Option<Position>,
    pub(crate) limit: i64,
}

impl Slice {
    /// Where a list begins that shows the newest first.
    fn before(&self, now: DateTime<Utc>) -> Position {
        // Clocks of several servers are not one.
        self.after.unwrap_or((now + Duration::days(1), Uuid::max()))
    }

    /// Where a list begins that shows the oldest first.
    fn after(&self) -> Position {
        self.after.unwrap_or((DateTime::UNIX_EPOCH, Uuid::nil()))
    }
}

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

pub(crate) async fn list(
    conversations: &Conversation,
    actor: &Actor,
    state: Option<ConversationState>,
    caller: Option<&E164>,
    slice: Slice,
) -> Result<Vec<ConversationOverview>, DbError> {
    let mut tx = conversations.db.read(actor.tenant()).await?;
    let from = slice.before(tx.now());
    let found = store::conversation::page(&mut tx, state, caller, from, slice.limit).await?;
    let overviews = with_newest(&mut tx, found).await?;
    tx.finish().await?;
    Ok(overviews)
}

pub(crate) async fn conversation(
    conversations: &Conversation,
    actor: &Actor,
    id: ConversationId,
) -> Result<Option<(ConversationOverview, Vec<HumanStretch>)>, DbError> {
    let mut tx = conversations.db.read(actor.tenant()).await?;
    let Some(found) = store::conversation::find(&mut tx, id).await? else { return Ok(None) };
    let stretches = store::stretch::of_conversation(&mut tx, id, MAX_STRETCHES).await?;
    let overview = with_newest(&mut tx, vec![found]).await?.pop();
    tx.finish().await?;
    Ok(overview.map(|overview| (overview, stretches)))
}

async fn with_newest(tx: &mut ReadTx, found: Vec<ConversationRecord>) -> Result<Vec<ConversationOverview>, DbError> {
    let ids: Vec<Uuid> = found.iter().map(|conversation| conversation.id.as_uuid()).collect();
    let mut newest = store::message::newest_of(tx, &ids).await?;
    let overview = |conversation: ConversationRecord| {
        let at = newest.iter().position(|message| message.conversation_id == conversation.id);
        ConversationOverview { last_message: at.map(|at| newest.swap_remove(at)), conversation }
    };
    Ok(found.into_iter().map(overview).collect())
}

/// Nothing where there is no such conversation.
pub(crate) async fn list_messages(
    conversations: &Conversation,
    actor: &Actor,
    id: ConversationId,
    slice: Slice,
) -> Result<Option<Vec<Message>>, DbError> {
    let mut tx = conversations.db.read(actor.tenant()).await?;
    if store::conversation::find(&mut tx, id).await?.is_none() {
        return Ok(None);
    }
    let from = slice.before(tx.now());
    let messages = store::message::of_conversation(&mut tx, id, from, slice.limit).await?;
    tx.finish().await?;
    Ok(Some(messages))
}

pub(crate) async fn messages(
    conversations: &Conversation,
    actor: &Actor,
    id: ConversationId,
) -> Result<Vec<Message>, DbError> {
    let newest = Slice { after: None, limit: MAX_MESSAGES };
    let mut messages = list_messages(conversations, actor, id, newest).await?.unwrap_or_default();
    messages.reverse();
    Ok(messages)
}

pub(crate) async fn list_tasks(
    conversations: &Conversation,
    actor: &Actor,
    is_done: bool,
    slice: Slice,
) -> Result<Vec<Task>, DbError> {
    let mut tx = conversations.db.read(actor.tenant()).await?;
    let tasks = if is_done {
        let from = slice.before(tx.now());
        store::task::done(&mut tx, from, slice.limit).await?
    } else {
        store::task::open(&mut tx, slice.after(), slice.limit).await?
    };
    tx.finish().await?;
    Ok(tasks)
}

pub(crate) async fn open_tasks(conversations: &Conversation, actor: &Actor) -> Result<Vec<Task>, DbError> {
    list_tasks(conversations, actor, false, Slice { after: None, limit: MAX_TASKS }).await
}
