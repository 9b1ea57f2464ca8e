//! What a call is answered with: a function of what is known about the call and of the business's settings, so that a
//! repeated webhook gets the same answer again.

use nmc_identity::Tenant;
use nmc_kernel::{CallId, E164, TenantId};

use super::{
    call::{CallState, Outcome, Report, Way},
    record::Call,
};

/// What a call is answered with, before it is written as TwiML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Not taken at all.
    Reject,
    /// The business's phone rings.
    Ring {
        /// That phone.
        to: E164,
        /// For how long.
        ring_seconds: u16,
        /// Whoever answers is asked to press 1; which call it is about.
        whisper: Option<LegKey>,
    },
    /// A sentence, and the line closes.
    Say(String),
    /// A sentence, and a wait for a key.
    AskForKey {
        /// What is said.
        sentence: String,
        /// Which call it is about.
        leg: LegKey,
    },
    /// The two legs are connected.
    Connect,
    /// The line closes.
    HangUp,
}

/// Which call a leg to the business's phone belongs to. Its webhooks name the business's phone as their `To`, which
/// tells no tenant, so their addresses carry this; the signature covers addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LegKey {
    pub(crate) tenant: TenantId,
    pub(crate) call: CallId,
}

/// What a caller is told will follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// A text, now.
    Text,
    /// A call back.
    CallBack,
}

impl Promise {
    pub(crate) const ALL: [Self; 2] = [Self::Text, Self::CallBack];

    /// The stable word in tables.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::CallBack => "call-back",
        }
    }
}

/// Whether the answer to `report` tells the caller what will follow.
pub(crate) fn speaks(report: &Report, state: &CallState) -> bool {
    match report {
        Report::Arrived => !matches!(state.way, Way::Dial { .. }),
        Report::DialEnded(_) => matches!(state.outcome, Outcome::Missed(_)),
        Report::PickedUp | Report::Pressed { .. } | Report::Status { .. } | Report::GraceOver | Report::GivenUp => {
            false
        }
    }
}

/// To the call that has come in.
pub(crate) fn to_arrival(call: &Call, tenant: &Tenant) -> Answer {
    match &call.state.way {
        Way::Dial { to, whisper } => Answer::Ring {
            to: to.clone(),
            ring_seconds: tenant.settings.dial_timeout_seconds,
            whisper: whisper.then_some(LegKey { tenant: tenant.id, call: call.id }),
        },
        Way::Forwarded | Way::StatusOnly => Answer::Say(farewell(call.promise, tenant)),
    }
}

/// To the caller after the business's phone has stopped ringing.
pub(crate) fn to_dial_end(call: &Call, tenant: &Tenant) -> Answer {
    match call.state.outcome {
        Outcome::Missed(_) => Answer::Say(farewell(call.promise, tenant)),
        Outcome::Open | Outcome::Accepted => Answer::HangUp,
    }
}

/// To whoever picked the business's phone up.
pub(crate) fn to_pick_up(call: &Call, tenant: &Tenant) -> Answer {
    let leg = LegKey { tenant: tenant.id, call: call.id };
    Answer::AskForKey { sentence: format!("A call for {}. Press 1 to take it.", tenant.name), leg }
}

/// To the key pressed there.
pub(crate) fn to_key(call: &Call) -> Answer {
    match call.state.outcome {
        Outcome::Accepted => Answer::Connect,
        // A caller who has hung up, or another key.
        Outcome::Open | Outcome::Missed(_) => Answer::HangUp,
    }
}

/// A text is promised only where one may be sent now. English is the only language there are texts in.
fn farewell(promise: Option<Promise>, tenant: &Tenant) -> String {
    let follows = match promise {
        Some(Promise::Text) => "We are sending you a text message now.",
        Some(Promise::CallBack) | None => "We will call you back.",
    };
    format!("This is {}. Sorry that we could not take your call. {follows}", tenant.name)
}

#[cfg(test)]
mod tests {
    use nmc_events::telephony::MissedReason;
    use nmc_identity::{TenantName, TenantSettings, TenantStatus};

    use super::*;
    use crate::model::record::Caller;

    fn tenant() -> Tenant {
        Tenant {
            id: uuid::Uuid::nil().into(),
            name: TenantName::parse("Example Plumbing").unwrap(),
            time_zone: "America/New_York".parse().unwrap(),
            status: TenantStatus::Active,
            settings: TenantSettings::default(),
        }
    }

    fn phone(text: &str) -> E164 {
        E164::parse(text).unwrap()
    }

    fn call(way: Way, outcome: Outcome, promise: Option<Promise>) -> Call {
        Call {
            id: uuid::Uuid::max().into(),
            provider_ref: "CA0".to_owned(),
            from: Caller { phone: Some(phone("+14155550100")), untextable: None },
            to: phone("+14155550101"),
            correlation: uuid::Uuid::nil().into(),
            created_at: chrono::DateTime::UNIX_EPOCH,
            state: CallState { outcome, ..CallState::new(way) },
            promise,
        }
    }

    fn dial(whisper: bool) -> Way {
        Way::Dial { to: phone("+14155550123"), whisper }
    }

    #[test]
    fn a_text_is_promised_only_where_one_may_be_sent() {
        let said = |promise| {
            let missed = call(Way::Forwarded, Outcome::Missed(MissedReason::Forwarded), promise);
            match to_arrival(&missed, &tenant()) {
                Answer::Say(sentence) => sentence,
                other => panic!("{other:?}"),
            }
        };
        assert!(said(Some(Promise::Text)).contains("text message"));
        for no_text in [Some(Promise::CallBack), None] {
            let sentence = said(no_text);
            assert!(sentence.contains("call you back") && !sentence.contains("text"));
            assert!(sentence.contains("Example Plumbing"));
        }
    }

    #[test]
    fn only_an_accepted_call_is_connected() {
        assert_eq!(to_key(&call(dial(true), Outcome::Accepted, None)), Answer::Connect);
        assert_eq!(to_key(&call(dial(true), Outcome::Open, None)), Answer::HangUp);
        assert_eq!(to_key(&call(dial(true), Outcome::Missed(MissedReason::Canceled), None)), Answer::HangUp);
    }

    #[test]
    fn the_phone_rings_for_as_long_as_the_business_says() {
        let leg = LegKey { tenant: tenant().id, call: uuid::Uuid::max().into() };
        for (asks, whisper) in [(true, Some(leg)), (false, None)] {
            let open = call(dial(asks), Outcome::Open, None);
            let rings = Answer::Ring { to: phone("+14155550123"), ring_seconds: 18, whisper };
            assert_eq!(to_arrival(&open, &tenant()), rings);
            assert_eq!(to_dial_end(&open, &tenant()), Answer::HangUp);
        }
    }

    #[test]
    fn sentences_are_spoken_where_the_caller_is_let_down() {
        let missed = CallState { outcome: Outcome::Missed(MissedReason::Busy), ..CallState::new(dial(true)) };
        let dial_ended = Report::DialEnded(nmc_providers::twilio::DialStatus::Busy);
        assert!(speaks(&dial_ended, &missed));
        assert!(!speaks(&dial_ended, &CallState::new(dial(true))));
        assert!(!speaks(&Report::Arrived, &CallState::new(dial(true))));
        assert!(speaks(&Report::Arrived, &CallState::new(Way::StatusOnly)));
        assert!(!speaks(&Report::GraceOver, &missed));
    }
}
