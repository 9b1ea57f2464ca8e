//! Everything Twilio reports about one call, folded into one state: which calls were missed, and how.
//!
//! Reports come from four webhooks and a timer, in any order, late, repeated, or never. The first one that decides wins;
//! nothing moves a decided call again, so a call is announced as missed at most once.

use chrono::{DateTime, Duration, Utc};
use nmc_events::telephony::MissedReason;
use nmc_kernel::E164;
use nmc_providers::twilio::{CallStatus, DialStatus};

/// How long after the caller's leg has ended the report of the `<Dial>` may still come.
pub(crate) const END_GRACE: Duration = Duration::seconds(3);

/// How one call reached us. Not the setting (`CallMode`), but what it came to for this call, with what belongs to it: a
/// business that wants its phone rung may have none that may be, and a call may wait for an answer where only statuses
/// were expected. Fixed by the first report, so that settings changed during a call do not change its meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// We ring the business's phone.
    Dial {
        /// That phone.
        to: E164,
        /// Whoever answers there must press 1, else nobody has.
        whisper: bool,
    },
    /// The call arrives already missed.
    Forwarded,
    /// The call runs elsewhere; only its status is reported.
    StatusOnly,
}

/// What has become of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Not decided yet.
    Open,
    /// A person took it.
    Accepted,
    /// Nobody did.
    Missed(MissedReason),
}

/// What is known about a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallState {
    /// How it reached us.
    pub(crate) way: Way,
    /// What has become of it.
    pub(crate) outcome: Outcome,
    /// The business's phone was picked up, by a person or by a voicemail.
    pub(crate) answered: bool,
    /// When the end of the caller's leg was first reported.
    pub(crate) ended_at: Option<DateTime<Utc>>,
    /// How long the caller's leg lasted, as first reported.
    pub(crate) duration_seconds: Option<u32>,
}

/// One thing we are told about a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// It is here and waits for an answer (`voice`).
    Arrived,
    /// The business's phone was picked up (`whisper`).
    PickedUp,
    /// A key was pressed there (`whisper-result`).
    Pressed {
        /// It was 1.
        accepted: bool,
    },
    /// The `<Dial>` is over (`dial-status`).
    DialEnded(DialStatus),
    /// The caller's leg has a new status (`voice-status`).
    Status {
        /// The status.
        status: CallStatus,
        /// How long the leg has lasted.
        duration_seconds: Option<u32>,
    },
    /// [`END_GRACE`] has passed since the end of the caller's leg (the timer).
    GraceOver,
    /// Not even Twilio can say any more what became of it.
    GivenUp,
}

/// What the installation makes of short calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// A completed call below this duration counts as missed where only the status is known; `None`: none does.
    pub(crate) short_completed_below_seconds: Option<u32>,
}

/// What follows from a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FollowUp {
    /// Announce the call as missed.
    Announce(MissedReason),
    /// Report [`Report::GraceOver`] at this time.
    AwaitDialStatus(DateTime<Utc>),
    /// There is nothing to wait for any more.
    StopAwaiting,
}

impl Report {
    /// A word for logs.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Arrived => "arrived",
            Self::PickedUp => "picked-up",
            Self::Pressed { .. } => "pressed",
            Self::DialEnded(_) => "dial-ended",
            Self::Status { .. } => "status",
            Self::GraceOver => "grace-over",
            Self::GivenUp => "given-up",
        }
    }
}

impl CallState {
    /// A call of which nothing is known but that it is there.
    pub(crate) fn new(way: Way) -> Self {
        Self { way, outcome: Outcome::Open, answered: false, ended_at: None, duration_seconds: None }
    }

    /// Takes a report in.
    pub(crate) fn apply(&self, report: &Report, rules: Rules, now: DateTime<Utc>) -> (Self, Vec<FollowUp>) {
        let mut next = self.clone();
        match report {
            Report::PickedUp | Report::Pressed { .. } => next.answered = true,
            Report::Status { status, duration_seconds } if status.is_final() => {
                next.ended_at = next.ended_at.or(Some(now));
                next.duration_seconds = next.duration_seconds.or(*duration_seconds);
            }
            Report::Arrived | Report::DialEnded(_) | Report::Status { .. } | Report::GraceOver | Report::GivenUp => {}
        }
        if self.outcome != Outcome::Open {
            return (next, Vec::new());
        }
        next.outcome = next.decide(report, rules, now);

        let mut follow_ups = Vec::new();
        match (next.outcome, self.ended_at, next.ended_at) {
            (Outcome::Open, None, Some(ended_at)) => follow_ups.push(FollowUp::AwaitDialStatus(ended_at + END_GRACE)),
            // The timer that reports this is over by itself.
            (Outcome::Accepted | Outcome::Missed(_), Some(_), _) if *report != Report::GraceOver => {
                follow_ups.push(FollowUp::StopAwaiting);
            }
            _ => {}
        }
        if let Outcome::Missed(reason) = next.outcome {
            follow_ups.push(FollowUp::Announce(reason));
        }
        (next, follow_ups)
    }

    /// What an open call becomes by this report.
    fn decide(&self, report: &Report, rules: Rules, now: DateTime<Utc>) -> Outcome {
        match (&self.way, report) {
            (Way::Dial { .. }, Report::Pressed { accepted: true }) => Outcome::Accepted,
            (_, Report::PickedUp | Report::Pressed { .. }) | (Way::Dial { .. }, Report::Arrived) => Outcome::Open,
            // Nobody is rung: whoever arrives here has been missed before.
            (Way::Forwarded | Way::StatusOnly, Report::Arrived) => Outcome::Missed(MissedReason::Forwarded),
            (Way::Dial { whisper, .. }, Report::DialEnded(status)) => self.after_dial(status, *whisper),
            (Way::StatusOnly, Report::DialEnded(status)) => self.after_dial(status, false),
            (Way::Forwarded, Report::DialEnded(status)) => match status {
                DialStatus::Other(_) => Outcome::Open,
                _ => Outcome::Missed(MissedReason::Forwarded),
            },
            (_, Report::GivenUp) => Outcome::Missed(MissedReason::Canceled),
            (way, Report::Status { status, duration_seconds }) => after_leg(way, status, *duration_seconds, rules),
            (_, Report::GraceOver) => match self.ended_at {
                Some(ended_at) if ended_at + END_GRACE <= now => Outcome::Missed(MissedReason::Canceled),
                _ => Outcome::Open,
            },
        }
    }

    /// Source of the words: <https://www.twilio.com/docs/voice/twiml/dial#dialcallstatus-values>.
    fn after_dial(&self, status: &DialStatus, whisper: bool) -> Outcome {
        match status {
            // With a whisper a person has pressed 1 by now; what has not is a voicemail.
            DialStatus::Completed | DialStatus::Answered if whisper => Outcome::Missed(MissedReason::NotAccepted),
            DialStatus::Completed | DialStatus::Answered => Outcome::Accepted,
            // The whisper's hang-up ends the dial as unanswered although something had answered.
            DialStatus::NoAnswer if self.answered => Outcome::Missed(MissedReason::NotAccepted),
            DialStatus::NoAnswer => Outcome::Missed(MissedReason::NoAnswer),
            DialStatus::Busy => Outcome::Missed(MissedReason::Busy),
            DialStatus::Failed => Outcome::Missed(MissedReason::Failed),
            DialStatus::Canceled => Outcome::Missed(MissedReason::Canceled),
            DialStatus::Other(_) => Outcome::Open,
        }
    }
}

/// What the caller's leg alone says.
fn after_leg(way: &Way, status: &CallStatus, duration_seconds: Option<u32>, rules: Rules) -> Outcome {
    let missed = match status {
        CallStatus::Completed => None,
        CallStatus::NoAnswer => Some(MissedReason::NoAnswer),
        CallStatus::Busy => Some(MissedReason::Busy),
        CallStatus::Failed => Some(MissedReason::Failed),
        CallStatus::Canceled => Some(MissedReason::Canceled),
        CallStatus::Queued
        | CallStatus::Initiated
        | CallStatus::Ringing
        | CallStatus::InProgress
        | CallStatus::Other(_) => return Outcome::Open,
    };
    match (way, missed) {
        (Way::Forwarded, _) => Outcome::Missed(MissedReason::Forwarded),
        (_, Some(reason)) => Outcome::Missed(reason),
        // Our own TwiML answers the leg, so `completed` says nothing about the business's phone.
        (Way::Dial { .. }, None) => Outcome::Open,
        (Way::StatusOnly, None) => {
            let is_short = rules
                .short_completed_below_seconds
                .is_some_and(|limit| duration_seconds.is_some_and(|seconds| seconds < limit));
            if is_short { Outcome::Missed(MissedReason::ShortComplete) } else { Outcome::Accepted }
        }
    }
}

#[cfg(test)]
#[path = "call_tests.rs"]
mod tests;
