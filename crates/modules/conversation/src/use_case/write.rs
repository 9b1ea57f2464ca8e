//! A person of the business writes to a caller.

use nmc_compliance::{BlockReason, Decision, Purpose, Subject};
use nmc_db::{DbError, IdempotencyError, Tx};
use nmc_kernel::{Actor, ConversationId, IdempotencyKey, MessageId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    change_state::{take_over_locked, take_up},
    open::touch,
    override_window::is_answered,
    send::{Outgoing, Writer, send},
    unblock::unblock,
};
use crate::{
    Conversation, ConversationRecord, ConversationState, Message, StretchBegan,
    model::{
        message::{segments, useful_until},
        task::AnsweredBy,
        written::{BodyError, WrittenBody},
    },
    store,
};

/// What a person wants to send.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// The text.
    pub body: String,
    /// A key of the sender's program, unique within the business: sending it again sends nothing.
    pub client_dedup_key: Option<String>,
}

/// A text that was taken: it is on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Written {
    /// The message.
    pub message_id: MessageId,
    /// Its conversation.
    pub conversation_id: ConversationId,
    /// How many parts it is charged as.
    pub segments: u16,
    /// Whether writing it took the conversation over from the automation.
    pub took_over: bool,
}

/// Why a text was not taken; nothing of it is stored but the gate's decision.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Only people of the business write.
    #[error("only a person of the business may write")]
    NotAllowed,
    /// There is no such conversation, or it is another business's.
    #[error("there is nothing of this id")]
    NotFound,
    /// The conversation has ended.
    #[error("the conversation is closed")]
    Closed,
    /// The text cannot be sent.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The key is too long or empty, or has characters that nobody types.
    #[error("1 to {MAX_KEY_CHARACTERS} characters without control characters are expected")]
    Key,
    /// The key belongs to another text.
    #[error("the key belongs to another text")]
    KeyReused,
    /// The gate refuses: no text may go to this caller, for this reason.
    #[error("no text may go to this caller ({})", .0.as_str())]
    Refused(BlockReason),
    /// A statement failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<IdempotencyError> for WriteError {
    fn from(error: IdempotencyError) -> Self {
        match error {
            IdempotencyError::KeyReused => Self::KeyReused,
            IdempotencyError::Database(error) => Self::Database(error),
        }
    }
}

/// The longest that is stored (`conv_messages_dedup_key_length`).
const MAX_KEY_CHARACTERS: usize = 128;

/// A person writes to the caller. In an open conversation that takes it over; whatever the caller had asked is answered.
pub(crate) async fn write(
    conversations: &Conversation,
    actor: &Actor,
    id: ConversationId,
    new: &NewMessage,
    key: Option<&IdempotencyKey>,
) -> Result<Written, WriteError> {
    let Actor::User { user, .. } = *actor else { return Err(WriteError::NotAllowed) };
    let body = WrittenBody::parse(&new.body)?;
    if new.client_dedup_key.as_ref().is_some_and(|key| !is_key(key)) {
        return Err(WriteError::Key);
    }
    let mut tx = conversations.db.begin(actor.tenant()).await?;
    if let Some(first) = tx.first_answer::<Written>(actor, key).await? {
        return Ok(first);
    }
    let mut conversation = store::conversation::lock(&mut tx, id).await?.ok_or(WriteError::NotFound)?;
    if let Some(first) = sent_before(&mut tx, user, id, &body, new.client_dedup_key.as_deref()).await? {
        return Ok(first);
    }
    // The approval may be a moment older than the look at what it unblocks.
    unblock(conversations, &mut tx, &mut conversation, None).await?;
    if conversation.state == ConversationState::Closed {
        return Err(WriteError::Closed);
    }
    let message_id: MessageId = tx.ids().next();
    let (subject, phone) = (Subject::Message(message_id), conversation.caller_phone.clone());
    let gate = conversations.compliance.can_send(&mut tx, subject, &phone, Purpose::Human).await?;
    let available_at = match gate {
        Decision::Block { reason } => {
            tx.roll_back().await?;
            return refused(conversations, actor, subject, &conversation, reason).await;
        }
        _ if conversation.state == ConversationState::Blocked => {
            return Err(WriteError::Refused(BlockReason::CampaignNotApproved));
        }
        Decision::Allow => tx.now(),
        Decision::Defer { until, .. } => until,
    };
    let took_over = conversation.state == ConversationState::Open;
    if took_over {
        take_over_locked(conversations, &mut tx, actor, &mut conversation, StretchBegan::Wrote).await?;
    } else {
        take_up(&mut tx, &mut conversation).await?;
    }
    is_answered(&mut tx, &mut conversation, AnsweredBy::Person(Some(user))).await?;
    let written = Written { message_id, conversation_id: id, segments: segments(body.as_str()), took_over };
    let outgoing = Outgoing {
        id: message_id,
        purpose: Purpose::Human,
        author: Writer::User(user, new.client_dedup_key.clone()),
        body: body.into_string(),
        purpose_key: format!("human:{message_id}"),
        available_at,
        useful_until: useful_until(Purpose::Human, available_at),
        why: json!({ "written_by": user, "took_over": took_over }),
        answers_at: None,
        resend_of: None,
    };
    send(&mut tx, &conversation, outgoing, None).await.map_err(of_key)?;
    let business_phone = conversation.business_phone.clone();
    touch(conversations, &mut tx, &mut conversation, &business_phone).await?;
    tx.keep_answer(actor, key, &written).await?;
    tx.commit().await?;
    if took_over {
        metrics::counter!(nmc_telemetry::name::HUMAN_TAKEOVER_TOTAL).increment(1);
    }
    Ok(written)
}

fn is_key(key: &str) -> bool {
    (1..=MAX_KEY_CHARACTERS).contains(&key.chars().count()) && !key.chars().any(char::is_control)
}

/// The answer to the text that has this key already, where it is the same text of the same person.
async fn sent_before(
    tx: &mut Tx,
    user: UserId,
    conversation: ConversationId,
    body: &WrittenBody,
    key: Option<&str>,
) -> Result<Option<Written>, WriteError> {
    let Some(key) = key else { return Ok(None) };
    let Some(first) = store::message::find_by_dedup_key(tx, key).await? else { return Ok(None) };
    let is_same =
        first.conversation_id == conversation && first.author_user_id == Some(user) && first.body == body.as_str();
    if is_same { Ok(Some(as_written(&first))) } else { Err(WriteError::KeyReused) }
}

fn as_written(message: &Message) -> Written {
    Written {
        message_id: message.id,
        conversation_id: message.conversation_id,
        segments: message.segments,
        took_over: message.why["took_over"].as_bool().unwrap_or(false),
    }
}

/// Of two texts with one key in two conversations at once the later one finds the key taken.
fn of_key(error: DbError) -> WriteError {
    match error.constraint() {
        Some("conv_messages_dedup_key_once") => WriteError::KeyReused,
        _ => WriteError::Database(error),
    }
}

/// Nothing of the text is kept, and neither is its key, which may be used again; the decision is.
async fn refused(
    conversations: &Conversation,
    actor: &Actor,
    subject: Subject,
    conversation: &ConversationRecord,
    reason: BlockReason,
) -> Result<Written, WriteError> {
    let mut tx = conversations.db.begin(actor.tenant()).await?;
    let decision = Decision::Block { reason };
    let phone = &conversation.caller_phone;
    conversations.compliance.store_decision(&mut tx, subject, phone, Purpose::Human, &decision).await?;
    tx.commit().await?;
    Err(WriteError::Refused(reason))
}
