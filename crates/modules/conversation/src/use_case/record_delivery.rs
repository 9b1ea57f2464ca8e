use nmc_db::{DbError, Seen, Tx};
use nmc_effects::{Accepted, Settled};
use nmc_events::conversation::{DeliveryUpdated, MessageStatus};
use nmc_kernel::{IntentId, TenantId};
use nmc_providers::twilio::{SmsStatus, SmsStatusWebhook};
use nmc_webhooks::Receipt;

use super::record_outcome::{after_failure, record_accepted, record_twice, take_back_resends};
use crate::{
    Conversation, ConversationRecord, Message,
    model::{delivery::advanced, failure::Failure},
    store,
};

/// Which attempt a status callback is about; in its signed address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    pub(crate) intent: IntentId,
    pub(crate) number: u32,
}

/// Takes one status callback: late, twice, out of order, or before the send's own answer was recorded.
///
/// The intent is settled before a code may record an opt-out, which takes the phone's lock: the reverse of the usual
/// order, and no cycle. Whoever holds the phone's lock and then wants an intent of this conversation (a claim, an
/// outcome) holds the conversation's lock as well, which is ours from the first statement on; the engine's statements on
/// the intent without that lock end in a commit that takes no other lock; and recording an opt-out by keyword touches no
/// intent.
pub(crate) async fn record_delivery(
    conversations: &Conversation,
    tenant: TenantId,
    attempt: Option<Attempt>,
    callback: &SmsStatusWebhook,
    receipt: &Receipt,
) -> Result<(), DbError> {
    let mut tx = conversations.db.begin(tenant).await?;
    let sid = callback.message_sid.as_str();
    if receipt.record(&mut tx).await? != Seen::First {
        return Ok(());
    }
    let intent = attempt.map(|attempt| attempt.intent);
    let Some((conversation, mut message)) = store::text::lock_reported(&mut tx, intent, sid).await? else {
        tracing::warn!(tenant_id = %tenant, "a status callback is about no text of ours");
        return tx.commit().await;
    };
    // A message that has this id was given it in the transaction that settled its intent.
    if let Some(attempt) = attempt
        && message.provider_message_id.as_deref() != Some(sid)
    {
        settle(&mut tx, &conversation, &message, attempt, sid).await?;
        if message.provider_message_id.is_none() {
            message = store::message::find(&mut tx, message.id).await?.unwrap_or(message);
        }
    }
    if message.provider_message_id.as_deref() == Some(sid) {
        advance(conversations, &mut tx, &conversation, &message, callback).await?;
    }
    tx.commit().await
}

/// That there is a callback at all says that the attempt was accepted, whatever its own answer said or did not say.
async fn settle(
    tx: &mut Tx,
    conversation: &ConversationRecord,
    message: &Message,
    attempt: Attempt,
    sid: &str,
) -> Result<(), DbError> {
    let context = conversation.context(None);
    let accepted = Accepted { provider_ref: sid.to_owned() };
    match nmc_effects::settle(tx, attempt.intent, attempt.number, &accepted).await? {
        Settled::Overtaken => {
            record_twice(tx, conversation, message, context).await?;
            record_accepted(tx, conversation, message, sid, context).await
        }
        Settled::Now | Settled::Before | Settled::Missing => {
            record_accepted(tx, conversation, message, sid, context).await
        }
    }
}

/// Moves the status forward, if the callback is further than it.
async fn advance(
    conversations: &Conversation,
    tx: &mut Tx,
    conversation: &ConversationRecord,
    message: &Message,
    callback: &SmsStatusWebhook,
) -> Result<(), DbError> {
    let Some(status) = SmsStatus::from_twilio(&callback.message_status).and_then(|r| advanced(message.status, r))
    else {
        return Ok(());
    };
    let context = conversation.context(None);
    let is_failed = status == MessageStatus::Failed;
    let code = callback.error_code.and_then(|code| i32::try_from(code).ok()).filter(|_| is_failed);
    store::message::save_status(tx, message.id, status, code, None).await?;
    let updated = DeliveryUpdated {
        message_id: message.id,
        status,
        provider_ref: callback.message_sid.to_string(),
        error_code: code,
    };
    tx.publish(&updated, context)?;
    // Only a text that had failed, or was itself sent in place of one, has others planned in its place.
    let has_stand_ins = message.status == MessageStatus::Failed || message.resend_of().is_some();
    if status == MessageStatus::Delivered && has_stand_ins {
        take_back_resends(tx, conversation, message).await?;
    }
    if is_failed {
        let failure = code.map_or(Failure::Word("undelivered"), Failure::Code);
        after_failure(conversations, tx, conversation, message, failure, context).await?;
    }
    Ok(())
}
