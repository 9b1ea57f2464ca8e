//! Twilio: signed webhooks in, TwiML back, messages out.
//!
//! | part | what it is |
//! |---|---|
//! | [`signature`] | `X-Twilio-Signature`, verified and made |
//! | [`webhook`] | a request body that has proved its signature, as ordered fields |
//! | [`forms`] | those fields as types, one per route |
//! | [`status`], [`sid`] | the words and ids Twilio uses |
//! | [`twiml`] | the documents we answer a call with |
//! | [`client`] | sends, lists and fetches over the REST API |
//! | [`error_code`] | what an error code asks of us |
//! | [`segments`] | how many parts a text is charged as |

pub mod client;
pub mod error_code;
pub mod forms;
pub mod segments;
pub mod sid;
pub mod signature;
pub mod status;
pub mod twiml;
pub mod webhook;

pub use client::{
    CallQuery, ClientError, ClientSettings, ListPage, ListedCall, ListedMessage, Listing, MessageQuery, NextPage,
    NotSent, SendOutcome, SendSms, Sender, TwilioClient, Unknown,
};
pub use error_code::Meaning;
pub use forms::{
    DialStatusWebhook, InboundSms, Media, OptOutType, SmsStatusWebhook, VoiceStatusWebhook, VoiceWebhook,
    WhisperResultWebhook, WhisperWebhook,
};
pub use sid::{AccountSid, CallSid, MessageSid, MessagingServiceSid, SidError};
pub use signature::AuthToken;
pub use status::{CallStatus, DialStatus, MessageStatus, SmsStatus};
pub use twiml::Twiml;
pub use webhook::{TwilioForm, TwilioWebhooks, WebhookForm, WebhookRejection};
