//! What an instance knows: its keys, people and invitations; kept in a file where one is named.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use chrono::{DateTime, Utc};
use nmc_providers::clerk::{ClerkUserId, InvitationId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::key::SigningKey;

/// A person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimulatedUser {
    /// The id.
    pub id: ClerkUserId,
    /// The primary address.
    pub email: Option<String>,
    /// Whether it is verified.
    pub is_verified: bool,
    /// The primary phone number.
    pub phone: Option<String>,
    /// The first name.
    pub first_name: Option<String>,
    /// The last name.
    pub last_name: Option<String>,
    /// What only the Backend API sets.
    pub public_metadata: Map<String, Value>,
    /// When they signed up.
    pub created_at: DateTime<Utc>,
    /// When anything changed last.
    pub updated_at: DateTime<Utc>,
}

impl SimulatedUser {
    /// The object of the API and of webhooks: <https://clerk.com/docs/reference/backend-api/model/user>.
    pub fn json(&self) -> Value {
        let verification =
            json!({"status": if self.is_verified { "verified" } else { "unverified" }, "strategy": "ticket"});
        let email_id = format!("idn_mail_{}", self.id);
        let phone_id = format!("idn_phone_{}", self.id);
        let emails: Vec<Value> = self
            .email
            .iter()
            .map(|address| {
                json!({
                    "id": email_id, "object": "email_address", "email_address": address,
                    "verification": verification, "linked_to": [],
                })
            })
            .collect();
        let phones: Vec<Value> = self
            .phone
            .iter()
            .map(|number| {
                json!({"id": phone_id, "object": "phone_number", "phone_number": number, "verification": verification})
            })
            .collect();
        json!({
            "id": self.id, "object": "user", "username": null,
            "first_name": self.first_name, "last_name": self.last_name,
            "primary_email_address_id": self.email.as_ref().map(|_| email_id),
            "primary_phone_number_id": self.phone.as_ref().map(|_| phone_id),
            "email_addresses": emails, "phone_numbers": phones, "external_accounts": [],
            "public_metadata": self.public_metadata, "private_metadata": {}, "unsafe_metadata": {},
            "banned": false, "locked": false, "two_factor_enabled": false,
            "created_at": self.created_at.timestamp_millis(), "updated_at": self.updated_at.timestamp_millis(),
        })
    }
}

/// An invitation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimulatedInvitation {
    /// The id.
    pub id: InvitationId,
    /// Whom it went to.
    pub email_address: String,
    /// What becomes the user's metadata.
    pub public_metadata: Map<String, Value>,
    /// Where its link leads.
    pub redirect_url: Option<String>,
    /// `pending`, `accepted`, `revoked` or `expired`.
    pub status: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it changed last.
    pub updated_at: DateTime<Utc>,
}

impl SimulatedInvitation {
    /// The API's object: <https://clerk.com/docs/reference/backend/types/backend-invitation>.
    pub fn json(&self) -> Value {
        json!({
            "object": "invitation", "id": self.id, "email_address": self.email_address,
            "public_metadata": self.public_metadata, "revoked": self.status == "revoked", "status": self.status,
            "url": self.redirect_url, "expires_at": null,
            "created_at": self.created_at.timestamp_millis(), "updated_at": self.updated_at.timestamp_millis(),
        })
    }
}

/// Everything, with where it is kept.
#[derive(Debug)]
pub(super) struct Directory {
    /// The last one signs; all are published.
    pub(super) keys: Vec<SigningKey>,
    pub(super) users: Vec<SimulatedUser>,
    pub(super) invitations: Vec<SimulatedInvitation>,
    path: Option<PathBuf>,
}

/// The file's content.
#[derive(Serialize, Deserialize)]
struct Kept {
    keys: Vec<KeptKey>,
    users: Vec<SimulatedUser>,
    invitations: Vec<SimulatedInvitation>,
}

#[derive(Serialize, Deserialize)]
struct KeptKey {
    kid: String,
    pkcs8: String,
}

impl Directory {
    /// What the file holds; where there is none, a directory with one key and nobody in it.
    pub(super) fn open(path: Option<PathBuf>, new_kid: impl FnOnce() -> String) -> io::Result<Self> {
        let kept = match path.as_deref().map(read) {
            Some(Ok(kept)) => Some(kept),
            Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Some(Err(_)) | None => None,
        };
        let mut directory = Self { keys: Vec::new(), users: Vec::new(), invitations: Vec::new(), path };
        if let Some(kept) = kept {
            for key in kept.keys {
                let pkcs8 = BASE64.decode(key.pkcs8).map_err(io::Error::other)?;
                directory.keys.push(SigningKey::from_pkcs8(key.kid, pkcs8)?);
            }
            (directory.users, directory.invitations) = (kept.users, kept.invitations);
        } else {
            directory.keys.push(SigningKey::first(new_kid())?);
            directory.save()?;
        }
        Ok(directory)
    }

    /// Writes the file anew, where there is one.
    pub(super) fn save(&self) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let keys = self.keys.iter().map(|key| KeptKey { kid: key.kid.clone(), pkcs8: BASE64.encode(key.pkcs8()) });
        let kept = Kept { keys: keys.collect(), users: self.users.clone(), invitations: self.invitations.clone() };
        let unfinished = path.with_extension("new");
        fs::write(&unfinished, serde_json::to_vec_pretty(&kept)?)?;
        fs::rename(unfinished, path)
    }

    pub(super) fn user(&self, id: &str) -> Option<&SimulatedUser> {
        self.users.iter().find(|user| user.id.as_str() == id)
    }
}

fn read(path: &Path) -> io::Result<Kept> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}
