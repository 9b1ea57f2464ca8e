//! What became of attempts nobody saw the end of: the provider is asked, and only after two empty answers a gap apart
//! may the call be repeated.

use std::{panic::AssertUnwindSafe, sync::atomic::Ordering};

use chrono::Duration;
use futures::{FutureExt as _, StreamExt as _};
use nmc_db::DbError;
use nmc_telemetry::name::{SMS_PAUSED, SMS_UNKNOWN};
use serde_json::{Value, json};

use crate::{
    Change, IntentState, Look,
    engine::{Registered, Shared},
    kind::StepError,
    plan::failed,
    store::{self, Leased, Stored, Transition},
};

/// At most this many intents are looked after in one pass, all at once, so that a provider that hangs holds up the
/// others for one look at most.
pub(crate) const BATCH: u16 = 16;
/// This many empty looks in a row mean that the call had no effect.
const EMPTY_LOOKS: i16 = 2;
/// A provider that cannot be asked for this long after the attempt leaves the intent to a person.
const ASK_FOR: Duration = Duration::hours(24);
/// The wait after a provider could not be asked.
const UNREACHABLE_WAIT: Duration = Duration::seconds(10);

/// Finds attempts whose owner died, and asks about those that are due; says how many intents it touched. One round trip
/// where there is nothing to see to.
pub(crate) async fn pass(shared: &Shared) -> Result<usize, DbError> {
    let call_takes = Duration::from_std(shared.settings.call_timeout).unwrap_or(UNREACHABLE_WAIT);
    let kinds = shared.kind_names();
    let watch = store::watch(&shared.db, &kinds, call_takes).await?;
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; there are never 2^52 of them")]
    metrics::gauge!(SMS_UNKNOWN).set(watch.unknown_texts as f64);
    metrics::gauge!(SMS_PAUSED).set(f64::from(u8::from(watch.is_paused)));
    // The pause is no business's, so that no business's log has it: the dispatchers' own has.
    match (shared.is_paused.swap(watch.is_paused, Ordering::Relaxed), watch.is_paused) {
        (false, true) => tracing::warn!("operators have paused all texts"),
        (true, false) => tracing::warn!("operators have let texts go out again"),
        (false, false) | (true, true) => {}
    }
    let abandoned = if watch.is_overdue { find_abandoned(shared).await? } else { 0 };
    if !watch.is_due {
        return Ok(abandoned);
    }
    let mut tx = shared.db.begin_system().await?;
    let until = tx.now() + call_takes + UNREACHABLE_WAIT;
    let due = store::lease_unknown(&mut tx, &kinds, until, i64::from(BATCH)).await?;
    tx.commit().await?;
    futures::stream::iter(&due)
        .for_each_concurrent(usize::from(BATCH), |leased| async move {
            if let Err(error) = resolve(shared, leased).await {
                // The lease brings it back.
                tracing::warn!(%error, intent_id = %leased.id, "an unknown effect could not be resolved yet");
            }
        })
        .await;
    Ok(abandoned + due.len())
}

/// In flight, the owner's lock gone and the call's time over: from here on nobody knows.
async fn find_abandoned(shared: &Shared) -> Result<usize, DbError> {
    let mut tx = shared.db.begin_system().await?;
    let timeout = Duration::from_std(shared.settings.call_timeout).unwrap_or(UNREACHABLE_WAIT);
    let claimed_before = tx.now() - timeout;
    let found = store::abandoned(&mut tx, claimed_before, i64::from(BATCH)).await?;
    // The owners' keys are free again before the intents change hands.
    tx.roll_back().await?;
    for abandoned in &found {
        let mut tx = shared.db.begin(abandoned.tenant).await?;
        let Some(stored) = store::load(&mut tx, abandoned.id).await? else { continue };
        // Whoever slept since finding it would otherwise take a later attempt from a process that lives.
        if store::attempt_of(&stored) != abandoned.attempt {
            continue;
        }
        // The callback may still come: the first look is a gap away.
        let first_look = tx.now() + Duration::from_std(shared.settings.listing_gap).unwrap_or(UNREACHABLE_WAIT);
        let transition = Transition {
            outcome: Some(json!({ "unknown": "the process died during the call" })),
            available_at: Some(first_look),
            empty_looks: Some(0),
            ..Transition::new(&[IntentState::InFlight], IntentState::Unknown)
        };
        if store::transition(&mut tx, &stored.intent, &transition).await? {
            tracing::warn!(intent_id = %abandoned.id, tenant_id = %abandoned.tenant, "an effect's process died during the call");
            tx.commit().await?;
        }
    }
    Ok(found.len())
}

async fn resolve(shared: &Shared, leased: &Leased) -> Result<(), StepError> {
    let Some(registered) = shared.kinds.get(leased.kind.as_str()) else { return Ok(()) };
    let mut tx = shared.db.read(leased.tenant).await?;
    let stored = store::load(&mut tx, leased.id).await?;
    tx.finish().await?;
    // Where the lease has passed to somebody else, their look and ours must not count as two: a gap lies between two.
    let is_ours = |s: &Stored| s.state == IntentState::Unknown && s.available_at == leased.available_at;
    let Some(stored) = stored.filter(is_ours) else { return Ok(()) };
    match look_and_apply(shared, registered, &stored).await {
        Err(error) if !error.is_transient() => leave_to_a_person(shared, &stored, &error).await,
        done => done,
    }
}

async fn look_and_apply(shared: &Shared, registered: &Registered, stored: &Stored) -> Result<(), StepError> {
    let look = AssertUnwindSafe(registered.kind.look(&stored.intent)).catch_unwind();
    let look = match tokio::time::timeout(shared.settings.call_timeout, look).await {
        Ok(Ok(look)) => look?,
        Ok(Err(_panic)) => Look::Unreachable { reason: "the look panicked".to_owned() },
        Err(_) => Look::Unreachable { reason: "the look took too long".to_owned() },
    };
    apply(shared, registered, stored, look).await
}

/// The look's result cannot be applied for a reason of ours, which asking again does not mend.
async fn leave_to_a_person(shared: &Shared, stored: &Stored, error: &StepError) -> Result<(), StepError> {
    let intent = &stored.intent;
    tracing::error!(error = ?error, intent_id = %intent.id, tenant_id = %intent.tenant, "what became of an effect cannot be applied");
    let mut tx = shared.db.begin(intent.tenant).await?;
    let review = Transition {
        outcome: Some(json!({ "review": error.to_string() })),
        ..Transition::new(&[IntentState::Unknown], IntentState::Review)
    };
    store::transition(&mut tx, intent, &review).await?;
    Ok(tx.commit().await?)
}

async fn apply(shared: &Shared, registered: &Registered, stored: &Stored, look: Look) -> Result<(), StepError> {
    let mut tx = shared.db.begin(stored.intent.tenant).await?;
    let now = tx.now();
    let intent = &stored.intent;
    let gap = Duration::from_std(shared.settings.listing_gap).unwrap_or(UNREACHABLE_WAIT);
    let from_unknown = |state, outcome: Value| Transition {
        outcome: Some(outcome),
        ..Transition::new(&[IntentState::Unknown], state)
    };
    let (change, transition) = match look {
        Look::Accepted(accepted) => {
            let outcome = json!({ "accepted": accepted, "by": "listing" });
            (Some(Change::Accepted(accepted)), from_unknown(IntentState::Accepted, outcome))
        }
        Look::Failed(failed) => {
            let outcome = json!({ "failed": failed, "by": "listing" });
            (Some(Change::Failed(failed)), from_unknown(IntentState::Failed, outcome))
        }
        Look::Nothing if stored.empty_looks + 1 < EMPTY_LOOKS => {
            let again = Transition {
                available_at: Some(now + gap),
                empty_looks: Some(stored.empty_looks + 1),
                ..Transition::new(&[IntentState::Unknown], IntentState::Unknown)
            };
            (None, again)
        }
        Look::Nothing if intent.useful_until > now => {
            let again = Transition {
                available_at: Some(now),
                empty_looks: Some(0),
                ..from_unknown(IntentState::Pending, json!({ "not_sent": "two empty looks" }))
            };
            (None, again)
        }
        Look::Nothing => {
            let failed = failed("not sent, and no longer useful");
            let outcome = json!({ "failed": failed });
            (Some(Change::Failed(failed)), from_unknown(IntentState::Failed, outcome))
        }
        Look::Ambiguous { reason } => {
            tracing::error!(intent_id = %intent.id, tenant_id = %intent.tenant, reason, "only a person can say whether an effect happened");
            (None, from_unknown(IntentState::Review, json!({ "review": reason })))
        }
        Look::Unreachable { reason } if intent.claimed_at.is_some_and(|at| now - at > ASK_FOR) => {
            tracing::error!(intent_id = %intent.id, tenant_id = %intent.tenant, reason, "a provider could not be asked about an effect");
            (None, from_unknown(IntentState::Review, json!({ "review": reason })))
        }
        Look::Unreachable { reason } => {
            tracing::warn!(intent_id = %intent.id, reason, "a provider cannot be asked about an effect");
            let later = Transition {
                available_at: Some(now + UNREACHABLE_WAIT.min(gap)),
                ..Transition::new(&[IntentState::Unknown], IntentState::Unknown)
            };
            (None, later)
        }
    };
    if let Some(change) = &change {
        registered.kind.apply(&mut tx, intent, change).await?;
    }
    if store::transition(&mut tx, intent, &transition).await? {
        if transition.to == IntentState::Pending {
            tx.wake(nmc_db::Topic::Effects);
        }
        tx.commit().await?;
    } else {
        tx.roll_back().await?;
    }
    Ok(())
}
