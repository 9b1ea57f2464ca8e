use chrono::{DateTime, Utc};
use nmc_kernel::{Actor, TenantId};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use sqlx::types::Uuid;

/// Begins what is hashed, so that another encoding can never be taken for this one.
const ENCODING: &[u8] = b"nmc-audit-1";

/// One change, as the log keeps it. `before` and `after` hold ids and words only: no name, number, address or text.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// What was done, as `user.changed`.
    pub action: &'static str,
    /// What kind of thing it was done to, as `user`.
    pub object: &'static str,
    /// Which one.
    pub object_id: Uuid,
    /// How it stood before; null where it is new.
    pub before: Value,
    /// How it stands now.
    pub after: Value,
}

impl AuditEntry {
    /// What the log keeps of a change: the fields that differ, before and after. Of those that may be about a person it
    /// says only whether they are there.
    pub fn differences(was: &Map<String, Value>, is: &Map<String, Value>, personal: &[&str]) -> (Value, Value) {
        let told = |name: &str, value: &Value| match value {
            Value::Null => Value::Null,
            _ if personal.contains(&name) => Value::from("set"),
            plain => plain.clone(),
        };
        let (mut before, mut after) = (Map::new(), Map::new());
        for (name, now) in is {
            let then = was.get(name).unwrap_or(&Value::Null);
            if then != now {
                before.insert(name.clone(), told(name, then));
                after.insert(name.clone(), told(name, now));
            }
        }
        (before.into(), after.into())
    }
}

/// What a row's hash covers, beside the hash of the row before.
pub(crate) struct AuditedRow<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) seq: i64,
    pub(crate) id: Uuid,
    pub(crate) actor_kind: &'a str,
    pub(crate) actor_id: Option<Uuid>,
    pub(crate) action: &'a str,
    pub(crate) object: &'a str,
    pub(crate) object_id: Uuid,
    pub(crate) before: &'a Value,
    pub(crate) after: &'a Value,
    pub(crate) created_at: DateTime<Utc>,
}

/// The hash before the first row's.
pub(crate) const NO_HASH: [u8; 32] = [0; 32];

impl AuditedRow<'_> {
    /// SHA-256 over every field, each with its length before it: no two rows are the same bytes.
    pub(crate) fn hash(&self, prev_hash: &[u8]) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut add = |field: &[u8]| {
            hash.update(u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(field);
        };
        add(ENCODING);
        add(self.tenant.as_uuid().as_bytes());
        add(&self.seq.to_be_bytes());
        add(self.id.as_bytes());
        add(self.actor_kind.as_bytes());
        add(self.actor_id.as_ref().map_or(&[], |id| id.as_bytes()));
        add(self.action.as_bytes());
        add(self.object.as_bytes());
        add(self.object_id.as_bytes());
        add(canonical(self.before).as_bytes());
        add(canonical(self.after).as_bytes());
        // Postgres keeps microseconds.
        add(&self.created_at.timestamp_micros().to_be_bytes());
        add(prev_hash);
        hash.finalize().into()
    }
}

/// The stable words for who acts.
pub(crate) const fn actor_words(actor: &Actor) -> (&'static str, Option<Uuid>) {
    match actor {
        Actor::User { user, .. } => ("user", Some(user.as_uuid())),
        Actor::Operator { .. } => ("operator", None),
        Actor::System { .. } => ("system", None),
    }
}

/// JSON with sorted names and no white space: what Postgres makes of an object's order does not matter.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort();
            let fields =
                names.into_iter().map(|name| format!("{}:{}", Value::from(name.as_str()), canonical(&fields[name])));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        scalar => scalar.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row<'a>(before: &'a Value, after: &'a Value) -> AuditedRow<'a> {
        AuditedRow {
            tenant: TenantId::from(Uuid::from_u128(1)),
            seq: 1,
            id: Uuid::from_u128(2),
            actor_kind: "user",
            actor_id: Some(Uuid::from_u128(3)),
            action: "user.changed",
            object: "user",
            object_id: Uuid::from_u128(4),
            before,
            after,
            created_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn the_order_of_names_does_not_matter_and_everything_else_does() {
        let (a, b) =
            (json!({"b": [1, {"d": null, "c": "x"}], "a": true}), json!({"a": true, "b": [1, {"c": "x", "d": null}]}));
        assert_eq!(canonical(&a), r#"{"a":true,"b":[1,{"c":"x","d":null}]}"#);
        assert_eq!(row(&a, &Value::Null).hash(&NO_HASH), row(&b, &Value::Null).hash(&NO_HASH));

        let base = || row(&Value::Null, &a);
        let changed = [
            AuditedRow { tenant: TenantId::from(Uuid::from_u128(9)), ..base() },
            AuditedRow { seq: 2, ..base() },
            AuditedRow { id: Uuid::from_u128(9), ..base() },
            AuditedRow { actor_kind: "operator", ..base() },
            AuditedRow { actor_id: None, ..base() },
            AuditedRow { action: "user.change", object: "duser", ..base() },
            AuditedRow { object: "invitation", ..base() },
            AuditedRow { object_id: Uuid::from_u128(9), ..base() },
            row(&a, &Value::Null),
            row(&Value::Null, &Value::Null),
            AuditedRow { created_at: DateTime::UNIX_EPOCH + chrono::TimeDelta::microseconds(1), ..base() },
        ];
        let mut hashes: Vec<[u8; 32]> = changed.iter().map(|row| row.hash(&NO_HASH)).collect();
        hashes.extend([base().hash(&NO_HASH), base().hash(&[1; 32])]);
        let count = hashes.len();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), count);
    }
}
