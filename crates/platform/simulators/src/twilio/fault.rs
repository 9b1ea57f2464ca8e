//! Faults on demand: what goes wrong with a request to the API, and with which requests.

use serde::{Deserialize, Serialize};

/// A part of the API that faults are set for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// `POST Messages.json`.
    SendMessage,
    /// `GET Messages.json`.
    ListMessages,
    /// `GET Messages/{sid}.json`.
    FetchMessage,
    /// `GET Messages/{sid}/Media.json`.
    ListMedia,
    /// `GET Calls.json`.
    ListCalls,
    /// `GET Calls/{sid}.json`.
    FetchCall,
}

/// What goes wrong. "Processed" for a send means: the message is accepted, delivered and in the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Not processed, answered with this status.
    Answer {
        /// The HTTP status.
        status: u16,
        /// Twilio's error code in the body.
        #[serde(default)]
        code: Option<u32>,
        /// A `Retry-After` header.
        #[serde(default)]
        retry_after_seconds: Option<u64>,
    },
    /// Processed, and answered with this status and body all the same.
    AcceptThenAnswer {
        /// The HTTP status.
        status: u16,
        /// The body as it stands.
        #[serde(default)]
        body: String,
    },
    /// Not processed; nothing for this long, then the connection is reset.
    Hang {
        /// For how long.
        millis: u64,
    },
    /// Processed at once; nothing for this long, then the connection is reset.
    AcceptThenHang {
        /// For how long.
        millis: u64,
    },
    /// Not processed, the connection is reset.
    Reset,
    /// Processed, the connection is reset before the answer.
    AcceptThenReset,
    /// Processed and answered after this long, also when the client has gone in the meantime.
    Delay {
        /// After how long.
        millis: u64,
    },
    /// Processed; the answer's body comes one byte at a time.
    Drip {
        /// Between two bytes.
        millis: u64,
    },
}

/// Which requests a fault meets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "when", rename_all = "snake_case", deny_unknown_fields)]
pub enum When {
    /// The next so many.
    Next {
        /// How many.
        requests: u32,
    },
    /// Each with this probability, until cleared.
    Sometimes {
        /// 0 to 1.
        probability: f64,
    },
    /// All until cleared.
    Always,
}

/// A fault that has been set.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FaultRule {
    /// The part of the API.
    pub api: Api,
    /// What goes wrong.
    pub fault: Fault,
    /// With which requests.
    pub when: When,
}

/// The rules in the order they were set; the first that meets a request is played.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<FaultRule>);

impl Faults {
    pub(super) fn add(&mut self, rule: FaultRule) {
        self.0.push(rule);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn rules(&self) -> &[FaultRule] {
        &self.0
    }

    /// The fault for a request now; `chance` draws from 0 to 1.
    pub(super) fn next(&mut self, api: Api, chance: impl Fn() -> f64) -> Option<Fault> {
        let hit = self.0.iter().position(|rule| {
            rule.api == api
                && match rule.when {
                    When::Next { requests } => requests > 0,
                    When::Sometimes { probability } => chance() < probability,
                    When::Always => true,
                }
        })?;
        let rule = &mut self.0[hit];
        let fault = rule.fault.clone();
        if let When::Next { requests } = &mut rule.when {
            *requests -= 1;
            if *requests == 0 {
                self.0.remove(hit);
            }
        }
        Some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_used_up_in_order() {
        let mut faults = Faults::default();
        let rule = |api, fault, when| FaultRule { api, fault, when };
        faults.add(rule(Api::SendMessage, Fault::Reset, When::Next { requests: 2 }));
        faults.add(rule(Api::SendMessage, Fault::Hang { millis: 1 }, When::Sometimes { probability: 0.5 }));
        assert_eq!(faults.next(Api::ListMessages, || 0.0), None);
        assert_eq!(faults.next(Api::SendMessage, || 0.9), Some(Fault::Reset));
        assert_eq!(faults.next(Api::SendMessage, || 0.9), Some(Fault::Reset));
        assert_eq!(faults.next(Api::SendMessage, || 0.9), None);
        assert_eq!(faults.next(Api::SendMessage, || 0.1), Some(Fault::Hang { millis: 1 }));
        faults.clear();
        assert!(faults.rules().is_empty());
    }
}
