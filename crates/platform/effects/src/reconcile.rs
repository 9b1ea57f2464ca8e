//! What became of attempts nobody saw the end of: the provider is asked, and only after two empty answers a gap apart
//! may the call be repeated.

use std::panic::AssertUnwindSafe;

use chrono::Duration;
use futures::FutureExt as _;
use nmc_db::DbError;
use serde_json::{Value, json};

use crate::{
    Change, IntentState, Look,
    engine::{Registered, Shared},
    kind::StepError,
    plan::failed,
    store::{self, Candidate, Stored, Transition},
};

/// At most this many intents are looked after in one pass.
const BATCH: i64 = 64;
/// This many empty looks in a row mean that the call had no effect.
const EMPTY_LOOKS: i16 = 2;
/// A provider that cannot be asked for this long after the attempt leaves the intent to a person.
const ASK_FOR: Duration = Duration::hours(24);
/// The wait after a provider could not be asked.
const UNREACHABLE_WAIT: Duration = Duration::seconds(10);

/// Finds attempts whose owner died, and asks about those that are due; says how many intents it touched.
pub(crate) async fn pass(shared: &Shared) -> Result<usize, DbError> {
    let abandoned = find_abandoned(shared).await?;
    let mut tx = shared.db.begin_system().await?;
    let look_takes = Duration::from_std(shared.settings.call_timeout).unwrap_or(UNREACHABLE_WAIT);
    let until = tx.now() + look_takes + UNREACHABLE_WAIT;
    let due = store::lease_unknown(&mut tx, &shared.kind_names(), until, BATCH).await?;
    tx.commit().await?;
    for candidate in &due {
        if let Err(error) = resolve(shared, candidate).await {
            // The lease brings it back.
            tracing::warn!(%error, intent_id = %candidate.id, "an unknown effect could not be resolved yet");
        }
    }
    let unknown = count_unknown(shared).await?;
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; there are never 2^52 of them")]
    metrics::gauge!("sms_unknown").set(unknown as f64);
    Ok(abandoned + due.len())
}

async fn count_unknown(shared: &Shared) -> Result<i64, DbError> {
    let mut tx = shared.db.begin_system().await?;
    let count = sqlx::query_scalar!(r#"select count(*) as "count!" from effect_intents where state = 'unknown'"#)
        .fetch_one(tx.conn()?)
        .await?;
    tx.roll_back().await?;
    Ok(count)
}

/// In flight, the owner's lock gone and the call's time over: from here on nobody knows.
async fn find_abandoned(shared: &Shared) -> Result<usize, DbError> {
    let mut tx = shared.db.begin_system().await?;
    let timeout = Duration::from_std(shared.settings.call_timeout).unwrap_or(UNREACHABLE_WAIT);
    let claimed_before = tx.now() - timeout;
    let found = store::abandoned(&mut tx, claimed_before, BATCH).await?;
    // The owners' keys are free again before the intents change hands.
    tx.roll_back().await?;
    for candidate in &found {
        let mut tx = shared.db.begin(candidate.tenant).await?;
        let Some(stored) = store::load(&mut tx, candidate.id).await? else { continue };
        // The callback may still come: the first look is a gap away.
        let first_look = tx.now() + Duration::from_std(shared.settings.listing_gap).unwrap_or(UNREACHABLE_WAIT);
        let transition = Transition {
            outcome: Some(json!({ "unknown": "the process died during the call" })),
            available_at: Some(first_look),
            empty_looks: Some(0),
            ..Transition::new(&[IntentState::InFlight], IntentState::Unknown)
        };
        if store::transition(&mut tx, &stored.intent, &transition).await? {
            tracing::warn!(intent_id = %candidate.id, tenant_id = %candidate.tenant, "an effect's process died during the call");
            tx.commit().await?;
        }
    }
    Ok(found.len())
}

async fn resolve(shared: &Shared, candidate: &Candidate) -> Result<(), StepError> {
    let Some(registered) = shared.kinds.get(candidate.kind.as_str()) else { return Ok(()) };
    let mut tx = shared.db.read(candidate.tenant).await?;
    let stored = store::load(&mut tx, candidate.id).await?;
    tx.finish().await?;
    let Some(stored) = stored.filter(|s| s.state == IntentState::Unknown) else { return Ok(()) };
    let look = AssertUnwindSafe(registered.kind.look(&stored.intent)).catch_unwind();
    let look = match tokio::time::timeout(shared.settings.call_timeout, look).await {
        Ok(Ok(look)) => look?,
        Ok(Err(_panic)) => Look::Unreachable { reason: "the look panicked".to_owned() },
        Err(_) => Look::Unreachable { reason: "the look took too long".to_owned() },
    };
    apply(shared, registered, &stored, look).await
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
