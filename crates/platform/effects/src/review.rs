//! What operators see and decide: how many effects stand where, and the ones only a person can settle.

use chrono::{DateTime, Utc};
use nmc_db::{Db, DbError, Tx};
use nmc_kernel::{IntentId, TenantId};
use serde_json::json;

use crate::{
    Accepted, Change, Effects, IntentState, Pause,
    kind::StepError,
    pause::pauses,
    plan::failed,
    store::{self, Transition},
};

/// Intents by state, and the oldest that waits.
#[derive(Clone, Debug, serde::Serialize)]
pub struct EffectStatus {
    /// Waiting to be claimed.
    pub pending: i64,
    /// When the oldest of those that are due became due.
    pub oldest_due_at: Option<DateTime<Utc>>,
    /// Calls going out now.
    pub in_flight: i64,
    /// Outcomes being asked for.
    pub unknown: i64,
    /// Waiting for a person.
    pub review: i64,
    /// The kinds that operators have paused, and since when.
    pub paused: Vec<Pause>,
}

/// Reads the intents' state across tenants, as the dispatcher's role.
pub async fn status(db: &Db) -> Result<EffectStatus, DbError> {
    let mut tx = db.begin_system().await?;
    let now = tx.now();
    let counts = sqlx::query!(
        r#"select count(*) filter (where state = 'pending') as "pending!",
                  min(available_at) filter (where state = 'pending' and available_at <= $1) as oldest_due_at,
                  count(*) filter (where state = 'in_flight') as "in_flight!",
                  count(*) filter (where state = 'unknown') as "unknown!",
                  count(*) filter (where state = 'review') as "review!"
           from effect_intents where state in ('pending', 'in_flight', 'unknown', 'review')"#,
        now
    )
    .fetch_one(tx.conn()?)
    .await?;
    tx.roll_back().await?;
    Ok(EffectStatus {
        pending: counts.pending,
        oldest_due_at: counts.oldest_due_at,
        in_flight: counts.in_flight,
        unknown: counts.unknown,
        review: counts.review,
        paused: pauses(db).await?,
    })
}

/// An intent as operators see it; the request, which may hold personal data, is left out.
#[derive(Clone, Debug, serde::Serialize)]
pub struct IntentRecord {
    /// The intent.
    pub id: IntentId,
    /// The business.
    pub tenant: TenantId,
    /// What kind of effect.
    pub kind: String,
    /// Where it stands.
    pub state: IntentState,
    /// How often it was claimed.
    pub attempt: i32,
    /// When it was planned.
    pub created_at: DateTime<Utc>,
    /// When it was last claimed.
    pub claimed_at: Option<DateTime<Utc>>,
    /// After this it is of no use.
    pub useful_until: DateTime<Utc>,
    /// What is known of its outcome.
    pub outcome: Option<serde_json::Value>,
}

/// What a person says happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// The provider has it, under this id.
    Accepted(String),
    /// It did not happen and will not.
    Failed,
    /// It did not happen; try again.
    Pending,
}

/// Reads and settles what waits for a person.
#[derive(Clone)]
pub struct Review {
    db: Db,
    effects: Effects,
}

impl Review {
    /// Over an engine that knows every kind.
    pub fn new(db: Db, effects: Effects) -> Self {
        Self { db, effects }
    }

    /// Unfinished intents of all tenants, oldest first, at most `limit`; those in `state` only, where one is given.
    pub async fn list(&self, state: Option<IntentState>, limit: i64) -> Result<Vec<IntentRecord>, DbError> {
        let mut tx = self.db.begin_system().await?;
        let found = sqlx::query_as!(
            IntentRecord,
            r#"select id as "id: IntentId", tenant_id as "tenant: TenantId", kind, state as "state: IntentState", attempt,
                      created_at, claimed_at, useful_until, outcome
               from effect_intents
               where state in ('pending', 'in_flight', 'unknown', 'review') and ($1::text is null or state = $1)
               order by created_at, seq limit $2"#,
            state.map(store::state_word),
            limit
        )
        .fetch_all(tx.conn()?)
        .await?;
        tx.roll_back().await?;
        Ok(found)
    }

    /// One intent, in whatever state.
    pub async fn show(&self, id: IntentId) -> Result<Option<IntentRecord>, DbError> {
        let mut tx = self.db.begin_system().await?;
        let found = sqlx::query_as!(
            IntentRecord,
            r#"select id as "id: IntentId", tenant_id as "tenant: TenantId", kind, state as "state: IntentState", attempt,
                      created_at, claimed_at, useful_until, outcome
               from effect_intents where id = $1"#,
            id.as_uuid()
        )
        .fetch_optional(tx.conn()?)
        .await?;
        tx.roll_back().await?;
        Ok(found)
    }

    /// Settles an intent in `review`; `false` where it is not in review. `note` is done in the same transaction, the
    /// business's, as the last thing before it is committed.
    pub async fn resolve(
        &self,
        id: IntentId,
        resolution: &Resolution,
        note: impl AsyncFnOnce(&mut Tx) -> Result<(), DbError>,
    ) -> Result<bool, DbError> {
        let Some(record) = self.show(id).await? else { return Ok(false) };
        let Some(registered) = self.effects.registered(&record.kind) else { return Ok(false) };
        let mut tx = self.db.begin(record.tenant).await?;
        let Some(stored) = store::load(&mut tx, id).await? else { return Ok(false) };
        let (change, to, outcome) = match resolution {
            Resolution::Accepted(provider_ref) => {
                let accepted = Accepted { provider_ref: provider_ref.clone() };
                let outcome = json!({ "accepted": accepted, "by": "operator" });
                (Some(Change::Accepted(accepted)), IntentState::Accepted, outcome)
            }
            Resolution::Failed => {
                let failed = failed("an operator says it did not happen");
                let outcome = json!({ "failed": failed, "by": "operator" });
                (Some(Change::Failed(failed)), IntentState::Failed, outcome)
            }
            Resolution::Pending => (None, IntentState::Pending, json!({ "not_sent": "an operator says so" })),
        };
        if let Some(change) = &change {
            registered.kind.apply(&mut tx, &stored.intent, change).await.map_err(|error| match error {
                StepError::Database(error) => error,
                StepError::Unreadable(_) => DbError::Other(sqlx::Error::ColumnNotFound("request".to_owned())),
                StepError::Panicked => DbError::Other(sqlx::Error::WorkerCrashed),
            })?;
        }
        let transition = Transition {
            outcome: Some(outcome),
            available_at: Some(tx.now()),
            ..Transition::new(&[IntentState::Review], to)
        };
        let resolved = store::transition(&mut tx, &stored.intent, &transition).await?;
        if resolved {
            note(&mut tx).await?;
            tx.wake(nmc_db::Topic::Effects);
            tx.commit().await?;
        }
        Ok(resolved)
    }
}
