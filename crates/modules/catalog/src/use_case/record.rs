use nmc_db::{DbError, Tx};
use nmc_events::{Context, catalog_items::CatalogUpdated};
use nmc_identity::{AuditEntry, Identity};
use nmc_kernel::{Actor, Role};
use serde_json::{Map, Value, json};

use crate::ServiceItem;

/// Owners sell, and operators may help them.
pub(crate) const fn may_change(actor: &Actor) -> bool {
    matches!(actor, Actor::User { role: Role::Owner, .. } | Actor::Operator { .. })
}

/// Tells everybody that the item is another now, and writes down who made it so; the last of a transaction.
pub(crate) async fn record(
    identity: &Identity,
    tx: &mut Tx,
    actor: &Actor,
    action: &'static str,
    before: Option<&ServiceItem>,
    after: &ServiceItem,
) -> Result<(), DbError> {
    let context = Context { correlation: tx.ids().next(), causation: None };
    tx.publish(&CatalogUpdated { updated_item_ids: vec![after.id], full_refresh: false }, context)?;
    let object_id = after.id.as_uuid();
    let (before, after) = differences(before, after);
    let entry = AuditEntry { action, object: "service-item", object_id, before, after };
    identity.audit(tx, actor, &entry).await
}

/// The fields that differ, before and after. Of what somebody wrote it says only whether it is there, and of aliases how
/// many there are.
fn differences(was: Option<&ServiceItem>, is: &ServiceItem) -> (Value, Value) {
    let Some(was) = was else { return (Value::Null, told(is).into()) };
    let (mut then, mut now) = (told(was), told(is));
    let differs = |name: &str| match name {
        "name" => was.name != is.name,
        "description" => was.description != is.description,
        "aliases" => was.aliases != is.aliases,
        "duration_minutes" => was.duration != is.duration,
        "active" => was.is_active != is.is_active,
        _ => was.price != is.price,
    };
    then.retain(|name, _| differs(name));
    now.retain(|name, _| differs(name));
    (then.into(), now.into())
}

fn told(item: &ServiceItem) -> Map<String, Value> {
    let fields = [
        ("name", json!("set")),
        ("duration_minutes", json!(item.duration.get())),
        ("price_cents", json!(item.price.amount_cents())),
        ("currency", json!(item.price.currency())),
        ("active", json!(item.is_active)),
        ("description", item.description.as_ref().map_or(Value::Null, |_| json!("set"))),
        ("aliases", json!(item.aliases.len())),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
