//! What a follow-up depends on.

use chrono::{DateTime, Utc};
use nmc_db::{DbError, ReadTx};
use nmc_kernel::{ConversationId, MessageId};

/// What was said last in a conversation.
pub(crate) struct Last {
    /// The message.
    pub(crate) id: MessageId,
    /// Whether it is an answer of the automation that has left, as far as is known.
    pub(crate) is_answer: bool,
    /// When it was written.
    pub(crate) at: DateTime<Utc>,
    /// When it left, or arrived.
    pub(crate) heard_at: DateTime<Utc>,
}

/// The newest message, whoever wrote it.
pub(crate) async fn last(tx: &mut ReadTx, conversation: ConversationId) -> Result<Option<Last>, DbError> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Last,
        r#"select id as "id: _", created_at as at, updated_at as heard_at,
                  (author = 'automation' and purpose = 'reply' and status in ('queued', 'sent', 'delivered')) as "is_answer!"
           from conv_messages where tenant_id = $1 and conversation_id = $2 order by created_at desc, id desc limit 1"#,
        tenant.as_uuid(),
        conversation.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?)
}

/// Whether anybody has written in a conversation after `at`, resends of what was written before apart.
pub(crate) async fn was_written_since(
    tx: &mut ReadTx,
    conversation: ConversationId,
    at: DateTime<Utc>,
) -> Result<bool, DbError> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select exists (select from conv_messages
                          where tenant_id = $1 and conversation_id = $2 and created_at > $3
                            and not why ? 'resend_of') as "is!""#,
        tenant.as_uuid(),
        conversation.as_uuid(),
        at
    )
    .fetch_one(tx.conn().await?)
    .await?)
}
