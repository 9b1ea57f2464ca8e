//! Sending a message, and the five things that can have come of it.

use std::{fmt, time::Duration};

use nmc_kernel::E164;
use reqwest::{Method, StatusCode};

use super::{TwilioClient, ask::error_code};
use crate::{
    attempt::{Failure, NotSent, Unknown},
    http::Answer,
    twilio::{
        error_code::{Meaning, meaning},
        sid::{MessageSid, MessagingServiceSid},
        status::MessageStatus,
    },
};

/// Twilio's code for "too many requests".
const CODE_TOO_MANY_REQUESTS: u32 = 20_429;

/// Whom a message comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A number of the account.
    Number(E164),
    /// A messaging service, which chooses among its numbers.
    Service(MessagingServiceSid),
}

/// One message to send. `Debug` does not show the text.
#[derive(Clone)]
pub struct SendSms {
    /// The recipient.
    pub to: E164,
    /// The sender.
    pub from: Sender,
    /// At most 1,600 characters.
    pub body: String,
    /// Where the message's later states are reported; carries what tells the attempt.
    pub status_callback: Option<String>,
}

/// What has come of one attempt. Exactly one class is safe to repeat: [`SendOutcome::NotSent`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// Twilio has it.
    Accepted {
        /// The message's id.
        sid: MessageSid,
        /// Usually `queued`, with a messaging service `accepted`.
        status: MessageStatus,
    },
    /// It surely did not leave: may be sent again.
    NotSent {
        /// Why.
        reason: NotSent,
        /// How long Twilio asks us to wait.
        retry_after: Option<Duration>,
    },
    /// The recipient has opted out (21610): never to be sent again.
    OptedOut,
    /// Refused for good.
    Rejected {
        /// The HTTP status.
        http_status: u16,
        /// Twilio's code, where it gave one.
        code: Option<u32>,
        /// What that asks of us.
        meaning: Meaning,
    },
    /// It may or may not have been accepted: to be found out before anything is sent again.
    Unknown {
        /// Why.
        reason: Unknown,
    },
}

impl SendOutcome {
    /// The class as a stable word, for metrics and stored outcomes.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::NotSent { .. } => "not-sent",
            Self::OptedOut => "opted-out",
            Self::Rejected { .. } => "rejected",
            Self::Unknown { .. } => "unknown",
        }
    }
}

/// An id is all that proves the acceptance; what else the answer holds may change without making it unreadable.
#[derive(serde::Deserialize)]
struct Created {
    sid: MessageSid,
    #[serde(default)]
    status: serde_json::Value,
}

impl Created {
    fn status(&self) -> MessageStatus {
        let word = self.status.as_str().and_then(|word| MessageStatus::parse(word).ok());
        word.unwrap_or(MessageStatus::Queued)
    }
}

impl TwilioClient {
    /// Sends once. Never fails: every way it can go is a class of [`SendOutcome`].
    ///
    /// Dropping the future half way leaves the attempt unknown.
    pub async fn send(&self, sms: &SendSms) -> SendOutcome {
        let mut form = vec![("To", sms.to.as_str()), ("Body", &sms.body)];
        form.push(match &sms.from {
            Sender::Number(number) => ("From", number.as_str()),
            Sender::Service(service) => ("MessagingServiceSid", service.as_str()),
        });
        if let Some(url) = &sms.status_callback {
            form.push(("StatusCallback", url));
        }
        let request = self.request(Method::POST, self.account_path("Messages.json")).form(&form);
        match self.http.exchange("messages.create", request).await {
            Ok(answer) => classify(&answer),
            Err(error) => match Failure::of(&error) {
                Failure::NotSent(reason) => SendOutcome::NotSent { reason, retry_after: None },
                Failure::Unknown(reason) => SendOutcome::Unknown { reason },
            },
        }
    }
}

fn classify(answer: &Answer) -> SendOutcome {
    let http_status = answer.status.as_u16();
    if answer.status.is_success() {
        let created = answer.body.as_deref().and_then(|body| serde_json::from_slice::<Created>(body).ok());
        return match created {
            Some(created) => SendOutcome::Accepted { status: created.status(), sid: created.sid },
            None => SendOutcome::Unknown { reason: Unknown::UnreadableAnswer },
        };
    }
    if answer.status.is_server_error() {
        return SendOutcome::Unknown { reason: Unknown::ServerError(http_status) };
    }
    if !answer.status.is_client_error() {
        return SendOutcome::Unknown { reason: Unknown::UnexpectedStatus(http_status) };
    }
    let code = error_code(answer);
    if answer.status == StatusCode::TOO_MANY_REQUESTS || code == Some(CODE_TOO_MANY_REQUESTS) {
        return SendOutcome::NotSent { reason: NotSent::RateLimited, retry_after: answer.retry_after };
    }
    match code.map_or(Meaning::Alert, meaning) {
        Meaning::OptedOut => SendOutcome::OptedOut,
        meaning => SendOutcome::Rejected { http_status, code, meaning },
    }
}

impl fmt::Debug for SendSms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendSms").field("to", &self.to).field("from", &self.from).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: u16, body: &str) -> SendOutcome {
        let status = StatusCode::from_u16(status).unwrap();
        classify(&Answer { status, retry_after: Some(Duration::from_secs(7)), body: Some(body.as_bytes().to_vec()) })
    }

    #[test]
    fn every_answer_has_its_class() {
        let sid = "SM0123456789abcdef0123456789abcdef";
        let accepted = outcome(201, &format!(r#"{{"sid":"{sid}","status":"brand-new","price":null,"x":[1]}}"#));
        assert!(matches!(accepted, SendOutcome::Accepted { status: MessageStatus::Other(_), .. }));
        let without_status = outcome(201, &format!(r#"{{"sid":"{sid}","status":7}}"#));
        assert!(matches!(without_status, SendOutcome::Accepted { status: MessageStatus::Queued, .. }));
        for unreadable in ["", "{}", "<html>", r#"{"sid":"SM1","status":"queued"}"#] {
            assert_eq!(outcome(200, unreadable), SendOutcome::Unknown { reason: Unknown::UnreadableAnswer });
        }
        assert_eq!(outcome(503, ""), SendOutcome::Unknown { reason: Unknown::ServerError(503) });
        assert_eq!(outcome(302, ""), SendOutcome::Unknown { reason: Unknown::UnexpectedStatus(302) });
        let limited = SendOutcome::NotSent { reason: NotSent::RateLimited, retry_after: Some(Duration::from_secs(7)) };
        assert_eq!(outcome(429, "busy"), limited);
        assert_eq!(outcome(400, r#"{"code":20429}"#), limited);
        assert_eq!(outcome(400, r#"{"code":21610}"#), SendOutcome::OptedOut);
        assert_eq!(
            outcome(400, r#"{"code":21211,"message":"x"}"#),
            SendOutcome::Rejected { http_status: 400, code: Some(21_211), meaning: Meaning::Unreachable }
        );
        assert_eq!(outcome(401, "no"), SendOutcome::Rejected { http_status: 401, code: None, meaning: Meaning::Alert });
    }
}
