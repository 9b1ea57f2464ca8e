//! The language model that reads texts, where there is one, and the breaker before it: while the model does not answer, nobody
//! waits for it.

use std::time::{Duration, Instant};

use nmc_effects::{Breaker, Gate};
use nmc_kernel::TenantId;
use nmc_providers::model::{ModelClient, ModelError, Question};

use crate::model::understanding::model::{PROMPT, SCHEMA};

/// What the schema is called: servers want a name.
const SCHEMA_NAME: &str = "interpretation";

/// One for a process.
#[derive(Debug)]
pub(crate) struct Reader {
    client: ModelClient,
    breaker: Breaker,
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
        Self { client, breaker: Breaker::default() }
    }

    /// What the model is called.
    pub(crate) fn name(&self) -> &str {
        self.client.name()
    }

    /// Asks about a caller of this business, and says how long that took.
    pub(crate) async fn ask(&self, tenant: TenantId, inquiry: &str) -> Result<(String, Duration), Unheard> {
        let begun = Instant::now();
        if self.breaker.gate(tenant, begun) == Gate::Open {
            return Err(Unheard::Breaker);
        }
        let mut call = Call { breaker: &self.breaker, tenant, is_over: false };
        let question = Question { instructions: PROMPT, data: inquiry, schema: (SCHEMA_NAME, &SCHEMA) };
        let answer = self.client.ask(question).await;
        call.is_over = true;
        match answer {
            Err(error) if error.is_outage() => self.breaker.unanswered(tenant, Instant::now()),
            Ok(_) | Err(_) => self.breaker.answered(tenant),
        }
        if let Err(error) = answer {
            tracing::warn!(tenant_id = %tenant, %error, "the model was not heard");
        }
        answer.map(|answer| (answer, begun.elapsed())).map_err(Unheard::Failed)
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
