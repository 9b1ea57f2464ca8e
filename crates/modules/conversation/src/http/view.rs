//! What the API shows.

use chrono::{DateTime, Utc};
use nmc_compliance::{Purpose, StoredDecision};
use nmc_kernel::{CallId, ConversationId, E164, MessageId, TaskId, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Author, Changed, CloseReason, ContactOutcome, ConversationOverview, ConversationState, Direction, HumanStretch,
    Message, MessageStatus, Task, TaskKind, Template, TemplateKey, Wording,
};

/// A thread with one caller.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConversationView {
    /// The conversation.
    id: ConversationId,
    /// The caller.
    #[schema(value_type = String, example = "+12125550142")]
    caller_phone: E164,
    /// The business's number the caller used last: answers come from it.
    #[schema(value_type = String, example = "+12125550100")]
    business_phone: E164,
    /// Who answers.
    state: ConversationState,
    /// Counts what made planned automatic texts wrong: takeovers, releases, closings, opt-outs.
    epoch: i32,
    /// When it began.
    opened_at: DateTime<Utc>,
    /// When the last message or call was.
    last_activity_at: DateTime<Utc>,
    /// Since when the caller waits for an answer; null where nobody waits.
    waiting_since: Option<DateTime<Utc>>,
    /// When it ended.
    closed_at: Option<DateTime<Utc>>,
    /// Why it ended.
    closed_reason: Option<CloseReason>,
    /// What was said last.
    last_message: Option<MessageView>,
}

impl From<ConversationOverview> for ConversationView {
    fn from(overview: ConversationOverview) -> Self {
        let ConversationOverview { conversation, last_message } = overview;
        Self {
            id: conversation.id,
            caller_phone: conversation.caller_phone,
            business_phone: conversation.business_phone,
            state: conversation.state,
            epoch: conversation.epoch,
            opened_at: conversation.opened_at,
            last_activity_at: conversation.last_activity_at,
            waiting_since: conversation.waiting_since,
            closed_at: conversation.closed_at,
            closed_reason: conversation.closed_reason,
            last_message: last_message.map(MessageView::from),
        }
    }
}

/// A thread with one caller, and who had it when.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConversationDetail {
    /// The conversation.
    #[serde(flatten)]
    pub(super) conversation: ConversationView,
    /// When people had it, the newest first, 100 at most.
    pub(super) human_stretches: Vec<HumanStretch>,
}

/// One SMS, in or out.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MessageView {
    /// The message.
    id: MessageId,
    /// Its conversation.
    conversation_id: ConversationId,
    /// Which way it goes.
    direction: Direction,
    /// Who wrote it.
    author: Author,
    /// The person, where a person of the business wrote it.
    author_user_id: Option<UserId>,
    /// What it is for, where it goes out.
    #[schema(value_type = Option<String>, example = "human")]
    purpose: Option<&'static str>,
    /// The text.
    body: String,
    /// Pictures or files that came with it.
    media_count: u16,
    /// How many parts it is charged as.
    segments: u16,
    /// How far it is.
    status: MessageStatus,
    /// The provider's error code, where it failed with one.
    error_code: Option<i32>,
    /// A stable word for why it failed, where there is no code.
    failure: Option<String>,
    /// The key its author's program gave it.
    client_dedup_key: Option<String>,
    /// When it was written.
    created_at: DateTime<Utc>,
}

impl From<Message> for MessageView {
    fn from(message: Message) -> Self {
        Self {
            id: message.id,
            conversation_id: message.conversation_id,
            direction: message.direction,
            author: message.author,
            author_user_id: message.author_user_id,
            purpose: message.purpose.map(Purpose::as_str),
            body: message.body,
            media_count: message.media_count,
            segments: message.segments,
            status: message.status,
            error_code: message.error_code,
            failure: message.failure,
            client_dedup_key: message.client_dedup_key,
            created_at: message.created_at,
        }
    }
}

/// What a change did.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "changed": true }))]
pub(super) struct ChangeAnswer {
    /// False where it was so already.
    changed: bool,
}

impl From<Changed> for ChangeAnswer {
    fn from(changed: Changed) -> Self {
        Self { changed: changed == Changed::Now }
    }
}

/// What the gate said.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DecisionView {
    /// Counts the subject's decisions from 1.
    number: i32,
    /// What the text was for.
    #[schema(value_type = String, example = "greeting")]
    purpose: &'static str,
    /// `allow`, `defer` or `block`.
    #[schema(value_type = String, example = "block")]
    outcome: &'static str,
    /// Why, where it was not allowed: a stable word.
    #[schema(value_type = Option<String>, example = "opted-out")]
    reason: Option<&'static str>,
    /// When the gate is asked again, where it waits.
    until: Option<DateTime<Utc>>,
    /// What was known when it was decided; empty where the conversation decided alone.
    #[schema(value_type = Object)]
    inputs: serde_json::Value,
    /// When.
    decided_at: DateTime<Utc>,
}

impl From<StoredDecision> for DecisionView {
    fn from(stored: StoredDecision) -> Self {
        Self {
            number: stored.number,
            purpose: stored.purpose.as_str(),
            outcome: stored.decision.outcome(),
            reason: stored.decision.reason(),
            until: stored.decision.until(),
            inputs: stored.inputs,
            decided_at: stored.decided_at,
        }
    }
}

/// Why a message was written, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MessageWhyView {
    /// The message.
    pub(super) message: MessageView,
    /// What became of it, in a sentence for people; may change.
    #[schema(example = "Sent: the provider has it.")]
    pub(super) text: String,
    /// What it follows from: the contact it answers, the text and whose wording of it, or the person who wrote it.
    #[schema(value_type = Object, example = json!({ "contact": "call", "template": "greeting-call", "wording": "product" }))]
    pub(super) why: serde_json::Value,
    /// What the gate said about it, in order.
    pub(super) decisions: Vec<DecisionView>,
}

/// Why a missed call was answered by a text, or not.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CallWhyView {
    /// The call.
    pub(super) call_id: CallId,
    /// What became of it.
    pub(super) outcome: ContactOutcome,
    /// The same in a sentence for people; may change.
    #[schema(example = "No text: the caller has opted out. A task asks to call back.")]
    pub(super) text: String,
    /// The conversation it belongs to.
    pub(super) conversation_id: Option<ConversationId>,
    /// The text that answers it.
    pub(super) answer: Option<MessageView>,
    /// What the gate said about it, in order.
    pub(super) decisions: Vec<DecisionView>,
}

/// Something a person of the business should do.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TaskView {
    /// The task.
    pub(super) id: TaskId,
    /// What kind of task.
    kind: TaskKind,
    /// The conversation it is about.
    conversation_id: Option<ConversationId>,
    /// The call it is about.
    call_id: Option<CallId>,
    /// The caller it is about.
    #[schema(value_type = Option<String>, example = "+12125550142")]
    caller_phone: Option<E164>,
    /// What to do and why, for people; may change.
    #[schema(example = "Call back: this caller gets no text (opted-out).")]
    text: String,
    /// When it was raised.
    created_at: DateTime<Utc>,
    /// When it was ticked off; null while it is open.
    done_at: Option<DateTime<Utc>>,
    /// Who ticked it off; null where the service did.
    done_by: Option<UserId>,
}

impl From<Task> for TaskView {
    fn from(task: Task) -> Self {
        let Task { id, kind, conversation_id, call_id, caller_phone, text, created_at, done_at, done_by } = task;
        Self { id, kind, conversation_id, call_id, caller_phone, text, created_at, done_at, done_by }
    }
}

/// A text the service writes by itself, with the wording that is sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "key": "help", "body": "{business}: automated answers to calls we miss. Reply STOP to opt out.",
    "wording": "business", "changed_at": "2026-06-10T18:00:00Z", "stopped": false,
    "built_in": "{business}: automated answers to calls we miss. Call us to speak with a person. Reply STOP to opt out.",
    "placeholders": ["{business}"],
}))]
pub(super) struct TemplateView {
    /// Which text.
    key: TemplateKey,
    /// Its wording.
    body: String,
    /// Whose wording that is.
    wording: Wording,
    /// When the business's own was last changed.
    changed_at: Option<DateTime<Utc>>,
    /// A carrier has filtered this wording: it is not sent until an owner writes another or goes back to the built-in.
    stopped: bool,
    /// The product's wording.
    #[schema(value_type = String)]
    built_in: &'static str,
    /// What may stand in braces; nothing else may.
    #[schema(value_type = Vec<String>)]
    placeholders: &'static [&'static str],
}

impl From<Template> for TemplateView {
    fn from(template: Template) -> Self {
        Self {
            key: template.key,
            body: template.body,
            wording: template.wording,
            changed_at: template.changed_at,
            stopped: template.is_stopped,
            built_in: template.key.default_body(),
            placeholders: TemplateKey::PLACEHOLDERS,
        }
    }
}
