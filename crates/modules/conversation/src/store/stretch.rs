use chrono::{DateTime, Utc};
use nmc_db::{DbError, ReadTx, Tx};
use nmc_kernel::{ConversationId, UserId};
use uuid::Uuid;

use crate::{HumanStretch, StretchBegan, StretchEnded};

/// A person has the conversation, which is locked, from now on.
pub(crate) async fn begin(
    tx: &mut Tx,
    conversation: ConversationId,
    by: Option<UserId>,
    because: StretchBegan,
) -> Result<(), DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let id: Uuid = tx.ids().next();
    sqlx::query!(
        "insert into conv_human_stretches (tenant_id, id, conversation_id, began_at, began_by, began_because)
         values ($1, $2, $3, $4, $5, $6)",
        tenant.as_uuid(),
        id,
        conversation.as_uuid(),
        now,
        by.map(UserId::as_uuid),
        because.as_str()
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}

/// Nobody has the conversation, which is locked, any more. Does nothing where nobody had it.
pub(crate) async fn end(
    tx: &mut Tx,
    conversation: ConversationId,
    by: Option<UserId>,
    because: StretchEnded,
) -> Result<(), DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "update conv_human_stretches set ended_at = greatest(began_at, $3), ended_by = $4, ended_because = $5
         where tenant_id = $1 and conversation_id = $2 and ended_at is null",
        tenant.as_uuid(),
        conversation.as_uuid(),
        now,
        by.map(UserId::as_uuid),
        because.as_str()
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}

/// Whether a person began the stretch that lasts, or has written in it since the automation did.
pub(crate) async fn is_a_persons(tx: &mut ReadTx, conversation: ConversationId) -> Result<bool, DbError> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select exists (select from conv_human_stretches s
                          where s.tenant_id = $1 and s.conversation_id = $2 and s.ended_at is null
                            and (s.began_because <> 'handed-over'
                                 or exists (select from conv_messages m
                                            where m.tenant_id = $1 and m.conversation_id = $2 and m.author = 'user'
                                              and m.created_at >= s.began_at))) as "is!""#,
        tenant.as_uuid(),
        conversation.as_uuid()
    )
    .fetch_one(tx.conn().await?)
    .await?)
}

/// When the first text came in after the automation handed the conversation, which is locked, over, if any did. Nothing
/// where the stretch that lasts began otherwise.
pub(crate) async fn heard_since_hand_over(
    tx: &mut Tx,
    conversation: ConversationId,
) -> Result<Option<Option<DateTime<Utc>>>, DbError> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        "select (select min(m.created_at) from conv_messages m
                 where m.tenant_id = $1 and m.conversation_id = $2 and m.direction = 'in' and m.created_at > s.began_at)
         from conv_human_stretches s
         where s.tenant_id = $1 and s.conversation_id = $2 and s.ended_at is null and s.began_because = 'handed-over'",
        tenant.as_uuid(),
        conversation.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?)
}

/// Whether a person had the conversation since the automation last wrote in it.
pub(crate) async fn is_newer_than_automation(tx: &mut ReadTx, conversation: ConversationId) -> Result<bool, DbError> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select exists (select from conv_human_stretches s
                          where s.tenant_id = $1 and s.conversation_id = $2
                            and not exists (select from conv_messages m
                                            where m.tenant_id = $1 and m.conversation_id = $2
                                              and m.author = 'automation' and m.status <> 'failed'
                                              and m.created_at > s.began_at)) as "is!""#,
        tenant.as_uuid(),
        conversation.as_uuid()
    )
    .fetch_one(tx.conn().await?)
    .await?)
}

/// A conversation's stretches, the newest first, at most `limit`.
pub(crate) async fn of_conversation(
    tx: &mut ReadTx,
    conversation: ConversationId,
    limit: i64,
) -> Result<Vec<HumanStretch>, DbError> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        HumanStretch,
        r#"select began_at, began_by as "began_by: _", began_because as "began_because: _", ended_at,
                  ended_by as "ended_by: _", ended_because as "ended_because: _"
           from conv_human_stretches where tenant_id = $1 and conversation_id = $2
           order by began_at desc, id desc limit $3"#,
        tenant.as_uuid(),
        conversation.as_uuid(),
        limit
    )
    .fetch_all(tx.conn().await?)
    .await?)
}
