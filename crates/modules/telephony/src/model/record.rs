//! A call as it is kept: what it is, beside what has become of it.

use chrono::{DateTime, Utc};
use nmc_events::telephony::{CallDetected, MissedReason};
use nmc_kernel::{CallId, CorrelationId, E164, Untextable};

use super::{answer::Promise, call::CallState};

/// A row of `tel_calls`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) id: CallId,
    /// Twilio's CallSid of the caller's leg.
    pub(crate) provider_ref: String,
    pub(crate) from: Caller,
    /// The number of the business that was called.
    pub(crate) to: E164,
    pub(crate) correlation: CorrelationId,
    /// When it was first reported.
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) state: CallState,
    /// What the caller was told would follow.
    pub(crate) promise: Option<Promise>,
}

impl Call {
    /// The announcement that it was missed.
    pub(crate) fn missed(&self, reason: MissedReason) -> CallDetected {
        CallDetected {
            call_id: self.id,
            from_phone: self.from.phone.clone(),
            untextable_reason: self.from.untextable,
            to_phone: self.to.clone(),
            reason,
            provider_ref: self.provider_ref.clone(),
        }
    }
}

/// Who called or texted: a number, or why there is none, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The number; nothing where it was withheld or cannot be read.
    pub(crate) phone: Option<E164>,
    /// Why no text can reach it; nothing where one may.
    pub(crate) untextable: Option<Untextable>,
}

impl Caller {
    /// The number, where a text can reach it.
    pub(crate) fn textable(&self) -> Option<&E164> {
        self.phone.as_ref().filter(|_| self.untextable.is_none())
    }
}
