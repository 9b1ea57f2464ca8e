//! Why a caller did, or did not, get a text.

use nmc_compliance::{StoredDecision, Subject};
use nmc_db::{DbError, ReadTx};
use nmc_kernel::{Actor, CallId, MessageId};
use uuid::Uuid;

use crate::{Contact, ContactKind, Conversation, Message, model::explain, store};

/// What became of a missed call.
#[derive(Clone, Debug)]
pub struct CallWhy {
    /// The call and its outcome.
    pub contact: Contact,
    /// The text that answers it, where one was planned.
    pub answer: Option<Message>,
    /// What the gate said about it, in order.
    pub decisions: Vec<StoredDecision>,
}

impl CallWhy {
    /// Why the caller got a text, or none, in a sentence.
    pub fn text(&self) -> String {
        let newest = self.decisions.last().map(|stored| &stored.decision);
        explain::call(self.contact.outcome, newest, self.answer.as_ref())
    }
}

/// What became of a message.
#[derive(Clone, Debug)]
pub struct MessageWhy {
    /// The message, with what it follows from.
    pub message: Message,
    /// What the gate said about it, in order.
    pub decisions: Vec<StoredDecision>,
}

impl MessageWhy {
    /// What became of it, in a sentence.
    pub fn text(&self) -> String {
        explain::message(&self.message, self.decisions.last().map(|stored| &stored.decision))
    }
}

pub(crate) async fn call(conversations: &Conversation, actor: &Actor, id: CallId) -> Result<Option<CallWhy>, DbError> {
    let mut tx = conversations.db.read(actor.tenant()).await?;
    let why = calls(conversations, &mut tx, &[id]).await?.pop();
    tx.finish().await?;
    Ok(why)
}

/// The same of several calls; those that have not been heard of (yet) are left out.
pub(crate) async fn calls(
    conversations: &Conversation,
    tx: &mut ReadTx,
    ids: &[CallId],
) -> Result<Vec<CallWhy>, DbError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    let mut answers = store::message::answers_to(tx, &ids).await?;
    let mut all = Vec::new();
    for contact in store::contact::find_all(tx, &ids).await? {
        if contact.kind != ContactKind::Call {
            continue;
        }
        let answer = answers.iter().position(|(call, _)| *call == contact.id).map(|at| answers.swap_remove(at).1);
        let subject = Subject::Call(contact.id.into());
        let decisions = conversations.compliance.decisions_for(tx, subject).await?;
        all.push(CallWhy { contact, answer, decisions });
    }
    Ok(all)
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
