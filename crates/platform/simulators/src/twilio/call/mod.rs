//! A call from ringing to its last status, with the service's TwiML interpreted on the way.
//!
//! Time is shrunk: nothing rings longer than the behaviour says, and what takes seconds is only reported as such.

mod leg;
mod transcript;

use std::sync::Arc;

use nmc_kernel::E164;
use serde::{Deserialize, Serialize};

use leg::CallInProgress;
pub use transcript::{Heard, Step, Transcript};

use super::{Account, ledger::Call};

/// A call to one of the account's numbers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallRequest {
    /// Who calls, as the carrier reports it: `+14155550123`, `anonymous`, a short code.
    pub from: String,
    /// The account's number.
    pub to: E164,
    /// What happens on the other side.
    #[serde(default)]
    pub scenario: CallScenario,
    /// The number that forwarded the call.
    #[serde(default)]
    pub forwarded_from: Option<String>,
    /// How many times each webhook is sent, all at once; 1 unless given.
    #[serde(default = "once")]
    pub repeat: u32,
}

const fn once() -> u32 {
    1
}

impl CallRequest {
    /// A call whose webhooks are sent once.
    pub fn new(from: impl Into<String>, to: E164, scenario: CallScenario) -> Self {
        Self { from: from.into(), to, scenario, forwarded_from: None, repeat: 1 }
    }
}

/// What happens on the other side, should the TwiML dial somebody. TwiML that does not is played as it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum CallScenario {
    /// It rings until the time-out.
    #[default]
    NoAnswer,
    /// Busy.
    Busy,
    /// The number cannot be reached.
    Failed,
    /// A person answers, presses 1 when asked to, and talks.
    Answered {
        /// For so long.
        talk_seconds: u32,
    },
    /// The phone's voicemail answers and presses nothing. `DialCallStatus` is `completed`, as if it were a person.
    Voicemail,
    /// A person answers and presses another key than 1.
    Declined,
    /// The caller hangs up while it rings.
    CallerHangsUp {
        /// Whether the dial action is still requested; the last status always is.
        dial_reported: bool,
    },
}

impl CallScenario {
    /// The status of a call that no TwiML answered.
    const fn unanswered_status(&self) -> &'static str {
        match self {
            Self::NoAnswer => "no-answer",
            Self::Busy => "busy",
            Self::Failed => "failed",
            Self::CallerHangsUp { .. } => "canceled",
            Self::Answered { .. } | Self::Voicemail | Self::Declined => "completed",
        }
    }
}

/// Plays the call.
pub(super) async fn place(account: &Arc<Account>, request: CallRequest) -> Transcript {
    let call_sid = account.new_sid("CA");
    let mut call = CallInProgress::new(account, &request, call_sid);
    let number = account.number(request.to.as_str());
    call.log_call("ringing", 0);
    let status = match number.as_ref().and_then(|number| number.voice_url.as_deref()) {
        Some(voice_url) => {
            let fallback = number.as_ref().and_then(|number| number.voice_fallback_url.as_deref());
            call.run(voice_url, fallback).await
        }
        None => request.scenario.unanswered_status(),
    };
    let duration_seconds = call.duration_seconds(status);
    call.log_call(status, duration_seconds);
    if let Some(url) = number.as_ref().and_then(|number| number.status_callback.as_deref()) {
        call.report_end(url, status, duration_seconds).await;
    }
    call.into_transcript(status)
}

impl CallInProgress<'_> {
    fn log_call(&self, status: &str, duration_seconds: u32) {
        self.account.state().ledger.put_call(Call {
            sid: self.call_sid.clone(),
            parent_call_sid: None,
            from: self.request.from.clone(),
            to: self.request.to.as_str().to_owned(),
            status: status.to_owned(),
            direction: "inbound".to_owned(),
            started_at: self.started_at,
            duration_seconds,
        });
    }
}
