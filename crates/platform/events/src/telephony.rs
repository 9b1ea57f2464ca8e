//! What Telephony publishes.

use nmc_kernel::{CallId, E164, InboundSmsId, Untextable};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Event, SchemaVersion};

/// An inbound call was missed: the caller's leg ended and no person accepted it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallDetected {
    /// The call.
    pub call_id: CallId,
    /// The caller's number; null when withheld or unreadable.
    pub from_phone: Option<E164>,
    /// Why no SMS can reach the caller; null when one can.
    pub untextable_reason: Option<Untextable>,
    /// The business's number that was called.
    pub to_phone: E164,
    /// How the call was missed.
    pub reason: MissedReason,
    /// The provider's id of the call (Twilio's CallSid).
    pub provider_ref: String,
}

/// How a call was missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MissedReason {
    /// It rang and nobody answered.
    NoAnswer,
    /// The line was busy.
    Busy,
    /// It could not be connected.
    Failed,
    /// The caller hung up while it rang.
    Canceled,
    /// Something answered (a voicemail, say), but nobody pressed 1.
    NotAccepted,
    /// It completed within seconds, without a person (only where the tenant's installation says so).
    ShortComplete,
    /// It arrived already missed, forwarded by the business's own line.
    Forwarded,
}

impl MissedReason {
    /// Every reason, in the catalog's order.
    pub const ALL: [Self; 7] = [
        Self::NoAnswer,
        Self::Busy,
        Self::Failed,
        Self::Canceled,
        Self::NotAccepted,
        Self::ShortComplete,
        Self::Forwarded,
    ];

    /// The stable word in tables and payloads.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoAnswer => "no-answer",
            Self::Busy => "busy",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::NotAccepted => "not-accepted",
            Self::ShortComplete => "short-complete",
            Self::Forwarded => "forwarded",
        }
    }
}

impl Event for CallDetected {
    const NAME: &'static str = "nmc.telephony.CallDetected";
    const VERSION: SchemaVersion = SchemaVersion::V1;
    fn order_key(&self) -> Option<String> {
        self.from_phone.as_ref().map(|phone| phone.as_str().to_owned())
    }
}

/// A caller's text arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InboundSmsReceived {
    /// Telephony's record of the text.
    pub message_id: InboundSmsId,
    /// The caller's number.
    pub from_phone: E164,
    /// The business's number that was texted.
    pub to_phone: E164,
    /// The text as it was written.
    pub body: String,
    /// How many pictures or files came with it.
    pub media_count: u16,
    /// The provider's id of the message (Twilio's MessageSid).
    pub provider_ref: String,
    /// Set when the whole text was an opt-out, opt-in or help word: already recorded, so no dialogue follows.
    #[serde(default)]
    pub keyword: Option<Keyword>,
    /// Twilio's Advanced Opt-Out has answered the keyword already.
    #[serde(default)]
    pub answered_by_provider: bool,
}

/// What a whole-message keyword asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Keyword {
    /// No more texts.
    Stop,
    /// Texts again.
    Start,
    /// Who is this.
    Help,
}

impl Event for InboundSmsReceived {
    const NAME: &'static str = "nmc.telephony.InboundSmsReceived";
    const VERSION: SchemaVersion = SchemaVersion::V1;
    fn order_key(&self) -> Option<String> {
        Some(self.from_phone.as_str().to_owned())
    }
}
