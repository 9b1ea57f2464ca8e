//! The status words Twilio uses, and the order in which a message's status may move.

/// A status word came with characters or a length no status word has.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a status word")]
pub struct StatusError;

/// Longer than any word Twilio has: what is longer is not a status, and would end in keys and labels.
const MAX_WORD_BYTES: usize = 32;

macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum $name {
            $($(#[$vdoc])* $variant,)+
            /// A word Twilio did not have when this was written; never final.
            Other(String),
        }

        impl $name {
            /// Reads the word; an unknown one is kept as it is.
            pub fn parse(word: &str) -> Result<Self, StatusError> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => {
                        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
                        let is_word = !word.is_empty() && word.len() <= MAX_WORD_BYTES && word.bytes().all(plain);
                        if is_word { Ok(Self::Other(word.to_owned())) } else { Err(StatusError) }
                    }
                }
            }

            /// The word as Twilio writes it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
        impl std::str::FromStr for $name {
            type Err = StatusError;
            fn from_str(word: &str) -> Result<Self, StatusError> {
                Self::parse(word)
            }
        }
        impl TryFrom<String> for $name {
            type Error = StatusError;
            fn try_from(word: String) -> Result<Self, StatusError> {
                Self::parse(&word)
            }
        }
        impl From<$name> for String {
            fn from(status: $name) -> String {
                status.as_str().to_owned()
            }
        }
    )+};
}

statuses! {
    /// `CallStatus` of one leg. Source: <https://www.twilio.com/docs/voice/api/call-resource#call-status-values>.
    CallStatus {
        /// Waiting to be dialled.
        Queued = "queued",
        /// Being dialled.
        Initiated = "initiated",
        /// Ringing, or an incoming call whose TwiML is being fetched.
        Ringing = "ringing",
        /// Answered, by a person or by our TwiML.
        InProgress = "in-progress",
        /// Ended after it was answered, our TwiML included.
        Completed = "completed",
        /// The other side was busy.
        Busy = "busy",
        /// Nobody answered.
        NoAnswer = "no-answer",
        /// Ended before it was answered.
        Canceled = "canceled",
        /// Could not be connected.
        Failed = "failed",
    }
    /// `DialCallStatus` of the `<Dial>` action request.
    /// Source: <https://www.twilio.com/docs/voice/twiml/dial#dialcallstatus-values>.
    DialStatus {
        /// The dialled party answered and was connected; a voicemail counts as a party.
        Completed = "completed",
        /// The dialled party answered (conferences).
        Answered = "answered",
        /// Busy.
        Busy = "busy",
        /// Rang until the time-out.
        NoAnswer = "no-answer",
        /// The number could not be reached.
        Failed = "failed",
        /// Ended before it was answered.
        Canceled = "canceled",
    }
    /// A message's status. Source: <https://www.twilio.com/docs/messaging/api/message-resource#message-status-values>.
    MessageStatus {
        /// Taken by a messaging service that still chooses the number.
        Accepted = "accepted",
        /// To be sent later.
        Scheduled = "scheduled",
        /// Waiting to be sent.
        Queued = "queued",
        /// Being handed to the carrier.
        Sending = "sending",
        /// Taken by the carrier.
        Sent = "sent",
        /// Confirmed by the handset or the carrier.
        Delivered = "delivered",
        /// Not delivered, says the carrier.
        Undelivered = "undelivered",
        /// Not sent.
        Failed = "failed",
        /// A scheduled message that was called off.
        Canceled = "canceled",
        /// Read by the recipient.
        Read = "read",
        /// An inbound message on its way in.
        Receiving = "receiving",
        /// An inbound message.
        Received = "received",
    }
}

impl CallStatus {
    /// Whether the leg is over. Source: <https://www.twilio.com/docs/voice/api/call-resource#call-status-values>.
    pub const fn is_final(&self) -> bool {
        match self {
            Self::Completed | Self::Busy | Self::NoAnswer | Self::Canceled | Self::Failed => true,
            Self::Queued | Self::Initiated | Self::Ringing | Self::InProgress | Self::Other(_) => false,
        }
    }
}

/// How far an outbound SMS has come, in the only order in which it moves: callbacks arrive late, twice and out of
/// order, and a later stage is never taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SmsStatus {
    /// Accepted by Twilio.
    Queued,
    /// Taken by the carrier.
    Sent,
    /// Not sent or not delivered.
    Failed,
    /// Delivered: stands even after a failure report, which a carrier may send first.
    Delivered,
}

impl SmsStatus {
    /// The stage a reported status stands for; nothing for inbound and unknown words.
    pub const fn from_twilio(status: &MessageStatus) -> Option<Self> {
        match status {
            MessageStatus::Accepted | MessageStatus::Scheduled | MessageStatus::Queued | MessageStatus::Sending => {
                Some(Self::Queued)
            }
            MessageStatus::Sent => Some(Self::Sent),
            MessageStatus::Undelivered | MessageStatus::Failed | MessageStatus::Canceled => Some(Self::Failed),
            MessageStatus::Delivered | MessageStatus::Read => Some(Self::Delivered),
            MessageStatus::Receiving | MessageStatus::Received | MessageStatus::Other(_) => None,
        }
    }

    /// The stage after hearing of `reported`: the later of the two.
    #[must_use]
    pub fn advanced_by(self, reported: Self) -> Self {
        self.max(reported)
    }

    /// The word of the product's own vocabulary.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Delivered => "delivered",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_words_are_kept_and_nonsense_is_refused() {
        assert_eq!(CallStatus::parse("no-answer"), Ok(CallStatus::NoAnswer));
        assert_eq!(DialStatus::parse("teleported").map(String::from), Ok("teleported".to_owned()));
        for bad in ["", "a b", "x\n", &"x".repeat(33), "é"] {
            assert_eq!(MessageStatus::parse(bad), Err(StatusError), "{bad:?}");
        }
    }

    #[test]
    fn status_only_moves_forward() {
        use SmsStatus::{Delivered, Failed, Queued, Sent};
        assert!(Queued < Sent && Sent < Failed && Failed < Delivered);
        assert_eq!(Delivered.advanced_by(Failed), Delivered);
        assert_eq!(Failed.advanced_by(Delivered), Delivered);
        assert_eq!(Sent.advanced_by(Queued), Sent);
        assert_eq!(SmsStatus::from_twilio(&MessageStatus::Undelivered), Some(Failed));
        assert_eq!(SmsStatus::from_twilio(&MessageStatus::Other("partially_delivered".to_owned())), None);
    }
}
