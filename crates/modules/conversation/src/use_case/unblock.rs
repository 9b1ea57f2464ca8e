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
    let is_recent = |contact: &Contact| greeting::is_greetable_after_approval(contact.occurred_at, now);
    let mut rest = &waiting[..];
    if let Some((newest, older)) = waiting.split_first()
        && is_recent(newest)
        && !matches!(gate, Decision::Block { .. })
    {
        greet(conversations, tx, conversation, newest, now, gate.until().unwrap_or(now), causation).await?;
        store::contact::save(tx, newest.id, Some(conversation.id), ContactOutcome::Greeted).await?;
        // One greeting answers every recent call of the conversation; they come newest first.
        let (answered, too_old) = older.split_at(older.partition_point(is_recent));
        for contact in answered {
            store::contact::save(tx, contact.id, Some(conversation.id), ContactOutcome::RecentlyAnswered).await?;
        }
        rest = too_old;
    }
    let why = match gate {
        Decision::Block { reason } => format!("no text may go out ({})", reason.as_str()),
        Decision::Allow | Decision::Defer { .. } => "texting was approved too late".to_owned(),
    };
    hand_to_a_person(tx, conversation, rest, &why, causation).await
}

/// Contacts that got no answer and get none any more become tasks.
pub(crate) async fn hand_to_a_person(
    tx: &mut Tx,
    conversation: &ConversationRecord,
    contacts: &[Contact],
    why: &str,
    causation: Option<EventId>,
) -> Result<(), DbError> {
    for contact in contacts {
        let task = NewTask {
            purpose_key: format!("contact:{}", contact.id),
            kind: TaskKind::CallBack,
            conversation_id: Some(conversation.id),
            call_id: (contact.kind == ContactKind::Call).then(|| contact.id.into()),
            caller_phone: Some(conversation.caller_phone.clone()),
            text: format!("Call back: a caller got no answer, because {why}."),
        };
        raise_task(tx, &task, conversation.context(causation)).await?;
        store::contact::save(tx, contact.id, Some(conversation.id), ContactOutcome::Task).await?;
    }
    Ok(())
}

fn subject(contact: &Contact) -> Subject {
    match contact.kind {
        ContactKind::Call => Subject::Call(contact.id.into()),
        ContactKind::Text => Subject::Message(contact.id.into()),
    }
}
