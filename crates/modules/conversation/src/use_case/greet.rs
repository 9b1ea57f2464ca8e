use chrono::{DateTime, Utc};
use nmc_compliance::Purpose;
use nmc_db::{DbError, Tx};
use nmc_kernel::EventId;
use serde_json::json;

use super::{
    raise_task::raise_task,
    send::{Outgoing, Writer, send},
    templates::worded,
};
use crate::{
    Contact, ContactKind, ContactOutcome, Conversation, ConversationRecord, TaskKind, TemplateKey,
    model::{greeting, message::useful_until, task::NewTask},
};

/// The text that greets a contact.
pub(crate) const fn key(contact: &Contact) -> TemplateKey {
    match contact.kind {
        ContactKind::Call => TemplateKey::GreetingCall,
        ContactKind::Text => TemplateKey::GreetingText,
    }
}

/// Answers a missed call, or the text that opened the conversation, with the first text, and says what became of the
/// contact: greeted, or a task where carriers filter every wording of the text. The conversation is locked.
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
) -> Result<ContactOutcome, DbError> {
    let key = key(contact);
    let Some(text) = worded(conversations, tx, conversation, key).await? else {
        ask_a_person(tx, conversation, contact, causation).await?;
        return Ok(ContactOutcome::Task);
    };
    let answers_at = greeting::counts_from(answered_from, available_at, tx.now());
    let outgoing = Outgoing {
        id: tx.ids().next(),
        purpose: Purpose::Greeting,
        author: Writer::Automation,
        body: text.body,
        purpose_key: format!("greeting:{}:{}", contact.kind.as_str(), contact.id),
        available_at,
        useful_until: useful_until(Purpose::Greeting, answers_at),
        why: json!({
            "contact": contact.kind.as_str(), "contact_id": contact.id, "template": key.as_str(),
            "wording": text.wording.as_str(),
        }),
        answers_at: Some(answers_at),
        resend_of: None,
    };
    send(tx, conversation, outgoing, causation).await?;
    Ok(ContactOutcome::Greeted)
}

/// A call is returned by a person. A text has its own task, which asks for a reply.
async fn ask_a_person(
    tx: &mut Tx,
    conversation: &ConversationRecord,
    contact: &Contact,
    causation: Option<EventId>,
) -> Result<(), DbError> {
    if contact.kind == ContactKind::Text {
        return Ok(());
    }
    let task = NewTask {
        purpose_key: format!("contact:{}", contact.id),
        kind: TaskKind::CallBack,
        conversation_id: None,
        call_id: Some(contact.id.into()),
        caller_phone: Some(conversation.caller_phone.clone()),
        text: "Call back: this caller gets no text, because carriers filter every wording of it.".to_owned(),
    };
    raise_task(tx, &task, conversation.context(causation)).await
}
