use nmc_compliance::{BlockReason, Decision, Purpose, Subject};
use nmc_db::{DbError, Tx};
use nmc_kernel::MessageId;
use serde_json::{Value, json};

use super::{
    Outcome, TurnError,
    commands::{NotDone, carry_out},
    hear::Heard,
    read::Read,
    think::Thought,
};
use crate::{
    Conversation, ConversationRecord, ConversationState, TaskKind,
    model::{
        dialogue::{Act, Command, Dialogue, Lost},
        message::useful_until,
        task::{AnsweredBy, NewTask},
    },
    store::{self, turn::Claimed},
    timers::nudge::{NudgeTimer, SILENCE},
    use_case::{
        answer_call::block,
        change_state::hand_over_locked,
        gate::gate,
        open::touch,
        override_window::is_answered,
        raise_task::raise_task,
        request_reply::ask_a_person_instead,
        send::{Outgoing, Writer, send},
    },
};

/// What a closing transaction came to.
pub(super) enum Concluded {
    /// The turn is over for this process.
    Ended(Outcome),
    /// Something that was thought does not hold any more; nothing was written.
    Lost(Lost),
}

/// Gives the answer in one transaction: what it does, what it says, what is remembered, and the turn's end. Nothing of
/// it where anything has moved since it was read.
pub(super) async fn conclude(
    conversations: &Conversation,
    turn: &Claimed,
    read: &Read,
    thought: Thought,
) -> Result<Concluded, TurnError> {
    let mut tx = conversations.db.begin(turn.tenant).await?;
    let Some(mut conversation) = store::conversation::lock(&mut tx, turn.conversation_id).await? else {
        tx.roll_back().await?;
        return Ok(Concluded::Ended(Outcome::Moved));
    };
    if !store::turn::is_ours(&mut tx, turn).await? {
        tx.roll_back().await?;
        return Ok(Concluded::Ended(Outcome::Moved));
    }
    if !is_as_read(&mut tx, &conversation, read).await? {
        store::turn::give_back(&mut tx, turn).await?;
        tx.commit().await?;
        return Ok(Concluded::Ended(Outcome::Moved));
    }
    let id: MessageId = tx.ids().next();
    let mut available_at = tx.now();
    if thought.text.is_some() {
        if !store::introduction::of(&mut tx, &conversation.caller_phone, id).await?.is_given_or_planned() {
            // The first text of all says who writes, that it is automated, and how to end it: this one does not.
            raise_tasks(&mut tx, &conversation, read, &thought.answer.commands).await?;
            ask_a_person_instead(&mut tx, &conversation, None).await?;
            tx.commit().await?;
            return Ok(Concluded::Ended(Outcome::Refused));
        }
        let (phone, purpose) = (conversation.caller_phone.clone(), purpose(&thought.answer.acts));
        match gate(conversations, &mut tx, &phone, Subject::Message(id), purpose).await? {
            Decision::Allow => {}
            Decision::Defer { until, .. } => available_at = until,
            Decision::Block { reason } => {
                refused(conversations, &mut tx, &mut conversation, read, &thought, reason).await?;
                tx.commit().await?;
                return Ok(Concluded::Ended(Outcome::Refused));
            }
        }
    }
    let held = match carry_out(conversations, &mut tx, &conversation, &read.world, &thought.answer.commands).await {
        Ok(held) => held,
        Err(NotDone::Lost(lost)) => {
            tx.roll_back().await?;
            return Ok(Concluded::Lost(lost));
        }
        Err(NotDone::Failed(error)) => return Err(error),
    };
    let purpose_key = format!("turn:{}:{}", read.newest.id, conversation.epoch);
    let why = why(&conversation, read, &thought);
    let dialogue = held.into_iter().fold(thought.answer.dialogue, Dialogue::held);
    let is_awaited = read.world.settings.nudge && dialogue.nudge(tx.now()).is_some();
    store::turn::save_dialogue(&mut tx, &conversation, dialogue).await?;
    let outcome = if hand_over(conversations, &mut tx, &mut conversation, &thought.answer.commands).await? {
        Outcome::HandedOver
    } else {
        is_answered(&mut tx, &mut conversation, AnsweredBy::Automation).await?;
        if thought.text.is_some() { Outcome::Answered } else { Outcome::Silent }
    };
    raise_tasks(&mut tx, &conversation, read, &thought.answer.commands).await?;
    if let Some(body) = thought.text {
        let purpose = purpose(&thought.answer.acts);
        let outgoing = Outgoing {
            id,
            purpose,
            author: Writer::Automation,
            body,
            purpose_key,
            available_at,
            useful_until: useful_until(purpose, available_at),
            why,
            answers_at: None,
            resend_of: None,
        };
        send(&mut tx, &conversation, outgoing, None).await?;
    }
    if is_awaited && outcome == Outcome::Answered {
        NudgeTimer::set(&mut tx, &conversation, available_at + SILENCE).await?;
    }
    let business_phone = conversation.business_phone.clone();
    touch(conversations, &mut tx, &mut conversation, &business_phone).await?;
    tx.commit().await?;
    Ok(Concluded::Ended(outcome))
}

/// Whether everything stands as the thought found it. The conversation is locked.
async fn is_as_read(tx: &mut Tx, conversation: &ConversationRecord, read: &Read) -> Result<bool, DbError> {
    let (before, since) = (&read.conversation, conversation.waiting_since);
    let (ConversationState::Open, Some(since)) = (conversation.state, since) else { return Ok(false) };
    if conversation.epoch != before.epoch || before.waiting_since != Some(since) {
        return Ok(false);
    }
    let newest = store::turn::texts_since(tx, conversation.id, since, 1).await?;
    Ok(newest.first().is_some_and(|newest| newest.id == read.newest.id))
}

/// What a text with these acts is for: news of an appointment is of use for longer than an answer.
fn purpose(acts: &[Act]) -> Purpose {
    let is_news = |act: &Act| matches!(act, Act::Booked { .. } | Act::Moved { .. } | Act::Cancelled(_));
    if acts.iter().any(is_news) { Purpose::Confirmation } else { Purpose::Reply }
}

/// No text may go to the caller, so that nothing is booked either, of which the caller would not know. What people were
/// to do is theirs all the same.
async fn refused(
    conversations: &Conversation,
    tx: &mut Tx,
    conversation: &mut ConversationRecord,
    read: &Read,
    thought: &Thought,
    reason: BlockReason,
) -> Result<(), DbError> {
    raise_tasks(tx, conversation, read, &thought.answer.commands).await?;
    if reason == BlockReason::CampaignNotApproved {
        block(tx, conversation).await?;
        return store::conversation::save(tx, conversation).await;
    }
    store::turn::delete(tx, conversation.id).await?;
    if hand_over(conversations, tx, conversation, &thought.answer.commands).await? {
        store::conversation::save(tx, conversation).await?;
    }
    if !reason.needs_a_person() {
        return Ok(());
    }
    let task = NewTask {
        // Once a day: whoever goes on writing has been seen.
        purpose_key: format!("unanswerable:{}:{}:{}", conversation.id, reason.as_str(), tx.now().date_naive()),
        kind: TaskKind::CallBack,
        conversation_id: Some(conversation.id),
        call_id: None,
        caller_phone: Some(conversation.caller_phone.clone()),
        text: format!("Call back: the caller wrote and gets no automatic answer ({}).", reason.as_str()),
    };
    raise_task(tx, &task, conversation.context(None)).await
}

/// A person has the conversation from now on, where the thought wants that; says whether it does. The caller saves it.
async fn hand_over(
    conversations: &Conversation,
    tx: &mut Tx,
    conversation: &mut ConversationRecord,
    commands: &[Command],
) -> Result<bool, DbError> {
    let is_wanted = commands.iter().any(|command| matches!(command, Command::HandOver { .. }));
    if is_wanted {
        hand_over_locked(conversations, tx, conversation).await?;
    }
    Ok(is_wanted)
}

/// What people are asked to do, each thing once per text.
async fn raise_tasks(
    tx: &mut Tx,
    conversation: &ConversationRecord,
    read: &Read,
    commands: &[Command],
) -> Result<(), DbError> {
    for (number, command) in commands.iter().enumerate() {
        let Command::Task { kind, text } = command else { continue };
        let task = NewTask {
            purpose_key: format!("turn:{}:{}:{number}", read.newest.id, conversation.epoch),
            kind: *kind,
            conversation_id: Some(conversation.id),
            call_id: None,
            caller_phone: Some(conversation.caller_phone.clone()),
            text: text.clone(),
        };
        raise_task(tx, &task, conversation.context(None)).await?;
    }
    Ok(())
}

/// What the answer follows from: whoever asks why it was given finds it here.
fn why(conversation: &ConversationRecord, read: &Read, thought: &Thought) -> Value {
    let acts: Vec<&str> = thought.answer.acts.iter().map(Act::word).collect();
    let handed_over = thought.answer.commands.iter().find_map(|command| match command {
        Command::HandOver { why } => Some(why.as_str()),
        _ => None,
    });
    json!({
        "acts": acts,
        "handed_over": handed_over,
        "understood": thought.heard.as_ref().map(|heard| &heard.understood),
        "understanding": thought.heard.as_ref().map(Heard::why),
        "turn_of": read.newest.id,
        "item": thought.answer.item(),
        "offers": thought.answer.dialogue.offers,
        "waiting_since": conversation.waiting_since,
    })
}
