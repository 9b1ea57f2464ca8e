//! The wording of what the service writes by itself.

use nmc_db::{DbError, Tx};
use nmc_kernel::{Actor, Role};

use crate::{
    Conversation, ConversationRecord, TaskKind, TemplateError, TemplateKey,
    model::{task::NewTask, template::render},
    store,
    use_case::raise_task::raise_task,
};

/// Why a wording was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SetTemplateError {
    /// Only owners and operators may.
    #[error("only an owner of the business may change its texts")]
    NotAllowed,
    /// The wording cannot be used.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A statement failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Replaces the business's wording of a text.
pub(crate) async fn set(
    conversations: &Conversation,
    actor: &Actor,
    key: TemplateKey,
    body: &str,
) -> Result<(), SetTemplateError> {
    if matches!(actor, Actor::User { role: Role::Tech, .. }) {
        return Err(SetTemplateError::NotAllowed);
    }
    key.check(body)?;
    let mut tx = conversations.db.begin(actor.tenant()).await?;
    store::template::save(&mut tx, key, body.trim()).await?;
    tx.commit().await?;
    Ok(())
}

/// A text ready to be sent, and where its wording is from: `business`, `settings` or `product`.
pub(crate) struct Worded {
    pub(crate) body: String,
    pub(crate) wording: &'static str,
}

/// The text for the transaction's tenant. A wording of the business that does not pass the checks is not used, and a
/// task says so (at most one per text and day).
pub(crate) async fn worded(
    conversations: &Conversation,
    tx: &mut Tx,
    conversation: &ConversationRecord,
    key: TemplateKey,
) -> Result<Worded, DbError> {
    let tenant = conversations.identity.tenant(tx).await?;
    let is_greeting = matches!(key, TemplateKey::GreetingCall | TemplateKey::GreetingText);
    let own = match store::template::find(tx, key).await? {
        Some(body) => Some((body, "business")),
        None => tenant.settings.greeting_template.filter(|_| is_greeting).map(|body| (body, "settings")),
    };
    let business = tenant.name.as_str();
    let Some((own, wording)) = own else {
        return Ok(Worded { body: render(key.default_body(), business), wording: "product" });
    };
    match key.check(&own) {
        Ok(()) => Ok(Worded { body: render(&own, business), wording }),
        Err(error) => {
            let task = NewTask {
                purpose_key: format!("template:{}:{}", key.as_str(), tx.now().date_naive()),
                kind: TaskKind::Setup,
                conversation_id: None,
                call_id: None,
                caller_phone: None,
                text: format!("Your text \"{}\" cannot be used ({error}); the standard text was sent.", key.as_str()),
            };
            raise_task(tx, &task, conversation.context(None)).await?;
            Ok(Worded { body: render(key.default_body(), business), wording: "product" })
        }
    }
}
