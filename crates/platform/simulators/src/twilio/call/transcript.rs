//! What happened in a call, in order.

use serde::{Deserialize, Serialize};

use crate::twilio::WebhookAnswer;

/// What happened in a call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Transcript {
    /// The caller's leg.
    pub call_sid: String,
    /// The dialled leg, where somebody was dialled.
    pub dialled_call_sid: Option<String>,
    /// The last status of the caller's leg.
    pub final_status: String,
    /// In order.
    pub steps: Vec<Step>,
}

/// Who heard a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Heard {
    /// The one who called.
    Caller,
    /// The one who was dialled.
    Dialled,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Step {
    /// A webhook and its answers, one for each time it was sent.
    Webhook {
        /// Since the call came in, when it was answered.
        at_millis: u64,
        /// Where to.
        url: String,
        /// The form.
        params: Vec<(String, String)>,
        /// The answers.
        answers: Vec<WebhookAnswer>,
    },
    /// A sentence was spoken.
    Said {
        /// Since the call came in.
        at_millis: u64,
        /// To whom.
        to: Heard,
        /// The sentence.
        text: String,
    },
    /// Something else.
    Note {
        /// Since the call came in.
        at_millis: u64,
        /// What.
        text: String,
    },
}

impl Transcript {
    /// What one side heard, in order.
    pub fn heard_by(&self, side: Heard) -> Vec<&str> {
        let said = |step| match step {
            &Step::Said { to, ref text, .. } if to == side => Some(text.as_str()),
            _ => None,
        };
        self.steps.iter().filter_map(said).collect()
    }

    /// The webhooks whose URL contains `part`.
    pub fn webhooks_to(&self, part: &str) -> Vec<&Step> {
        self.steps.iter().filter(|step| matches!(step, Step::Webhook { url, .. } if url.contains(part))).collect()
    }

    /// Every answer of the service was a 2xx.
    pub fn all_answered(&self) -> bool {
        self.steps.iter().all(|step| match step {
            Step::Webhook { answers, .. } => answers.iter().all(WebhookAnswer::is_success),
            Step::Said { .. } | Step::Note { .. } => true,
        })
    }
}
