use chrono::{DateTime, Duration, Utc};
use nmc_compliance::Purpose;
use nmc_events::conversation::{Author, Direction, MessageStatus};
use nmc_kernel::{ConversationId, IntentId, MessageId, UserId};
use nmc_providers::twilio::segments::Segments;

use super::template::{TemplateKey, Wording};

/// A first answer later than this only confuses.
const GREETING_USEFUL_MINUTES: i64 = 10;
/// A reply later than this answers a conversation that has moved on.
const REPLY_USEFUL_MINUTES: i64 = 30;
/// A confirmation is still news a day later.
const CONFIRMATION_USEFUL_HOURS: i64 = 24;
/// The law gives five minutes for the confirmation of an opt-out.
const OPT_OUT_CONFIRMATION_USEFUL_MINUTES: i64 = 5;

/// One SMS, in or out. `Debug` does not show the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// The message.
    pub id: MessageId,
    /// Its conversation.
    pub conversation_id: ConversationId,
    /// Which way it goes.
    pub direction: Direction,
    /// Who wrote it.
    pub author: Author,
    /// The person, where a person of the business wrote it.
    pub author_user_id: Option<UserId>,
    /// What it is for, where it goes out.
    pub purpose: Option<Purpose>,
    /// The text.
    pub body: String,
    /// Pictures or files that came with it.
    pub media_count: u16,
    /// What it costs.
    pub segments: u16,
    /// How far it is.
    pub status: MessageStatus,
    /// The provider's id of it, once accepted.
    pub provider_message_id: Option<String>,
    /// The key its author's program gave it, so that sending it twice does it once.
    pub client_dedup_key: Option<String>,
    /// What sends it.
    pub intent_id: Option<IntentId>,
    /// The provider's error code, where it failed with one.
    pub error_code: Option<i32>,
    /// A stable word for why it failed, where there is no code.
    pub failure: Option<String>,
    /// What it follows from.
    pub why: serde_json::Value,
    /// When the call or text it is the first answer to came in, UTC.
    pub answers_at: Option<DateTime<Utc>>,
    /// When it was written, UTC.
    pub created_at: DateTime<Utc>,
}

impl Message {
    /// The text this one is sent in place of: the first of a row of resends.
    pub(crate) fn resend_of(&self) -> Option<MessageId> {
        self.why["resend_of"].as_str().and_then(|id| id.parse().ok())
    }

    /// Which text of the service this is, and whose wording of it.
    pub(crate) fn wording(&self) -> Option<(TemplateKey, Wording)> {
        let key = TemplateKey::from_word(self.why["template"].as_str()?)?;
        Some((key, Wording::from_word(self.why["wording"].as_str()?)?))
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("conversation_id", &self.conversation_id)
            .field("direction", &self.direction)
            .field("author", &self.author)
            .field("status", &self.status)
            .field("error_code", &self.error_code)
            .finish_non_exhaustive()
    }
}

/// Until when a text is of use that is due since `counts_from`: a greeting since its call, any other since it was
/// written.
pub(crate) fn useful_until(purpose: Purpose, counts_from: DateTime<Utc>) -> DateTime<Utc> {
    counts_from
        + match purpose {
            Purpose::Greeting => Duration::minutes(GREETING_USEFUL_MINUTES),
            Purpose::OptOutConfirmation => Duration::minutes(OPT_OUT_CONFIRMATION_USEFUL_MINUTES),
            Purpose::Confirmation | Purpose::Reminder | Purpose::Notice => Duration::hours(CONFIRMATION_USEFUL_HOURS),
            Purpose::Reply | Purpose::Human | Purpose::Nudge | Purpose::Help => Duration::minutes(REPLY_USEFUL_MINUTES),
        }
}

/// How many parts `body` is charged as.
pub(crate) fn segments(body: &str) -> u16 {
    u16::try_from(Segments::of(body).parts).unwrap_or(u16::MAX)
}

pub(crate) const fn direction_word(direction: Direction) -> &'static str {
    match direction {
        Direction::In => "in",
        Direction::Out => "out",
    }
}

pub(crate) const fn author_word(author: Author) -> &'static str {
    match author {
        Author::Caller => "caller",
        Author::Automation => "automation",
        Author::User => "user",
        Author::System => "system",
    }
}

pub(crate) const fn status_word(status: MessageStatus) -> &'static str {
    match status {
        MessageStatus::Pending => "pending",
        MessageStatus::Queued => "queued",
        MessageStatus::Sent => "sent",
        MessageStatus::Delivered => "delivered",
        MessageStatus::Failed => "failed",
        MessageStatus::Received => "received",
    }
}
