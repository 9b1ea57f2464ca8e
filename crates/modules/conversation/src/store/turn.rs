//! The answers that callers wait for, and what the automation remembers of each dialogue.

use chrono::{DateTime, Duration, Utc};
use nmc_db::{Db, DbError, Glance, ReadTx, Topic, Tx};
use nmc_kernel::{ConversationId, TenantId};
use serde_json::Value;
use uuid::Uuid;

use super::message;
use crate::{
    ConversationRecord, Message, TurnStatus,
    model::{dialogue::Dialogue, turn},
};

/// A turn that is this process's to work out, for as long as its claim stands.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    pub(crate) tenant: TenantId,
    pub(crate) conversation_id: ConversationId,
    pub(crate) due_at: DateTime<Utc>,
    pub(crate) begun_at: DateTime<Utc>,
    /// This one included.
    pub(crate) attempts: i16,
    pub(crate) claim: Uuid,
}

/// A text came in at the transaction's time: the answer is due when the caller seems to have ended. Whoever works on one
/// has lost it by that. The conversation is locked.
pub(crate) async fn set(tx: &mut Tx, conversation: ConversationId) -> Result<(), DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let first_at = sqlx::query_scalar!(
        "select first_text_at from conv_turns where tenant_id = $1 and conversation_id = $2",
        tenant.as_uuid(),
        conversation.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    let first_at = first_at.map_or(now, |first_at| first_at.min(now));
    set_due(tx, conversation, first_at, turn::due_at(first_at, now)).await
}

/// The caller waits already: the answer is due now. The conversation is locked.
pub(crate) async fn set_now(tx: &mut Tx, conversation: ConversationId) -> Result<(), DbError> {
    let now = tx.now();
    set_due(tx, conversation, now, now).await
}

async fn set_due(
    tx: &mut Tx,
    conversation: ConversationId,
    first_at: DateTime<Utc>,
    due_at: DateTime<Utc>,
) -> Result<(), DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    // An attempt that is lost by this has not failed.
    sqlx::query!(
        "insert into conv_turns as t (tenant_id, conversation_id, due_at, first_text_at, created_at)
         values ($1, $2, $3, $4, $5)
         on conflict (tenant_id, conversation_id) do update
           set due_at = $3, first_text_at = $4, leased_until = null, claim = null,
               attempts = case when t.claim is null then t.attempts else greatest(t.attempts - 1, 0) end",
        tenant.as_uuid(),
        conversation.as_uuid(),
        due_at,
        first_at,
        now
    )
    .execute(tx.conn().await?)
    .await?;
    tx.wake(Topic::Turns);
    Ok(())
}

/// Nobody waits for an answer of the automation any more. The conversation is locked.
pub(crate) async fn delete(tx: &mut Tx, conversation: ConversationId) -> Result<(), DbError> {
    let tenant = tx.tenant();
    sqlx::query!(
        "delete from conv_turns where tenant_id = $1 and conversation_id = $2",
        tenant.as_uuid(),
        conversation.as_uuid()
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}

/// Whether the claim stands. The conversation is locked, so that nobody but the lease's end takes it away from now on.
pub(crate) async fn is_ours(tx: &mut Tx, claimed: &Claimed) -> Result<bool, DbError> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        "select 1 from conv_turns where tenant_id = $1 and conversation_id = $2 and claim = $3 for update",
        tenant.as_uuid(),
        claimed.conversation_id.as_uuid(),
        claimed.claim
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    Ok(found.is_some())
}

/// The claim is given back, and the attempt was none. Does nothing where the claim is lost.
pub(crate) async fn give_back(tx: &mut Tx, claimed: &Claimed) -> Result<(), DbError> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update conv_turns set leased_until = null, claim = null, attempts = greatest(attempts - 1, 0)
         where tenant_id = $1 and conversation_id = $2 and claim = $3",
        tenant.as_uuid(),
        claimed.conversation_id.as_uuid(),
        claimed.claim
    )
    .execute(tx.conn().await?)
    .await?;
    tx.wake(Topic::Turns);
    Ok(())
}

/// The attempt has failed: another one is made after `until`. Does nothing where the claim is lost.
pub(crate) async fn postpone(tx: &mut Tx, claimed: &Claimed, until: DateTime<Utc>, error: &str) -> Result<(), DbError> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update conv_turns set leased_until = $4, claim = null, last_error = $5
         where tenant_id = $1 and conversation_id = $2 and claim = $3",
        tenant.as_uuid(),
        claimed.conversation_id.as_uuid(),
        claimed.claim,
        until,
        error
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}

/// Whether any turn is due, and when the next one is that nobody works on.
pub(crate) async fn next_due(glance: &mut Glance) -> Result<Option<DateTime<Utc>>, DbError> {
    Ok(sqlx::query_scalar!("select min(greatest(due_at, coalesce(leased_until, due_at))) from conv_turns")
        .fetch_one(glance.conn()?)
        .await?)
}

/// How many turns may be claimed.
pub(crate) struct Room<'a> {
    /// In all.
    pub(crate) limit: i64,
    /// Of one business, with those that it has at work.
    pub(crate) share: i64,
    /// Which businesses have how many at work.
    pub(crate) taken: (&'a [Uuid], &'a [i64]),
}

/// Claims due turns: each business's longest due first, then each one's second, so that nobody's many keep another's
/// waiting.
pub(crate) async fn claim(db: &Db, lease: Duration, room: &Room<'_>) -> Result<Vec<Claimed>, DbError> {
    let mut tx = db.begin_system().await?;
    let now = tx.now();
    let claim: Uuid = db.ids().next();
    // The rows that are locked are asked again: another may have claimed them since they were ranked.
    let claimed = sqlx::query_as!(
        Claimed,
        r#"
        update conv_turns t set leased_until = $2, claim = $3, attempts = least(t.attempts, 1000) + 1
        from (select free.tenant_id, free.conversation_id
              from (select tenant_id, conversation_id, due_at,
                           row_number() over (partition by tenant_id order by due_at, conversation_id) as place
                    from conv_turns
                    where due_at <= $1 and (leased_until is null or leased_until <= $1)) ranked
              left join unnest($4::uuid[], $5::bigint[]) as busy(tenant_id, turns) on busy.tenant_id = ranked.tenant_id
              join conv_turns free on free.tenant_id = ranked.tenant_id and free.conversation_id = ranked.conversation_id
              where ranked.place + coalesce(busy.turns, 0) <= $6
                and free.due_at <= $1 and (free.leased_until is null or free.leased_until <= $1)
              order by ranked.place, ranked.due_at limit $7
              for update of free skip locked) due
        where t.tenant_id = due.tenant_id and t.conversation_id = due.conversation_id
        returning t.tenant_id as "tenant: TenantId", t.conversation_id as "conversation_id: ConversationId", t.due_at,
                  t.attempts, t.claim as "claim!", $1 as "begun_at!"
        "#,
        now,
        now + lease,
        claim,
        room.taken.0,
        room.taken.1,
        room.share,
        room.limit
    )
    .fetch_all(tx.conn()?)
    .await?;
    if claimed.is_empty() {
        tx.roll_back().await?;
    } else {
        tx.commit().await?;
    }
    Ok(claimed)
}

/// What is to be answered, across businesses, as the dispatcher's role.
pub(crate) async fn status(db: &Db) -> Result<TurnStatus, DbError> {
    let mut tx = db.begin_system().await?;
    let now = tx.now();
    let status = sqlx::query_as!(
        TurnStatus,
        r#"select count(*) as "pending!", count(*) filter (where due_at <= $1) as "overdue!",
                  min(due_at) filter (where due_at <= $1) as oldest_due_at,
                  count(*) filter (where last_error is not null) as "failing!", max(last_error) as last_error
           from conv_turns"#,
        now
    )
    .fetch_one(tx.conn()?)
    .await?;
    tx.roll_back().await?;
    Ok(status)
}

/// The texts a caller waits with since `since`, the newest last, at most the newest `limit`. A keyword is none: it has
/// its answer.
pub(crate) async fn texts_since(
    tx: &mut ReadTx,
    conversation: ConversationId,
    since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Message>, DbError> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        message::Row,
        r#"select id as "id: _", conversation_id as "conversation_id: _", direction, author,
                  author_user_id as "author_user_id: _", purpose, body, media_count, segments, status, provider_message_id,
                  client_dedup_key, intent_id as "intent_id: _", error_code, failure, why, answers_at, created_at
           from conv_messages m
           where tenant_id = $1 and conversation_id = $2 and created_at >= $3 and direction = 'in'
             and not exists (select from conv_contacts c
                             where c.tenant_id = $1 and c.id = m.id and c.outcome = 'keyword')
           order by created_at desc, id desc limit $4"#,
        tenant.as_uuid(),
        conversation.as_uuid(),
        since,
        limit
    )
    .fetch_all(tx.conn().await?)
    .await?;
    rows.into_iter().rev().map(message::Row::read).collect()
}

/// What the automation said last in a conversation.
pub(crate) struct Said {
    pub(crate) at: DateTime<Utc>,
    /// The provider has not taken it.
    pub(crate) is_pending: bool,
}

/// The automation's newest text, if there is any.
pub(crate) async fn said_last(tx: &mut ReadTx, conversation: ConversationId) -> Result<Option<Said>, DbError> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Said,
        r#"select created_at as at, status = 'pending' as "is_pending!" from conv_messages
           where tenant_id = $1 and conversation_id = $2 and author = 'automation'
           order by created_at desc, id desc limit 1"#,
        tenant.as_uuid(),
        conversation.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?)
}

/// The times of which the automation had told the caller in a text that the caller could have read by `read_by`, the
/// newest of those: as they stand in its reasons.
pub(crate) async fn offers_read(
    tx: &mut ReadTx,
    conversation: ConversationId,
    read_by: DateTime<Utc>,
) -> Result<Option<Value>, DbError> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        "select why -> 'offers' from conv_messages
         where tenant_id = $1 and conversation_id = $2 and author = 'automation' and created_at <= $3
           and status not in ('pending', 'failed') and why ? 'offers'
         order by created_at desc, id desc limit 1",
        tenant.as_uuid(),
        conversation.as_uuid(),
        read_by
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    Ok(found.flatten())
}

/// What the automation remembers of the dialogue.
pub(crate) async fn dialogue(tx: &mut ReadTx, conversation: ConversationId) -> Result<Option<Value>, DbError> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        "select dialogue from conv_conversations where tenant_id = $1 and id = $2",
        tenant.as_uuid(),
        conversation.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    Ok(found.flatten())
}

/// Whether the automation has answered, or given up answering, since the conversation's epoch last rose: in one that a
/// person has, that nobody has done anything in it since it was handed over.
pub(crate) async fn has_spoken(tx: &mut ReadTx, conversation: &ConversationRecord) -> Result<bool, DbError> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select exists (select from conv_conversations
                          where tenant_id = $1 and id = $2 and (dialogue ->> 'epoch')::integer = $3) as "is!""#,
        tenant.as_uuid(),
        conversation.id.as_uuid(),
        conversation.epoch
    )
    .fetch_one(tx.conn().await?)
    .await?)
}

/// Writes what the automation remembers of a conversation as it stands now. The conversation is locked.
pub(crate) async fn save_dialogue(
    tx: &mut Tx,
    conversation: &ConversationRecord,
    dialogue: Dialogue,
) -> Result<(), DbError> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update conv_conversations set dialogue = $3 where tenant_id = $1 and id = $2",
        tenant.as_uuid(),
        conversation.id.as_uuid(),
        Dialogue { epoch: conversation.epoch, ..dialogue }.stored()
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}
