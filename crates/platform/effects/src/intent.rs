use chrono::{DateTime, Duration, Utc};
use nmc_events::Context;
use nmc_kernel::{IntentId, TenantId};
use serde::{Deserialize, Serialize};

/// Where an intent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum IntentState {
    /// Waits to be claimed.
    Pending,
    /// Claimed: the call may be going out now.
    InFlight,
    /// The call may or may not have had its effect; the provider is asked.
    Unknown,
    /// The provider has it.
    Accepted,
    /// It will not happen.
    Failed,
    /// A later decision took it back before it was claimed.
    Cancelled,
    /// Its time passed before it could be claimed.
    Expired,
    /// Only a person can say what happened.
    Review,
}

/// An intent as its kind sees it.
#[derive(Clone, Debug)]
pub struct Intent<R> {
    /// The intent.
    pub id: IntentId,
    /// The business it acts for.
    pub tenant: TenantId,
    /// What makes it unique within the tenant: a repeated event cannot plan it twice.
    pub purpose_key: String,
    /// What it keeps its order with (a conversation).
    pub order_key: String,
    /// How often it has been claimed, this time included; 0 before the first claim.
    pub attempt: u32,
    /// When it was planned.
    pub created_at: DateTime<Utc>,
    /// When the current or last attempt was claimed.
    pub claimed_at: Option<DateTime<Utc>>,
    /// After this it is of no use to anybody.
    pub useful_until: DateTime<Utc>,
    /// What it belongs to, for the events its outcome publishes.
    pub context: Context,
    /// What is asked of the provider.
    pub request: R,
}

/// What the last check before the call says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// Do it.
    Go,
    /// Not yet; costs no attempt.
    Wait {
        /// When to check again.
        until: DateTime<Utc>,
        /// A stable word for why.
        reason: &'static str,
    },
    /// Never.
    Cancel {
        /// A stable word for why.
        reason: &'static str,
    },
}

/// The provider has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// The provider's id of what it did.
    pub provider_ref: String,
}

/// The provider refused, or it will not happen for another reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// The provider's error code, if it gave one.
    pub code: Option<i32>,
    /// A stable word or short text for why, without personal data.
    pub reason: String,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// The provider has it.
    Accepted(Accepted),
    /// The provider refused for good.
    Failed(Failed),
    /// Surely without effect: it may be tried again.
    NotSent {
        /// Whether the provider itself said so (a 429): only then an attempt is used up.
        answered: bool,
        /// How long the provider asks to wait.
        retry_after: Option<Duration>,
        /// Why, without personal data.
        reason: String,
    },
    /// Nobody knows: the provider must be asked before anything is repeated.
    Unknown {
        /// Why, without personal data.
        reason: String,
    },
}

/// What the provider says, asked about an attempt whose outcome is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// It happened.
    Accepted(Accepted),
    /// It was refused.
    Failed(Failed),
    /// There is no trace of it (yet).
    Nothing,
    /// There is something that may or may not be it: a person decides.
    Ambiguous {
        /// What was found, without personal data.
        reason: String,
    },
    /// The provider could not be asked.
    Unreachable {
        /// Why.
        reason: String,
    },
}

/// What an intent's new state means to its module, which applies it to its own rows in the same transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The provider has it.
    Accepted(Accepted),
    /// It will not happen.
    Failed(Failed),
    /// The last check took it back.
    Cancelled {
        /// The check's word for why.
        reason: String,
    },
    /// Its time passed.
    Expired,
}
