//! What became of a text: the message's row, its events, and what a person must know.

use chrono::Duration;
use nmc_compliance::{BlockReason, OptOutSource, Purpose};
use nmc_db::{DbError, Tx};
use nmc_events::{
    Context,
    conversation::{Author, MessageSent, MessageStatus},
};
use nmc_kernel::IntentId;
use nmc_telemetry::name::SMS_OUTBOUND_FAILURES_TOTAL;
use serde_json::json;

use super::{
    raise_task::raise_task,
    request_reply::ask_a_person_instead,
    send::{Outgoing, Writer, send},
    templates::stop_wording,
};
use crate::{
    Conversation, ConversationRecord, ConversationState, Message, TaskKind,
    model::{
        failure::{Failure, NOT_INTRODUCED},
        message::useful_until,
        task::NewTask,
    },
    store,
};

/// The first wait before a text is sent again that the carrier could not deliver; each further one is as much longer.
const RESEND_WAIT: Duration = Duration::minutes(2);

/// The provider has a text that was still to be sent. The conversation is locked.
pub(crate) async fn record_accepted(
    tx: &mut Tx,
    conversation: &ConversationRecord,
    message: &Message,
    provider_message_id: &str,
    context: Context,
) -> Result<(), DbError> {
    if let Some(known) = &message.provider_message_id {
        if known != provider_message_id {
            return record_twice(tx, conversation, message, context).await;
        }
        return Ok(());
    }
    store::message::accepted(tx, message.id, provider_message_id).await?;
    if let Some(answers_at) = message.answers_at {
        let seconds = (tx.now() - answers_at).to_std().unwrap_or_default().as_secs_f64();
        nmc_telemetry::record_first_sms(seconds);
    }
    let sent = MessageSent {
        message_id: message.id,
        conversation_id: conversation.id,
        direction: message.direction,
        status: MessageStatus::Queued,
        author: message.author,
        segments: message.segments,
        first_reply: message.answers_at.is_some(),
    };
    tx.publish(&sent, context).map(drop)
}

/// The provider has two messages for one of ours: nothing can be taken back, but somebody must hear of it.
pub(crate) async fn record_twice(
    tx: &mut Tx,
    conversation: &ConversationRecord,
    message: &Message,
    context: Context,
) -> Result<(), DbError> {
    tracing::error!(message_id = %message.id, tenant_id = %tx.tenant(), "a text was accepted twice");
    let task = NewTask {
        purpose_key: format!("twice:{}", message.id),
        kind: TaskKind::Check,
        conversation_id: Some(conversation.id),
        call_id: None,
        caller_phone: Some(conversation.caller_phone.clone()),
        text: "A text may have reached the caller twice.".to_owned(),
    };
    raise_task(tx, &task, context).await
}

/// A text was not sent, or did not arrive; its status has been written. The conversation is locked.
pub(crate) async fn after_failure(
    conversations: &Conversation,
    tx: &mut Tx,
    conversation: &ConversationRecord,
    message: &Message,
    failure: Failure<'_>,
    context: Context,
) -> Result<(), DbError> {
    let follows = failure.consequences();
    // The provider knows of the opt-out that was to be confirmed: it has answered the STOP itself, and nothing failed.
    let is_confirmed = follows.is_opt_out && message.purpose == Some(Purpose::OptOutConfirmation);
    if !is_confirmed {
        metrics::counter!(SMS_OUTBOUND_FAILURES_TOTAL, "code" => failure.label()).increment(1);
    }
    if follows.alerts {
        tracing::error!(message_id = %message.id, tenant_id = %tx.tenant(), provider.code = failure.label(), "a text failed in a way that concerns more than this text");
    }
    if let (true, Some((key, wording)), Failure::Code(code)) = (follows.stops_wording, message.wording(), failure) {
        stop_wording(tx, conversation, key, wording, code).await?;
    }
    if follows.closes_gate {
        conversations.compliance.campaign_unknown(tx, message.created_at, context).await?;
    }
    if follows.is_opt_out {
        let (phone, label) = (&conversation.caller_phone, failure.label());
        conversations.compliance.record_opt_out(tx, phone, &label, OptOutSource::Provider, context).await?;
    }
    if follows.resends > 0 && resend(tx, conversation, message, follows.resends, context).await? {
        return Ok(());
    }
    // What the service owes by law or keyword is nobody's task, nor is a question that was answered with silence before.
    if message.author == Author::System || message.purpose == Some(Purpose::Nudge) {
        return Ok(());
    }
    let task = NewTask {
        purpose_key: format!("not-sent:{}", message.id),
        kind: follows.task,
        conversation_id: Some(conversation.id),
        call_id: None,
        caller_phone: Some(conversation.caller_phone.clone()),
        text: failure.task_text(),
    };
    raise_task(tx, &task, context).await
}

/// A text that will not be sent: its status and what follows. Does nothing where it is decided already.
pub(crate) async fn record_not_sent(
    conversations: &Conversation,
    tx: &mut Tx,
    conversation: &ConversationRecord,
    message: &Message,
    failure: Failure<'_>,
    context: Context,
) -> Result<(), DbError> {
    if message.status != MessageStatus::Pending {
        return Ok(());
    }
    let (code, word) = match failure {
        Failure::Code(code) => (Some(code), None),
        Failure::Word(word) => (None, Some(word)),
    };
    store::message::save_status(tx, message.id, MessageStatus::Failed, code, word).await?;
    after_failure(conversations, tx, conversation, message, failure, context).await
}

/// A text of the automation that must not go out alone is left out. Whom it would have answered waits as before, for a
/// person; of any other a person is told. The conversation is locked.
pub(crate) async fn leave_to_a_person(
    conversations: &Conversation,
    tx: &mut Tx,
    mut conversation: ConversationRecord,
    message: &Message,
    intent: IntentId,
    context: Context,
) -> Result<(), DbError> {
    let unsaid = store::message::unanswered_without(tx, &[intent]).await?;
    if unsaid.is_none() || !conversation.is_live() {
        let failure = Failure::Word(NOT_INTRODUCED);
        return record_not_sent(conversations, tx, &conversation, message, failure, context).await;
    }
    store::message::fail_of_intents(tx, &[intent], NOT_INTRODUCED).await?;
    conversation.waiting_since = [conversation.waiting_since, unsaid].into_iter().flatten().min();
    store::conversation::save(tx, &conversation).await?;
    ask_a_person_instead(tx, &conversation, context.causation).await
}

/// A text has arrived after all: whatever was planned in its place is taken back. The conversation is locked.
pub(crate) async fn take_back_resends(
    tx: &mut Tx,
    conversation: &ConversationRecord,
    message: &Message,
) -> Result<(), DbError> {
    let first = message.resend_of().unwrap_or(message.id);
    let reason = BlockReason::Superseded.as_str();
    let mut taken_back = Vec::new();
    for intent in store::message::waiting_resends(tx, conversation.id, first).await? {
        if nmc_effects::cancel(tx, intent, reason).await? {
            taken_back.push(intent);
        }
    }
    if taken_back.is_empty() {
        return Ok(());
    }
    store::message::fail_of_intents(tx, &taken_back, reason).await
}

/// Sends a text anew that the provider took and the carrier could not deliver, at most `at_most` times in all and only
/// while it is of use; `false` where that is over. The conversation is locked.
async fn resend(
    tx: &mut Tx,
    conversation: &ConversationRecord,
    message: &Message,
    at_most: u32,
    context: Context,
) -> Result<bool, DbError> {
    let resent = message.why["resend"].as_u64().and_then(|times| u32::try_from(times).ok()).unwrap_or(0);
    let purpose = message.purpose.unwrap_or(Purpose::Reply);
    let available_at = tx.now() + RESEND_WAIT * i32::try_from(resent + 1).unwrap_or(1);
    let useful_until = useful_until(purpose, message.created_at);
    let writer = match (message.author, message.author_user_id) {
        (Author::User, Some(user)) => Some(Writer::User(user, None)),
        (Author::Automation, _) if conversation.state == ConversationState::Open => Some(Writer::Automation),
        _ => None,
    };
    let Some(author) = writer else { return Ok(false) };
    let was_taken = message.provider_message_id.is_some();
    if !was_taken || resent >= at_most || available_at >= useful_until {
        return Ok(false);
    }
    let mut why = json!({ "resend": resent + 1, "resend_of": message.resend_of().unwrap_or(message.id) });
    // It says the same, to whom it is said as well.
    if message.why["introduces"] == true {
        why["introduces"] = true.into();
    }
    if let Some((key, wording)) = message.wording() {
        why["template"] = key.as_str().into();
        why["wording"] = wording.as_str().into();
    }
    let outgoing = Outgoing {
        id: tx.ids().next(),
        purpose,
        author,
        body: message.body.clone(),
        purpose_key: format!("resend:{}", message.id),
        available_at,
        useful_until,
        why,
        answers_at: None,
        resend_of: Some(message.resend_of().unwrap_or(message.id)),
    };
    send(tx, conversation, outgoing, context.causation).await?;
    Ok(true)
}
