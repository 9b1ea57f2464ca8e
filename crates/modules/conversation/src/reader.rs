//! The language model that reads texts, where there is one, and the breaker before it: while the model does not answer,
//! nobody waits for it.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use nmc_effects::{Breaker, Gate};
use nmc_kernel::{E164, TenantId};
use nmc_providers::model::{ModelClient, ModelError, Question};

use crate::model::understanding::model::{PROMPT, SCHEMA};

/// What the schema is called: servers want a name.
const SCHEMA_NAME: &str = "interpretation";

/// One for a process.
#[derive(Debug)]
pub(crate) struct Reader {
    client: ModelClient,
    breaker: Breaker,
    slow: Slow,
}

/// Whose text it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whose<'a> {
    /// The business.
    pub(crate) tenant: TenantId,
    /// Who wrote it.
    pub(crate) caller: &'a E164,
}

/// The callers whose texts took the model too long, each with a business that it has answered nothing of since. A text
/// can be made so that it takes long: whoever writes such texts counts once, or they would take the model from the
/// others.
#[derive(Debug, Default)]
struct Slow(Mutex<HashMap<E164, TenantId>>);

/// So many callers are told apart; with more it is the model.
const SLOW_MAX: usize = 1_000;

impl Slow {
    /// A text took too long: says whether it is the first of its caller.
    fn is_first(&self, whose: Whose<'_>) -> bool {
        let mut slow = self.slow();
        slow.len() >= SLOW_MAX || slow.insert(whose.caller.clone(), whose.tenant).is_none()
    }

    /// The model has answered.
    fn forget(&self, tenant: TenantId) {
        self.slow().retain(|_, of| *of != tenant);
    }

    fn slow(&self) -> MutexGuard<'_, HashMap<E164, TenantId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a model was not heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unheard {
    /// It did not answer the last times.
    Breaker,
    /// It was asked in vain.
    Failed(ModelError),
    /// It answered, and nothing in that can be used.
    Unclear,
}

impl Unheard {
    /// The stable word: it stands in a text's `why`, and is a metric's label.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Breaker => "breaker",
            Self::Failed(ModelError::TimedOut) => "timeout",
            Self::Failed(ModelError::Unreachable) => "unreachable",
            Self::Failed(ModelError::Refused(_)) => "refused",
            Self::Failed(ModelError::Unreadable) => "unreadable",
            Self::Failed(ModelError::Declined) => "declined",
            Self::Unclear => "unclear",
        }
    }
}

impl Reader {
    pub(crate) fn new(client: ModelClient) -> Self {
        Self { client, breaker: Breaker::default(), slow: Slow::default() }
    }

    /// What the model is called.
    pub(crate) fn name(&self) -> &str {
        self.client.name()
    }

    /// Asks what a text says, and says how long that took.
    pub(crate) async fn ask(&self, whose: Whose<'_>, inquiry: &str) -> Result<(String, Duration), Unheard> {
        let (tenant, begun) = (whose.tenant, Instant::now());
        let gate = self.breaker.gate(tenant, begun);
        if gate == Gate::Open {
            return Err(Unheard::Breaker);
        }
        let mut call = Call { breaker: &self.breaker, tenant, is_over: false };
        let question = Question { instructions: PROMPT, data: inquiry, schema: (SCHEMA_NAME, &SCHEMA) };
        let answer = self.client.ask(question).await;
        call.is_over = true;
        self.count(whose, gate, answer.as_ref().err().copied(), Instant::now());
        if let Err(error) = answer {
            tracing::warn!(tenant_id = %tenant, %error, "the model was not heard");
        }
        answer.map(|answer| (answer, begun.elapsed())).map_err(Unheard::Failed)
    }

    /// What an attempt says of the model.
    fn count(&self, whose: Whose<'_>, gate: Gate, error: Option<ModelError>, now: Instant) {
        match error {
            // The outcome of a probe decides, whosever it is.
            Some(ModelError::TimedOut) if !self.slow.is_first(whose) && gate != Gate::Probe => {}
            Some(error) if error.is_outage() => self.breaker.unanswered(whose.tenant, now),
            Some(_) | None => {
                self.breaker.answered(whose.tenant);
                self.slow.forget(whose.tenant);
            }
        }
    }
}

/// A call under way. Where the turn ends before it, it says nothing of the model, and the next call may try.
struct Call<'a> {
    breaker: &'a Breaker,
    tenant: TenantId,
    is_over: bool,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.breaker.probe_dropped(self.tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use nmc_providers::model::ModelSettings;
    use uuid::Uuid;

    use super::*;

    fn reader() -> Reader {
        let settings = ModelSettings { base_url: "http://127.0.0.1:1".into(), name: "a-model".into(), api_key: None };
        Reader::new(ModelClient::new(settings).unwrap())
    }

    fn tenants() -> [TenantId; 5] {
        [1, 2, 3, 4, 5].map(|number| Uuid::from_u128(number).into())
    }

    fn caller(number: usize) -> E164 {
        E164::parse(&format!("+1212555{number:04}")).unwrap()
    }

    /// A text that takes too long, where the model is asked about it.
    fn times_out(reader: &Reader, tenant: TenantId, caller: &E164, now: Instant) {
        let gate = reader.breaker.gate(tenant, now);
        if gate != Gate::Open {
            reader.count(Whose { tenant, caller }, gate, Some(ModelError::TimedOut), now);
        }
    }

    #[test]
    fn two_callers_whose_texts_take_long_take_the_model_from_nobody() {
        let (reader, now) = (reader(), Instant::now());
        for tenant in tenants() {
            for number in 0..20 {
                times_out(&reader, tenant, &caller(number % 2), now);
            }
        }
        for tenant in tenants() {
            assert_eq!(reader.breaker.gate(tenant, now), Gate::Closed);
        }
    }

    #[test]
    fn a_model_that_takes_too_long_for_all_is_left_alone_until_it_answers() {
        let (reader, now, [one, ..]) = (reader(), Instant::now(), tenants());
        (0..5).for_each(|number| times_out(&reader, one, &caller(number), now));
        assert_eq!(reader.breaker.gate(one, now), Gate::Open);
        // A probe that takes too long as well decides, though its caller has been counted.
        let later = now + Duration::from_secs(5);
        times_out(&reader, one, &caller(0), later);
        assert_eq!(reader.breaker.gate(one, later), Gate::Open);
        let at_last = later + Duration::from_secs(5);
        let (caller_0, gate) = (caller(0), reader.breaker.gate(one, at_last));
        assert_eq!(gate, Gate::Probe);
        reader.count(Whose { tenant: one, caller: &caller_0 }, gate, None, at_last);
        // And all are counted anew.
        (0..4).for_each(|number| times_out(&reader, one, &caller(number), at_last));
        assert_eq!(reader.breaker.gate(one, at_last), Gate::Closed);
        times_out(&reader, one, &caller(4), at_last);
        assert_eq!(reader.breaker.gate(one, at_last), Gate::Open);
    }
}
