use nmc_compliance::{Decision, Purpose, Subject};
use nmc_db::{DbError, Tx};
use nmc_events::{
    Envelope,
    conversation::{Author, Direction, MessageSent, MessageStatus},
    telephony::{InboundSmsReceived, Keyword},
};

use super::{
    answer_call::block,
    answer_keyword::answer_keyword,
    greet::{self, greet},
    open::{lock_or_create, publish_started, touch},
    override_window::text_waits,
    raise_task::raise_task,
    request_reply::request_reply,
    unblock::unblock,
};
use crate::{
    Contact, ContactKind, ContactOutcome, Conversation, ConversationRecord, ConversationState, Message, TaskKind,
    model::{
        greeting::{Reaction, Spoken, react},
        message::segments,
        task::NewTask,
        understanding::{READ_CHARS, is_alarm},
    },
    store,
};

/// A caller's text arrived: it is added to the conversation, or opens one and is greeted.
pub(crate) async fn take_text(
    conversations: &Conversation,
    tx: &mut Tx,
    event: &InboundSmsReceived,
    envelope: &Envelope,
) -> Result<(), DbError> {
    let contact = Contact {
        id: event.message_id.as_uuid(),
        kind: ContactKind::Text,
        caller_phone: Some(event.from_phone.clone()),
        business_phone: event.to_phone.clone(),
        conversation_id: None,
        outcome: ContactOutcome::Taken,
        occurred_at: envelope.occurred_at,
    };
    if !store::contact::insert(tx, &contact).await? {
        return Ok(());
    }
    if let Some(keyword) = event.keyword {
        let conversation = answer_keyword(conversations, tx, event, keyword, envelope).await?;
        return store::contact::save(tx, contact.id, Some(conversation), ContactOutcome::Keyword).await;
    }
    let caller = &event.from_phone;
    let (mut conversation, is_new) = lock_or_create(tx, caller, &event.to_phone, envelope.correlation_id).await?;
    // Before anything is answered, and with the conversation locked: its lock comes before the phone's.
    let revocation = conversations.compliance.record_wording(tx, caller, &event.body, envelope.caused()).await?;
    if revocation.is_some() {
        if is_new {
            store::conversation::take_back(tx, conversation.id).await?;
        }
        let thread = answer_keyword(conversations, tx, event, Keyword::Stop, envelope).await?;
        // Words can be read wrongly, and then a customer would wait for an answer that never comes: a person reads
        // them.
        let task = NewTask {
            purpose_key: format!("wording:{thread}"),
            kind: TaskKind::CallBack,
            conversation_id: Some(thread),
            call_id: None,
            caller_phone: Some(event.from_phone.clone()),
            text: "Read what the caller wrote: it was taken as a wish for no more texts. If it was about a job, call."
                .to_owned(),
        };
        raise_task(tx, &task, conversation.context(Some(envelope.event_id))).await?;
        return store::contact::save(tx, contact.id, Some(thread), ContactOutcome::Keyword).await;
    }
    let outcome = if is_new {
        open(conversations, tx, &mut conversation, &contact, envelope).await?
    } else {
        // The approval may be a moment older than the look at what it unblocks.
        unblock(conversations, tx, &mut conversation, Some(envelope.event_id)).await?;
        match conversation.state {
            ConversationState::Human => ContactOutcome::Human,
            ConversationState::Blocked => ContactOutcome::Blocked,
            ConversationState::Open | ConversationState::Closed => ContactOutcome::Added,
        }
    };
    if outcome == ContactOutcome::Refused {
        store::conversation::take_back(tx, conversation.id).await?;
        return store::contact::save(tx, contact.id, None, outcome).await;
    }
    let text = record_text(tx, &conversation, event, envelope).await?;
    alarm(tx, &conversation, &text, envelope).await?;
    text_waits(conversations, tx, &mut conversation).await?;
    touch(conversations, tx, &mut conversation, &event.to_phone).await?;
    request_reply(tx, &conversation, &text, envelope.occurred_at, Some(envelope.event_id)).await?;
    store::contact::save(tx, contact.id, Some(conversation.id), outcome).await
}

/// Decides what a text leads to that opens a conversation.
async fn open(
    conversations: &Conversation,
    tx: &mut Tx,
    conversation: &mut ConversationRecord,
    contact: &Contact,
    envelope: &Envelope,
) -> Result<ContactOutcome, DbError> {
    let cause = Some(envelope.event_id);
    let caller = conversation.caller_phone.clone();
    let subject = Subject::Message(contact.id.into());
    // Somebody who writes is replied to, at night as well.
    let gate = conversations.compliance.can_send(tx, subject, &caller, Purpose::Reply).await?;
    let now = tx.now();
    // Whoever writes can be written to.
    let spoken = Spoken { is_unreachable: false, ..store::message::spoken(tx, &caller, greet::key(contact)).await? };
    let outcome = match react(&gate, None, spoken, contact.occurred_at, now) {
        Reaction::Greet { available_at } => {
            greet(conversations, tx, conversation, contact, contact.occurred_at, available_at, cause).await?
        }
        Reaction::RecentlyAnswered => ContactOutcome::RecentlyAnswered,
        Reaction::Human => ContactOutcome::Human,
        Reaction::Block => {
            block(tx, conversation).await?;
            ContactOutcome::Blocked
        }
        // Not greeted; that a person replies is asked for as for any text.
        Reaction::Silent(reason) => {
            let decision = Decision::Block { reason };
            conversations.compliance.store_decision(tx, subject, &caller, Purpose::Greeting, &decision).await?;
            ContactOutcome::Task
        }
        Reaction::Refuse(reason) => {
            let task = NewTask {
                purpose_key: format!("contact:{}", contact.id),
                kind: TaskKind::CallBack,
                conversation_id: None,
                call_id: None,
                caller_phone: Some(caller),
                text: format!("Call back: somebody wrote who gets no text ({}).", reason.as_str()),
            };
            raise_task(tx, &task, conversation.context(cause)).await?;
            return Ok(ContactOutcome::Refused);
        }
    };
    publish_started(tx, conversation, cause)?;
    Ok(outcome)
}

/// Nobody overlooks danger because it is not the automation's turn, or stands at the end of a long text: what a turn
/// will not hear is an alert at once.
async fn alarm(
    tx: &mut Tx,
    conversation: &ConversationRecord,
    text: &Message,
    envelope: &Envelope,
) -> Result<(), DbError> {
    let is_heard = conversation.state == ConversationState::Open && text.body.chars().nth(READ_CHARS).is_none();
    if is_heard || !is_alarm(&text.body) {
        return Ok(());
    }
    let task = NewTask {
        purpose_key: format!("emergency:{}", text.id),
        kind: TaskKind::Emergency,
        conversation_id: Some(conversation.id),
        call_id: None,
        caller_phone: Some(conversation.caller_phone.clone()),
        text: "Call at once: the caller writes of an emergency.".to_owned(),
    };
    raise_task(tx, &task, conversation.context(Some(envelope.event_id))).await
}

/// Adds the caller's text to a conversation that is locked.
pub(crate) async fn record_text(
    tx: &mut Tx,
    conversation: &ConversationRecord,
    event: &InboundSmsReceived,
    envelope: &Envelope,
) -> Result<Message, DbError> {
    let message = Message {
        id: event.message_id.as_uuid().into(),
        conversation_id: conversation.id,
        direction: Direction::In,
        author: Author::Caller,
        author_user_id: None,
        purpose: None,
        body: event.body.clone(),
        media_count: event.media_count.min(MAX_MEDIA),
        segments: segments(&event.body).min(MAX_SEGMENTS),
        status: MessageStatus::Received,
        provider_message_id: None,
        client_dedup_key: None,
        intent_id: None,
        error_code: None,
        failure: None,
        why: serde_json::json!({ "provider_ref": event.provider_ref }),
        answers_at: None,
        created_at: tx.now(),
    };
    store::message::insert(tx, &message).await?;
    let sent = MessageSent {
        message_id: message.id,
        conversation_id: conversation.id,
        direction: message.direction,
        status: message.status,
        author: message.author,
        segments: message.segments,
        first_reply: false,
    };
    tx.publish(&sent, conversation.context(Some(envelope.event_id)))?;
    Ok(message)
}

/// The most that is stored (`conv_messages_segments_bounds`). The caller paid for the text, so that the exact figure of
/// a monstrous one matters to nobody.
const MAX_SEGMENTS: u16 = 100;
/// More than a carrier delivers with one message: <https://www.twilio.com/docs/messaging/guides/accepted-mime-types>.
const MAX_MEDIA: u16 = 10;
