use chrono::{DateTime, Utc};
use nmc_db::{DbError, ReadTx, Tx};
use nmc_identity::{Identity, Tenant, TenantStatus};
use nmc_kernel::{CallerNumber, E164};
use serde_json::json;

use super::limits::Limits;
use crate::{
    BlockReason, Decision, Purpose, Subject,
    model::{
        area_zones::zones,
        destination::destination,
        gate::{Facts, OptOut, judge},
        limit::Beyond,
        machine::MACHINE_AFTER,
        quiet_hours::quiet_until,
        state_hours::state_hours,
    },
    store::{
        self,
        decision::{NewDecision, Newest},
        gate::Known,
    },
};

/// A text that goes out, or does not.
#[derive(Clone, Copy)]
pub(crate) struct Text<'a> {
    pub(crate) subject: Subject,
    /// The number of the business it goes out from now; none where that is not asked about.
    pub(crate) from: Option<&'a E164>,
    pub(crate) to: &'a E164,
    pub(crate) purpose: Purpose,
}

/// The gate every text passes: lock and look, decide, store. Two statements, one of them the tenant's; a third when the
/// outcome is new, a fourth for the confirmation of an opt-out.
pub(crate) async fn can_send(
    identity: &Identity,
    limits: &Limits,
    tx: &mut Tx,
    text: Text<'_>,
    senders: Decision,
) -> Result<Decision, DbError> {
    let Text { subject, from, to: phone, purpose } = text;
    // What the sender itself refuses needs neither lock nor look.
    if let Decision::Block { .. } = senders {
        store_decision(tx, text, &senders).await?;
        return Ok(senders);
    }
    let tenant = identity.tenant(tx).await?;
    let known = store::gate::lock_and_look_up(tx, phone, subject, from).await?;
    // The number may be another business's by now.
    if from.is_some() && !known.is_receiving {
        let released = Decision::Block { reason: BlockReason::NumberReleased };
        store_new(tx, text, &released, known.newest).await?;
        return Ok(released);
    }
    let now = tx.now();
    let beyond = limits.beyond(tx, &known).await?;
    let facts = facts(&known, &tenant, phone, beyond, now);
    let mut decision = judge(&facts, Some(subject), purpose, now).and(senders);
    if let (Decision::Allow, Purpose::OptOutConfirmation, Some(opt_out)) = (decision, purpose, &known.opt_out)
        && !store::opt_out::claim_confirmation(tx, opt_out.id, subject).await?
    {
        decision = Decision::Block { reason: BlockReason::AlreadyConfirmed };
    }
    let new = NewDecision { subject, phone, purpose, decision: &decision, inputs: &facts.as_inputs() };
    store::decision::store(tx, new, known.newest).await?;
    if let (Decision::Allow, Subject::Message(_)) = (decision, subject) {
        limits.let_one_out();
    }
    Ok(decision)
}

/// The same question without a subject, a lock, or a trace.
pub(crate) async fn would_send(
    identity: &Identity,
    limits: &Limits,
    tx: &mut ReadTx,
    phone: &E164,
    purpose: Purpose,
) -> Result<Decision, DbError> {
    let tenant = identity.tenant(tx).await?;
    let known = store::gate::look_up(tx, phone).await?;
    let now = tx.now();
    let beyond = limits.beyond(tx, &known).await?;
    Ok(judge(&facts(&known, &tenant, phone, beyond, now), None, purpose, now))
}

/// A decision that the sender took alone.
pub(crate) async fn store_decision(tx: &mut Tx, text: Text<'_>, decision: &Decision) -> Result<(), DbError> {
    let newest = store::decision::newest(tx, text.subject).await?;
    store_new(tx, text, decision, newest).await
}

/// A decision for which nothing but itself was looked at.
async fn store_new(
    tx: &mut Tx,
    Text { subject, to: phone, purpose, .. }: Text<'_>,
    decision: &Decision,
    newest: Option<Newest>,
) -> Result<(), DbError> {
    let new = NewDecision { subject, phone, purpose, decision, inputs: &json!({}) };
    store::decision::store(tx, new, newest).await
}

fn facts(known: &Known, tenant: &Tenant, phone: &E164, beyond: Option<Beyond>, now: DateTime<Utc>) -> Facts {
    let settings = &tenant.settings;
    Facts {
        is_own_number: known.is_own_number,
        untextable: CallerNumber::from_provider(phone.as_str()).untextable(),
        destination: destination(phone, &settings.countries),
        opt_out: known
            .opt_out
            .as_ref()
            .map(|opt_out| OptOut { recorded_at: opt_out.recorded_at, confirmed_by: opt_out.confirmed_by }),
        is_do_not_text: known.is_do_not_text,
        is_tenant_active: tenant.status == TenantStatus::Active,
        is_loop: known.like_a_machine >= MACHINE_AFTER,
        beyond,
        campaign: known.campaign,
        quiet_until: quiet_until(
            now,
            &zones(phone, tenant.time_zone),
            &settings.quiet_hours,
            settings.quiet_hours.by_state.then(|| state_hours(phone)).flatten(),
        ),
        is_greeting_quiet: settings.quiet_hours.greeting,
    }
}
