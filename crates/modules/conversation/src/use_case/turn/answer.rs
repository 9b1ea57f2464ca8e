use nmc_db::DbError;

use super::{
    Outcome, TurnError,
    conclude::{Concluded, conclude},
    hear::{Heard, hear},
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
    let mut known: Option<Heard> = None;
    for _ in 0..THOUGHTS_MAX {
        let Some(read) = read(conversations, turn, lost).await? else {
            return Ok(leave(conversations, turn).await?);
        };
        if is_too_late(turn.due_at, read.world.now) {
            return Ok(leave_to_a_person(conversations, turn).await?);
        }
        let (read, heard) = match known.take().filter(|heard| heard.is_of(&read)) {
            Some(heard) => (read, heard),
            None => hear(conversations, turn.tenant, read).await?,
        };
        let (read, thought) = think(conversations, turn.tenant, read, &heard).await?;
        known = Some(heard);
        match conclude(conversations, turn, &read, thought).await? {
            Concluded::Ended(outcome) => return Ok(outcome),
            Concluded::Lost(why) => lost = Some(why),
        }
    }
    let Some(read) = read(conversations, turn, None).await? else {
        return Ok(leave(conversations, turn).await?);
    };
    let handed_over = Thought::handed_over(known, &read);
    match conclude(conversations, turn, &read, handed_over).await? {
        Concluded::Ended(outcome) => Ok(outcome),
        Concluded::Lost(_) => Err(TurnError::Interfered),
    }
}

/// Nobody waited for an answer of the automation when it was read: whoever saw to that has taken the turn along, or this
/// does. Who waits again by now is answered, and who waits without a word to go by is a person's.
async fn leave(conversations: &Conversation, turn: &Claimed) -> Result<Outcome, DbError> {
    let mut tx = conversations.db.begin(turn.tenant).await?;
    let conversation = store::conversation::lock(&mut tx, turn.conversation_id).await?;
    let (Some(conversation), true) = (conversation, store::turn::is_ours(&mut tx, turn).await?) else {
        tx.roll_back().await?;
        return Ok(Outcome::Moved);
    };
    match (conversation.state, conversation.waiting_since) {
        (ConversationState::Open, Some(since)) => {
            if store::turn::texts_since(&mut tx, conversation.id, since, 1).await?.is_empty() {
                ask_a_person_instead(&mut tx, &conversation, None).await?;
            } else {
                store::turn::give_back(&mut tx, turn).await?;
            }
        }
        _ => store::turn::delete(&mut tx, conversation.id).await?,
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
