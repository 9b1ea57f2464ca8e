use chrono::{DateTime, Utc};
use nmc_events::{Context, conversation::CloseReason};
use nmc_kernel::{ConversationId, CorrelationId, E164, EventId};

use super::message::Message;

words! {
    /// Who answers the caller.
    ConversationState {
        /// The automation.
        Open = "open",
        /// A person of the business.
        Human = "human",
        /// Nobody: it is finished.
        Closed = "closed",
        /// Nobody yet: the campaign is not approved, so nothing may be sent.
        Blocked = "blocked",
    }
}

/// A thread with one caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationRecord {
    /// The conversation.
    pub id: ConversationId,
    /// The caller.
    pub caller_phone: E164,
    /// The business's number the caller used last: answers come from it.
    pub business_phone: E164,
    /// Who answers.
    pub state: ConversationState,
    /// Counts what made planned automatic texts wrong: takeovers by people, releases, closings, opt-outs.
    pub epoch: i32,
    /// What its events belong to.
    pub correlation_id: CorrelationId,
    /// When it began, UTC.
    pub opened_at: DateTime<Utc>,
    /// When the last message or call was, UTC.
    pub last_activity_at: DateTime<Utc>,
    /// When the oldest of the caller's texts came in that nobody has answered, UTC; nothing where none waits.
    pub waiting_since: Option<DateTime<Utc>>,
    /// When it ended, UTC.
    pub closed_at: Option<DateTime<Utc>>,
    /// Why it ended.
    pub closed_reason: Option<CloseReason>,
}

impl ConversationRecord {
    /// Whether it can still go on.
    pub const fn is_live(&self) -> bool {
        !matches!(self.state, ConversationState::Closed)
    }

    /// What the conversation's events carry.
    pub(crate) const fn context(&self, causation: Option<EventId>) -> Context {
        Context { correlation: self.correlation_id, causation }
    }

    /// Moves to a live `state`; planned automatic texts are wrong from now on.
    pub(crate) fn change_to(&mut self, state: ConversationState) {
        self.state = state;
        self.epoch += 1;
    }

    /// The automation gives it to a person. The epoch stays: what it has planned is meant to go out before that.
    pub(crate) fn hand_over(&mut self) {
        self.state = ConversationState::Human;
    }

    /// Ends it.
    pub(crate) fn close(&mut self, reason: CloseReason, now: DateTime<Utc>) {
        self.change_to(ConversationState::Closed);
        self.closed_at = Some(now);
        self.closed_reason = Some(reason);
        self.waiting_since = None;
    }
}

/// A conversation as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationOverview {
    /// The conversation.
    pub conversation: ConversationRecord,
    /// What was said last; nothing where nothing was (the call waits for the campaign's approval).
    pub last_message: Option<Message>,
}
