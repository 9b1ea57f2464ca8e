use chrono::{DateTime, Duration, Utc};
use nmc_compliance::{BlockReason, Decision, OptOutAction, Purpose, Subject};
use nmc_db::{DbError, Tx};
use nmc_events::{
    Envelope,
    conversation::CloseReason,
    telephony::{InboundSmsReceived, Keyword},
};
use nmc_kernel::{ConversationId, E164, MessageId};
use serde_json::json;

use super::{
    close::close,
    open::touch,
    send::{Outgoing, Writer, send},
    take_text::record_text,
    templates::worded,
};
use crate::{
    Conversation, ConversationRecord, ConversationState, TemplateKey,
    model::{greeting::MAX_AUTOMATIC_PER_DAY, message::useful_until},
    store,
};

/// The same keyword is answered once in this time: a person reads the first answer, and an autoresponder that quotes it
/// gets no second one.
const SAME_ANSWER_MINUTES: i64 = 10;
/// And so often within 24 hours. An opted-out number is owed the answer to HELP, but whoever forges a sender must not
/// be able to have a stranger texted all day.
const SAME_ANSWER_PER_DAY: usize = 3;

/// Answers a text that was an opt-out, opt-in or help word. Compliance has recorded what it means; a conversation is
/// at most closed by it, never begun.
pub(crate) async fn answer_keyword(
    conversations: &Conversation,
    tx: &mut Tx,
    event: &InboundSmsReceived,
    keyword: Keyword,
    envelope: &Envelope,
) -> Result<ConversationId, DbError> {
    let mut conversation = thread_of(tx, event, envelope).await?;
    record_text(tx, &conversation, event, envelope).await?;
    if conversation.is_live() {
        // With its timer: a live conversation without one would never end.
        touch(conversations, tx, &mut conversation, &event.to_phone).await?;
    } else {
        conversation.last_activity_at = tx.now();
        conversation.business_phone = event.to_phone.clone();
        store::conversation::save(tx, &conversation).await?;
    }
    // Before the conversation ends, which takes the lock of a resource: the phone's comes before that.
    if !event.answered_by_provider {
        answer(conversations, tx, &conversation, event, keyword, envelope).await?;
    }
    if keyword == Keyword::Stop {
        close_opted_out(conversations, tx, &mut conversation, envelope).await?;
    }
    Ok(conversation.id)
}

/// Ends a live conversation whose caller has opted out; not one that began after the caller opted in again.
pub(crate) async fn close_opted_out(
    conversations: &Conversation,
    tx: &mut Tx,
    conversation: &mut ConversationRecord,
    envelope: &Envelope,
) -> Result<(), DbError> {
    if conversation.is_live() && conversations.compliance.is_opted_out(tx, &conversation.caller_phone).await? {
        close(conversations, tx, conversation, CloseReason::OptOut, Some(envelope.event_id)).await?;
    }
    Ok(())
}

/// The conversation a keyword belongs to, locked: the live one, else the newest; for a caller nobody ever spoke with
/// one that is over already and only keeps the words.
async fn thread_of(
    tx: &mut Tx,
    event: &InboundSmsReceived,
    envelope: &Envelope,
) -> Result<ConversationRecord, DbError> {
    if let Some(live) = store::conversation::lock_live(tx, &event.from_phone).await? {
        return Ok(live);
    }
    if let Some(id) = store::conversation::newest(tx, &event.from_phone).await?
        && let Some(newest) = store::conversation::lock(tx, id).await?
    {
        return Ok(newest);
    }
    let now = tx.now();
    let over = ConversationRecord {
        id: tx.ids().next(),
        caller_phone: event.from_phone.clone(),
        business_phone: event.to_phone.clone(),
        state: ConversationState::Closed,
        epoch: 0,
        correlation_id: envelope.correlation_id,
        opened_at: now,
        last_activity_at: now,
        waiting_since: None,
        closed_at: Some(now),
        closed_reason: Some(CloseReason::User),
    };
    store::conversation::insert(tx, &over).await?;
    Ok(over)
}

async fn answer(
    conversations: &Conversation,
    tx: &mut Tx,
    conversation: &ConversationRecord,
    event: &InboundSmsReceived,
    keyword: Keyword,
    envelope: &Envelope,
) -> Result<(), DbError> {
    let (purpose, key) = match keyword {
        Keyword::Stop => (Purpose::OptOutConfirmation, TemplateKey::OptOutConfirmation),
        Keyword::Start => (Purpose::Reply, TemplateKey::OptInConfirmation),
        Keyword::Help => (Purpose::Help, TemplateKey::Help),
    };
    let id: MessageId = tx.ids().next();
    let phone = &conversation.caller_phone;
    let own = own_decision(conversations, tx, phone, keyword, key, envelope).await?;
    let gate = conversations.compliance.can_send_with(tx, Subject::Message(id), phone, purpose, own).await?;
    // A second STOP has been confirmed; what was refused has its decision, and no message that never leaves.
    if matches!(gate, Decision::Block { .. }) {
        return Ok(());
    }
    let Some(text) = worded(conversations, tx, conversation, key).await? else { return Ok(()) };
    let now = tx.now();
    let outgoing = Outgoing {
        id,
        purpose,
        author: Writer::System,
        body: text.body,
        purpose_key: format!("keyword:{}", event.message_id),
        available_at: gate.until().unwrap_or(now),
        useful_until: useful_until(purpose, gate.until().unwrap_or(now)),
        why: json!({ "keyword_of": event.message_id, "template": key.as_str(), "wording": text.wording.as_str() }),
        answers_at: None,
        resend_of: None,
    };
    send(tx, conversation, outgoing, Some(envelope.event_id)).await
}

/// What speaks against an answer beside Compliance's rules. The conversation is locked, so that two texts of one caller
/// do not both find room.
async fn own_decision(
    conversations: &Conversation,
    tx: &mut Tx,
    phone: &E164,
    keyword: Keyword,
    key: TemplateKey,
    envelope: &Envelope,
) -> Result<Decision, DbError> {
    if keyword == Keyword::Start {
        // Compliance has recorded the change of mind, if it was one, together with this very text.
        let history = conversations.compliance.history(tx, phone).await?;
        let is_by_this = |at| at == envelope.occurred_at;
        if !history.iter().any(|entry| entry.action == OptOutAction::OptIn && is_by_this(entry.recorded_at)) {
            return Ok(Decision::Block { reason: BlockReason::NoOptOut });
        }
    }
    let now = tx.now();
    let given = store::message::keyword_answers(tx, phone, key, now - Duration::days(1)).await?;
    let is_recent = |at: &DateTime<Utc>| now - *at < Duration::minutes(SAME_ANSWER_MINUTES);
    // One confirmation per opt-out is the gate's rule; who opts out and in by turns has read what it says. Each change
    // of mind is recorded all the same.
    let is_too_soon = keyword != Keyword::Stop && given.iter().any(is_recent);
    let is_too_many = given.len() >= SAME_ANSWER_PER_DAY || is_too_soon;
    if is_too_many || store::message::spoken(tx, phone, key).await?.in_a_day >= MAX_AUTOMATIC_PER_DAY {
        return Ok(Decision::Block { reason: BlockReason::TooMany });
    }
    Ok(Decision::Allow)
}
