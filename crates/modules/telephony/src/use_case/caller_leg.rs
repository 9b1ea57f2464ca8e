//! What Twilio reports about the caller's leg: `voice`, `dial-status`, `voice-status`.

use chrono::{DateTime, Utc};
use nmc_db::{DbError, RouteKind, Seen, Tx};
use nmc_identity::{CallMode, Tenant, TenantStatus};
use nmc_kernel::{CallerNumber, E164, Untextable};
use nmc_providers::twilio::{CallSid, DialStatusWebhook, VoiceStatusWebhook, VoiceWebhook};

use nmc_timers::Timer as _;
use nmc_webhooks::Receipt;

use super::{advance::advance, begin_for};
use crate::{
    CallUndecided, Telephony,
    model::{
        answer::{self, Answer},
        call::{CallState, Report, Way},
        record::{Call, Caller},
    },
    store,
    timer::UNDECIDED_AFTER,
};

/// Answers a call that has come in.
pub(crate) async fn call_arrived(
    telephony: &Telephony,
    webhook: &VoiceWebhook,
    receipt: &Receipt,
) -> Result<Answer, DbError> {
    let leg =
        Leg { call_sid: &webhook.call_sid, from: &webhook.from, to: &webhook.to, report: Report::Arrived, span: None };
    let Some((mut tx, call)) = take(telephony, &leg, receipt).await? else { return Ok(Answer::Reject) };
    let tenant = telephony.identity.tenant(&mut tx).await?;
    tx.commit().await?;
    Ok(answer::to_arrival(&call, &tenant))
}

/// Answers the caller after the business's phone has stopped ringing.
pub(crate) async fn dial_ended(
    telephony: &Telephony,
    webhook: &DialStatusWebhook,
    receipt: &Receipt,
    span: Option<Span>,
) -> Result<Answer, DbError> {
    let report = Report::DialEnded(webhook.dial_call_status.clone());
    let leg = Leg { call_sid: &webhook.call_sid, from: &webhook.from, to: &webhook.to, report, span };
    let Some((mut tx, call)) = take(telephony, &leg, receipt).await? else { return Ok(Answer::HangUp) };
    let tenant = telephony.identity.tenant(&mut tx).await?;
    tx.commit().await?;
    Ok(answer::to_dial_end(&call, &tenant))
}

/// Takes a status of the caller's leg in. That of a dialled leg says nothing that `dial-status` does not say better.
pub(crate) async fn status_changed(
    telephony: &Telephony,
    webhook: &VoiceStatusWebhook,
    receipt: &Receipt,
    span: Option<Span>,
) -> Result<(), DbError> {
    if webhook.parent_call_sid.is_some() {
        tracing::debug!(webhook.endpoint = receipt.endpoint, "the status of a dialled leg is passed over");
        return Ok(());
    }
    let report =
        Report::Status { status: webhook.call_status.clone(), duration_seconds: webhook.call_duration_seconds };
    let leg = Leg { call_sid: &webhook.call_sid, from: &webhook.from, to: &webhook.to, report, span };
    if let Some((tx, _)) = take(telephony, &leg, receipt).await? {
        tx.commit().await?;
    }
    Ok(())
}

/// When a call that was learned of late began and ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) began_at: DateTime<Utc>,
    pub(crate) ended_at: DateTime<Utc>,
}

/// A report about the caller's leg.
struct Leg<'a> {
    call_sid: &'a CallSid,
    from: &'a CallerNumber,
    to: &'a E164,
    report: Report,
    /// Nothing where this is reported as it happens.
    span: Option<Span>,
}

/// Takes the report in unless it has been taken before; either way the call as it stands now, and the transaction, which
/// the caller commits. Nothing where the number is nobody's, or where a repetition's content was altered so that it leads
/// to no call.
async fn take(telephony: &Telephony, leg: &Leg<'_>, receipt: &Receipt) -> Result<Option<(Tx, Call)>, DbError> {
    let Some(mut tx) = begin_for(telephony, leg.to, receipt).await? else { return Ok(None) };
    if receipt.record(&mut tx).await? != Seen::First {
        let call = store::call::lock_by_ref(&mut tx, leg.call_sid.as_str()).await?;
        return Ok(call.map(|call| (tx, call)));
    }
    let mut call = open(telephony, &mut tx, leg).await?;
    let at = leg.span.map_or(tx.now(), |span| span.ended_at.min(tx.now()));
    advance(telephony, &mut tx, &mut call, &leg.report, at).await?;
    Ok(Some((tx, call)))
}

/// The call's row, locked; made by the first report of the call that gets here.
async fn open(telephony: &Telephony, tx: &mut Tx, leg: &Leg<'_>) -> Result<Call, DbError> {
    let call_sid = leg.call_sid.as_str();
    // Nearly always a call's arrival is the first that is heard of it.
    if leg.report != Report::Arrived
        && let Some(call) = store::call::lock_by_ref(tx, call_sid).await?
    {
        return Ok(call);
    }
    let tenant = telephony.identity.tenant(tx).await?;
    let (from, way) = parties(telephony, tx, leg, &tenant).await?;
    let mut call = Call {
        id: tx.ids().next(),
        provider_ref: call_sid.to_owned(),
        correlation: tx.ids().next(),
        from,
        to: leg.to.clone(),
        created_at: leg.span.map_or(tx.now(), |span| span.began_at.min(tx.now())),
        state: CallState::new(way),
        promise: None,
    };
    // A caller who calls or texts again soon continues the one before. Of two first calls at the same moment each may get
    // its own.
    if let Some(correlation) = store::call::insert(tx, &call, telephony.settings.correlation_reuse_window).await? {
        call.correlation = correlation;
        if matches!(call.state.way, Way::Dial { .. }) {
            // Whatever comes of it, somebody looks: the later reports may be lost.
            nmc_timers::set(tx, CallUndecided::KIND, call.id.as_uuid(), tx.now() + UNDECIDED_AFTER).await?;
        }
        return Ok(call);
    }
    // Another report of the same call was faster; its transaction has ended.
    store::call::lock_by_ref(tx, call_sid).await?.ok_or_else(|| sqlx::Error::RowNotFound.into())
}

/// Who calls, and how the call reached us; whether one of their phones is a number of this installation is asked of both
/// at once.
async fn parties(telephony: &Telephony, tx: &mut Tx, leg: &Leg<'_>, tenant: &Tenant) -> Result<(Caller, Way), DbError> {
    let settings = &tenant.settings;
    let forward_to = settings.forward_to.as_ref().filter(|_| settings.call_mode == CallMode::Dial);
    let phones: Vec<&str> = leg.from.phone().into_iter().chain(forward_to).map(E164::as_str).collect();
    let mut are_ours = tx.are_routed(RouteKind::TwilioNumber, &phones).await?.into_iter();
    let mut caller = Caller { phone: leg.from.phone().cloned(), untextable: leg.from.untextable() };
    if caller.phone.is_some() && are_ours.next() == Some(true) {
        caller.untextable = Some(Untextable::OwnNumber);
    }
    let would_come_back = are_ours.next() == Some(true);
    let may_ring = |to: &E164| telephony.compliance.may_ring(to, &settings.countries);
    Ok((caller, way(tenant, &leg.report, would_come_back, may_ring)))
}

/// How the call reached us, by the business's settings.
fn way(tenant: &Tenant, report: &Report, would_come_back: bool, may_ring: impl Fn(&E164) -> bool) -> Way {
    let settings = &tenant.settings;
    match (settings.call_mode, &settings.forward_to, report) {
        (CallMode::Dial, Some(to), _) => {
            if tenant.status == TenantStatus::Suspended {
                // The second leg is the installation's to pay. Who calls is told that nobody can take the call.
                tracing::info!(tenant_id = %tenant.id, "the phone of a suspended business is not rung");
                Way::Forwarded
            } else if would_come_back {
                // It would come back to us, and be dialled again, for ever.
                tracing::error!(tenant_id = %tenant.id, "calls are to ring a number of this installation: none is rung");
                Way::Forwarded
            } else if !may_ring(to) {
                // Every call would be paid for by the installation, whoever shares in it.
                tracing::error!(tenant_id = %tenant.id, "calls are to ring a number that is not served: none is rung");
                Way::Forwarded
            } else {
                Way::Dial { to: to.clone(), whisper: settings.whisper }
            }
        }
        (CallMode::StatusOnly, _, Report::Arrived) => {
            tracing::warn!(tenant_id = %tenant.id, "a call waits for an answer where only its status was to be reported");
            Way::Forwarded
        }
        (CallMode::StatusOnly, _, _) => Way::StatusOnly,
        (CallMode::Forwarded, _, _) | (CallMode::Dial, None, _) => Way::Forwarded,
    }
}
