use nmc_compliance::{BlockReason, Decision, Purpose, Subject};
use nmc_db::{DbError, Tx};
use nmc_events::{compliance::CampaignStatus, conversation::ConversationUnblocked};
use nmc_kernel::EventId;

use super::{
    greet::{self, greet},
    raise_task::raise_task,
    request_reply::answer_what_waits,
};
use crate::{
    Contact, ContactKind, ContactOutcome, Conversation, ConversationRecord, ConversationState, TaskKind,
    model::{
        greeting::{self, Reaction, react},
        task::NewTask,
    },
    store,
    timers::unblock::UnblockTimer,
};

/// Contacts that are worked on in one transaction: each costs a few statements while its conversation is locked. What
/// is beyond waits for [`UnblockTimer`].
const WAITING_BATCH: i64 = 100;

/// The campaign is approved: a blocked conversation opens. The newest call or text of it is greeted where it is recent
/// and nothing else speaks against a greeting; every older call becomes a task. Does nothing where the conversation is
/// not blocked or the gate still says no.
pub(crate) async fn unblock(
    conversations: &Conversation,
    tx: &mut Tx,
    conversation: &mut ConversationRecord,
    causation: Option<EventId>,
) -> Result<(), DbError> {
    if conversation.state != ConversationState::Blocked {
        return Ok(());
    }
    let waiting = store::contact::waiting(tx, conversation.id, WAITING_BATCH).await?;
    let gate = match waiting.first() {
        Some(newest) => {
            let phone = conversation.caller_phone.clone();
            conversations.compliance.can_send(tx, subject(newest), &phone, Purpose::Greeting).await?
        }
        // Nobody is to be greeted, so that the campaign alone counts.
        None if is_approved(conversations, tx).await? => Decision::Allow,
        None => return Ok(()),
    };
    if matches!(gate, Decision::Block { reason: BlockReason::CampaignNotApproved }) {
        return Ok(());
    }
    conversation.change_to(ConversationState::Open);
    store::conversation::save(tx, conversation).await?;
    let unblocked = ConversationUnblocked { conversation_id: conversation.id, user_id: None };
    tx.publish(&unblocked, conversation.context(causation))?;
    go_on(tx, conversation, &waiting).await?;

    let now = tx.now();
    // They come newest first.
    let is_recent = |contact: &Contact| greeting::is_greetable_after_approval(contact.occurred_at, now);
    if conversation.waiting_since.is_some_and(|since| greeting::is_greetable_after_approval(since, now)) {
        answer_what_waits(tx, conversation).await?;
    }
    let (recent, too_old) = waiting.split_at(waiting.partition_point(is_recent));
    hand_to_a_person(tx, conversation, too_old, "texting was approved too late", causation).await?;
    let Some((newest, older)) = recent.split_first() else { return Ok(()) };
    let spoken = store::message::spoken(tx, &conversation.caller_phone, greet::key(newest)).await?;
    // The approval is what made the answer due: the time it took is not held against the contact.
    let reason = match react(&gate, Some(ConversationState::Open), spoken, now, now) {
        Reaction::Greet { available_at } => {
            let outcome = greet(conversations, tx, conversation, newest, now, available_at, causation).await?;
            store::contact::save(tx, newest.id, Some(conversation.id), outcome).await?;
            // One greeting, or one task, is for every recent contact of the conversation.
            return answered(tx, conversation, older).await;
        }
        Reaction::RecentlyAnswered => return answered(tx, conversation, recent).await,
        Reaction::Silent(reason) => {
            let (phone, decision) = (conversation.caller_phone.clone(), Decision::Block { reason });
            let compliance = &conversations.compliance;
            compliance.store_decision(tx, subject(newest), &phone, Purpose::Greeting, &decision).await?;
            reason
        }
        Reaction::Refuse(reason) => reason,
        Reaction::Human | Reaction::Block => return Ok(()),
    };
    let why = format!("no text may go out ({})", reason.as_str());
    hand_to_a_person(tx, conversation, recent, &why, causation).await
}

async fn is_approved(conversations: &Conversation, tx: &mut Tx) -> Result<bool, DbError> {
    let campaign = conversations.compliance.campaign(tx).await?;
    Ok(campaign.is_some_and(|campaign| campaign.status == CampaignStatus::Approved))
}

/// What waited in a conversation for the campaign's approval waits for nothing any more: it becomes tasks. The
/// conversation is locked.
pub(crate) async fn give_up_waiting(
    tx: &mut Tx,
    conversation: &ConversationRecord,
    causation: Option<EventId>,
) -> Result<(), DbError> {
    let waiting = store::contact::waiting(tx, conversation.id, WAITING_BATCH).await?;
    hand_to_a_person(tx, conversation, &waiting, "texting was not approved in time", causation).await?;
    go_on(tx, conversation, &waiting).await
}

/// There may be more where a batch was full.
async fn go_on(tx: &mut Tx, conversation: &ConversationRecord, worked_on: &[Contact]) -> Result<(), DbError> {
    if i64::try_from(worked_on.len()) == Ok(WAITING_BATCH) { UnblockTimer::set(tx, conversation).await } else { Ok(()) }
}

async fn answered(tx: &mut Tx, conversation: &ConversationRecord, contacts: &[Contact]) -> Result<(), DbError> {
    for contact in contacts {
        store::contact::save(tx, contact.id, Some(conversation.id), ContactOutcome::RecentlyAnswered).await?;
    }
    Ok(())
}

/// Contacts that got no answer and get none any more become tasks.
async fn hand_to_a_person(
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
