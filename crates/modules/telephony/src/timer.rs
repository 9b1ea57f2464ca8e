use nmc_db::Tx;
use nmc_timers::{Timer, TimerError};
use uuid::Uuid;

use crate::{
    Telephony,
    model::call::{Outcome, Report},
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
        advance::advance(&self.telephony, tx, &mut call, &Report::GraceOver).await?;
        // Only a clock set back does this: the timer is due and the grace is not over.
        if call.state.outcome == Outcome::Open {
            return Err(TimerError::Refused("the call's end is not long enough ago".to_owned()));
        }
        Ok(())
    }
}
