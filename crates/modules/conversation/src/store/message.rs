use chrono::{DateTime, Duration, Utc};
use nmc_compliance::Purpose;
use nmc_db::{DbError, ReadTx, Tx};
use nmc_events::conversation::MessageStatus;
use nmc_kernel::{ConversationId, E164, IntentId, MessageId, UserId};
use uuid::Uuid;

use super::{Position, template, word};
use crate::{
    Message, TemplateKey,
    model::{
        failure::unreachable_codes,
        greeting::Spoken,
        message::{author_word, direction_word, status_word},
        template::Wordings,
    },
};

/// A message's columns.
pub(super) struct Row {
    pub(super) id: MessageId,
    pub(super) conversation_id: ConversationId,
    pub(super) direction: String,
    pub(super) author: String,
    pub(super) author_user_id: Option<UserId>,
    pub(super) purpose: Option<String>,
    pub(super) body: String,
    pub(super) media_count: i16,
    pub(super) segments: i16,
    pub(super) status: String,
    pub(super) provider_message_id: Option<String>,
    pub(super) client_dedup_key: Option<String>,
    pub(super) intent_id: Option<IntentId>,
    pub(super) error_code: Option<i32>,
    pub(super) failure: Option<String>,
    pub(super) why: serde_json::Value,
    pub(super) answers_at: Option<DateTime<Utc>>,
    pub(super) created_at: DateTime<Utc>,
}

impl Row {
    pub(super) fn read(self) -> Result<Message, DbError> {
        Ok(Message {
            id: self.id,
            conversation_id: self.conversation_id,
            direction: word(&self.direction)?,
            author: word(&self.author)?,
            author_user_id: self.author_user_id,
            purpose: self.purpose.as_deref().and_then(purpose_of),
            body: self.body,
            media_count: u16::try_from(self.media_count).unwrap_or(0),
            segments: u16::try_from(self.segments).unwrap_or(0),
            status: word(&self.status)?,
            provider_message_id: self.provider_message_id,
            client_dedup_key: self.client_dedup_key,
            intent_id: self.intent_id,
            error_code: self.error_code,
            failure: self.failure,
            why: self.why,
            answers_at: self.answers_at,
            created_at: self.created_at,
        })
    }
}

/// A stored purpose; a CHECK allows no other words.
fn purpose_of(word: &str) -> Option<Purpose> {
    Purpose::ALL.iter().copied().find(|purpose| purpose.as_str() == word)
}

/// Writes a message. The conversation is locked.
pub(crate) async fn insert(tx: &mut Tx, message: &Message) -> Result<(), DbError> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into conv_messages (tenant_id, id, conversation_id, direction, author, author_user_id, purpose, body,
                                    media_count, segments, status, client_dedup_key, intent_id, why, answers_at, created_at,
                                    updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16)",
        tenant.as_uuid(),
        message.id.as_uuid(),
        message.conversation_id.as_uuid(),
        direction_word(message.direction),
        author_word(message.author),
        message.author_user_id.map(UserId::as_uuid),
        message.purpose.map(Purpose::as_str),
        message.body,
        i16::try_from(message.media_count).unwrap_or(i16::MAX),
        i16::try_from(message.segments).unwrap_or(i16::MAX),
        status_word(message.status),
        message.client_dedup_key,
        message.intent_id.map(IntentId::as_uuid),
        message.why,
        message.answers_at,
        message.created_at
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}

/// One message.
pub(crate) async fn find(tx: &mut ReadTx, id: MessageId) -> Result<Option<Message>, DbError> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: _", conversation_id as "conversation_id: _", direction, author,
                  author_user_id as "author_user_id: _", purpose, body, media_count, segments, status, provider_message_id,
                  client_dedup_key, intent_id as "intent_id: _", error_code, failure, why, answers_at, created_at
           from conv_messages where tenant_id = $1 and id = $2"#,
        tenant.as_uuid(),
        id.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    row.map(Row::read).transpose()
}

/// The message that a person's program gave this key.
pub(crate) async fn find_by_dedup_key(tx: &mut ReadTx, key: &str) -> Result<Option<Message>, DbError> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: _", conversation_id as "conversation_id: _", direction, author,
                  author_user_id as "author_user_id: _", purpose, body, media_count, segments, status, provider_message_id,
                  client_dedup_key, intent_id as "intent_id: _", error_code, failure, why, answers_at, created_at
           from conv_messages where tenant_id = $1 and client_dedup_key = $2"#,
        tenant.as_uuid(),
        key
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    row.map(Row::read).transpose()
}

/// A conversation's messages before a position, the newest first, at most `limit`.
pub(crate) async fn of_conversation(
    tx: &mut ReadTx,
    conversation: ConversationId,
    (before, before_id): Position,
    limit: i64,
) -> Result<Vec<Message>, DbError> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: _", conversation_id as "conversation_id: _", direction, author,
                  author_user_id as "author_user_id: _", purpose, body, media_count, segments, status, provider_message_id,
                  client_dedup_key, intent_id as "intent_id: _", error_code, failure, why, answers_at, created_at
           from conv_messages
           where tenant_id = $1 and conversation_id = $2 and (created_at, id) < ($3, $4)
           order by created_at desc, id desc limit $5"#,
        tenant.as_uuid(),
        conversation.as_uuid(),
        before,
        before_id,
        limit
    )
    .fetch_all(tx.conn().await?)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// The newest message of each of these conversations.
pub(crate) async fn newest_of(tx: &mut ReadTx, conversations: &[Uuid]) -> Result<Vec<Message>, DbError> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Row,
        r#"select m.id as "id!: _", m.conversation_id as "conversation_id!: _", m.direction as "direction!",
                  m.author as "author!", m.author_user_id as "author_user_id: _", m.purpose, m.body as "body!",
                  m.media_count as "media_count!", m.segments as "segments!", m.status as "status!", m.provider_message_id,
                  m.client_dedup_key, m.intent_id as "intent_id: _", m.error_code, m.failure, m.why as "why!", m.answers_at,
                  m.created_at as "created_at!"
           from unnest($2::uuid[]) as c(id)
           cross join lateral (select * from conv_messages
                               where tenant_id = $1 and conversation_id = c.id
                               order by created_at desc, id desc limit 1) m"#,
        tenant.as_uuid(),
        conversations
    )
    .fetch_all(tx.conn().await?)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// The texts that answer these missed calls, each with the call it answers.
pub(crate) async fn answers_to(tx: &mut ReadTx, calls: &[Uuid]) -> Result<Vec<(Uuid, Message)>, DbError> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"select c.id as "call!", m.id as "message!: MessageId"
           from conv_contacts c
           join conv_messages m on m.tenant_id = c.tenant_id and m.conversation_id = c.conversation_id
             and m.purpose = 'greeting' and m.why ->> 'contact_id' = c.id::text
           where c.tenant_id = $1 and c.id = any($2)"#,
        tenant.as_uuid(),
        calls
    )
    .fetch_all(tx.conn().await?)
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.message.as_uuid()).collect();
    let messages = find_all(tx, &ids).await?;
    let call_of = |message: &Message| rows.iter().find(|row| row.message == message.id).map(|row| row.call);
    Ok(messages.into_iter().filter_map(|message| Some((call_of(&message)?, message))).collect())
}

async fn find_all(tx: &mut ReadTx, ids: &[Uuid]) -> Result<Vec<Message>, DbError> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: _", conversation_id as "conversation_id: _", direction, author,
                  author_user_id as "author_user_id: _", purpose, body, media_count, segments, status, provider_message_id,
                  client_dedup_key, intent_id as "intent_id: _", error_code, failure, why, answers_at, created_at
           from conv_messages where tenant_id = $1 and id = any($2)"#,
        tenant.as_uuid(),
        ids
    )
    .fetch_all(tx.conn().await?)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// The longest wait of a text that may still go out: quiet hours are shorter than a day. One that stands as pending for
/// longer (a person has to say what became of it) keeps nobody from being answered.
const LONGEST_WAIT_HOURS: i64 = 48;

/// So long a number of which the provider has said that no text reaches it gets none. Numbers change hands.
const UNREACHABLE_DAYS: i64 = 180;

/// What the service has written to the caller, in whichever conversation. Whoever asks may write `key` next, so that
/// its wordings are read along. What it writes of its own accord has answered no call; what was to wait for the morning
/// and did not was said when it left.
pub(crate) async fn spoken(tx: &mut ReadTx, caller: &E164, key: TemplateKey) -> Result<Spoken, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let unreachable: Vec<i32> = unreachable_codes().collect();
    let row = sqlx::query!(
        r#"select spoken.at, spoken.in_a_day as "in_a_day!", spoken.is_unreachable as "is_unreachable!",
                  worded.own as "own?", worded.own_changed_at as "own_changed_at?",
                  worded.is_own_stopped as "is_own_stopped!", worded.is_built_in_stopped as "is_built_in_stopped!"
           from (select max(case when m.status = 'pending' then greatest($3, m.answers_at)
                                 else least(greatest(m.created_at, m.answers_at), m.updated_at) end)
                          filter (where m.author = 'automation' and m.purpose not in ('nudge', 'reminder')) as at,
                        count(*) filter (where m.created_at > $4) as in_a_day,
                        exists (select from conv_conversations fc
                                join conv_messages f on f.tenant_id = fc.tenant_id and f.conversation_id = fc.id
                                where fc.tenant_id = $1 and fc.caller_phone = $2 and f.status = 'failed'
                                  and f.error_code = any($6) and f.created_at > $7
                                  and not exists (
                                    select from conv_conversations nc
                                    join conv_messages n on n.tenant_id = nc.tenant_id and n.conversation_id = nc.id
                                    where nc.tenant_id = $1 and nc.caller_phone = $2 and n.created_at > f.created_at
                                      and n.status in ('received', 'delivered'))) as is_unreachable
                 from conv_conversations c
                 join conv_messages m on m.tenant_id = c.tenant_id and m.conversation_id = c.id
                 where c.tenant_id = $1 and c.caller_phone = $2 and m.author in ('automation', 'system')
                   and m.status <> 'failed' and m.created_at > $5) as spoken
           cross join (
             select t.body as own, t.updated_at as own_changed_at,
                    coalesce(bool_or(s.wording = 'business'), false) as is_own_stopped,
                    coalesce(bool_or(s.wording = 'product'), false) as is_built_in_stopped
             from (values (1)) as one
             left join conv_templates t on t.tenant_id = $1 and t.key = $8
             left join conv_stopped_wordings s on s.tenant_id = $1 and s.key = $8
             group by t.body, t.updated_at) as worded"#,
        tenant.as_uuid(),
        caller.as_str(),
        now,
        now - Duration::days(1),
        now - Duration::hours(LONGEST_WAIT_HOURS),
        &unreachable,
        now - Duration::days(UNREACHABLE_DAYS),
        key.as_str()
    )
    .fetch_one(tx.conn().await?)
    .await?;
    let wordings = Wordings {
        own: row.own,
        own_changed_at: row.own_changed_at,
        is_own_stopped: row.is_own_stopped,
        is_built_in_stopped: row.is_built_in_stopped,
    };
    template::remember(tx, key, wordings);
    Ok(Spoken { at: row.at, in_a_day: row.in_a_day, is_unreachable: row.is_unreachable })
}

/// How many texts the automation and the service have written to the caller since `since`; what failed was not written.
pub(crate) async fn automatic_since(tx: &mut ReadTx, caller: &E164, since: DateTime<Utc>) -> Result<i64, DbError> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from conv_conversations c
           join conv_messages m on m.tenant_id = c.tenant_id and m.conversation_id = c.id
           where c.tenant_id = $1 and c.caller_phone = $2 and m.author in ('automation', 'system')
             and m.status <> 'failed' and m.created_at > $3"#,
        tenant.as_uuid(),
        caller.as_str(),
        since
    )
    .fetch_one(tx.conn().await?)
    .await?)
}

/// When the caller's keywords were answered with this text since `since`; what failed counts as well.
pub(crate) async fn keyword_answers(
    tx: &mut ReadTx,
    caller: &E164,
    key: TemplateKey,
    since: DateTime<Utc>,
) -> Result<Vec<DateTime<Utc>>, DbError> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        "select m.created_at from conv_conversations c
         join conv_messages m on m.tenant_id = c.tenant_id and m.conversation_id = c.id
         where c.tenant_id = $1 and c.caller_phone = $2 and m.author = 'system' and m.created_at > $3
           and m.why ->> 'template' = $4",
        tenant.as_uuid(),
        caller.as_str(),
        since,
        key.as_str()
    )
    .fetch_all(tx.conn().await?)
    .await?)
}

/// The provider has it. The conversation is locked.
pub(crate) async fn accepted(tx: &mut Tx, id: MessageId, provider_message_id: &str) -> Result<(), DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "update conv_messages set status = 'queued', provider_message_id = $3, error_code = null, failure = null,
                updated_at = $4
         where tenant_id = $1 and id = $2",
        tenant.as_uuid(),
        id.as_uuid(),
        provider_message_id,
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}

/// A message's new status. The conversation is locked.
pub(crate) async fn save_status(
    tx: &mut Tx,
    id: MessageId,
    status: MessageStatus,
    error_code: Option<i32>,
    failure: Option<&str>,
) -> Result<(), DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "update conv_messages set status = $3, error_code = $4, failure = $5, updated_at = $6
         where tenant_id = $1 and id = $2",
        tenant.as_uuid(),
        id.as_uuid(),
        status_word(status),
        error_code,
        failure,
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}

/// What these intents were to send was taken back.
pub(crate) async fn fail_of_intents(tx: &mut Tx, intents: &[IntentId], failure: &str) -> Result<(), DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let intents: Vec<Uuid> = intents.iter().map(|id| id.as_uuid()).collect();
    sqlx::query!(
        "update conv_messages set status = 'failed', failure = $3, updated_at = $4
         where tenant_id = $1 and intent_id = any($2) and status = 'pending'",
        tenant.as_uuid(),
        &intents,
        failure,
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}

/// The intents of the automation's texts in a conversation that have not begun as far as this table knows.
pub(crate) async fn waiting_automatic(tx: &mut ReadTx, conversation: ConversationId) -> Result<Vec<IntentId>, DbError> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select intent_id as "intent_id!: IntentId" from conv_messages
           where tenant_id = $1 and conversation_id = $2 and status = 'pending' and author = 'automation'
             and intent_id is not null"#,
        tenant.as_uuid(),
        conversation.as_uuid()
    )
    .fetch_all(tx.conn().await?)
    .await?)
}

/// Since when the caller waits whom what these intents were to send would have answered; nothing where none was an
/// answer.
pub(crate) async fn unanswered_without(
    tx: &mut ReadTx,
    intents: &[IntentId],
) -> Result<Option<DateTime<Utc>>, DbError> {
    let tenant = tx.tenant();
    let intents: Vec<Uuid> = intents.iter().map(|id| id.as_uuid()).collect();
    Ok(sqlx::query_scalar!(
        "select min((why ->> 'waiting_since')::timestamptz) from conv_messages
         where tenant_id = $1 and intent_id = any($2)",
        tenant.as_uuid(),
        &intents
    )
    .fetch_one(tx.conn().await?)
    .await?)
}

/// The intents of further sendings of `first` that have not begun as far as this table knows.
pub(crate) async fn waiting_resends(
    tx: &mut ReadTx,
    conversation: ConversationId,
    first: MessageId,
) -> Result<Vec<IntentId>, DbError> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select intent_id as "intent_id!: IntentId" from conv_messages
           where tenant_id = $1 and conversation_id = $2 and status = 'pending' and intent_id is not null
             and why ->> 'resend_of' = $3"#,
        tenant.as_uuid(),
        conversation.as_uuid(),
        first.to_string()
    )
    .fetch_all(tx.conn().await?)
    .await?)
}

/// Whether a text, or one that was sent in its place, has reached the caller.
pub(crate) async fn has_arrived(
    tx: &mut ReadTx,
    conversation: ConversationId,
    first: MessageId,
) -> Result<bool, DbError> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select exists (select from conv_messages
                          where tenant_id = $1 and conversation_id = $2 and status = 'delivered'
                            and (id = $3 or why ->> 'resend_of' = $4)) as "has_arrived!""#,
        tenant.as_uuid(),
        conversation.as_uuid(),
        first.as_uuid(),
        first.to_string()
    )
    .fetch_one(tx.conn().await?)
    .await?)
}

/// Which of the provider's ids belong to messages of ours, and to which.
pub(crate) async fn known_provider_ids(
    tx: &mut ReadTx,
    provider_message_ids: &[String],
) -> Result<Vec<(String, MessageId)>, DbError> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"select provider_message_id as "provider_message_id!", id as "id: MessageId"
           from conv_messages where tenant_id = $1 and provider_message_id = any($2)"#,
        tenant.as_uuid(),
        provider_message_ids
    )
    .fetch_all(tx.conn().await?)
    .await?;
    Ok(rows.into_iter().map(|row| (row.provider_message_id, row.id)).collect())
}
