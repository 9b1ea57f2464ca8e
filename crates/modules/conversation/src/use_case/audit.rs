use nmc_db::{DbError, Tx};
use nmc_identity::AuditEntry;
use nmc_kernel::Actor;
use serde_json::Value;
use uuid::Uuid;

use crate::Conversation;

/// Writes down what a person or an operator did: the action, and the kind and id of what it was done to.
pub(crate) async fn audit(
    conversations: &Conversation,
    tx: &mut Tx,
    actor: &Actor,
    (action, object, object_id): (&'static str, &'static str, Uuid),
    before: &Value,
    after: &Value,
) -> Result<(), DbError> {
    let entry = AuditEntry { action, object, object_id, before: before.clone(), after: after.clone() };
    conversations.identity.audit(tx, actor, &entry).await
}
