//! Inviting somebody, and what can have come of it.

use std::{fmt, time::Duration};

use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::{ClerkClient, error_code, invitation::Invitation};
use crate::{
    attempt::{Failure, NotSent, Unknown},
    http::Answer,
};

/// Clerk's word where an open invitation to the address exists.
const CODE_DUPLICATE: &str = "duplicate_record";
/// Clerk's word where somebody with the address has signed up.
const CODE_EXISTS: &str = "form_identifier_exists";

/// One invitation to send; Clerk takes 100 an hour
/// (<https://clerk.com/docs/reference/backend/invitations/create-invitation>). `Debug` does not show the address.
///
/// Clerk is asked to refuse a second open invitation to the same address (`ignore_existing` stays false): a repeat of an
/// attempt whose answer was lost then shows as [`InviteOutcome::AlreadyInvited`].
#[derive(Clone)]
pub struct CreateInvitation {
    /// Whom it goes to.
    pub email_address: String,
    /// What becomes the user's metadata when it is accepted; carries what tells the invitation.
    pub public_metadata: Map<String, Value>,
    /// Where its link leads, where that is not Clerk's own page.
    pub redirect_url: Option<String>,
}

/// What has come of one attempt. Exactly one class is safe to repeat: [`InviteOutcome::NotSent`].
#[derive(Clone, Debug, PartialEq)]
pub enum InviteOutcome {
    /// Clerk has it and sends the e-mail.
    Accepted(Box<Invitation>),
    /// An open invitation to this address exists: perhaps an earlier attempt's, which a listing tells.
    AlreadyInvited,
    /// Somebody with this address has signed up: they can come in without an invitation of Clerk's.
    AlreadyRegistered,
    /// It surely did not leave: may be sent again.
    NotSent {
        /// Why.
        reason: NotSent,
        /// How long Clerk asks us to wait.
        retry_after: Option<Duration>,
    },
    /// Refused for good.
    Rejected {
        /// The HTTP status.
        http_status: u16,
        /// Clerk's own word, where it gave one.
        code: Option<String>,
    },
    /// It may or may not have been accepted: to be found out before anything is sent again.
    Unknown {
        /// Why.
        reason: Unknown,
    },
}

impl InviteOutcome {
    /// The class as a stable word, for metrics and stored outcomes.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Accepted(_) => "accepted",
            Self::AlreadyInvited => "already-invited",
            Self::AlreadyRegistered => "already-registered",
            Self::NotSent { .. } => "not-sent",
            Self::Rejected { .. } => "rejected",
            Self::Unknown { .. } => "unknown",
        }
    }
}

impl ClerkClient {
    /// Invites once. Never fails: every way it can go is a class of [`InviteOutcome`].
    ///
    /// Dropping the future half way leaves the attempt unknown.
    pub async fn create_invitation(&self, invitation: &CreateInvitation) -> InviteOutcome {
        let mut body = json!({
            "email_address": invitation.email_address,
            "public_metadata": invitation.public_metadata,
        });
        if let Some(url) = &invitation.redirect_url {
            body["redirect_url"] = json!(url);
        }
        let request = self.request(Method::POST, &["invitations"]).json(&body);
        match self.http.exchange("invitations.create", request).await {
            Ok(answer) => classify(&answer),
            Err(error) => match Failure::of(&error) {
                Failure::NotSent(reason) => InviteOutcome::NotSent { reason, retry_after: None },
                Failure::Unknown(reason) => InviteOutcome::Unknown { reason },
            },
        }
    }
}

fn classify(answer: &Answer) -> InviteOutcome {
    let http_status = answer.status.as_u16();
    if answer.status.is_success() {
        let created = answer.body.as_deref().and_then(|body| serde_json::from_slice(body).ok());
        return match created {
            Some(created) => InviteOutcome::Accepted(Box::new(created)),
            None => InviteOutcome::Unknown { reason: Unknown::UnreadableAnswer },
        };
    }
    if answer.status.is_server_error() {
        return InviteOutcome::Unknown { reason: Unknown::ServerError(http_status) };
    }
    if !answer.status.is_client_error() {
        return InviteOutcome::Unknown { reason: Unknown::UnexpectedStatus(http_status) };
    }
    if answer.status == StatusCode::TOO_MANY_REQUESTS {
        return InviteOutcome::NotSent { reason: NotSent::RateLimited, retry_after: answer.retry_after };
    }
    match error_code(answer) {
        Some(code) if code == CODE_DUPLICATE => InviteOutcome::AlreadyInvited,
        Some(code) if code == CODE_EXISTS => InviteOutcome::AlreadyRegistered,
        code => InviteOutcome::Rejected { http_status, code },
    }
}

impl fmt::Debug for CreateInvitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CreateInvitation { .. }")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: u16, body: &str) -> InviteOutcome {
        let status = StatusCode::from_u16(status).unwrap();
        let retry_after = Some(Duration::from_secs(7));
        classify(&Answer { status, retry_after, body: Some(body.as_bytes().to_vec()) })
    }

    #[test]
    fn every_answer_has_its_class() {
        let body = r#"{"id":"inv_1","email_address":"a@example.com","status":"brand-new","created_at":1,"x":[1]}"#;
        assert!(matches!(outcome(200, body), InviteOutcome::Accepted(made) if made.id.as_str() == "inv_1"));
        for unreadable in ["", "{}", "<html>", r#"{"id":"user_1"}"#] {
            assert_eq!(outcome(200, unreadable), InviteOutcome::Unknown { reason: Unknown::UnreadableAnswer });
        }
        assert_eq!(outcome(503, ""), InviteOutcome::Unknown { reason: Unknown::ServerError(503) });
        assert_eq!(outcome(302, ""), InviteOutcome::Unknown { reason: Unknown::UnexpectedStatus(302) });
        let limited =
            InviteOutcome::NotSent { reason: NotSent::RateLimited, retry_after: Some(Duration::from_secs(7)) };
        assert_eq!(outcome(429, "busy"), limited);
        let coded = |code: &str| outcome(422, &json!({"errors": [{"code": code, "message": "m"}]}).to_string());
        assert_eq!(coded("duplicate_record"), InviteOutcome::AlreadyInvited);
        assert_eq!(coded("form_identifier_exists"), InviteOutcome::AlreadyRegistered);
        let code = Some("form_param_format_invalid".to_owned());
        assert_eq!(coded("form_param_format_invalid"), InviteOutcome::Rejected { http_status: 422, code });
        assert_eq!(coded("a@example.com"), InviteOutcome::Rejected { http_status: 422, code: None });
        assert_eq!(outcome(401, "no"), InviteOutcome::Rejected { http_status: 401, code: None });
    }
}
