use nmc_db::{DbError, Tx};
use nmc_identity::{AuditEntry, Identity};
use nmc_kernel::Actor;
use serde_json::{Value, json};
use uuid::Uuid;

/// Writes down what a person or an operator did: the action, and the kind and id of what it was done to.
pub(crate) async fn audit(
    identity: &Identity,
    tx: &mut Tx,
    actor: &Actor,
    (action, object, object_id): (&'static str, &'static str, Uuid),
    before: Value,
    after: Value,
) -> Result<(), DbError> {
    identity.audit(tx, actor, &AuditEntry { action, object, object_id, before, after }).await
}

/// Where something stands, as the log has it.
pub(crate) fn standing(status: Option<&str>) -> Value {
    status.map_or(Value::Null, |status| json!({ "status": status }))
}
