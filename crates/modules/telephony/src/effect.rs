use chrono::Duration;
use nmc_db::{DbError, Tx};
use nmc_effects::{Accepted, CallOutcome, Change, Check, EffectKind, Failed, Intent, Look};
use nmc_kernel::CallId;
use nmc_providers::twilio::{CallSid, CallStatus, ClientError};
use nmc_timers::Timer as _;
use serde::{Deserialize, Serialize};

use crate::{
    CallUndecided, Telephony,
    model::{
        call::{Outcome, Report},
        record::Call,
    },
    store,
    timer::UNDECIDED_AFTER,
    use_case::advance::advance,
};

/// A call is asked about no longer than this; no call lasts as long: Twilio ends one after four hours unless told
/// otherwise, and after a day at most (<https://www.twilio.com/docs/voice/twiml/dial#timelimit>).
const ASKED_FOR: Duration = Duration::days(1);
/// Twilio has no such call.
const NOT_FOUND: &str = "not-found";

/// Which call is asked about.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CallStatusRequest {
    /// The call.
    pub call_id: CallId,
    /// Twilio's id of the caller's leg.
    pub call_sid: String,
}

/// The effect `call-status`: asks Twilio how far a call is. Asking changes nothing there, so it may be repeated.
#[derive(Clone, Debug)]
pub struct AskCallStatus {
    telephony: Telephony,
}

impl AskCallStatus {
    pub(crate) fn new(telephony: Telephony) -> Self {
        Self { telephony }
    }

    async fn ask(&self, request: &CallStatusRequest) -> Result<CallStatus, Unanswered> {
        let sid = CallSid::parse(&request.call_sid).map_err(|_| Unanswered::NotFound)?;
        match self.telephony.twilio.fetch_call(&sid).await {
            Ok(call) => Ok(call.status),
            Err(ClientError::NotFound) => Err(Unanswered::NotFound),
            Err(error @ ClientError::Refused { http_status: 429, .. }) => Err(Unanswered::TooMany(error)),
            Err(error) => Err(Unanswered::Other(error)),
        }
    }

    /// The talk goes on, or Twilio did not say: asked again, but not for ever.
    async fn again(&self, tx: &mut Tx, call: &mut Call) -> Result<(), DbError> {
        if tx.now() - call.created_at < ASKED_FOR {
            return nmc_timers::set(tx, CallUndecided::KIND, call.id.as_uuid(), tx.now() + UNDECIDED_AFTER).await;
        }
        self.give_up(tx, call).await
    }

    /// Nobody will ever say: a call back too many does less harm than none.
    async fn give_up(&self, tx: &mut Tx, call: &mut Call) -> Result<(), DbError> {
        tracing::warn!(tenant_id = %tx.tenant(), call.id = %call.id, "what became of a call cannot be learned");
        advance(&self.telephony, tx, call, &Report::GivenUp).await
    }
}

/// Why there is no answer.
enum Unanswered {
    NotFound,
    TooMany(ClientError),
    Other(ClientError),
}

fn accepted(status: &CallStatus) -> Accepted {
    Accepted { provider_ref: status.as_str().to_owned() }
}

fn not_found() -> Failed {
    Failed { code: None, reason: NOT_FOUND.to_owned() }
}

impl EffectKind for AskCallStatus {
    const KIND: &'static str = "call-status";
    type Request = CallStatusRequest;

    async fn check(&self, tx: &mut Tx, intent: &Intent<CallStatusRequest>) -> Result<Check, DbError> {
        let call = store::call::lock_by_id(tx, intent.request.call_id).await?;
        Ok(match call {
            None => Check::Cancel { reason: "call-erased" },
            Some(call) if call.state.outcome != Outcome::Open => Check::Cancel { reason: "decided" },
            Some(_) => Check::Go,
        })
    }

    async fn call(&self, intent: &Intent<CallStatusRequest>) -> CallOutcome {
        let not_asked = |answered, error: &ClientError| CallOutcome::NotSent {
            answered,
            retry_after: None,
            reason: error.to_string(),
        };
        match self.ask(&intent.request).await {
            Ok(status) => CallOutcome::Accepted(accepted(&status)),
            Err(Unanswered::NotFound) => CallOutcome::Failed(not_found()),
            Err(Unanswered::TooMany(error)) => not_asked(true, &error),
            Err(Unanswered::Other(error)) => not_asked(false, &error),
        }
    }

    async fn look(&self, intent: &Intent<CallStatusRequest>) -> Look {
        match self.ask(&intent.request).await {
            Ok(status) => Look::Accepted(accepted(&status)),
            Err(Unanswered::NotFound) => Look::Failed(not_found()),
            Err(Unanswered::TooMany(error) | Unanswered::Other(error)) => {
                Look::Unreachable { reason: error.to_string() }
            }
        }
    }

    async fn apply(&self, tx: &mut Tx, intent: &Intent<CallStatusRequest>, change: &Change) -> Result<(), DbError> {
        let Some(mut call) = store::call::lock_by_id(tx, intent.request.call_id).await? else { return Ok(()) };
        if call.state.outcome != Outcome::Open {
            return Ok(());
        }
        match change {
            Change::Accepted(Accepted { provider_ref }) => match CallStatus::parse(provider_ref) {
                Ok(status) if status.is_final() => {
                    let report = Report::Status { status, duration_seconds: None };
                    advance(&self.telephony, tx, &mut call, &report).await
                }
                _ => self.again(tx, &mut call).await,
            },
            Change::Failed(Failed { reason, .. }) if reason == NOT_FOUND => self.give_up(tx, &mut call).await,
            Change::Failed(_) | Change::Expired | Change::Cancelled { .. } => self.again(tx, &mut call).await,
        }
    }
}
