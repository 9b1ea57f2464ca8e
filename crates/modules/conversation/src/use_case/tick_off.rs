use nmc_events::{Context, conversation::TaskDone};
use nmc_kernel::{Actor, TaskId};

use super::change_state::{ChangeStateError, Changed, user_of};
use crate::{Conversation, store};

/// Somebody has done a task.
pub(crate) async fn tick_off(
    conversations: &Conversation,
    actor: &Actor,
    id: TaskId,
) -> Result<Changed, ChangeStateError> {
    let mut tx = conversations.db.begin(actor.tenant()).await?;
    let Some(task) = store::task::tick_off(&mut tx, id, user_of(actor)).await? else {
        return if store::task::exists(&mut tx, id).await? {
            Ok(Changed::Already)
        } else {
            Err(ChangeStateError::NotFound)
        };
    };
    let correlation = match task.conversation_id {
        Some(conversation) => store::conversation::find(&mut tx, conversation).await?.map(|c| c.correlation_id),
        None => None,
    };
    let context = Context { correlation: correlation.unwrap_or_else(|| tx.ids().next()), causation: None };
    let done = TaskDone {
        task_id: id,
        kind: task.kind.as_str().to_owned(),
        conversation_id: task.conversation_id,
        call_id: task.call_id,
    };
    tx.publish(&done, context)?;
    tx.commit().await?;
    Ok(Changed::Now)
}
