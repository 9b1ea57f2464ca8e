use chrono::{DateTime, Utc};
use nmc_db::{DbError, ReadTx, Tx};
use nmc_events::conversation::CloseReason;
use nmc_kernel::{ConversationId, CorrelationId, E164};
use uuid::Uuid;

use super::{Position, word};
use crate::{ConversationRecord, ConversationState};

/// A conversation's columns.
pub(super) struct Row {
    pub(super) id: ConversationId,
    pub(super) caller_phone: E164,
    pub(super) business_phone: E164,
    pub(super) state: ConversationState,
    pub(super) epoch: i32,
    pub(super) correlation_id: CorrelationId,
    pub(super) opened_at: DateTime<Utc>,
    pub(super) last_activity_at: DateTime<Utc>,
    pub(super) waiting_since: Option<DateTime<Utc>>,
    pub(super) closed_at: Option<DateTime<Utc>>,
    pub(super) closed_reason: Option<String>,
}

impl Row {
    pub(super) fn read(self) -> Result<ConversationRecord, DbError> {
        Ok(ConversationRecord {
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
            closed_reason: self.closed_reason.as_deref().map(word).transpose()?,
        })
    }
}

/// A conversation, locked until the transaction ends.
pub(crate) async fn lock(tx: &mut Tx, id: ConversationId) -> Result<Option<ConversationRecord>, DbError> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: _", caller_phone as "caller_phone: _", business_phone as "business_phone: _",
                  state as "state: _", epoch, correlation_id as "correlation_id: _", opened_at, last_activity_at,
                  waiting_since, closed_at, closed_reason
           from conv_conversations where tenant_id = $1 and id = $2 for no key update"#,
        tenant.as_uuid(),
        id.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    row.map(Row::read).transpose()
}

/// The caller's live conversation, locked.
pub(crate) async fn lock_live(tx: &mut Tx, caller: &E164) -> Result<Option<ConversationRecord>, DbError> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: _", caller_phone as "caller_phone: _", business_phone as "business_phone: _",
                  state as "state: _", epoch, correlation_id as "correlation_id: _", opened_at, last_activity_at,
                  waiting_since, closed_at, closed_reason
           from conv_conversations
           where tenant_id = $1 and caller_phone = $2 and state in ('open', 'human', 'blocked') for no key update"#,
        tenant.as_uuid(),
        caller.as_str()
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    row.map(Row::read).transpose()
}

/// The id of the caller's live conversation, else of the newest one.
pub(crate) async fn newest(tx: &mut ReadTx, caller: &E164) -> Result<Option<ConversationId>, DbError> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select id as "id: ConversationId" from conv_conversations where tenant_id = $1 and caller_phone = $2
           order by state = 'closed', created_at desc, id desc limit 1"#,
        tenant.as_uuid(),
        caller.as_str()
    )
    .fetch_optional(tx.conn().await?)
    .await?)
}

/// A conversation as it is now, not locked.
pub(crate) async fn find(tx: &mut ReadTx, id: ConversationId) -> Result<Option<ConversationRecord>, DbError> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: _", caller_phone as "caller_phone: _", business_phone as "business_phone: _",
                  state as "state: _", epoch, correlation_id as "correlation_id: _", opened_at, last_activity_at,
                  waiting_since, closed_at, closed_reason
           from conv_conversations where tenant_id = $1 and id = $2"#,
        tenant.as_uuid(),
        id.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    row.map(Row::read).transpose()
}

/// Conversations, the one with the newest activity first.
pub(crate) async fn page(
    tx: &mut ReadTx,
    state: Option<ConversationState>,
    caller: Option<&E164>,
    (before, before_id): Position,
    limit: i64,
) -> Result<Vec<ConversationRecord>, DbError> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: _", caller_phone as "caller_phone: _", business_phone as "business_phone: _",
                  state as "state: _", epoch, correlation_id as "correlation_id: _", opened_at, last_activity_at,
                  waiting_since, closed_at, closed_reason
           from conv_conversations
           where tenant_id = $1 and ($2::text is null or state = $2) and ($3::text is null or caller_phone = $3)
             and (last_activity_at, id) < ($4, $5)
           order by last_activity_at desc, id desc limit $6"#,
        tenant.as_uuid(),
        state.map(ConversationState::as_str),
        caller.map(E164::as_str),
        before,
        before_id,
        limit
    )
    .fetch_all(tx.conn().await?)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// Writes a new conversation; `false` where the caller has a live one by now.
pub(crate) async fn insert(tx: &mut Tx, new: &ConversationRecord) -> Result<bool, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let written = sqlx::query!(
        "insert into conv_conversations (tenant_id, id, caller_phone, business_phone, state, epoch, correlation_id,
                                         opened_at, last_activity_at, waiting_since, closed_at, closed_reason, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict do nothing",
        tenant.as_uuid(),
        new.id.as_uuid(),
        new.caller_phone.as_str(),
        new.business_phone.as_str(),
        new.state.as_str(),
        new.epoch,
        new.correlation_id.as_uuid(),
        new.opened_at,
        new.last_activity_at,
        new.waiting_since,
        new.closed_at,
        new.closed_reason.map(reason_word),
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(written.rows_affected() == 1)
}

/// Writes the state of a conversation that this transaction has locked.
pub(crate) async fn save(tx: &mut Tx, conversation: &ConversationRecord) -> Result<(), DbError> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update conv_conversations set state = $3, epoch = $4, business_phone = $5, last_activity_at = $6,
                waiting_since = $7, closed_at = $8, closed_reason = $9
         where tenant_id = $1 and id = $2",
        tenant.as_uuid(),
        conversation.id.as_uuid(),
        conversation.state.as_str(),
        conversation.epoch,
        conversation.business_phone.as_str(),
        conversation.last_activity_at,
        conversation.waiting_since,
        conversation.closed_at,
        conversation.closed_reason.map(reason_word)
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}

/// Takes back a conversation that this transaction has written and nobody has seen.
pub(crate) async fn take_back(tx: &mut Tx, id: ConversationId) -> Result<(), DbError> {
    let tenant = tx.tenant();
    sqlx::query!("delete from conv_conversations where tenant_id = $1 and id = $2", tenant.as_uuid(), id.as_uuid())
        .execute(tx.conn().await?)
        .await?;
    Ok(())
}

/// The next conversations after `after` that wait for the campaign's approval, at most `limit`.
pub(crate) async fn blocked(tx: &mut ReadTx, after: Uuid, limit: i64) -> Result<Vec<Uuid>, DbError> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        "select id from conv_conversations where tenant_id = $1 and state = 'blocked' and id > $2 order by id limit $3",
        tenant.as_uuid(),
        after,
        limit
    )
    .fetch_all(tx.conn().await?)
    .await?)
}

const fn reason_word(reason: CloseReason) -> &'static str {
    match reason {
        CloseReason::Inactivity => "inactivity",
        CloseReason::User => "user",
        CloseReason::OptOut => "opt-out",
    }
}
