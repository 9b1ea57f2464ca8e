//! Threads with callers: what is said, by whom, and what a person of the business should do.
//!
//! Owns (`conv_` tables): conversations with their state, epoch and dialogue, the answers that callers wait for, when
//! people had conversations, messages, templates with the wordings that carriers filter, tasks, and what became of each
//! missed call and inbound text. Never: decides whether a text may go out (Compliance), says a price, time or slot that
//! Catalog and Scheduling did not say, or speaks with a provider outside the effect `sms`.
//!
//! ```text
//!               a call, text or reminder, allowed      takeover, a person writes
//!            (none) -------------------------------> open <--------> human
//!               |                                     ^ |   release,   |
//!               |                                     | |  unanswered  |
//!               | campaign not approved      approved | | opt-out, 72 h, a person
//!               +---------------------------> blocked-+ v              v
//!                                                  +--> closed <-------+
//! ```
//!
//! Events in: `CallDetected`, `InboundSmsReceived`, `ComplianceStatusChanged`, `OptOutRecorded`, `AppointmentBooked`,
//! `AppointmentRescheduled`, `AppointmentCancelled` (whoever has an appointment is reminded of it). Events out:
//! `ConversationStarted`, `MessageSent`, `DeliveryUpdated`, `HumanTakeoverRequested`, `ConversationReleased`,
//! `ConversationUnblocked`, `ConversationClosed`, `TaskRaised`, `TaskDone`.
//!
//! Whoever writes a conversation's messages, state or turn locks its row first; then the phone (Compliance's gate), then
//! resources (Scheduling), then intents. What makes a planned automatic text wrong raises the epoch, and the last check
//! before a send compares it. Texts are answered by turns (`turns.rs`).

mod consumers;
mod conversation;
mod effects;
mod http;
mod model;
mod reader;
mod settings;
mod store;
mod timers;
mod turns;
mod use_case;

pub use conversation::{Asked, Conversation};
pub use effects::send_sms::{SendSms, SmsRequest};
pub use model::{
    contact::{Contact, ContactKind, ContactOutcome},
    message::Message,
    state::{ConversationOverview, ConversationRecord, ConversationState},
    stretch::{HumanStretch, StretchBegan, StretchEnded},
    task::{Task, TaskKind},
    template::{Template, TemplateError, TemplateKey, Wording},
    turn::SETTLES_AFTER,
    understanding::model::deterministic_answer,
    written::BodyError,
};
pub use nmc_events::conversation::{Author, CloseReason, Direction, MessageStatus};
pub use settings::Settings;
pub use turns::{TurnSettings, TurnStatus, Turns, turn_status};
pub use use_case::{
    caller_data::ErasedThreads,
    change_state::{ChangeStateError, Changed},
    templates::SetTemplateError,
    why::{CallWhy, MessageWhy},
    write::{NewMessage, WriteError, Written},
};
