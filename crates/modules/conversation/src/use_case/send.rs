use chrono::{DateTime, Utc};
use nmc_compliance::Purpose;
use nmc_db::{DbError, Tx};
use nmc_effects::{NewIntent, Planned};
use nmc_events::conversation::{Author, Direction, MessageStatus};
use nmc_kernel::{ConversationId, EventId, MessageId, UserId};

use crate::{ConversationRecord, Message, SendSms, SmsRequest, model::message::segments, store};

/// Who writes a text that goes out.
#[derive(Clone, Debug)]
pub(crate) enum Writer {
    /// The automation, whose texts a takeover stops.
    Automation,
    /// The service, which must answer: nothing stops its texts, and nothing holds them up.
    System,
    /// A person of the business, and the key that person's program gave the text.
    User(UserId, Option<String>),
}

/// A text the service sends.
pub(crate) struct Outgoing {
    /// The message's id.
    pub(crate) id: MessageId,
    pub(crate) purpose: Purpose,
    pub(crate) author: Writer,
    pub(crate) body: String,
    /// Unique: a second plan for the same purpose is none.
    pub(crate) purpose_key: String,
    pub(crate) available_at: DateTime<Utc>,
    pub(crate) useful_until: DateTime<Utc>,
    /// What it follows from.
    pub(crate) why: serde_json::Value,
    /// Set for a first answer: when what it answers came in.
    pub(crate) answers_at: Option<DateTime<Utc>>,
    /// Set for a text that is sent in place of one that did not arrive: the first of them.
    pub(crate) resend_of: Option<MessageId>,
}

/// What the intents of the automation and of people in a conversation keep their order with.
pub(crate) fn order_key(conversation: ConversationId) -> String {
    conversation.to_string()
}

/// The same for what the service itself must answer, which nothing takes back and nothing holds up.
fn system_order_key(conversation: ConversationId) -> String {
    format!("{conversation}:system")
}

/// Writes the message and the intent that sends it. The conversation is locked.
pub(crate) async fn send(
    tx: &mut Tx,
    conversation: &ConversationRecord,
    outgoing: Outgoing,
    causation: Option<EventId>,
) -> Result<(), DbError> {
    let (author, author_user_id, client_dedup_key) = match outgoing.author {
        Writer::Automation => (Author::Automation, None, None),
        Writer::System => (Author::System, None, None),
        Writer::User(user, key) => (Author::User, Some(user), key),
    };
    let order_key = match author {
        Author::System => system_order_key(conversation.id),
        Author::Automation | Author::User | Author::Caller => order_key(conversation.id),
    };
    let intent = NewIntent {
        id: tx.ids().next(),
        purpose_key: outgoing.purpose_key,
        order_key,
        available_at: outgoing.available_at,
        useful_until: outgoing.useful_until,
        context: conversation.context(causation),
        request: SmsRequest {
            message_id: outgoing.id,
            conversation_id: conversation.id,
            epoch: conversation.epoch,
            author,
            purpose: outgoing.purpose,
            to: conversation.caller_phone.clone(),
            from: conversation.business_phone.clone(),
            body: outgoing.body.clone(),
            resend_of: outgoing.resend_of,
        },
    };
    let Planned::New(intent_id) = nmc_effects::plan::<SendSms>(tx, &intent).await? else { return Ok(()) };
    let message = Message {
        id: outgoing.id,
        conversation_id: conversation.id,
        direction: Direction::Out,
        author,
        author_user_id,
        purpose: Some(outgoing.purpose),
        segments: segments(&outgoing.body),
        body: outgoing.body,
        media_count: 0,
        status: MessageStatus::Pending,
        provider_message_id: None,
        client_dedup_key,
        intent_id: Some(intent_id),
        error_code: None,
        failure: None,
        why: outgoing.why,
        answers_at: outgoing.answers_at,
        created_at: tx.now(),
    };
    store::message::insert(tx, &message).await
}
