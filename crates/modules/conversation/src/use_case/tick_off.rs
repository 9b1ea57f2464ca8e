use nmc_events::Context;
use nmc_kernel::{Actor, TaskId};
use serde_json::json;

use super::{
    audit::audit,
    change_state::{ChangeStateError, Changed, take_up, user_of},
    override_window::is_answered,
};
use crate::{Conversation, ConversationState, TaskKind, model::task::AnsweredBy, store};

/// Somebody has done a task. What asked for an answer to a caller is done together: the caller waits no more.
pub(crate) async fn tick_off(
    conversations: &Conversation,
    actor: &Actor,
    id: TaskId,
) -> Result<Changed, ChangeStateError> {
    let mut tx = conversations.db.begin(actor.tenant()).await?;
    let task = store::task::find(&mut tx, id).await?.ok_or(ChangeStateError::NotFound)?;
    let mut conversation = match task.conversation_id {
        Some(conversation) => store::conversation::lock(&mut tx, conversation).await?,
        None => None,
    };
    let user = user_of(actor);
    let Some(done) = store::task::tick_off(&mut tx, id, user).await? else { return Ok(Changed::Already) };
    let correlation = conversation.as_ref().map_or_else(|| tx.ids().next(), |about| about.correlation_id);
    tx.publish(&done.event(), Context { correlation, causation: None })?;
    if let Some(about) = &mut conversation
        && answers(task.kind, about.state)
    {
        take_up(&mut tx, about).await?;
        is_answered(&mut tx, about, AnsweredBy::Person(user)).await?;
        store::conversation::save(&mut tx, about).await?;
    }
    audit(conversations, &mut tx, actor, ("task.done", "task", id.as_uuid()), &json!({}), &json!({})).await?;
    tx.commit().await?;
    Ok(Changed::Now)
}

/// Whether who has done such a task has answered the caller: on the phone as well, where a person has the conversation.
const fn answers(kind: TaskKind, state: ConversationState) -> bool {
    match kind {
        TaskKind::Reply | TaskKind::Unanswered => true,
        TaskKind::CallBack | TaskKind::Emergency => matches!(state, ConversationState::Human),
        TaskKind::NotSent | TaskKind::Setup | TaskKind::Check => false,
    }
}
