//! Why a caller was, or was not, answered by a text, as far as it was decided about the call itself.

use chrono::{DateTime, Utc};
use nmc_compliance::{Decision, StoredDecision};
use nmc_kernel::Untextable;

use super::{
    call::Outcome,
    record::{Call, Caller},
};

/// What was decided about answering a call by a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextAnswer {
    /// The call is not over, or somebody took it: there is nothing to answer.
    NotNeeded,
    /// It was missed, and nobody has decided yet.
    Undecided,
    /// No text reaches this caller.
    Untextable(Untextable),
    /// Compliance's gate, or whoever asks it, has decided.
    Decided {
        /// What.
        decision: Decision,
        /// When.
        at: DateTime<Utc>,
    },
}

impl TextAnswer {
    /// Of a call, with the newest decision about it.
    pub(crate) fn of(call: &Call, newest: Option<&StoredDecision>) -> Self {
        let Caller { untextable, .. } = call.from;
        match (call.state.outcome, newest, untextable) {
            (Outcome::Open | Outcome::Accepted, ..) => Self::NotNeeded,
            (Outcome::Missed(_), Some(newest), _) => Self::Decided { decision: newest.decision, at: newest.decided_at },
            (Outcome::Missed(_), None, Some(why)) => Self::Untextable(why),
            (Outcome::Missed(_), None, None) => Self::Undecided,
        }
    }

    /// The stable word.
    pub(crate) const fn outcome(&self) -> &'static str {
        match self {
            Self::NotNeeded => "not-needed",
            Self::Undecided => "undecided",
            Self::Untextable(_) => "block",
            Self::Decided { decision, .. } => decision.outcome(),
        }
    }

    /// Why a text is not sent, or not now: the stable word.
    pub(crate) const fn reason(&self) -> Option<&'static str> {
        match self {
            Self::NotNeeded | Self::Undecided => None,
            Self::Untextable(why) => Some(why.as_str()),
            Self::Decided { decision, .. } => decision.reason(),
        }
    }

    /// The same for people.
    pub(crate) const fn in_words(&self) -> &'static str {
        match self {
            Self::NotNeeded => "The call was not missed.",
            Self::Undecided => "Whether a text goes out is being decided.",
            Self::Untextable(why) => untextable_in_words(*why),
            Self::Decided { decision, .. } => match decision {
                Decision::Allow => {
                    "A text may go out. Whoever calls several times in a row gets one, and none while a person of the \
                     business has the conversation."
                }
                Decision::Defer { reason, .. } => reason.in_words(),
                Decision::Block { reason } => reason.in_words(),
            },
        }
    }
}

const fn untextable_in_words(why: Untextable) -> &'static str {
    match why {
        Untextable::Withheld => "The caller withheld the number.",
        Untextable::ShortCode => "The caller's number is a short code: no person reads texts there.",
        Untextable::TollFree => "The caller's number is toll-free: no person reads texts there.",
        Untextable::Malformed => "The caller's number cannot be read.",
        Untextable::OwnNumber => {
            "The caller's number is one of this service's own: two automations would talk for ever."
        }
    }
}
