use chrono::{DateTime, Utc};
use nmc_compliance::{Decision, Purpose};
use nmc_db::{DbError, ReadTx, Tx};
use nmc_events::Context;
use nmc_timers::Timer as _;

use crate::{
    CallEnded, CallUndecided, Telephony,
    model::{
        answer::{Promise, speaks},
        call::{FollowUp, Outcome, Report, Way},
        record::Call,
    },
    store,
};

/// Takes a report about a locked call in, writes down what has become of it and starts what follows. `at` is when that
/// came about: now, or earlier where it was learned of late.
pub(crate) async fn advance(
    telephony: &Telephony,
    tx: &mut Tx,
    call: &mut Call,
    report: &Report,
    at: DateTime<Utc>,
) -> Result<(), DbError> {
    let (state, follow_ups) = call.state.apply(report, telephony.settings.rules(), at);
    let is_decided_now = call.state.outcome == Outcome::Open && state.outcome != Outcome::Open;
    let mut promise = call.promise;
    if promise.is_none() && speaks(report, &state) {
        promise = Some(promised(telephony, tx, call).await?);
    }
    if state != call.state || promise != call.promise {
        (call.state, call.promise) = (state, promise);
        store::call::save(tx, call).await?;
    }
    for follow_up in follow_ups {
        match follow_up {
            FollowUp::Announce(reason) => {
                let context = Context { correlation: call.correlation, causation: None };
                tx.publish_of(&call.missed(reason), context, at)?;
            }
            FollowUp::AwaitDialStatus(until) => nmc_timers::set(tx, CallEnded::KIND, call.id.as_uuid(), until).await?,
            FollowUp::StopAwaiting => nmc_timers::cancel(tx, CallEnded::KIND, call.id.as_uuid()).await?,
        }
    }
    if is_decided_now && matches!(call.state.way, Way::Dial { .. }) {
        nmc_timers::cancel(tx, CallUndecided::KIND, call.id.as_uuid()).await?;
    }
    log(tx, call, report);
    Ok(())
}

/// A text is promised only where the gate would let one go now.
async fn promised(telephony: &Telephony, tx: &mut ReadTx, call: &Call) -> Result<Promise, DbError> {
    let Some(phone) = call.from.textable() else { return Ok(Promise::CallBack) };
    Ok(match telephony.compliance.would_send(tx, phone, Purpose::Greeting).await? {
        Decision::Allow => Promise::Text,
        Decision::Defer { .. } | Decision::Block { .. } => Promise::CallBack,
    })
}

fn log(tx: &ReadTx, call: &Call, report: &Report) {
    let (status, reason) = match call.state.outcome {
        Outcome::Open => ("open", ""),
        Outcome::Accepted => ("accepted", ""),
        Outcome::Missed(reason) => ("missed", reason.as_str()),
    };
    tracing::info!(
        tenant_id = %tx.tenant(),
        correlation_id = %call.correlation,
        call.id = %call.id,
        call.provider_ref,
        call.report = report.name(),
        call.status = status,
        call.reason = reason,
        call.untextable = call.from.untextable.map(nmc_kernel::Untextable::as_str),
        "a call was reported"
    );
}
