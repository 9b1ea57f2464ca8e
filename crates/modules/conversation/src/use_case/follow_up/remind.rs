use chrono::{DateTime, Duration, Utc};
use nmc_compliance::{BlockReason, Decision, Purpose, Subject};
use nmc_db::{DbError, Tx};
use nmc_events::{Context, conversation::MessageStatus};
use nmc_identity::{Language, Tenant};
use nmc_kernel::{AppointmentId, E164};
use nmc_scheduling::{Appointment, AppointmentStatus};
use serde_json::json;

use crate::{
    Conversation, ConversationRecord, ConversationState, Message, TaskKind,
    model::{
        dialogue::{Act, Dialogue, Visit, Voice, check, word},
        message::useful_until,
        reminder,
        task::NewTask,
    },
    store,
    timers::reminder::ReminderTimer,
    use_case::{
        gate::gate,
        open::{lock_or_create, publish_started, touch},
        raise_task::raise_task,
        send::{Outgoing, Writer, send},
    },
};

/// Somebody who waits for an answer gets that first; and what was written may be taken back before it leaves.
const LOOKS_AGAIN: Duration = Duration::minutes(5);

/// What comes of a reminder that is due.
#[derive(Clone, Copy)]
enum Outcome {
    /// It is written, and has not left yet.
    Written,
    /// It may be possible at this time.
    Later(DateTime<Utc>),
    /// No text says it, and somebody should.
    APersons,
    /// It has left, or nobody wants it.
    Over,
}

/// An appointment is on the next day: its customer is reminded, if it is a caller. Whoever has never called or written
/// has not asked for texts, and gets none. What does not let it go out now and ends by itself moves the timer.
pub(crate) async fn remind(conversations: &Conversation, tx: &mut Tx, id: AppointmentId) -> Result<(), DbError> {
    let appointment = conversations.scheduling.appointment(tx, id).await?;
    let booked = appointment.filter(|appointment| appointment.status == AppointmentStatus::Booked);
    let Some(appointment) = booked else { return Ok(()) };
    let (start, now) = (appointment.slot.start(), tx.now());
    let tenant = conversations.identity.tenant(tx).await?;
    let due_at = reminder::due_at(start, tenant.time_zone);
    if due_at > now {
        // It has moved, and the news of that is still on its way.
        return ReminderTimer::set(tx, id, due_at).await;
    }
    if !tenant.settings.reminder || reminder::useful_until(start) <= now {
        return Ok(());
    }
    let Some((mut conversation, is_new, language)) = thread(conversations, tx, &appointment).await? else {
        return Ok(());
    };
    let outcome = match store::message::find(tx, reminder::message_id(id, start)).await? {
        Some(written) => after(&written),
        None => match conversation.state {
            ConversationState::Open if conversation.waiting_since.is_some() => Outcome::Later(now + LOOKS_AGAIN),
            ConversationState::Open => {
                write(conversations, tx, &mut conversation, &tenant, &appointment, language).await?
            }
            ConversationState::Human | ConversationState::Blocked => Outcome::APersons,
            ConversationState::Closed => Outcome::Over,
        },
    };
    match outcome {
        Outcome::Written if is_new => publish_started(tx, &conversation, None)?,
        _ if is_new => store::conversation::take_back(tx, conversation.id).await?,
        _ => {}
    }
    match outcome {
        Outcome::Written => ReminderTimer::set(tx, id, now + LOOKS_AGAIN).await,
        Outcome::Later(at) if at < reminder::useful_until(start) => ReminderTimer::set(tx, id, at).await,
        Outcome::Later(_) | Outcome::APersons => {
            let thread = (!is_new).then_some(&conversation);
            ask_a_person(conversations, tx, thread, &tenant, &appointment).await
        }
        Outcome::Over => Ok(()),
    }
}

/// What becomes of a reminder that was written. Of one that fails a person is told there; one that was taken back, with
/// whatever else was still to be said, is the person's who has the conversation.
fn after(written: &Message) -> Outcome {
    let reason = written.failure.as_deref().and_then(BlockReason::from_word);
    let is_taken_back = reason.is_some_and(|reason| !reason.needs_a_person() && reason != BlockReason::OptedOut);
    match written.status {
        MessageStatus::Pending => Outcome::Written,
        MessageStatus::Failed if is_taken_back => Outcome::APersons,
        _ => Outcome::Over,
    }
}

/// The caller's live conversation, locked, else a new one, with `true`; and the language they speak. None where the
/// customer is no caller.
async fn thread(
    conversations: &Conversation,
    tx: &mut Tx,
    appointment: &Appointment,
) -> Result<Option<(ConversationRecord, bool, Option<Language>)>, DbError> {
    let phone = &appointment.customer_phone;
    let Some(newest) = store::conversation::newest(tx, phone).await? else { return Ok(None) };
    let Some(newest) = store::conversation::find(tx, newest).await? else { return Ok(None) };
    let Some(business_phone) = business_phone(conversations, tx, &newest).await? else { return Ok(None) };
    let language = Dialogue::read(store::turn::dialogue(tx, newest.id).await?.as_ref()).language;
    let (conversation, is_new) = lock_or_create(tx, phone, &business_phone, appointment.correlation_id).await?;
    Ok(Some((conversation, is_new, language)))
}

/// The number the caller knows, if it is still the business's.
async fn business_phone(
    conversations: &Conversation,
    tx: &mut Tx,
    newest: &ConversationRecord,
) -> Result<Option<E164>, DbError> {
    if conversations.compliance.receives_on(tx, &newest.business_phone).await? {
        return Ok(Some(newest.business_phone.clone()));
    }
    conversations.compliance.sending_number(tx).await
}

/// Writes the reminder, which is not written yet, if it may go out. The conversation is locked.
async fn write(
    conversations: &Conversation,
    tx: &mut Tx,
    conversation: &mut ConversationRecord,
    tenant: &Tenant,
    appointment: &Appointment,
    language: Option<Language>,
) -> Result<Outcome, DbError> {
    let start = appointment.slot.start();
    let (purpose, message) = (Purpose::Reminder, reminder::message_id(appointment.id, start));
    let phone = conversation.caller_phone.clone();
    let introduces = !store::introduction::of(tx, &phone, message).await?.is_given_or_planned();
    match gate(conversations, tx, &phone, Subject::Message(message), purpose).await? {
        Decision::Allow => {}
        Decision::Defer { until, .. } => return Ok(Outcome::Later(until)),
        Decision::Block { reason } if reason.needs_a_person() => return Ok(Outcome::APersons),
        Decision::Block { .. } => return Ok(Outcome::Over),
    }
    let visit = visit(conversations, tx, appointment).await?;
    let (acts, voice) = ([Act::Reminder { visit, introduces }], Voice::of_business(tenant, language));
    let body = word(&acts, &voice);
    if let Err(unfounded) = check(&body, &acts, &voice) {
        tracing::error!(conversation_id = %conversation.id, %unfounded, "a reminder says what is not so");
        return Ok(Outcome::APersons);
    }
    let dialogue = Dialogue::read(store::turn::dialogue(tx, conversation.id).await?.as_ref());
    // What was asked before a person had the conversation is not open any more.
    let dialogue = if dialogue.epoch == conversation.epoch { dialogue } else { dialogue.after_human() };
    let dialogue = Dialogue { language, ..dialogue }.reminded(appointment.id);
    store::turn::save_dialogue(tx, conversation, dialogue).await?;
    let outgoing = Outgoing {
        id: message,
        purpose,
        author: Writer::Automation,
        body,
        purpose_key: format!("reminder:{message}"),
        available_at: tx.now(),
        useful_until: useful_until(purpose, tx.now()).min(reminder::useful_until(start)),
        why: json!({
            "acts": acts.each_ref().map(Act::word), "appointment_id": appointment.id, "start": start,
            "introduces": introduces,
        }),
        answers_at: None,
        resend_of: None,
    };
    send(tx, conversation, outgoing, None).await?;
    let business_phone = conversation.business_phone.clone();
    touch(conversations, tx, conversation, &business_phone).await?;
    Ok(Outcome::Written)
}

/// Where the automation is silent, or no text gets through in time, a person reminds.
async fn ask_a_person(
    conversations: &Conversation,
    tx: &mut Tx,
    thread: Option<&ConversationRecord>,
    tenant: &Tenant,
    appointment: &Appointment,
) -> Result<(), DbError> {
    let voice = Voice::to_people(tenant.time_zone, tenant.name.as_str());
    let visit = visit(conversations, tx, appointment).await?.in_words(&voice);
    let who = match thread.map(|conversation| conversation.state) {
        Some(ConversationState::Human) => "whose conversation you have",
        _ => "who gets no text",
    };
    let task = NewTask {
        purpose_key: format!("reminder:{}", reminder::message_id(appointment.id, appointment.slot.start())),
        kind: TaskKind::Check,
        conversation_id: thread.map(|conversation| conversation.id),
        call_id: None,
        caller_phone: Some(appointment.customer_phone.clone()),
        text: format!("Remind the customer, {who}: {visit}."),
    };
    let context = Context { correlation: appointment.correlation_id, causation: None };
    raise_task(tx, &task, thread.map_or(context, |conversation| conversation.context(None))).await
}

/// The appointment as it is told.
async fn visit(conversations: &Conversation, tx: &mut Tx, appointment: &Appointment) -> Result<Visit, DbError> {
    let sold = conversations.catalog.sold(tx).await?;
    let job = sold.iter().find(|item| item.id == appointment.service_item_id).map(|item| item.name.as_str());
    Ok(Visit::new(appointment, job))
}
