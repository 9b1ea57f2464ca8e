//! One intent from its claim to its outcome.

use std::{
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use futures::FutureExt as _;
use nmc_db::{DbError, SessionLock, Tx};
use nmc_kernel::retry::{MAX_ATTEMPTS, full_jitter};
use serde_json::{Value, json};
use tracing::Instrument as _;

use crate::{
    CallOutcome, Change, Check, IntentState,
    breaker::Gate,
    engine::{Registered, Shared},
    kind::StepError,
    plan::failed,
    store::{self, Stored, Transition},
};

/// A claim older than this is not called any more: whoever slept that long gives it back.
const CLAIM_FRESH_FOR: Duration = Duration::from_secs(5);
/// Pauses between tries to record an outcome. Until it is recorded the attempt stays ours, so this goes on until it
/// succeeds or the process ends.
const RECORD_PAUSES: [Duration; 4] =
    [Duration::from_millis(50), Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(2)];
/// How many times recording is tried before the attempt is left to reconciliation.
const RECORD_TRIES: usize = 300;
/// How many times an outcome is applied that its module refuses for a reason of ours; then a person is asked.
const REFUSED_TRIES: usize = 5;
/// How long to pause after a claim that failed for a passing reason, so that an outage does not become a storm.
const CLAIM_PAUSE: Duration = Duration::from_millis(250);
/// The shortest wait a last check can ask for.
const SHORTEST_WAIT: chrono::Duration = chrono::Duration::seconds(1);
/// How long an intent waits whose check failed for a reason of ours.
const BROKEN_WAIT: chrono::Duration = chrono::Duration::seconds(10);

/// Claims the intent, makes the call and records what came of it. Every way this can end leaves the intent in a state
/// that somebody picks up.
pub(crate) async fn drive(shared: &Shared, mut stored: Stored) {
    let Some(registered) = shared.kinds.get(stored.kind.as_str()) else { return };
    let (tenant, id) = (stored.intent.tenant, stored.intent.id);
    let probe = match registered.breaker.gate(tenant, Instant::now()) {
        Gate::Closed => false,
        Gate::Probe => true,
        // It stays pending; the candidates of an open breaker are not even looked for.
        Gate::Open => return,
    };
    let claimed = claim(shared, registered, &mut stored).await;
    if probe && !matches!(claimed, Ok(Some(_))) {
        registered.breaker.probe_dropped(tenant);
    }
    match claimed {
        Ok(Some((owner, claimed_at))) => {
            let span = tracing::info_span!(
                "effect", effect.kind = stored.kind, tenant_id = %tenant, intent_id = %id,
                correlation_id = %stored.intent.context.correlation
            );
            if let Some(traceparent) = &stored.traceparent {
                nmc_telemetry::set_parent(&span, traceparent);
            }
            call_and_record(shared, registered, &stored, &owner, claimed_at, probe).instrument(span).await;
        }
        Ok(None) => {}
        Err(error) if error.is_transient() => {
            tracing::debug!(%error, intent_id = %id, "a claim was not made; it is tried again");
            tokio::time::sleep(CLAIM_PAUSE).await;
        }
        Err(error) => {
            tracing::error!(error = ?error, intent_id = %id, "a claim cannot be made");
            set_aside(shared, &stored, &error).await;
        }
    }
}

type Claimed = (std::sync::Arc<SessionLock>, Instant);

/// The last check and the claim, in one transaction. Nothing where there is nothing (more) to do.
async fn claim(shared: &Shared, registered: &Registered, stored: &mut Stored) -> Result<Option<Claimed>, StepError> {
    let owner = shared.owner().await?;
    let claimed_at = Instant::now();
    let mut tx = shared.db.begin(stored.intent.tenant).await?;
    if stored.intent.useful_until < tx.now() {
        let expired = Transition { outcome: Some(json!({ "expired": true })), ..to(IntentState::Expired) };
        end(tx, registered, stored, &Change::Expired, &expired).await?;
        return Ok(None);
    }
    match registered.kind.check(&mut tx, &stored.intent).await? {
        Check::Go => {}
        Check::Wait { until, reason } => {
            let outcome = Some(json!({ "waits": reason }));
            // A time that has passed already would bring it back at once, for ever.
            let until = until.max(tx.now() + SHORTEST_WAIT);
            let later = Transition { outcome, available_at: Some(until), ..to(IntentState::Pending) };
            store::transition(&mut tx, &stored.intent, &later).await?;
            tx.commit().await?;
            return Ok(None);
        }
        Check::Cancel { reason } => {
            let cancelled = Transition { outcome: Some(json!({ "cancelled": reason })), ..to(IntentState::Cancelled) };
            end(tx, registered, stored, &Change::Cancelled { reason: reason.to_owned() }, &cancelled).await?;
            return Ok(None);
        }
    }
    if !store::claim(&mut tx, stored, owner.key()).await? {
        return Ok(None);
    }
    stored.intent.attempt += 1;
    stored.intent.claimed_at = Some(tx.now());
    // A commit whose answer is lost may have claimed the intent in our name. Giving the lock up lets that be found out.
    tx.commit().await.inspect_err(|_| shared.owner_lost(&owner))?;
    Ok(Some((owner, claimed_at)))
}

const fn to(state: IntentState) -> Transition<'static> {
    Transition::new(&[IntentState::Pending], state)
}

/// Ends a pending intent: the module's rows and the intent's state in one commit.
async fn end(
    mut tx: Tx,
    registered: &Registered,
    stored: &Stored,
    change: &Change,
    transition: &Transition<'_>,
) -> Result<(), StepError> {
    registered.kind.apply(&mut tx, &stored.intent, change).await?;
    if store::transition(&mut tx, &stored.intent, transition).await? {
        tx.commit().await?;
    }
    Ok(())
}

async fn call_and_record(
    shared: &Shared,
    registered: &Registered,
    stored: &Stored,
    owner: &SessionLock,
    claimed_at: Instant,
    probe: bool,
) {
    let never_called = if !owner.still_held().await {
        shared.owner_lost(owner);
        Some("the claim's session was lost")
    } else if claimed_at.elapsed() >= CLAIM_FRESH_FOR {
        Some("the claim had grown old")
    } else {
        None
    };
    let outcome = if let Some(reason) = never_called {
        // This says nothing about the provider.
        if probe {
            registered.breaker.probe_dropped(stored.intent.tenant);
        }
        CallOutcome::NotSent { answered: false, retry_after: None, reason: reason.to_owned() }
    } else {
        let outcome = call(shared, registered, stored, claimed_at).await;
        match &outcome {
            CallOutcome::Accepted(_) | CallOutcome::Failed(_) | CallOutcome::NotSent { answered: true, .. } => {
                registered.breaker.answered(stored.intent.tenant);
            }
            CallOutcome::NotSent { answered: false, .. } | CallOutcome::Unknown { .. } => {
                registered.breaker.unanswered(stored.intent.tenant, Instant::now());
            }
        }
        outcome
    };
    for try_number in 0..RECORD_TRIES {
        let recorded = match record(shared, registered, stored, &outcome).await {
            Err(error) if !error.is_transient() && try_number + 1 >= REFUSED_TRIES => {
                leave_to_a_person(shared, stored, &outcome, &error).await
            }
            recorded => recorded,
        };
        let Err(error) = recorded else { return };
        tracing::warn!(%error, intent_id = %stored.intent.id, "an outcome is not recorded yet");
        tokio::time::sleep(RECORD_PAUSES[try_number.min(RECORD_PAUSES.len() - 1)]).await;
    }
    tracing::error!(intent_id = %stored.intent.id, "an outcome could not be recorded; the provider will be asked");
    shared.owner_lost(owner);
}

/// Makes the call. It ends within the time-out counted from the claim: that is when other processes may judge it over.
async fn call(shared: &Shared, registered: &Registered, stored: &Stored, claimed_at: Instant) -> CallOutcome {
    let deadline = claimed_at + shared.settings.call_timeout;
    let call = AssertUnwindSafe(registered.kind.call(&stored.intent)).catch_unwind();
    match tokio::time::timeout_at(deadline.into(), call).await {
        Ok(Ok(Ok(outcome))) => outcome,
        Ok(Ok(Err(unreadable))) => CallOutcome::Failed(failed(&unreadable.to_string())),
        Ok(Err(_panic)) => CallOutcome::Unknown { reason: "the call panicked".to_owned() },
        Err(_) => CallOutcome::Unknown { reason: "the call took too long".to_owned() },
    }
}

/// Writes the outcome. Where the intent has moved on (a callback was faster), nothing is written.
async fn record(
    shared: &Shared,
    registered: &Registered,
    stored: &Stored,
    outcome: &CallOutcome,
) -> Result<(), StepError> {
    let mut tx = shared.db.begin(stored.intent.tenant).await?;
    let now = tx.now();
    let from_flight = |state| Transition::new(&[IntentState::InFlight], state);
    // An answer in hand also ends the doubt others have come to about this attempt while it was being recorded.
    let answered = |state| Transition::new(&[IntentState::InFlight, IntentState::Unknown], state);
    let (change, transition) = match outcome {
        CallOutcome::Accepted(accepted) => (
            Some(Change::Accepted(accepted.clone())),
            Transition {
                outcome: Some(json!({ "accepted": accepted })),
                answered: true,
                ..answered(IntentState::Accepted)
            },
        ),
        CallOutcome::Failed(failed) => (
            Some(Change::Failed(failed.clone())),
            Transition { outcome: Some(json!({ "failed": failed })), answered: true, ..answered(IntentState::Failed) },
        ),
        CallOutcome::NotSent { answered, reason, .. } if *answered && stored.answered_attempts + 1 >= MAX_ATTEMPTS => {
            let failed = failed(reason);
            let outcome = Some(json!({ "failed": failed }));
            (Some(Change::Failed(failed)), Transition { outcome, answered: true, ..from_flight(IntentState::Failed) })
        }
        CallOutcome::NotSent { answered, retry_after, reason } => {
            let tries = u16::try_from(stored.intent.attempt.saturating_sub(1)).unwrap_or(u16::MAX);
            let jitter = chrono::Duration::from_std(full_jitter(tries, &shared.random)).unwrap_or(BROKEN_WAIT);
            let wait = retry_after.unwrap_or_default().max(jitter);
            let transition = Transition {
                outcome: Some(json!({ "not_sent": reason })),
                available_at: Some(now + wait),
                answered: *answered,
                ..from_flight(IntentState::Pending)
            };
            (None, transition)
        }
        CallOutcome::Unknown { reason } => {
            let gap = chrono::Duration::from_std(shared.settings.listing_gap).unwrap_or(BROKEN_WAIT);
            let transition = Transition {
                outcome: Some(json!({ "unknown": reason })),
                available_at: Some(now + gap),
                empty_looks: Some(0),
                ..from_flight(IntentState::Unknown)
            };
            (None, transition)
        }
    };
    if let Some(change) = &change {
        registered.kind.apply(&mut tx, &stored.intent, change).await?;
    }
    if store::transition(&mut tx, &stored.intent, &transition).await? {
        tx.commit().await?;
    } else {
        tx.roll_back().await?;
    }
    Ok(())
}

/// The provider's answer is known but its module cannot apply it, and trying again does not mend that.
async fn leave_to_a_person(
    shared: &Shared,
    stored: &Stored,
    outcome: &CallOutcome,
    error: &StepError,
) -> Result<(), StepError> {
    let intent = &stored.intent;
    tracing::error!(error = ?error, intent_id = %intent.id, tenant_id = %intent.tenant, "an effect's outcome cannot be applied");
    let (answer, answered): (Value, bool) = match outcome {
        CallOutcome::Accepted(accepted) => (json!({ "accepted": accepted }), true),
        CallOutcome::Failed(failed) => (json!({ "failed": failed }), true),
        CallOutcome::NotSent { answered, reason, .. } => (json!({ "not_sent": reason }), *answered),
        CallOutcome::Unknown { reason } => (json!({ "unknown": reason }), false),
    };
    let mut tx = shared.db.begin(intent.tenant).await?;
    let review = Transition {
        outcome: Some(json!({ "review": error.to_string(), "answer": answer })),
        answered,
        ..Transition::new(&[IntentState::InFlight], IntentState::Review)
    };
    store::transition(&mut tx, intent, &review).await?;
    Ok(tx.commit().await?)
}

/// A claim that fails for a reason of ours is looked at again later, visibly, instead of at once for ever.
async fn set_aside(shared: &Shared, stored: &Stored, error: &StepError) {
    let aside = async {
        let mut tx = shared.db.begin(stored.intent.tenant).await?;
        let Some(stored) = store::load(&mut tx, stored.intent.id).await? else { return Ok(()) };
        let until = tx.now() + BROKEN_WAIT;
        let state = if matches!(error, StepError::Unreadable(_)) { IntentState::Review } else { IntentState::Pending };
        let outcome = Some(json!({ "check_failed": error.to_string() }));
        store::transition(&mut tx, &stored.intent, &Transition { outcome, available_at: Some(until), ..to(state) })
            .await?;
        tx.commit().await
    };
    if let Err::<(), DbError>(error) = aside.await {
        tracing::warn!(%error, "a broken intent could not be set aside");
    }
}
