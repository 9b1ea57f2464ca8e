use chrono::{DateTime, Duration, Utc};
use nmc_compliance::{Decision, Purpose, Subject};
use nmc_db::{DbError, ReadTx, Tx};
use nmc_kernel::{ConversationId, E164, MessageId};
use serde_json::json;

use crate::{
    Conversation, ConversationRecord, ConversationState,
    model::{
        dialogue::{Act, Dialogue, Voice, check, word},
        message::useful_until,
    },
    store,
    timers::nudge::{NudgeTimer, SILENCE},
    use_case::{
        gate::gate,
        open::touch,
        send::{Outgoing, Writer, send},
    },
};

/// Whoever has not answered for so long has decided otherwise: a night and a morning are in between at most.
const FORGOTTEN_AFTER: Duration = Duration::hours(24);

/// A caller may have fallen silent before a booking: where they have, and it is still to be had, they are asked once
/// more. What does not let it go out now and ends by itself moves the timer.
pub(crate) async fn nudge(conversations: &Conversation, tx: &mut Tx, id: ConversationId) -> Result<(), DbError> {
    let Some(mut conversation) = store::conversation::lock(tx, id).await? else { return Ok(()) };
    if conversation.state != ConversationState::Open || conversation.waiting_since.is_some() {
        return Ok(());
    }
    let Some(last) = store::follow_up::last(tx, id).await?.filter(|last| last.is_answer) else { return Ok(()) };
    let silent_since = last.heard_at.max(conversation.last_activity_at);
    if silent_since + SILENCE > tx.now() {
        return NudgeTimer::set(tx, &conversation, silent_since + SILENCE).await;
    }
    let tenant = conversations.identity.tenant(tx).await?;
    let dialogue = Dialogue::read(store::turn::dialogue(tx, id).await?.as_ref());
    let is_of_now = dialogue.epoch == conversation.epoch && last.at + FORGOTTEN_AFTER > tx.now();
    let act = dialogue.nudge(tx.now()).filter(|_| is_of_now && tenant.settings.nudge);
    let Some(act) = act else { return Ok(()) };
    if has_booked_since(conversations, tx, &conversation.caller_phone, last.at).await? {
        return Ok(());
    }

    let message: MessageId = tx.ids().next();
    let purpose = Purpose::Nudge;
    match gate(conversations, tx, &conversation.caller_phone, Subject::Message(message), purpose).await? {
        Decision::Allow => {}
        Decision::Defer { until, .. } => return wait(tx, &conversation, last.at, until).await,
        Decision::Block { .. } => return Ok(()),
    }
    let (acts, voice) = ([act], Voice::of_business(&tenant, dialogue.language));
    let body = word(&acts, &voice);
    if let Err(unfounded) = check(&body, &acts, &voice) {
        tracing::error!(conversation_id = %id, %unfounded, "a nudge says what is not so");
        return Ok(());
    }
    store::turn::save_dialogue(tx, &conversation, dialogue.nudged()).await?;
    let outgoing = Outgoing {
        id: message,
        purpose,
        author: Writer::Automation,
        body,
        purpose_key: format!("nudge:{}", last.id),
        available_at: tx.now(),
        useful_until: useful_until(purpose, tx.now()),
        why: json!({ "acts": acts.each_ref().map(Act::word), "asked_by": last.id }),
        answers_at: None,
        resend_of: None,
    };
    send(tx, &conversation, outgoing, None).await?;
    let business_phone = conversation.business_phone.clone();
    touch(conversations, tx, &mut conversation, &business_phone).await
}

/// Whether there is an appointment for the caller that was made after `at`: a person has gone on where the automation
/// asked.
pub(super) async fn has_booked_since(
    conversations: &Conversation,
    tx: &mut ReadTx,
    caller: &E164,
    at: DateTime<Utc>,
) -> Result<bool, DbError> {
    let booked = conversations.scheduling.appointments_of_customer(tx, caller, tx.now()).await?;
    Ok(booked.iter().any(|appointment| appointment.created_at > at))
}

/// Looks again when the night is over, unless the question is forgotten by then.
async fn wait(
    tx: &mut Tx,
    conversation: &ConversationRecord,
    asked_at: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<(), DbError> {
    if until < asked_at + FORGOTTEN_AFTER { NudgeTimer::set(tx, conversation, until).await } else { Ok(()) }
}
