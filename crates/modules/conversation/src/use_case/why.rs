//! Why a caller did, or did not, get a text.

use nmc_compliance::{StoredDecision, Subject};
use nmc_db::DbError;
use nmc_kernel::{Actor, CallId, MessageId};

use crate::{Contact, Conversation, Message, store};

/// What became of a missed call.
#[derive(Clone, Debug)]
pub struct CallWhy {
    /// The call and its outcome.
    pub contact: Contact,
    /// What the gate said about it, in order.
    pub decisions: Vec<StoredDecision>,
}

/// What became of a message.
#[derive(Clone, Debug)]
pub struct MessageWhy {
    /// The message, with what it follows from.
    pub message: Message,
    /// What the gate said about it, in order.
    pub decisions: Vec<StoredDecision>,
}

pub(crate) async fn call(conversations: &Conversation, actor: &Actor, id: CallId) -> Result<Option<CallWhy>, DbError> {
    let mut tx = conversations.db.read(actor.tenant()).await?;
    let Some(contact) = store::contact::find(&mut tx, id.as_uuid()).await? else { return Ok(None) };
    let decisions = conversations.compliance.decisions_for(&mut tx, Subject::Call(id)).await?;
    tx.finish().await?;
    Ok(Some(CallWhy { contact, decisions }))
}

pub(crate) async fn message(
    conversations: &Conversation,
    actor: &Actor,
    id: MessageId,
) -> Result<Option<MessageWhy>, DbError> {
    let mut tx = conversations.db.read(actor.tenant()).await?;
    let Some(message) = store::message::find(&mut tx, id).await? else { return Ok(None) };
    let decisions = conversations.compliance.decisions_for(&mut tx, Subject::Message(id)).await?;
    tx.finish().await?;
    Ok(Some(MessageWhy { message, decisions }))
}
