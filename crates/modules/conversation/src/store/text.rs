//! A text and its conversation, both at once.

use chrono::{DateTime, Utc};
use nmc_db::{DbError, Tx};
use nmc_kernel::{ConversationId, CorrelationId, E164, IntentId, MessageId, UserId};

use super::{conversation, message};
use crate::{ConversationRecord, ConversationState, Message};

/// The columns of both.
struct Row {
    id: ConversationId,
    caller_phone: E164,
    business_phone: E164,
    state: ConversationState,
    epoch: i32,
    correlation_id: CorrelationId,
    opened_at: DateTime<Utc>,
    last_activity_at: DateTime<Utc>,
    waiting_since: Option<DateTime<Utc>>,
    closed_at: Option<DateTime<Utc>>,
    closed_reason: Option<String>,
    message_id: MessageId,
    direction: String,
    author: String,
    author_user_id: Option<UserId>,
    purpose: Option<String>,
    body: String,
    media_count: i16,
    segments: i16,
    status: String,
    provider_message_id: Option<String>,
    client_dedup_key: Option<String>,
    intent_id: Option<IntentId>,
    error_code: Option<i32>,
    failure: Option<String>,
    why: serde_json::Value,
    answers_at: Option<DateTime<Utc>>,
    message_created_at: DateTime<Utc>,
}

impl Row {
    fn read(self) -> Result<(ConversationRecord, Message), DbError> {
        let message = message::Row {
            id: self.message_id,
            conversation_id: self.id,
            direction: self.direction,
            author: self.author,
            author_user_id: self.author_user_id,
            purpose: self.purpose,
            body: self.body,
            media_count: self.media_count,
            segments: self.segments,
            status: self.status,
            provider_message_id: self.provider_message_id,
            client_dedup_key: self.client_dedup_key,
            intent_id: self.intent_id,
            error_code: self.error_code,
            failure: self.failure,
            why: self.why,
            answers_at: self.answers_at,
            created_at: self.message_created_at,
        };
        let conversation = conversation::Row {
            id: self.id,
            caller_phone: self.caller_phone,
            business_phone: self.business_phone,
            state: self.state,
            epoch: self.epoch,
            correlation_id: self.correlation_id,
            opened_at: self.opened_at,
            last_activity_at: self.last_activity_at,
            waiting_since: self.waiting_since,
            closed_at: self.closed_at,
            closed_reason: self.closed_reason,
        };
        Ok((conversation.read()?, message.read()?))
    }
}

/// A message with its conversation, locked in the order every transaction takes them: the conversation first. The
/// message's own lock makes it be read as it is once the conversation's has been waited for.
pub(crate) async fn lock(tx: &mut Tx, id: MessageId) -> Result<Option<(ConversationRecord, Message)>, DbError> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select c.id as "id: ConversationId", c.caller_phone as "caller_phone: E164", c.business_phone as "business_phone: E164",
                  c.state as "state: ConversationState", c.epoch, c.correlation_id as "correlation_id: CorrelationId",
                  c.opened_at, c.last_activity_at, c.waiting_since, c.closed_at, c.closed_reason,
                  m.id as "message_id: MessageId", m.direction, m.author, m.author_user_id as "author_user_id: UserId",
                  m.purpose, m.body, m.media_count, m.segments, m.status, m.provider_message_id, m.client_dedup_key,
                  m.intent_id as "intent_id: IntentId", m.error_code, m.failure, m.why, m.answers_at,
                  m.created_at as message_created_at
           from conv_messages m
           join conv_conversations c on c.tenant_id = m.tenant_id and c.id = m.conversation_id
           where m.tenant_id = $1 and m.id = $2
           for no key update of c, m"#,
        tenant.as_uuid(),
        id.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    row.map(Row::read).transpose()
}

/// The same of the message that an intent sends, or that the provider knows by `provider_message_id`. The intent counts
/// first.
pub(crate) async fn lock_reported(
    tx: &mut Tx,
    intent: Option<IntentId>,
    provider_message_id: &str,
) -> Result<Option<(ConversationRecord, Message)>, DbError> {
    let tenant = tx.tenant();
    // Two look-ups by key, the second only where the first finds nothing: with `or` the planner may read all messages of
    // the business.
    let row = sqlx::query_as!(
        Row,
        r#"select c.id as "id: ConversationId", c.caller_phone as "caller_phone: E164", c.business_phone as "business_phone: E164",
                  c.state as "state: ConversationState", c.epoch, c.correlation_id as "correlation_id: CorrelationId",
                  c.opened_at, c.last_activity_at, c.waiting_since, c.closed_at, c.closed_reason,
                  m.id as "message_id: MessageId", m.direction, m.author, m.author_user_id as "author_user_id: UserId",
                  m.purpose, m.body, m.media_count, m.segments, m.status, m.provider_message_id, m.client_dedup_key,
                  m.intent_id as "intent_id: IntentId", m.error_code, m.failure, m.why, m.answers_at,
                  m.created_at as message_created_at
           from conv_messages m
           join conv_conversations c on c.tenant_id = m.tenant_id and c.id = m.conversation_id
           where m.tenant_id = $1 and m.id = coalesce(
             (select i.id from conv_messages i where i.tenant_id = $1 and i.intent_id = $2),
             (select p.id from conv_messages p where p.tenant_id = $1 and p.provider_message_id = $3))
           for no key update of c, m"#,
        tenant.as_uuid(),
        intent.map(IntentId::as_uuid),
        provider_message_id
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    row.map(Row::read).transpose()
}
