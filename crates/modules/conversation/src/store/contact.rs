use nmc_db::{DbError, ReadTx, Tx};
use nmc_kernel::{ConversationId, CorrelationId, E164};
use uuid::Uuid;

use super::conversation;
use crate::{Contact, ContactOutcome, ConversationRecord, ConversationState};

/// Writes a contact; `false` where it has been heard of before. Two at once are ordered by the primary key.
pub(crate) async fn insert(tx: &mut Tx, contact: &Contact) -> Result<bool, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let written = sqlx::query!(
        "insert into conv_contacts (tenant_id, id, kind, caller_phone, business_phone, outcome, occurred_at, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing",
        tenant.as_uuid(),
        contact.id,
        contact.kind.as_str(),
        contact.caller_phone.as_ref().map(E164::as_str),
        contact.business_phone.as_str(),
        contact.outcome.as_str(),
        contact.occurred_at,
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(written.rows_affected() == 1)
}

/// What writing a call down with its conversation came to.
pub(crate) enum Taken {
    /// The call has been heard of before: nothing was written.
    Known,
    /// The caller had a live conversation, which is locked.
    Live(ConversationRecord),
    /// The new conversation was written.
    Begun,
    /// The call was written; the conversation was begun or closed by somebody else in the same moment.
    Missed,
}

/// Writes a caller's contact, and locks the live conversation or writes `new`: one round trip for what is nearly always
/// the first that is heard of a contact. In the order of the single statements: the contact, then the conversation.
pub(crate) async fn take(
    tx: &mut Tx,
    contact: &Contact,
    caller: &E164,
    new: &ConversationRecord,
) -> Result<Taken, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let row = sqlx::query!(
        r#"with contact as (
             insert into conv_contacts (tenant_id, id, kind, caller_phone, business_phone, outcome, occurred_at, created_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing returning id),
           live as (
             select id, caller_phone, business_phone, state, epoch, correlation_id, opened_at, last_activity_at,
                    waiting_since, closed_at, closed_reason
             from conv_conversations
             where tenant_id = $1 and caller_phone = $4 and state in ('open', 'human', 'blocked')
               and exists (select from contact)
             for no key update),
           begun as (
             insert into conv_conversations (tenant_id, id, caller_phone, business_phone, state, epoch, correlation_id,
                                             opened_at, last_activity_at, created_at)
             select $1, $9, $4, $5, $10, $11, $12, $13, $14, $8
             where exists (select from contact) and not exists (select from live)
             on conflict do nothing returning id)
           select exists (select from contact) as "is_first!", exists (select from begun) as "is_begun!",
                  live.id as "id?: ConversationId", live.caller_phone as "caller_phone?: E164",
                  live.business_phone as "business_phone?: E164", live.state as "state?: ConversationState",
                  live.epoch as "epoch?", live.correlation_id as "correlation_id?: CorrelationId",
                  live.opened_at as "opened_at?", live.last_activity_at as "last_activity_at?", live.waiting_since,
                  live.closed_at, live.closed_reason
           from (values (1)) as one
           left join live on true"#,
        tenant.as_uuid(),
        contact.id,
        contact.kind.as_str(),
        caller.as_str(),
        contact.business_phone.as_str(),
        contact.outcome.as_str(),
        contact.occurred_at,
        now,
        new.id.as_uuid(),
        new.state.as_str(),
        new.epoch,
        new.correlation_id.as_uuid(),
        new.opened_at,
        new.last_activity_at
    )
    .fetch_one(tx.conn().await?)
    .await?;
    if !row.is_first {
        return Ok(Taken::Known);
    }
    if row.is_begun {
        return Ok(Taken::Begun);
    }
    let (Some(id), Some(caller_phone), Some(business_phone), Some(state)) =
        (row.id, row.caller_phone, row.business_phone, row.state)
    else {
        return Ok(Taken::Missed);
    };
    let (Some(epoch), Some(correlation_id), Some(opened_at), Some(last_activity_at)) =
        (row.epoch, row.correlation_id, row.opened_at, row.last_activity_at)
    else {
        return Ok(Taken::Missed);
    };
    let live = conversation::Row {
        id,
        caller_phone,
        business_phone,
        state,
        epoch,
        correlation_id,
        opened_at,
        last_activity_at,
        waiting_since: row.waiting_since,
        closed_at: row.closed_at,
        closed_reason: row.closed_reason,
    };
    Ok(Taken::Live(live.read()?))
}

/// Says what became of a contact.
pub(crate) async fn save(
    tx: &mut Tx,
    id: Uuid,
    conversation: Option<ConversationId>,
    outcome: ContactOutcome,
) -> Result<(), DbError> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update conv_contacts set conversation_id = $3, outcome = $4 where tenant_id = $1 and id = $2",
        tenant.as_uuid(),
        id,
        conversation.map(ConversationId::as_uuid),
        outcome.as_str()
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}

/// Contacts by their calls' or texts' ids; those that are unknown are left out.
pub(crate) async fn find_all(tx: &mut ReadTx, ids: &[Uuid]) -> Result<Vec<Contact>, DbError> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Contact,
        r#"select id, kind as "kind: _", caller_phone as "caller_phone: _", business_phone as "business_phone: _",
                  conversation_id as "conversation_id: _", outcome as "outcome: _", occurred_at
           from conv_contacts where tenant_id = $1 and id = any($2)"#,
        tenant.as_uuid(),
        ids
    )
    .fetch_all(tx.conn().await?)
    .await?)
}

/// What waits in a conversation for the campaign's approval, the newest first, at most `limit`.
pub(crate) async fn waiting(
    tx: &mut ReadTx,
    conversation: ConversationId,
    limit: i64,
) -> Result<Vec<Contact>, DbError> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Contact,
        r#"select id, kind as "kind: _", caller_phone as "caller_phone: _", business_phone as "business_phone: _",
                  conversation_id as "conversation_id: _", outcome as "outcome: _", occurred_at
           from conv_contacts where tenant_id = $1 and conversation_id = $2 and outcome = 'blocked'
           order by occurred_at desc, id desc limit $3"#,
        tenant.as_uuid(),
        conversation.as_uuid(),
        limit
    )
    .fetch_all(tx.conn().await?)
    .await?)
}
