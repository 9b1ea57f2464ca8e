//! What works out the answers of the automation (ADR 0027).
//!
//! ```text
//!        text                 claim committed          thought, nothing open      one transaction
//!   ----------> due in 2.5 s ------------------> leased ---------------------> answered, turn deleted
//!                 ^  ^                             |  |
//!                 |  +--- another text: claim gone-+  | failed: back-off, after the sixth time a person
//!                 +-----------------------------------+
//! ```
//!
//! Not a timer of `nmc_timers`: a timer fires inside a transaction, and whoever moves one that fires waits for it.
//! Thought takes its time and must keep no row locked and no connection busy; a text that comes in meanwhile must be
//! able to say that the thought is void.

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use futures::FutureExt as _;
use nmc_db::{Db, DbError, Pace, Topic};
use nmc_kernel::{Random, TenantId, retry};
use nmc_telemetry::name::{TURN_DURATION_SECONDS, TURN_LAG_SECONDS, TURNS_TOTAL};
use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::{
    Conversation,
    model::understanding::warm_up,
    store::turn::{self, Claimed, Room},
    use_case::turn::{Outcome, TurnError, answer::answer, give_up::give_up},
};

/// How long a claim is kept from others: the wait after a process died over it.
const LEASE: chrono::Duration = chrono::Duration::seconds(20);
/// Longest an attempt may take; shorter than the lease, so that it has ended when another process may try.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);
/// Failed attempts after which a person answers (ADR 0008).
const MAX_ATTEMPTS: i16 = retry::MAX_ATTEMPTS.cast_signed();
/// How long to pause when the database cannot be reached.
const OUTAGE_PAUSE: Duration = Duration::from_millis(250);
/// Turns claimed at once by [`Turns::drain`].
const DRAINED: i64 = 32;

/// How turns are worked on.
#[derive(Clone, Copy, Debug)]
pub struct TurnSettings {
    /// Turns at once; one business has half of them at most.
    pub concurrency: u16,
    /// How often to look without having been woken, while there is something to do now and then.
    pub poll_interval: Duration,
}

impl TurnSettings {
    /// Where each turn may wait for a model: a hundred conversations at once do not queue up behind a few that wait.
    pub fn with_model() -> Self {
        Self { concurrency: 32, ..Self::default() }
    }
}

impl Default for TurnSettings {
    fn default() -> Self {
        Self { concurrency: 8, poll_interval: Duration::from_millis(500) }
    }
}

/// Works out what is due; several may run beside one another.
#[derive(Clone, Debug)]
pub struct Turns(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    conversations: Conversation,
    settings: TurnSettings,
    random: Random,
    /// How many turns of each business this process works on.
    at_work: Mutex<HashMap<TenantId, i64>>,
}

/// What waits to be answered.
#[derive(Clone, Debug, serde::Serialize)]
pub struct TurnStatus {
    /// Answers to come, due or not.
    pub pending: i64,
    /// Those past their time.
    pub overdue: i64,
    /// When the oldest of them was due.
    pub oldest_due_at: Option<DateTime<Utc>>,
    /// Those of which an attempt has failed.
    pub failing: i64,
    /// The error of one of them.
    pub last_error: Option<String>,
}

/// Reads what waits to be answered across businesses, as the dispatcher's role.
pub async fn turn_status(db: &Db) -> Result<TurnStatus, DbError> {
    turn::status(db).await
}

impl Turns {
    pub(crate) fn new(conversations: Conversation, settings: TurnSettings, random: Random) -> Self {
        Self(Arc::new(Shared { conversations, settings, random, at_work: Mutex::default() }))
    }

    /// Works until `stop`, then finishes what is under way. No fault of the database ends it.
    pub async fn run(&self, stop: CancellationToken) {
        // The first text is not to wait for the tables that texts are read by.
        tokio::task::spawn_blocking(warm_up);
        let db = &self.0.conversations.db;
        let slots = Arc::new(Semaphore::new(usize::from(self.0.settings.concurrency)));
        let mut attempts = JoinSet::new();
        let mut pace = Pace::new(self.0.settings.poll_interval);
        while !stop.is_cancelled() {
            while attempts.try_join_next().is_some() {}
            // Given back at once: only this loop takes any for good, so that one is free from here on.
            tokio::select! { () = stop.cancelled() => break, _ = slots.acquire() => {} }
            let room = i64::try_from(slots.available_permits()).unwrap_or(0);
            let wait = match self.claim_due(room).await {
                Ok(Due::Later(due_in)) => pace.wait(db.wakes()).min(due_in.unwrap_or(Duration::MAX)),
                Ok(Due::Now(claimed)) => {
                    pace.is_busy();
                    for (turn, at_work) in claimed {
                        // There is room for all that were asked for.
                        let Ok(permit) = Arc::clone(&slots).acquire_owned().await else { break };
                        let turns = self.clone();
                        attempts.spawn(async move {
                            turns.attempt(&turn).await;
                            drop((at_work, permit));
                            // There may be more than were claimed for want of room.
                            turns.0.conversations.db.wakes().wake_here(Topic::Turns);
                        });
                    }
                    continue;
                }
                Err(error) => {
                    tracing::warn!(%error, "turns wait for the database");
                    pace.is_busy();
                    OUTAGE_PAUSE
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = db.wakes().wait(Topic::Turns) => pace.is_busy(),
                () = tokio::time::sleep(wait) => {}
            }
        }
        // The process's own time limit for stopping bounds this.
        while attempts.join_next().await.is_some() {}
    }

    /// Works out everything that is due now, and says how many attempts that took: for tests and whoever needs a quiet
    /// engine.
    pub async fn drain(&self) -> Result<usize, DbError> {
        let mut attempts = 0;
        loop {
            let claimed = self.claim(DRAINED).await?;
            if claimed.is_empty() {
                return Ok(attempts);
            }
            attempts += claimed.len();
            futures::future::join_all(claimed.iter().map(|(turn, _)| self.attempt(turn))).await;
        }
    }

    /// Claims what is due, at most `limit` turns. One round trip where nothing is.
    async fn claim_due(&self, limit: i64) -> Result<Due, DbError> {
        let mut glance = self.0.conversations.db.glance().await?;
        let now = glance.now();
        let next_due = turn::next_due(&mut glance).await?;
        glance.finish();
        // The clock of a look is never ahead of the database's: what seems due is due.
        let due_in = next_due.map(|due_at| (due_at - now).to_std().unwrap_or_default());
        if due_in != Some(Duration::ZERO) {
            return Ok(Due::Later(due_in));
        }
        let claimed = self.claim(limit).await?;
        // Another process was quicker, or whose it is has its share: the end of one of those wakes this.
        Ok(if claimed.is_empty() { Due::Later(Some(self.0.settings.poll_interval)) } else { Due::Now(claimed) })
    }

    /// Claims at most `limit` turns, so many of a business that it has no more than its share.
    async fn claim(&self, limit: i64) -> Result<Vec<(Claimed, AtWork)>, DbError> {
        let share = i64::from(self.0.settings.concurrency.div_ceil(2));
        let (tenants, taken): (Vec<Uuid>, Vec<i64>) = {
            let at_work = self.0.at_work.lock().unwrap_or_else(PoisonError::into_inner);
            at_work.iter().map(|(tenant, turns)| (tenant.as_uuid(), *turns)).unzip()
        };
        let room = Room { limit, share, taken: (&tenants, &taken) };
        let claimed = turn::claim(&self.0.conversations.db, LEASE, &room).await?;
        Ok(claimed
            .into_iter()
            .map(|turn| {
                let at_work = AtWork::begin(self, turn.tenant);
                (turn, at_work)
            })
            .collect())
    }

    /// Works one turn out, and sees to it where that fails.
    async fn attempt(&self, turn: &Claimed) {
        let begun = Instant::now();
        if turn.attempts == 1 {
            let lag = (turn.begun_at - turn.due_at).to_std().unwrap_or_default();
            metrics::histogram!(TURN_LAG_SECONDS).record(lag);
        }
        // On the heap: everything that a turn may do is one future.
        let span = tracing::info_span!("turn", tenant_id = %turn.tenant, conversation_id = %turn.conversation_id);
        let attempt = Box::pin(guarded(self.answer(turn))).instrument(span).await;
        let outcome = attempt.as_ref().map_or("failed", |outcome| outcome.as_str());
        metrics::counter!(TURNS_TOTAL, "outcome" => outcome).increment(1);
        metrics::histogram!(TURN_DURATION_SECONDS).record(begun.elapsed());
        let Err(error) = attempt else { return };
        tracing::warn!(conversation_id = %turn.conversation_id, tenant_id = %turn.tenant, attempts = turn.attempts, %error, "a turn failed");
        if let Err(error) = self.after_failure(turn, &error).await {
            tracing::warn!(%error, "a failed turn waits for its lease to end");
        }
    }

    /// What has been tried often enough without coming to an end, be it that it killed each process, is a person's.
    async fn answer(&self, turn: &Claimed) -> Result<Outcome, TurnError> {
        if turn.attempts > MAX_ATTEMPTS {
            give_up(&self.0.conversations, turn).await?;
            return Ok(Outcome::HandedOver);
        }
        answer(&self.0.conversations, turn).await
    }

    async fn after_failure(&self, turn: &Claimed, error: &TurnError) -> Result<(), DbError> {
        if turn.attempts >= MAX_ATTEMPTS {
            return give_up(&self.0.conversations, turn).await;
        }
        let attempts = u16::try_from(turn.attempts).unwrap_or(0);
        let wait = retry::full_jitter(attempts.saturating_sub(1), &self.0.random);
        let mut tx = self.0.conversations.db.begin(turn.tenant).await?;
        let until = tx.now() + chrono::Duration::from_std(wait).unwrap_or(LEASE);
        turn::postpone(&mut tx, turn, until, &error.word()).await?;
        tx.commit().await
    }
}

/// An attempt that panics or comes to no end has failed like any other.
async fn guarded<T>(attempt: impl Future<Output = Result<T, TurnError>>) -> Result<T, TurnError> {
    match tokio::time::timeout(ATTEMPT_TIMEOUT, AssertUnwindSafe(attempt).catch_unwind()).await {
        Ok(Ok(ended)) => ended,
        Ok(Err(_)) => Err(TurnError::Panicked),
        Err(_) => Err(TurnError::TookTooLong),
    }
}

/// What a look came to.
enum Due {
    /// These are to be worked out.
    Now(Vec<(Claimed, AtWork)>),
    /// Nothing before so long, if at all.
    Later(Option<Duration>),
}

/// A business's turn that is being worked out.
struct AtWork {
    turns: Turns,
    tenant: TenantId,
}

impl AtWork {
    fn begin(turns: &Turns, tenant: TenantId) -> Self {
        *turns.0.at_work.lock().unwrap_or_else(PoisonError::into_inner).entry(tenant).or_default() += 1;
        Self { turns: turns.clone(), tenant }
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let mut at_work = self.turns.0.at_work.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turns) = at_work.get_mut(&self.tenant) {
            *turns -= 1;
        }
        at_work.retain(|_, turns| *turns > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(of: &[i32]) -> i32 {
        of[0]
    }

    #[tokio::test]
    async fn an_attempt_that_panics_has_failed_like_any_other() {
        assert!(matches!(guarded(async { Ok(first(&[])) }).await, Err(TurnError::Panicked)));
        assert!(matches!(guarded(async { Err::<(), _>(TurnError::Endless) }).await, Err(TurnError::Endless)));
        assert!(matches!(guarded(async { Ok(1) }).await, Ok(1)));
    }

    #[test]
    fn an_attempt_has_ended_when_another_process_may_try() {
        assert!(chrono::Duration::from_std(ATTEMPT_TIMEOUT).unwrap() < LEASE);
    }
}
