use nmc_db::DbError;

use crate::{
    Conversation, ConversationState, TaskKind,
    model::{dialogue::Dialogue, task::NewTask},
    store::{self, turn::Claimed},
    use_case::{change_state::hand_over_locked, raise_task::raise_task},
};

/// A turn has failed too often: a person has the conversation from now on. Nothing is said to the caller, because it is
/// the saying that fails. Does nothing where the claim is lost.
pub(crate) async fn give_up(conversations: &Conversation, turn: &Claimed) -> Result<(), DbError> {
    let mut tx = conversations.db.begin(turn.tenant).await?;
    let conversation = store::conversation::lock(&mut tx, turn.conversation_id).await?;
    let (Some(mut conversation), true) = (conversation, store::turn::is_ours(&mut tx, turn).await?) else {
        return tx.roll_back().await;
    };
    if conversation.state != ConversationState::Open {
        store::turn::delete(&mut tx, conversation.id).await?;
        return tx.commit().await;
    }
    let task = NewTask {
        purpose_key: format!("turn-failed:{}:{}", conversation.id, conversation.epoch),
        kind: TaskKind::Reply,
        conversation_id: Some(conversation.id),
        call_id: None,
        caller_phone: Some(conversation.caller_phone.clone()),
        text: "Reply to the caller, who wrote: the automatic answer could not be worked out.".to_owned(),
    };
    raise_task(&mut tx, &task, conversation.context(None)).await?;
    let dialogue = store::turn::dialogue(&mut tx, conversation.id).await?;
    store::turn::save_dialogue(&mut tx, &conversation, Dialogue::read(dialogue.as_ref())).await?;
    hand_over_locked(conversations, &mut tx, &mut conversation).await?;
    store::conversation::save(&mut tx, &conversation).await?;
    tx.commit().await?;
    tracing::error!(conversation_id = %turn.conversation_id, tenant_id = %turn.tenant, "a turn has failed too often and is a person's");
    Ok(())
}
