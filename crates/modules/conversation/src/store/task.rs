use nmc_db::{DbError, ReadTx, Tx};
use nmc_events::conversation::TaskDone;
use nmc_kernel::{CallId, ConversationId, TaskId, UserId};

use super::Position;
use crate::{
    Task, TaskKind,
    model::task::{AnsweredBy, NewTask},
};

/// Writes a task; `false` where it has been raised before, or where the conversation's reply is asked for already.
pub(crate) async fn insert(tx: &mut Tx, id: TaskId, new: &NewTask) -> Result<bool, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let written = sqlx::query!(
        "insert into conv_tasks (tenant_id, id, purpose_key, kind, conversation_id, call_id, caller_phone, text, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing",
        tenant.as_uuid(),
        id.as_uuid(),
        new.purpose_key,
        new.kind.as_str(),
        new.conversation_id.map(ConversationId::as_uuid),
        new.call_id.map(CallId::as_uuid),
        new.caller_phone.as_ref().map(nmc_kernel::E164::as_str),
        new.text,
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(written.rows_affected() == 1)
}

/// Tasks nobody has ticked off, the oldest first.
pub(crate) async fn open(tx: &mut ReadTx, (after, after_id): Position, limit: i64) -> Result<Vec<Task>, DbError> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Task,
        r#"select id as "id: TaskId", kind as "kind: _", conversation_id as "conversation_id: _",
                  call_id as "call_id: _", caller_phone as "caller_phone: _", text, created_at, done_at,
                  done_by as "done_by: _"
           from conv_tasks
           where tenant_id = $1 and done_at is null and (created_at, id) > ($2, $3) order by created_at, id limit $4"#,
        tenant.as_uuid(),
        after,
        after_id,
        limit
    )
    .fetch_all(tx.conn().await?)
    .await?)
}

/// Tasks that are done, the one done last first.
pub(crate) async fn done(tx: &mut ReadTx, (before, before_id): Position, limit: i64) -> Result<Vec<Task>, DbError> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Task,
        r#"select id as "id: TaskId", kind as "kind: _", conversation_id as "conversation_id: _",
                  call_id as "call_id: _", caller_phone as "caller_phone: _", text, created_at, done_at,
                  done_by as "done_by: _"
           from conv_tasks
           where tenant_id = $1 and done_at is not null and (done_at, id) < ($2, $3)
           order by done_at desc, id desc limit $4"#,
        tenant.as_uuid(),
        before,
        before_id,
        limit
    )
    .fetch_all(tx.conn().await?)
    .await?)
}

/// What ticking off needs of a task.
pub(crate) struct Ticked {
    pub(crate) id: TaskId,
    pub(crate) kind: TaskKind,
    pub(crate) conversation_id: Option<ConversationId>,
    pub(crate) call_id: Option<CallId>,
}

impl Ticked {
    /// The news of it.
    pub(crate) fn event(&self) -> TaskDone {
        TaskDone {
            task_id: self.id,
            kind: self.kind.as_str().to_owned(),
            conversation_id: self.conversation_id,
            call_id: self.call_id,
        }
    }
}

/// Ticks a task off; nothing where it does not exist or is done already.
pub(crate) async fn tick_off(tx: &mut Tx, id: TaskId, by: Option<UserId>) -> Result<Option<Ticked>, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    Ok(sqlx::query_as!(
        Ticked,
        r#"update conv_tasks set done_at = $3, done_by = $4 where tenant_id = $1 and id = $2 and done_at is null
           returning id as "id: _", kind as "kind: _", conversation_id as "conversation_id: _", call_id as "call_id: _""#,
        tenant.as_uuid(),
        id.as_uuid(),
        now,
        by.map(UserId::as_uuid)
    )
    .fetch_optional(tx.conn().await?)
    .await?)
}

/// Ticks off what asks for an answer to the caller of a conversation, which is locked. An automatic answer leaves what
/// the automation itself has asked a person for.
pub(crate) async fn answer_all(
    tx: &mut Tx,
    conversation: ConversationId,
    by: AnsweredBy,
) -> Result<Vec<Ticked>, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let (by, is_person) = match by {
        AnsweredBy::Person(user) => (user, true),
        AnsweredBy::Automation => (None, false),
    };
    Ok(sqlx::query_as!(
        Ticked,
        r#"update conv_tasks set done_at = $3, done_by = $4
           where tenant_id = $1 and conversation_id = $2 and done_at is null
             and (kind = 'unanswered' or (kind = 'reply' and ($5 or purpose_key like 'reply:%')))
           returning id as "id: _", kind as "kind: _", conversation_id as "conversation_id: _", call_id as "call_id: _""#,
        tenant.as_uuid(),
        conversation.as_uuid(),
        now,
        by.map(UserId::as_uuid),
        is_person
    )
    .fetch_all(tx.conn().await?)
    .await?)
}

/// A task.
pub(crate) async fn find(tx: &mut ReadTx, id: TaskId) -> Result<Option<Task>, DbError> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Task,
        r#"select id as "id: _", kind as "kind: _", conversation_id as "conversation_id: _", call_id as "call_id: _",
                  caller_phone as "caller_phone: _", text, created_at, done_at, done_by as "done_by: _"
           from conv_tasks where tenant_id = $1 and id = $2"#,
        tenant.as_uuid(),
        id.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?)
}
