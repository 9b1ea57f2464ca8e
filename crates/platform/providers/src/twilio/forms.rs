//! The fields of each webhook as types. A form that lacks a core field, or has one that cannot be read, names it. Any
//! other field that cannot be read counts as absent: a call or a STOP is not lost over it.
//!
//! Each type lists its `CORE_FIELDS`: what the payload hash covers, so that the same id with another content shows.
//! `Debug` shows no number in full and no text.

use std::{fmt, num::ParseIntError};

use nmc_kernel::{CallerNumber, E164};

use super::{
    sid::{CallSid, MessageSid},
    status::{CallStatus, DialStatus, MessageStatus},
    webhook::{WebhookForm, WebhookRejection},
};

/// The most pictures one message has. Source: <https://www.twilio.com/docs/messaging/guides/accepted-mime-types>.
const MAX_MEDIA: u32 = 10;
/// Far above Twilio's 1,600 characters, far below what would hurt a row.
const MAX_TEXT_BYTES: usize = 16 * 1024;
const MAX_URL_BYTES: usize = 2048;

const A_CALL_SID: &str = "is not a CallSid";
const A_MESSAGE_SID: &str = "is not a MessageSid";
const A_PHONE: &str = "is not a phone number in E.164 form";
const A_STATUS: &str = "is not a status word";
const A_NUMBER: &str = "is not a whole number";

/// `voice`: a call has come in and waits for TwiML.
/// Source: <https://www.twilio.com/docs/voice/twiml#request-parameters>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoiceWebhook {
    /// The caller's leg.
    pub call_sid: CallSid,
    /// Who calls.
    pub from: CallerNumber,
    /// The number of this installation that was called.
    pub to: E164,
    /// Usually `ringing`.
    pub call_status: CallStatus,
    /// The number that forwarded the call here, where the carrier says so.
    pub forwarded_from: Option<E164>,
}

impl VoiceWebhook {
    /// What the payload hash covers.
    pub const CORE_FIELDS: &[&str] = &["CallSid", "From", "To"];
}

impl TryFrom<&WebhookForm> for VoiceWebhook {
    type Error = WebhookRejection;
    fn try_from(form: &WebhookForm) -> Result<Self, WebhookRejection> {
        Ok(Self {
            call_sid: call_sid(form)?,
            from: caller(form)?,
            to: phone(form, "To")?,
            call_status: form.required_as("CallStatus", CallStatus::parse, A_STATUS)?,
            // A carrier writes here what it likes: worth keeping when readable, never worth refusing a call.
            forwarded_from: form.get("ForwardedFrom").and_then(|number| E164::parse(number).ok()),
        })
    }
}

/// `dial-status`: how the `<Dial>` ended.
/// Source: <https://www.twilio.com/docs/voice/twiml/dial#action>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialStatusWebhook {
    /// The caller's leg.
    pub call_sid: CallSid,
    /// Who calls.
    pub from: CallerNumber,
    /// The number of this installation that was called.
    pub to: E164,
    /// How the dialled leg ended.
    pub dial_call_status: DialStatus,
    /// The dialled leg, where one came about.
    pub dial_call_sid: Option<CallSid>,
    /// How long the two were connected, in seconds.
    pub dial_call_duration_seconds: Option<u32>,
}

impl DialStatusWebhook {
    /// What the payload hash covers.
    pub const CORE_FIELDS: &[&str] = &["CallSid", "From", "To", "DialCallStatus"];
}

impl TryFrom<&WebhookForm> for DialStatusWebhook {
    type Error = WebhookRejection;
    fn try_from(form: &WebhookForm) -> Result<Self, WebhookRejection> {
        Ok(Self {
            call_sid: call_sid(form)?,
            from: caller(form)?,
            to: phone(form, "To")?,
            dial_call_status: form.required_as("DialCallStatus", DialStatus::parse, A_STATUS)?,
            dial_call_sid: form.readable("DialCallSid", CallSid::parse),
            dial_call_duration_seconds: form.readable("DialCallDuration", str::parse),
        })
    }
}

/// `whisper`: the dialled party has answered and hears what we say before the two are connected.
/// Source: <https://www.twilio.com/docs/voice/twiml/number#attributes-url>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhisperWebhook {
    /// The dialled leg.
    pub call_sid: CallSid,
    /// The caller's leg.
    pub parent_call_sid: Option<CallSid>,
}

impl WhisperWebhook {
    /// What the payload hash covers.
    pub const CORE_FIELDS: &[&str] = &["CallSid", "ParentCallSid"];
}

impl TryFrom<&WebhookForm> for WhisperWebhook {
    type Error = WebhookRejection;
    fn try_from(form: &WebhookForm) -> Result<Self, WebhookRejection> {
        Ok(Self { call_sid: call_sid(form)?, parent_call_sid: parent_call_sid(form)? })
    }
}

/// `whisper-result`: what the dialled party pressed.
/// Source: <https://www.twilio.com/docs/voice/twiml/gather#action>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhisperResultWebhook {
    /// The dialled leg.
    pub call_sid: CallSid,
    /// The caller's leg.
    pub parent_call_sid: Option<CallSid>,
    /// The keys pressed; empty when none was.
    pub digits: String,
}

impl WhisperResultWebhook {
    /// What the payload hash covers.
    pub const CORE_FIELDS: &[&str] = &["CallSid", "ParentCallSid", "Digits"];

    /// Whether a person took the call: pressed 1.
    pub fn accepted(&self) -> bool {
        self.digits == "1"
    }
}

impl TryFrom<&WebhookForm> for WhisperResultWebhook {
    type Error = WebhookRejection;
    fn try_from(form: &WebhookForm) -> Result<Self, WebhookRejection> {
        let digits = form.get("Digits").unwrap_or_default();
        let keys = |b: u8| b.is_ascii_digit() || matches!(b, b'*' | b'#' | b'A'..=b'D' | b'w' | b'W');
        if digits.len() > 64 || !digits.bytes().all(keys) {
            return Err(WebhookRejection::malformed("Digits", "is not a list of keys"));
        }
        Ok(Self { call_sid: call_sid(form)?, parent_call_sid: parent_call_sid(form)?, digits: digits.to_owned() })
    }
}

/// `voice-status`: a leg has changed its state.
/// Source: <https://www.twilio.com/docs/voice/api/call-resource#statuscallback>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoiceStatusWebhook {
    /// The leg.
    pub call_sid: CallSid,
    /// Set on a dialled leg: the caller's leg.
    pub parent_call_sid: Option<CallSid>,
    /// Who calls.
    pub from: CallerNumber,
    /// The number called.
    pub to: E164,
    /// The state reached.
    pub call_status: CallStatus,
    /// How long the leg lasted once answered, in seconds.
    pub call_duration_seconds: Option<u32>,
}

impl VoiceStatusWebhook {
    /// What the payload hash covers.
    pub const CORE_FIELDS: &[&str] = &["CallSid", "From", "To", "CallStatus"];
}

impl TryFrom<&WebhookForm> for VoiceStatusWebhook {
    type Error = WebhookRejection;
    fn try_from(form: &WebhookForm) -> Result<Self, WebhookRejection> {
        Ok(Self {
            call_sid: call_sid(form)?,
            parent_call_sid: parent_call_sid(form)?,
            from: caller(form)?,
            to: phone(form, "To")?,
            call_status: form.required_as("CallStatus", CallStatus::parse, A_STATUS)?,
            call_duration_seconds: form.readable("CallDuration", str::parse),
        })
    }
}

/// `sms-inbound`: a text has come in.
/// Source: <https://www.twilio.com/docs/messaging/guides/webhook-request>.
#[derive(Clone, PartialEq, Eq)]
pub struct InboundSms {
    /// The message.
    pub message_sid: MessageSid,
    /// Who wrote.
    pub from: CallerNumber,
    /// The number of this installation that was texted.
    pub to: E164,
    /// The text as written; empty for a picture alone.
    pub body: String,
    /// Pictures and other attachments, by reference.
    pub media: Vec<Media>,
    /// Set when Twilio itself has already acted on an opt-out keyword and answered it
    /// (<https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out>).
    pub opt_out_type: Option<OptOutType>,
}

/// An attachment of an inbound message.
#[derive(Clone, PartialEq, Eq)]
pub struct Media {
    /// Where Twilio keeps it; reading it takes the account's credentials.
    pub url: String,
    /// Its MIME type, where Twilio gives one.
    pub content_type: Option<String>,
}

/// What Twilio's Advanced Opt-Out made of a keyword.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptOutType {
    /// Opted out.
    Stop,
    /// Opted in again.
    Start,
    /// Asked for help.
    Help,
    /// A word Twilio did not have when this was written.
    Other(String),
}

impl OptOutType {
    fn parse(word: &str) -> Result<Self, ()> {
        match word.to_ascii_uppercase().as_str() {
            "STOP" => Ok(Self::Stop),
            "START" => Ok(Self::Start),
            "HELP" => Ok(Self::Help),
            other if other.len() <= 32 => Ok(Self::Other(other.to_owned())),
            _ => Err(()),
        }
    }
}

impl InboundSms {
    /// What the payload hash covers.
    pub const CORE_FIELDS: &[&str] = &["MessageSid", "From", "To", "Body", "NumMedia"];
}

impl TryFrom<&WebhookForm> for InboundSms {
    type Error = WebhookRejection;
    fn try_from(form: &WebhookForm) -> Result<Self, WebhookRejection> {
        let media = media(form);
        let body = match form.get("Body") {
            Some(body) => body,
            None if !media.is_empty() => "",
            // A signature also fits `BodySTOP=`: a text that is not there must not pass for an empty one.
            None => return Err(WebhookRejection::malformed("Body", "is missing")),
        };
        if body.len() > MAX_TEXT_BYTES {
            return Err(WebhookRejection::malformed("Body", "is not a text of at most 16 KiB"));
        }
        Ok(Self {
            message_sid: form.required_as("MessageSid", MessageSid::parse, A_MESSAGE_SID)?,
            from: caller(form)?,
            to: phone(form, "To")?,
            // Postgres keeps no NUL, and a STOP with one behind it is a STOP.
            body: body.replace('\0', ""),
            media,
            opt_out_type: form.readable("OptOutType", OptOutType::parse),
        })
    }
}

/// The pictures that can be referred to, ten at most; the others are left out rather than the text refused.
fn media(form: &WebhookForm) -> Vec<Media> {
    let count = form.readable("NumMedia", str::parse::<u32>).unwrap_or(0).min(MAX_MEDIA);
    let media = |index| {
        let url = form.get(&format!("MediaUrl{index}"))?;
        let is_url = url.len() <= MAX_URL_BYTES && is_plain(url) && url::Url::parse(url).is_ok();
        let content_type = form.get(&format!("MediaContentType{index}")).filter(|t| t.len() <= 128 && is_plain(t));
        is_url.then(|| Media { url: url.to_owned(), content_type: content_type.map(str::to_owned) })
    };
    (0..count).filter_map(media).collect()
}

/// Nothing that JSON would have to escape: it could not be stored, or would take more room than was reckoned with.
fn is_plain(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() || matches!(c, '"' | '\\'))
}

/// `sms-status`: an outbound message has moved on.
/// Source: <https://www.twilio.com/docs/messaging/guides/track-outbound-message-status>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmsStatusWebhook {
    /// The message.
    pub message_sid: MessageSid,
    /// The status reached.
    pub message_status: MessageStatus,
    /// Why it failed, where it did; see [`super::error_code::meaning`].
    pub error_code: Option<u32>,
    /// The recipient, where given.
    pub to: Option<E164>,
    /// The account's number it was sent from, where given.
    pub from: Option<E164>,
}

impl SmsStatusWebhook {
    /// What the payload hash covers.
    pub const CORE_FIELDS: &[&str] = &["MessageSid", "MessageStatus", "ErrorCode"];
}

impl TryFrom<&WebhookForm> for SmsStatusWebhook {
    type Error = WebhookRejection;
    fn try_from(form: &WebhookForm) -> Result<Self, WebhookRejection> {
        Ok(Self {
            message_sid: form.required_as("MessageSid", MessageSid::parse, A_MESSAGE_SID)?,
            message_status: form.required_as("MessageStatus", MessageStatus::parse, A_STATUS)?,
            error_code: number(form, "ErrorCode")?,
            to: form.get("To").and_then(|number| E164::parse(number).ok()),
            from: form.get("From").and_then(|number| E164::parse(number).ok()),
        })
    }
}

fn call_sid(form: &WebhookForm) -> Result<CallSid, WebhookRejection> {
    form.required_as("CallSid", CallSid::parse, A_CALL_SID)
}

fn parent_call_sid(form: &WebhookForm) -> Result<Option<CallSid>, WebhookRejection> {
    form.optional_as("ParentCallSid", CallSid::parse, A_CALL_SID)
}

fn phone(form: &WebhookForm, field: &'static str) -> Result<E164, WebhookRejection> {
    form.required_as(field, E164::parse, A_PHONE)
}

/// Who called: must be there, may be empty (withheld), is never refused for what it says.
fn caller(form: &WebhookForm) -> Result<CallerNumber, WebhookRejection> {
    let from = form.get("From").ok_or_else(|| WebhookRejection::malformed("From", "is missing"))?;
    Ok(CallerNumber::from_provider(from))
}

fn number(form: &WebhookForm, field: &'static str) -> Result<Option<u32>, WebhookRejection> {
    form.optional_as(field, |text| text.parse::<u32>().map_err(|_: ParseIntError| ()), A_NUMBER)
}

impl fmt::Debug for InboundSms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InboundSms")
            .field("message_sid", &self.message_sid)
            .field("from", &self.from)
            .field("to", &self.to)
            .field("media", &self.media.len())
            .field("opt_out_type", &self.opt_out_type)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Media").field("content_type", &self.content_type).finish_non_exhaustive()
    }
}
