use chrono::{DateTime, Utc};
use nmc_compliance::Purpose;
use nmc_db::{DbError, Tx};
use nmc_events::conversation::Author;
use nmc_kernel::EventId;
use serde_json::json;

use super::{
    send::{Outgoing, send},
    templates::worded,
};
use crate::{
    Contact, ContactKind, Conversation, ConversationRecord, TemplateKey,
    model::{greeting, message::useful_until},
};

/// Answers a missed call, or the text that opened the conversation, with the first text. The conversation is locked.
///
/// `answered_from` is when the answer began to be due: it says how long the greeting is of use and how fast it was.
pub(crate) async fn greet(
    conversations: &Conversation,
    tx: &mut Tx,
    conversation: &ConversationRecord,
    contact: &Contact,
    answered_from: DateTime<Utc>,
    available_at: DateTime<Utc>,
    causation: Option<EventId>,
) -> Result<(), DbError> {
    let key = match contact.kind {
        ContactKind::Call => TemplateKey::GreetingCall,
        ContactKind::Text => TemplateKey::GreetingText,
    };
    let text = worded(conversations, tx, conversation, key).await?;
    let answers_at = greeting::counts_from(answered_from, available_at, tx.now());
    let outgoing = Outgoing {
        id: tx.ids().next(),
        purpose: Purpose::Greeting,
        author: Author::Automation,
        body: text.body,
        purpose_key: format!("greeting:{}:{}", contact.kind.as_str(), contact.id),
        available_at,
        useful_until: useful_until(Purpose::Greeting, answers_at),
        why: json!({ "contact": contact.kind.as_str(), "contact_id": contact.id, "template": key.as_str(), "wording": text.wording }),
        answers_at: Some(answers_at),
        resend_of: None,
    };
    send(tx, conversation, outgoing, causation).await
}
