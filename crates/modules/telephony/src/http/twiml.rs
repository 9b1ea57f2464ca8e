//! Answers as TwiML.

use nmc_config::BaseUrl;
use nmc_providers::twilio::{Twiml, twiml::Dial};

use super::leg_key::LegQuery;
use crate::model::answer::Answer;

/// How long whoever picked the phone up may take to press a key after the sentence.
const KEY_WAIT_SECONDS: u32 = 6;

/// Writes an answer down; `base` is where Twilio finds us for what comes next.
pub(super) fn document(answer: &Answer, base: &BaseUrl) -> Twiml {
    match answer {
        Answer::Reject => Twiml::reject(),
        Answer::Ring { to, ring_seconds, whisper } => {
            let whisper_url = whisper.map(|leg| base.at("/webhooks/twilio/whisper") + &LegQuery::of(leg));
            Twiml::dial(&Dial {
                to,
                ring_seconds: u32::from(*ring_seconds),
                action_url: &base.at("/webhooks/twilio/dial-status"),
                whisper_url: whisper_url.as_deref(),
            })
        }
        Answer::Say(sentence) => Twiml::say_and_hang_up(sentence),
        Answer::AskForKey { sentence, leg } => {
            let action_url = base.at("/webhooks/twilio/whisper-result") + &LegQuery::of(*leg);
            Twiml::gather_one_digit(sentence, &action_url, KEY_WAIT_SECONDS)
        }
        Answer::Connect => Twiml::empty(),
        Answer::HangUp => Twiml::hang_up(),
    }
}
