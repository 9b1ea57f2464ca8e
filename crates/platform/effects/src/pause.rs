//! A pause of a kind of effect on all dispatchers (ADR 0020): for operators. What is in flight ends; what is pending
//! waits, and expires when it is of no use any more.

use chrono::{DateTime, Utc};
use nmc_db::{Db, DbError, Topic};
use serde::Serialize;

/// A kind that is told to wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pause {
    /// The kind.
    pub kind: String,
    /// Since when.
    pub paused_at: DateTime<Utc>,
}

/// Pauses `kind`: no claim is begun once this has returned; one that was being committed may still go out. `false` where
/// it was paused already.
pub async fn pause(db: &Db, kind: &str) -> Result<bool, DbError> {
    let mut tx = db.begin_system().await?;
    let now = tx.now();
    let paused =
        sqlx::query!("insert into effect_pauses (kind, paused_at) values ($1, $2) on conflict do nothing", kind, now)
            .execute(tx.conn()?)
            .await?;
    tx.commit().await?;
    Ok(paused.rows_affected() == 1)
}

/// Ends the pause of `kind`; `false` where there was none. Dispatchers find what waits within their poll interval.
pub async fn resume(db: &Db, kind: &str) -> Result<bool, DbError> {
    let mut tx = db.begin_system().await?;
    let resumed = sqlx::query!("delete from effect_pauses where kind = $1", kind).execute(tx.conn()?).await?;
    tx.wake(Topic::Effects);
    tx.commit().await?;
    Ok(resumed.rows_affected() == 1)
}

/// What is paused.
pub async fn pauses(db: &Db) -> Result<Vec<Pause>, DbError> {
    let mut tx = db.begin_system().await?;
    let found =
        sqlx::query_as!(Pause, "select kind, paused_at from effect_pauses order by kind").fetch_all(tx.conn()?).await?;
    tx.roll_back().await?;
    Ok(found)
}
