//! The wording of what the service writes by itself.

use nmc_db::{DbError, Tx};
use nmc_kernel::{Actor, Role};
use serde_json::json;
use uuid::Uuid;

use super::{audit::audit, raise_task::raise_task};
use crate::{
    Conversation, ConversationRecord, TaskKind, Template, TemplateError, TemplateKey, Wording,
    model::{task::NewTask, template::render},
    store,
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

/// Every text with the wording that is sent.
pub(crate) async fn list(conversations: &Conversation, actor: &Actor) -> Result<Vec<Template>, DbError> {
    let mut tx = conversations.db.read(actor.tenant()).await?;
    let mut templates = Vec::with_capacity(TemplateKey::ALL.len());
    for key in TemplateKey::ALL {
        templates.push(Template::of(*key, store::template::find(&mut tx, *key).await?));
    }
    tx.finish().await?;
    Ok(templates)
}

/// Replaces the business's wording of a text. What a carrier had filtered is sent again: an owner has decided anew.
pub(crate) async fn set(
    conversations: &Conversation,
    actor: &Actor,
    key: TemplateKey,
    body: &str,
) -> Result<Template, SetTemplateError> {
    may_change(actor)?;
    key.check(body)?;
    let mut tx = conversations.db.begin(actor.tenant()).await?;
    let before = store::template::find(&mut tx, key).await?.own.is_some();
    store::template::save(&mut tx, key, body.trim()).await?;
    changed(conversations, tx, actor, key, before).await
}

/// Goes back to the product's wording of a text.
pub(crate) async fn reset(
    conversations: &Conversation,
    actor: &Actor,
    key: TemplateKey,
) -> Result<Template, SetTemplateError> {
    may_change(actor)?;
    let mut tx = conversations.db.begin(actor.tenant()).await?;
    let before = store::template::delete(&mut tx, key).await?;
    changed(conversations, tx, actor, key, before).await
}

fn may_change(actor: &Actor) -> Result<(), SetTemplateError> {
    match actor {
        Actor::User { role: Role::Tech, .. } => Err(SetTemplateError::NotAllowed),
        Actor::User { role: Role::Owner, .. } | Actor::Operator { .. } | Actor::System { .. } => Ok(()),
    }
}

async fn changed(
    conversations: &Conversation,
    mut tx: Tx,
    actor: &Actor,
    key: TemplateKey,
    had_own: bool,
) -> Result<Template, SetTemplateError> {
    store::template::resume(&mut tx, key).await?;
    let wordings = store::template::find(&mut tx, key).await?;
    let of = |is_own| json!({ "key": key.as_str(), "wording": Wording::of(is_own).as_str() });
    // A text is known by its key: it has no id of its own.
    let what = ("template.changed", "template", Uuid::nil());
    audit(conversations, &mut tx, actor, what, &of(had_own), &of(wordings.own.is_some())).await?;
    tx.commit().await?;
    Ok(Template::of(key, wordings))
}

/// A text ready to be sent, and whose wording it is.
pub(crate) struct Worded {
    pub(crate) body: String,
    pub(crate) wording: Wording,
}

/// The text for the transaction's tenant; nothing where carriers filter every wording there is of it. A wording of the
/// business that does not pass the checks is not used, and a task says so (at most one per text and day).
pub(crate) async fn worded(
    conversations: &Conversation,
    tx: &mut Tx,
    conversation: &ConversationRecord,
    key: TemplateKey,
) -> Result<Option<Worded>, DbError> {
    let name = conversations.identity.tenant(tx).await?.name;
    let wordings = store::template::find(tx, key).await?;
    let own = wordings.own.filter(|_| !wordings.is_own_stopped);
    if let Some(own) = own {
        let Err(error) = key.check(&own) else {
            return Ok(Some(Worded { body: render(&own, name.as_str()), wording: Wording::Business }));
        };
        let task = NewTask {
            purpose_key: format!("template:{}:{}", key.as_str(), tx.now().date_naive()),
            kind: TaskKind::Setup,
            conversation_id: None,
            call_id: None,
            caller_phone: None,
            text: format!("Your text \"{}\" cannot be used ({error}); the standard text was sent.", key.as_str()),
        };
        raise_task(tx, &task, conversation.context(None)).await?;
    }
    let body = || render(key.default_body(), name.as_str());
    Ok((!wordings.is_built_in_stopped).then(|| Worded { body: body(), wording: Wording::Product }))
}

/// A carrier has filtered a text: its wording is not sent any more, and a person hears of it once.
pub(crate) async fn stop_wording(
    tx: &mut Tx,
    conversation: &ConversationRecord,
    key: TemplateKey,
    wording: Wording,
    error_code: i32,
) -> Result<(), DbError> {
    if !store::template::stop(tx, key, wording, error_code).await? {
        return Ok(());
    }
    let (whose, instead) = match wording {
        Wording::Business => ("Your", "the standard text is sent"),
        Wording::Product => ("The standard", "no such text is sent"),
    };
    let task = NewTask {
        purpose_key: format!("filtered:{}:{}:{}", key.as_str(), wording.as_str(), tx.now().timestamp_micros()),
        kind: TaskKind::Setup,
        conversation_id: None,
        call_id: None,
        caller_phone: None,
        text: format!(
            "{whose} text \"{}\" was filtered by a carrier (code {error_code}); {instead} until you write another.",
            key.as_str()
        ),
    };
    raise_task(tx, &task, conversation.context(None)).await
}
