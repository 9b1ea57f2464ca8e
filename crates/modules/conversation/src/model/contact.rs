use chrono::{DateTime, Utc};
use nmc_kernel::{ConversationId, E164};
use uuid::Uuid;

words! {
    /// How a caller got in touch.
    ContactKind {
        /// A missed call.
        Call = "call",
        /// An inbound text.
        Text = "text",
    }
}

words! {
    /// What became of a missed call or an inbound text.
    ContactOutcome {
        /// Being worked on; never seen outside of a transaction.
        Taken = "taken",
        /// It was answered by a greeting (whose message says how far it came).
        Greeted = "greeted",
        /// The automation had spoken a moment ago: no second greeting.
        RecentlyAnswered = "recently-answered",
        /// A person has the conversation.
        Human = "human",
        /// The text was added to its conversation.
        Added = "added",
        /// The text was an opt-out, opt-in or help word, or took consent back in words of its own.
        Keyword = "keyword",
        /// The campaign is not approved: it waits for that.
        Blocked = "blocked",
        /// It waited for too long (for the approval, or to be heard of), or the caller has had too many automatic texts:
        /// it became a task.
        Task = "task",
        /// The gate refused; its decision says why, and a task was raised.
        Refused = "refused",
        /// No text reaches the caller; a task was raised.
        Untextable = "untextable",
    }
}

/// A missed call or an inbound text, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// The call's or text's id.
    pub id: Uuid,
    /// Which of the two.
    pub kind: ContactKind,
    /// The caller; nothing where withheld.
    pub caller_phone: Option<E164>,
    /// The business's number that was called or texted.
    pub business_phone: E164,
    /// The conversation it belongs to.
    pub conversation_id: Option<ConversationId>,
    /// What became of it.
    pub outcome: ContactOutcome,
    /// When it happened, UTC.
    pub occurred_at: DateTime<Utc>,
}
