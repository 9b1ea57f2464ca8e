use nmc_db::DbError;

use super::{
    Outcome, TurnError,
    conclude::{Concluded, conclude},
    read::read,
    think::{Thought, think},
};
use crate::{
    Conversation, ConversationState,
    model::turn::is_too_late,
    store::{self, turn::Claimed},
    use_case::request_reply::ask_a_person_instead,
};

/// So often a turn is thought again because what it wanted did not hold any more; then a person takes it.
const THOUGHTS_MAX: usize = 3;

/// Answers a caller: reads, thinks with nothing open, and concludes in one transaction.
pub(crate) async fn answer(conversations: &Conversation, turn: &Claimed) -> Result<Outcome, TurnError> {
    let mut lost = None;
    for _ in 0..THOUGHTS_MAX {
        let Some(read) = read(conversations, turn, lost).await? else {
            return Ok(leave(conversations, turn).await?);
        };
        if is_too_late(turn.due_at, read.world.now) {
            return Ok(leave_to_a_person(conversations, turn).await?);
        }
        let (read, thought) = think(conversations, turn.tenant, read).await?;
        match conclude(conversations, turn, &read, thought).await? {
            Concluded::Ended(outcome) => return Ok(outcome),
            Concluded::Lost(why) => lost = Some(why),
        }
    }
    let Some(read) = read(conversations, turn, None).await? else {
        return Ok(leave(conversations, turn).await?);
    };
    let handed_over = Thought::handed_over(&read);
    match conclude(conversations, turn, &read, handed_over).await? {
        Concluded::Ended(outcome) => Ok(outcome),
        Concluded::Lost(_) => Err(TurnError::Interfered),
    }
}

/// Nobody waits for an answer of the automation: whoever saw to that has taken the turn along, or this does.
async fn leave(conversations: &Conversation, turn: &Claimed) -> Result<Outcome, DbError> {
    let mut tx = conversations.db.begin(turn.tenant).await?;
    let conversation = store::conversation::lock(&mut tx, turn.conversation_id).await?;
    if store::turn::is_ours(&mut tx, turn).await? {
        let is_waited_for =
            conversation.is_some_and(|found| found.state == ConversationState::Open && found.waiting_since.is_some());
        if is_waited_for {
            store::turn::give_back(&mut tx, turn).await?;
        } else {
            store::turn::delete(&mut tx, turn.conversation_id).await?;
        }
    }
    tx.commit().await?;
    Ok(Outcome::Moved)
}

/// An answer now would come into a conversation that has moved on.
async fn leave_to_a_person(conversations: &Conversation, turn: &Claimed) -> Result<Outcome, DbError> {
    let mut tx = conversations.db.begin(turn.tenant).await?;
    let conversation = store::conversation::lock(&mut tx, turn.conversation_id).await?;
    let (Some(conversation), true) = (conversation, store::turn::is_ours(&mut tx, turn).await?) else {
        tx.roll_back().await?;
        return Ok(Outcome::Moved);
    };
    ask_a_person_instead(&mut tx, &conversation, None).await?;
    tx.commit().await?;
    Ok(Outcome::TooLate)
}
