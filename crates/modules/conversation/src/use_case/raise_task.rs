use nmc_db::{DbError, Tx};
use nmc_events::{Context, conversation::TaskRaised};

use crate::{model::task::NewTask, store};

/// Raises a task unless it has been raised before.
pub(crate) async fn raise_task(tx: &mut Tx, task: &NewTask, context: Context) -> Result<(), DbError> {
    let id = tx.ids().next();
    if !store::task::insert(tx, id, task).await? {
        return Ok(());
    }
    let raised = TaskRaised {
        task_id: id,
        kind: task.kind.as_str().to_owned(),
        conversation_id: task.conversation_id,
        call_id: task.call_id,
    };
    tx.publish(&raised, context).map(drop)
}
