use nmc_compliance::{BlockReason, Decision, Purpose, Subject};
use nmc_db::{DbError, Tx};
use nmc_events::conversation::ConversationUnblocked;
use nmc_kernel::EventId;

use super::{greet::greet, raise_task::raise_task};
use crate::{
    Contact, ContactKind, ContactOutcome, Conversation, ConversationRecord, ConversationState, TaskKind,
    model::{greeting, task::NewTask},
    store,
};

/// The campaign is approved: a blocked conversation opens. The newest call or text of it is greeted where it is recent;
/// every other call becomes a task. Does nothing where the conversation is not blocked or the gate still says no.
pub(crate) async fn unblock(
    conversations: &Conversation,
    tx: &mut Tx,
    conversation: &mut ConversationRecord,
    causation: Option<EventId>,
) -> Result<(), DbError> {
    if conversation.state != ConversationState::Blocked {
        return Ok(());
    }
    let waiting = store::contact::waiting(tx, conversation.id).await?;
    let gate = match waiting.first() {
        Some(newest) => {
            let phone = conversation.caller_phone.clone();
            conversations.compliance.can_send(tx, subject(newest), &phone, Purpose::Greeting).await?
        }
        None => Decision::Allow,
    };
    if matches!(gate, Decision::Block { reason: BlockReason::CampaignNotApproved }) {
        return Ok(());
    }
    conversation.change_to(ConversationState::Open);
    store::conversation::save(tx, conversation).await?;
    let unblocked = ConversationUnblocked { conversation_id: conversation.id, user_id: None };
    tx.publish(&unblocked, conversation.context(causation))?;

    let now = tx.now();
    let mut is_greeted = false;
    for (at, contact) in waiting.iter().enumerate() {
        let is_recent = greeting::is_greetable_after_approval(contact.occurred_at, now);
        let outcome = match gate {
            Decision::Allow | Decision::Defer { .. } if at == 0 && is_recent => {
                let available_at = gate.until().unwrap_or(now);
                greet(conversations, tx, conversation, contact, now, available_at, causation).await?;
                is_greeted = true;
                ContactOutcome::Greeted
            }
            // One greeting answers every recent call of the conversation.
            _ if is_greeted && is_recent => ContactOutcome::RecentlyAnswered,
            _ => {
                raise_task(tx, &call_back(conversation, contact, &gate), conversation.context(causation)).await?;
                ContactOutcome::Task
            }
        };
        store::contact::save(tx, contact.id, Some(conversation.id), outcome).await?;
    }
    Ok(())
}

fn subject(contact: &Contact) -> Subject {
    match contact.kind {
        ContactKind::Call => Subject::Call(contact.id.into()),
        ContactKind::Text => Subject::Message(contact.id.into()),
    }
}

fn call_back(conversation: &ConversationRecord, contact: &Contact, gate: &Decision) -> NewTask {
    let why = match gate.reason() {
        Some(reason) if matches!(gate, Decision::Block { .. }) => format!("no text may go out: {reason}"),
        _ => "texting was not approved yet".to_owned(),
    };
    NewTask {
        purpose_key: format!("contact:{}", contact.id),
        kind: TaskKind::CallBack,
        conversation_id: Some(conversation.id),
        call_id: (contact.kind == ContactKind::Call).then(|| contact.id.into()),
        caller_phone: Some(conversation.caller_phone.clone()),
        text: format!("Call back: a caller got no answer, because {why}."),
    }
}
