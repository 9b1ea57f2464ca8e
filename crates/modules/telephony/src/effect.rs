use chrono::{DateTime, Duration, Utc};
use nmc_db::{DbError, Tx};
use nmc_effects::{Accepted, CallOutcome, Change, Check, EffectKind, Failed, Intent, Look};
use nmc_kernel::CallId;
use nmc_providers::twilio::{CallSid, CallStatus, ClientError, DialStatus};
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

/// The effect `call-status`: asks Twilio how far a call is, and how the leg to the business's phone ended. Asking changes
/// nothing there, so it may be repeated.
#[derive(Clone, Debug)]
pub struct AskCallStatus {
    telephony: Telephony,
}

impl AskCallStatus {
    pub(crate) fn new(telephony: Telephony) -> Self {
        Self { telephony }
    }

    async fn ask(&self, request: &CallStatusRequest) -> Result<Standing, ClientError> {
        let sid = CallSid::parse(&request.call_sid).map_err(|_| ClientError::NotFound)?;
        let call = self.telephony.twilio.fetch_call(&sid).await?;
        let leg = if call.status.is_final() { self.telephony.twilio.dialled_leg(&sid).await? } else { None };
        Ok(Standing {
            dialled: leg.filter(|leg| leg.status.is_final()).map(|leg| leg.status),
            ended_at: call.ended_at(),
            duration_seconds: call.duration,
            status: call.status,
        })
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
        let now = tx.now();
        advance(&self.telephony, tx, call, &Report::GivenUp, now).await
    }
}

/// How a call stands, as Twilio says. Kept in the place of a provider's id: a question has none.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Standing {
    status: CallStatus,
    /// How the leg to the business's phone ended, where one was rung.
    dialled: Option<CallStatus>,
    ended_at: Option<DateTime<Utc>>,
    duration_seconds: Option<u32>,
}

impl Standing {
    fn as_answer(&self) -> Accepted {
        Accepted { provider_ref: serde_json::to_string(self).unwrap_or_default() }
    }

    fn of_answer(answer: &Accepted) -> Option<Self> {
        serde_json::from_str(&answer.provider_ref).ok()
    }

    /// What would have been reported, in its order.
    fn reports(&self) -> Vec<Report> {
        if !self.status.is_final() {
            return Vec::new();
        }
        // A leg ends with the words a `<Dial>` ends with.
        let dialled = self.dialled.as_ref().and_then(|status| DialStatus::parse(status.as_str()).ok());
        let ended = Report::Status { status: self.status.clone(), duration_seconds: self.duration_seconds };
        dialled.map(Report::DialEnded).into_iter().chain([ended]).collect()
    }
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
        match self.ask(&intent.request).await {
            Ok(standing) => CallOutcome::Accepted(standing.as_answer()),
            Err(ClientError::NotFound) => CallOutcome::Failed(not_found()),
            Err(error) => CallOutcome::NotSent {
                answered: error.is_too_many_requests(),
                retry_after: error.retry_after().and_then(|wait| Duration::from_std(wait).ok()),
                reason: error.to_string(),
            },
        }
    }

    async fn look(&self, intent: &Intent<CallStatusRequest>) -> Look {
        match self.ask(&intent.request).await {
            Ok(standing) => Look::Accepted(standing.as_answer()),
            Err(ClientError::NotFound) => Look::Failed(not_found()),
            Err(error) => Look::Unreachable { reason: error.to_string() },
        }
    }

    async fn apply(&self, tx: &mut Tx, intent: &Intent<CallStatusRequest>, change: &Change) -> Result<(), DbError> {
        let Some(mut call) = store::call::lock_by_id(tx, intent.request.call_id).await? else { return Ok(()) };
        if call.state.outcome != Outcome::Open {
            return Ok(());
        }
        match change {
            Change::Accepted(answer) => {
                let Some(standing) = Standing::of_answer(answer).filter(|standing| standing.status.is_final()) else {
                    return self.again(tx, &mut call).await;
                };
                let at = standing.ended_at.map_or(tx.now(), |ended_at| ended_at.min(tx.now()));
                for report in standing.reports() {
                    advance(&self.telephony, tx, &mut call, &report, at).await?;
                }
                Ok(())
            }
            Change::Failed(Failed { reason, .. }) if reason == NOT_FOUND => self.give_up(tx, &mut call).await,
            Change::Failed(_) | Change::Expired | Change::Cancelled { .. } => self.again(tx, &mut call).await,
        }
    }
}
