use chrono::Duration;
use nmc_db::Tx;
use nmc_effects::NewIntent;
use nmc_events::Context;
use nmc_timers::{Timer, TimerError};
use uuid::Uuid;

use crate::{
    AskCallStatus, CallStatusRequest, Telephony,
    model::call::{END_GRACE, Outcome, Report},
    store,
    use_case::advance,
};

/// Decides a call whose end was reported, but not how its `<Dial>` ended: the caller hung up while it rang.
#[derive(Clone, Debug)]
pub struct CallEnded {
    telephony: Telephony,
}

impl CallEnded {
    pub(crate) fn new(telephony: Telephony) -> Self {
        Self { telephony }
    }
}

impl Timer for CallEnded {
    const KIND: &'static str = "telephony.call-ended";

    async fn fire(&self, tx: &mut Tx, ref_id: Uuid) -> Result<(), TimerError> {
        let Some(mut call) = store::call::lock_by_id(tx, ref_id.into()).await? else { return Ok(()) };
        // Of a call that was learned of late, the grace was over long ago.
        let at = call.state.ended_at.map_or(tx.now(), |ended_at| tx.now().min(ended_at + END_GRACE));
        advance::advance(&self.telephony, tx, &mut call, &Report::GraceOver, at).await?;
        // Only a clock set back does this: the timer is due and the grace is not over.
        if call.state.outcome == Outcome::Open {
            return Err(TimerError::Refused("the call's end is not long enough ago".to_owned()));
        }
        Ok(())
    }
}

/// How long a dialled call may stay undecided before Twilio is asked: the longest ring time-out (60 seconds), the
/// question to whoever picks up, and room for reports that are late. A talk that lasts longer is asked about again at
/// this interval.
pub(crate) const UNDECIDED_AFTER: Duration = Duration::minutes(3);
/// An answer that comes later than this is asked for anew.
const QUESTION_USEFUL_FOR: Duration = Duration::minutes(3);

/// Asks Twilio about a dialled call of which nothing decisive was reported: Twilio gives its reports up soon, and a call
/// whose reports were lost would stay open for ever.
#[derive(Clone, Copy, Debug)]
pub struct CallUndecided;

impl Timer for CallUndecided {
    const KIND: &'static str = "telephony.call-undecided";

    async fn fire(&self, tx: &mut Tx, ref_id: Uuid) -> Result<(), TimerError> {
        let Some(call) = store::call::lock_by_id(tx, ref_id.into()).await? else { return Ok(()) };
        if call.state.outcome != Outcome::Open {
            return Ok(());
        }
        let now = tx.now();
        // Two questions are minutes apart, and a firing that is repeated asks the same one.
        let minutes = (now - call.created_at).num_minutes();
        let question = NewIntent {
            id: tx.ids().next(),
            purpose_key: format!("call-status:{}:{minutes}", call.id),
            order_key: format!("call:{}", call.id),
            available_at: now,
            useful_until: now + QUESTION_USEFUL_FOR,
            context: Context { correlation: call.correlation, causation: None },
            request: CallStatusRequest { call_id: call.id, call_sid: call.provider_ref },
        };
        nmc_effects::plan::<AskCallStatus>(tx, &question).await?;
        Ok(())
    }
}
