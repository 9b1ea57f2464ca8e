use chrono::{DateTime, Utc};
use nmc_kernel::{CallId, ConversationId, E164, TaskId, UserId};

words! {
    /// What a person should do.
    TaskKind {
        /// Call the caller back: no text reached them.
        CallBack = "call-back",
        /// Answer what the caller wrote.
        Reply = "reply",
        /// Answer a caller who waits for the person that has the conversation.
        Unanswered = "unanswered",
        /// See at once to a caller who is in danger.
        Emergency = "emergency",
        /// A text did not go out, for a reason of the business's or of the service's.
        NotSent = "not-sent",
        /// Put something of the business's own in order.
        Setup = "setup",
        /// Look at something that should not have happened, or take note of it.
        Check = "check",
    }
}

/// Something a person of the business should do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The task.
    pub id: TaskId,
    /// What kind of task.
    pub kind: TaskKind,
    /// The conversation it is about.
    pub conversation_id: Option<ConversationId>,
    /// The call it is about.
    pub call_id: Option<CallId>,
    /// The caller it is about.
    pub caller_phone: Option<E164>,
    /// What to do and why, in words.
    pub text: String,
    /// When it was raised, UTC.
    pub created_at: DateTime<Utc>,
    /// When it was ticked off, UTC.
    pub done_at: Option<DateTime<Utc>>,
    /// Who ticked it off; nothing where the service did.
    pub done_by: Option<UserId>,
}

/// Who has answered a caller.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AnsweredBy {
    /// A person; nothing where it was an operator.
    Person(Option<UserId>),
    /// The automation.
    Automation,
}

/// A task to be raised; `purpose_key` says what it is for, so that it is raised once.
#[derive(Clone, Debug)]
pub(crate) struct NewTask {
    pub(crate) purpose_key: String,
    pub(crate) kind: TaskKind,
    pub(crate) conversation_id: Option<ConversationId>,
    pub(crate) call_id: Option<CallId>,
    pub(crate) caller_phone: Option<E164>,
    pub(crate) text: String,
}
