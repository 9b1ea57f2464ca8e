use nmc_compliance::{Decision, Purpose, Subject};
use nmc_db::{DbError, Tx};
use nmc_events::{Envelope, telephony::CallDetected};
use nmc_kernel::{E164, Untextable};

use super::{
    close::take_back_planned,
    greet::{self, greet},
    open::{publish_started, take_contact, touch},
    raise_task::raise_task,
    request_reply::ask_a_person_instead,
    unblock::unblock,
};
use crate::{
    Contact, ContactKind, ContactOutcome, Conversation, ConversationRecord, ConversationState, TaskKind,
    model::{
        greeting::{Reaction, react},
        task::NewTask,
    },
    store,
    timers::{close::CloseTimer, unblock::UnblockTimer},
};

/// A call was missed: the caller is greeted, or it is written down why not.
pub(crate) async fn answer_call(
    conversations: &Conversation,
    tx: &mut Tx,
    event: &CallDetected,
    envelope: &Envelope,
) -> Result<(), DbError> {
    let contact = Contact {
        id: event.call_id.as_uuid(),
        kind: ContactKind::Call,
        caller_phone: event.from_phone.clone(),
        business_phone: event.to_phone.clone(),
        conversation_id: None,
        outcome: ContactOutcome::Taken,
        occurred_at: envelope.occurred_at,
    };
    if let (Some(phone), None) = (&event.from_phone, event.untextable_reason) {
        return answer(conversations, tx, &contact, phone, envelope).await;
    }
    if !store::contact::insert(tx, &contact).await? {
        return Ok(());
    }
    let reason = event.untextable_reason.unwrap_or(Untextable::Withheld);
    let text = format!("Call back: no text reaches this caller ({}).", reason.as_str());
    raise_task(tx, &call_back(&contact, None, text), envelope.caused()).await?;
    store::contact::save(tx, contact.id, None, ContactOutcome::Untextable).await
}

async fn answer(
    conversations: &Conversation,
    tx: &mut Tx,
    contact: &Contact,
    phone: &E164,
    envelope: &Envelope,
) -> Result<(), DbError> {
    let cause = Some(envelope.event_id);
    let Some((mut conversation, is_new)) = take_contact(tx, contact, phone, envelope.correlation_id).await? else {
        return Ok(());
    };
    // The approval may be a moment older than the look at what it unblocks.
    unblock(conversations, tx, &mut conversation, cause).await?;
    let subject = Subject::Call(contact.id.into());
    let gate = conversations.compliance.can_send(tx, subject, phone, Purpose::Greeting).await?;
    let now = tx.now();
    let spoken = store::message::spoken(tx, phone, greet::key(contact)).await?;
    let reaction = react(&gate, (!is_new).then_some(conversation.state), spoken, contact.occurred_at, now);
    let context = conversation.context(cause);

    let outcome = match reaction {
        Reaction::Greet { available_at } => {
            if is_new {
                // It has been written as it is.
                CloseTimer::set(tx, &conversation, conversations.settings.inactivity).await?;
            } else {
                touch(conversations, tx, &mut conversation, &contact.business_phone).await?;
            }
            greet(conversations, tx, &conversation, contact, contact.occurred_at, available_at, cause).await?
        }
        Reaction::RecentlyAnswered if is_new => {
            // The caller was answered in a conversation that somebody has closed meanwhile.
            let text = "Call back: this caller called again after the conversation was closed.".to_owned();
            raise_task(tx, &call_back(contact, None, text), context).await?;
            ContactOutcome::RecentlyAnswered
        }
        Reaction::RecentlyAnswered => {
            touch(conversations, tx, &mut conversation, &contact.business_phone).await?;
            ContactOutcome::RecentlyAnswered
        }
        Reaction::Human => {
            touch(conversations, tx, &mut conversation, &contact.business_phone).await?;
            let text = "Call back: a caller whose conversation you have taken over has called.".to_owned();
            raise_task(tx, &call_back(contact, Some(&conversation), text), context).await?;
            ContactOutcome::Human
        }
        Reaction::Block => {
            block(tx, &mut conversation).await?;
            touch(conversations, tx, &mut conversation, &contact.business_phone).await?;
            ContactOutcome::Blocked
        }
        Reaction::Refuse(reason) => {
            let text = format!("Call back: this caller gets no text ({}).", reason.as_str());
            raise_task(tx, &call_back(contact, None, text), context).await?;
            ContactOutcome::Refused
        }
        Reaction::Silent(reason) => {
            let decision = Decision::Block { reason };
            conversations.compliance.store_decision(tx, subject, phone, Purpose::Greeting, &decision).await?;
            let text = format!("Call back: this call was not answered by a text ({}).", reason.as_str());
            raise_task(tx, &call_back(contact, None, text), context).await?;
            ContactOutcome::Task
        }
    };
    let is_kept = !is_new || matches!(outcome, ContactOutcome::Greeted | ContactOutcome::Blocked);
    if !is_kept {
        store::conversation::take_back(tx, conversation.id).await?;
    } else if is_new {
        publish_started(tx, &conversation, cause)?;
    }
    store::contact::save(tx, contact.id, is_kept.then_some(conversation.id), outcome).await
}

/// The campaign is not approved (any more): what was planned is taken back, and approval opens it again. The caller
/// saves the conversation.
pub(crate) async fn block(tx: &mut Tx, conversation: &mut ConversationRecord) -> Result<(), DbError> {
    if conversation.state == ConversationState::Open {
        let unsaid = take_back_planned(tx, conversation, "campaign-not-approved").await?;
        conversation.waiting_since = [conversation.waiting_since, unsaid].into_iter().flatten().min();
        conversation.change_to(ConversationState::Blocked);
        ask_a_person_instead(tx, conversation, None).await?;
        UnblockTimer::set_after_commit(tx, conversation).await?;
    }
    Ok(())
}

fn call_back(contact: &Contact, conversation: Option<&ConversationRecord>, text: String) -> NewTask {
    NewTask {
        purpose_key: format!("contact:{}", contact.id),
        kind: TaskKind::CallBack,
        conversation_id: conversation.map(|conversation| conversation.id),
        call_id: Some(contact.id.into()),
        caller_phone: contact.caller_phone.clone(),
        text,
    }
}
