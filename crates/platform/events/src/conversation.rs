//! What Conversation publishes.

use nmc_kernel::{CallId, ConversationId, E164, MessageId, TaskId, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Event, SchemaVersion};

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From the caller.
    In,
    /// To the caller.
    Out,
}

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Author {
    /// The caller.
    Caller,
    /// The automatic conversation.
    Automation,
    /// A person of the business.
    User,
    /// The service, where law or a keyword demands an answer.
    System,
}

/// How far a message has come; for outbound ones it only moves forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MessageStatus {
    /// Written, not yet accepted by the provider.
    Pending,
    /// Accepted by the provider.
    Queued,
    /// Handed to the carrier.
    Sent,
    /// On the caller's phone.
    Delivered,
    /// Did not arrive; an error code says why.
    Failed,
    /// Came in.
    Received,
}

/// A conversation was created or reopened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConversationStarted {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// The caller.
    pub caller_phone: E164,
}

/// The provider accepted an outbound message, or an inbound one was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessageSent {
    /// The message.
    pub message_id: MessageId,
    /// Its conversation.
    pub conversation_id: ConversationId,
    /// Which way it went.
    pub direction: Direction,
    /// Its status at this moment.
    pub status: MessageStatus,
    /// Who wrote it.
    pub author: Author,
    /// How many SMS segments it costs.
    pub segments: u16,
    /// Whether it is the first answer to a missed call or to a text that opened the conversation.
    pub first_reply: bool,
}

/// A status callback moved an outbound message forward.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryUpdated {
    /// The message.
    pub message_id: MessageId,
    /// Its new status.
    pub status: MessageStatus,
    /// The provider's id of the message.
    pub provider_ref: String,
    /// The provider's error code, where it failed.
    pub error_code: Option<i32>,
}

/// A person takes the conversation over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HumanTakeoverRequested {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// Who took it over; null when the caller or an emergency asked for a person.
    pub user_id: Option<UserId>,
    /// Why.
    pub reason: String,
}

/// A conversation ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConversationClosed {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// Why it ended.
    pub reason: CloseReason,
}

/// Why a conversation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CloseReason {
    /// Nothing was said for the configured time.
    Inactivity,
    /// A person of the business closed it.
    User,
    /// The caller wants no more texts.
    OptOut,
}

/// The conversation was given back to the automation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConversationReleased {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// Who gave it back; null when the automation took back over.
    pub user_id: Option<UserId>,
}

/// The campaign was approved: a blocked conversation may send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConversationUnblocked {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// Null: no user of the business unblocks.
    pub user_id: Option<UserId>,
}

/// Something for a person of the business to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TaskRaised {
    /// The task.
    pub task_id: TaskId,
    /// What kind of task.
    pub kind: String,
    /// The conversation it is about, if any.
    pub conversation_id: Option<ConversationId>,
    /// The call it is about, if any.
    pub call_id: Option<CallId>,
}

/// A task was ticked off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TaskDone {
    /// The task.
    pub task_id: TaskId,
    /// What kind of task.
    pub kind: String,
    /// The conversation it is about, if any.
    pub conversation_id: Option<ConversationId>,
    /// The call it is about, if any.
    pub call_id: Option<CallId>,
}

macro_rules! events {
    ($($name:ident $(by $key:ident)?),+ $(,)?) => {$(
        impl Event for $name {
            const NAME: &'static str = concat!("nmc.conversation.", stringify!($name));
            const VERSION: SchemaVersion = SchemaVersion::V1;
            $(fn order_key(&self) -> Option<String> {
                Some(self.$key.as_str().to_owned())
            })?
        }
    )+};
}

events!(
    ConversationStarted by caller_phone,
    MessageSent,
    DeliveryUpdated,
    HumanTakeoverRequested,
    ConversationClosed,
    ConversationReleased,
    ConversationUnblocked,
    TaskRaised,
    TaskDone,
);
