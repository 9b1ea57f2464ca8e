//! Invitations as Clerk has them: listing and revoking. Sources:
//! <https://clerk.com/docs/reference/backend/invitations/get-invitation-list>,
//! <https://clerk.com/docs/reference/backend/invitations/revoke-invitation>.

use std::fmt;

use chrono::{DateTime, Utc};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{ClerkClient, ClientError};
use crate::clerk::id::InvitationId;

/// At most 500 may be asked for.
const PAGE_SIZE: usize = 100;
/// A question that needs more pages than this is answered as incomplete rather than for ever.
const MAX_PAGES: usize = 20;

/// How far an invitation is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvitationStatus {
    /// Sent and open.
    Pending,
    /// Its person has signed up.
    Accepted,
    /// Taken back.
    Revoked,
    /// Over without an answer.
    Expired,
    /// A word Clerk did not have when this was written.
    Other(String),
}

impl InvitationStatus {
    /// Clerk's word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::Other(word) => word,
        }
    }
}

impl From<String> for InvitationStatus {
    fn from(word: String) -> Self {
        match word.as_str() {
            "pending" => Self::Pending,
            "accepted" => Self::Accepted,
            "revoked" => Self::Revoked,
            "expired" => Self::Expired,
            _ => Self::Other(word),
        }
    }
}

/// An invitation. `Debug` does not show the address.
#[derive(Clone, PartialEq, Deserialize)]
pub struct Invitation {
    /// The id.
    pub id: InvitationId,
    /// Whom it was sent to.
    pub email_address: String,
    /// What will be the user's metadata; tells which of ours this is.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub public_metadata: Map<String, Value>,
    /// How far it is.
    #[serde(deserialize_with = "word")]
    pub status: InvitationStatus,
    /// When Clerk made it.
    #[serde(deserialize_with = "milliseconds")]
    pub created_at: DateTime<Utc>,
}

impl fmt::Debug for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invitation").field("id", &self.id).field("status", &self.status).finish_non_exhaustive()
    }
}

fn null_is_empty<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Map<String, Value>, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

fn word<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<InvitationStatus, D::Error> {
    String::deserialize(deserializer).map(InvitationStatus::from)
}

fn milliseconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
    let time = DateTime::from_timestamp_millis(i64::deserialize(deserializer)?);
    time.ok_or_else(|| serde::de::Error::custom("out of range"))
}

/// Which invitations to list. Without a status, Clerk leaves out the revoked ones.
#[derive(Clone, Default)]
pub struct InvitationQuery {
    /// Only those to this address; compared here as well, without regard to case, as Clerk also finds parts of one.
    pub email_address: Option<String>,
    /// Only those that are this far.
    pub status: Option<InvitationStatus>,
}

/// What a list held.
#[derive(Clone, Debug)]
pub struct InvitationList {
    /// The invitations, newest first.
    pub items: Vec<Invitation>,
    /// Whether this is all of it. Where it is not (too many pages, an entry that could not be read), the absence of an
    /// invitation proves nothing.
    pub complete: bool,
}

/// A page: a list by itself, or with its total where the instance's version says so.
#[derive(Deserialize)]
#[serde(untagged)]
enum Page {
    Bare(Vec<Value>),
    Counted { data: Vec<Value> },
}

impl ClerkClient {
    /// The invitations of a query.
    pub async fn list_invitations(&self, query: &InvitationQuery) -> Result<InvitationList, ClientError> {
        let mut list = InvitationList { items: Vec::new(), complete: true };
        for page in 0..MAX_PAGES {
            let mut request = self
                .request(Method::GET, &["invitations"])
                .query(&[("limit", PAGE_SIZE), ("offset", page * PAGE_SIZE)]);
            if let Some(address) = &query.email_address {
                request = request.query(&[("query", address)]);
            }
            if let Some(status) = &query.status {
                request = request.query(&[("status", status.as_str())]);
            }
            let (Page::Bare(entries) | Page::Counted { data: entries }) = self.ask("invitations.list", request).await?;
            let is_last = entries.len() < PAGE_SIZE;
            for entry in entries {
                match serde_json::from_value::<Invitation>(entry) {
                    Ok(invitation) if is_to(&invitation, query.email_address.as_deref()) => list.items.push(invitation),
                    Ok(_) => {}
                    Err(_) => list.complete = false,
                }
            }
            if is_last {
                return Ok(list);
            }
        }
        list.complete = false;
        Ok(list)
    }

    /// Takes an invitation back, so that its link leads nowhere. One that is not open any more is refused with 400.
    pub async fn revoke_invitation(&self, id: &InvitationId) -> Result<Invitation, ClientError> {
        self.ask("invitations.revoke", self.request(Method::POST, &["invitations", id.as_str(), "revoke"])).await
    }
}

fn is_to(invitation: &Invitation, address: Option<&str>) -> bool {
    address.is_none_or(|address| invitation.email_address.eq_ignore_ascii_case(address))
}
