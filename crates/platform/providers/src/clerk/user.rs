//! A person as Clerk has them: the same object in the API's answers and in webhooks.
//!
//! Source: <https://clerk.com/docs/reference/backend-api/model/user>. Read tolerantly: only the id must be there.

use std::fmt;

use chrono::{DateTime, Utc};
use nmc_kernel::E164;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::id::ClerkUserId;

/// An e-mail address and whether the person has shown that it is theirs. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct EmailAddress {
    /// As Clerk has it.
    pub address: String,
    /// Whether Clerk has verified it; an invitation's link does.
    pub is_verified: bool,
}

/// A person. `Debug` shows the id alone.
#[derive(Clone, PartialEq)]
pub struct ClerkUser {
    /// The id.
    pub id: ClerkUserId,
    /// The primary address, where there is one.
    pub email: Option<EmailAddress>,
    /// Every address Clerk has verified, the primary one and others.
    pub verified_addresses: Vec<String>,
    /// The primary phone number, where there is one that is a number.
    pub phone: Option<E164>,
    /// First and last name, as far as they are known.
    pub name: Option<String>,
    /// What only the Backend API can set; an accepted invitation's becomes the user's.
    pub public_metadata: Map<String, Value>,
    /// When Clerk changed it last: webhooks come in any order, and an older one must not undo a newer.
    pub updated_at: Option<DateTime<Utc>>,
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmailAddress").field("is_verified", &self.is_verified).finish_non_exhaustive()
    }
}

impl fmt::Debug for ClerkUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClerkUser").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The wire format; what a user of another instance's settings may lack is optional, and a list's odd entry is passed
/// over.
#[derive(Deserialize)]
struct Wire {
    id: ClerkUserId,
    #[serde(default)]
    primary_email_address_id: Option<String>,
    #[serde(default)]
    email_addresses: Vec<Value>,
    #[serde(default)]
    primary_phone_number_id: Option<String>,
    #[serde(default)]
    phone_numbers: Vec<Value>,
    #[serde(default)]
    first_name: Option<String>,
    #[serde(default)]
    last_name: Option<String>,
    #[serde(default)]
    public_metadata: Option<Map<String, Value>>,
    #[serde(default)]
    updated_at: Option<i64>,
}

impl<'de> Deserialize<'de> for ClerkUser {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        let email = primary(&wire.email_addresses, wire.primary_email_address_id.as_deref());
        let phone = primary(&wire.phone_numbers, wire.primary_phone_number_id.as_deref());
        let verified = wire.email_addresses.iter().filter(|entry| is_verified(entry));
        let verified_addresses = verified.filter_map(|entry| Some(entry.get("email_address")?.as_str()?.to_owned()));
        let verified_addresses = verified_addresses.collect();
        let names = [wire.first_name, wire.last_name].into_iter().flatten();
        let name =
            names.map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        Ok(Self {
            id: wire.id,
            email: email.and_then(|entry| {
                let address = entry.get("email_address")?.as_str()?.to_owned();
                Some(EmailAddress { address, is_verified: is_verified(entry) })
            }),
            verified_addresses,
            phone: phone.and_then(|entry| E164::parse(entry.get("phone_number")?.as_str()?).ok()),
            name: (!name.is_empty()).then_some(name),
            public_metadata: wire.public_metadata.unwrap_or_default(),
            updated_at: wire.updated_at.and_then(DateTime::from_timestamp_millis),
        })
    }
}

/// The entry named as primary. No other takes its place: whoever adds a second address has not made it theirs to act by.
fn primary<'a>(entries: &'a [Value], id: Option<&str>) -> Option<&'a Value> {
    let id = id?;
    entries.iter().find(|entry| entry.get("id").and_then(Value::as_str) == Some(id))
}

fn is_verified(entry: &Value) -> bool {
    entry.pointer("/verification/status").and_then(Value::as_str) == Some("verified")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_primary_entries_are_taken_and_their_verification_is_kept() {
        let user: ClerkUser = serde_json::from_value(json!({
            "id": "user_1", "object": "user", "first_name": "Ann ", "last_name": null, "new_field": {"a": [1]},
            "primary_email_address_id": "idn_2",
            "email_addresses": [
                {"id": "idn_1", "email_address": "old@example.com", "verification": {"status": "verified"}},
                {"id": "idn_2", "email_address": "ann@example.com", "verification": {"status": "unverified"}},
                7,
            ],
            "primary_phone_number_id": "idn_3",
            "phone_numbers": [{"id": "idn_3", "phone_number": "+14155550123", "verification": null}],
            "public_metadata": {"nmc_role": "TECH"}, "updated_at": 1_700_000_000_123_i64,
        }))
        .unwrap();
        let email = user.email.clone().unwrap();
        assert_eq!((email.address.as_str(), email.is_verified), ("ann@example.com", false));
        assert_eq!(user.verified_addresses, ["old@example.com"]);
        assert_eq!(user.phone.as_ref().map(E164::as_str), Some("+14155550123"));
        assert_eq!(user.name.as_deref(), Some("Ann"));
        assert_eq!(user.public_metadata["nmc_role"], "TECH");
        assert_eq!(user.updated_at.unwrap().timestamp_millis(), 1_700_000_000_123);
        assert_eq!(format!("{user:?}"), r#"ClerkUser { id: ClerkUserId("user_1"), .. }"#);
    }

    #[test]
    fn only_the_id_must_be_there() {
        let user: ClerkUser = serde_json::from_value(json!({"id": "user_1", "public_metadata": null})).unwrap();
        assert_eq!((user.email, user.phone, user.name, user.updated_at), (None, None, None, None));
        assert!(serde_json::from_value::<ClerkUser>(json!({"id": "org_1"})).is_err());
        assert!(serde_json::from_value::<ClerkUser>(json!({})).is_err());
    }
}
