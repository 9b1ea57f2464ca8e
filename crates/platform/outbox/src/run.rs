//! Which events a worker is about to run, noted before it runs them: how an event that kills the process is found.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::row;
use nmc_db::{Db, DbError, SessionLock};

/// At most this many dead workers are cleared in one transaction.
const DEAD_WORKERS_AT_ONCE: i64 = 16;

/// A worker's identity: a session lock that stands as long as the worker does, and whose connection carries its notes.
pub(crate) struct Worker {
    lock: SessionLock,
    has_note: AtomicBool,
}

impl Worker {
    /// Takes a lock on a fresh random key.
    pub(crate) async fn start(db: &Db, key: i64) -> Result<Option<Self>, DbError> {
        Ok(SessionLock::acquire(db, key).await?.map(|lock| Self { lock, has_note: AtomicBool::new(false) }))
    }

    /// Notes the batch in place of the one before. Commits without waiting for the disk: what the note guards against
    /// is the death of this process, and a crash of Postgres takes the batch itself along.
    pub(crate) async fn note(&self, seqs: &[i64], now: chrono::DateTime<chrono::Utc>) -> Result<(), DbError> {
        self.has_note.store(true, Ordering::Relaxed);
        let mut connection = self.lock.connection().await;
        sqlx::query!(
            "insert into outbox_runs (worker, event_seqs, started_at) values ($1, $2, $3)
             on conflict (worker) do update set event_seqs = excluded.event_seqs, started_at = excluded.started_at",
            self.lock.key(),
            seqs,
            now
        )
        .execute(&mut *connection)
        .await?;
        Ok(())
    }

    /// Empties the note once there has been nothing to do for a while. One that outlives its batch means nothing: recovery moves events
    /// that are still to be delivered, and a batch's end has left none of them. So no batch waits for this.
    ///
    /// The row stays: deleting and inserting it each time would leave an entry of the same key behind in the index,
    /// and while somebody holds a snapshot every insert has to look at all of them.
    pub(crate) async fn rest(&self) -> Result<(), DbError> {
        if self.has_note.load(Ordering::Relaxed) {
            let mut connection = self.lock.connection().await;
            sqlx::query!("update outbox_runs set event_seqs = '{}' where worker = $1", self.lock.key())
                .execute(&mut *connection)
                .await?;
            self.has_note.store(false, Ordering::Relaxed);
        }
        Ok(())
    }

    pub(crate) async fn stop(self) {
        {
            let mut connection = self.lock.connection().await;
            let removed = sqlx::query!("delete from outbox_runs where worker = $1", self.lock.key());
            // Recovery removes what this cannot.
            let _ = removed.execute(&mut *connection).await;
        }
        self.lock.release().await;
    }
}

/// Hands what dead workers were running to lane 1; says how many workers that were.
pub(crate) async fn recover(db: &Db) -> Result<usize, DbError> {
    let mut tx = db.begin_system().await?;
    // A live worker's session holds its key, so only the keys of the dead can be had.
    let dead = sqlx::query!(
        "select worker, event_seqs from outbox_runs where pg_try_advisory_xact_lock(worker)
         limit $1 for update skip locked",
        DEAD_WORKERS_AT_ONCE
    )
    .fetch_all(tx.conn()?)
    .await?;
    for run in &dead {
        row::move_to_retry_lane(&mut tx, &run.event_seqs).await?;
        sqlx::query!("delete from outbox_runs where worker = $1", run.worker).execute(tx.conn()?).await?;
        if !run.event_seqs.is_empty() {
            tracing::warn!(outbox.events = run.event_seqs.len(), "a worker died; its events are tried one at a time");
        }
    }
    tx.commit().await?;
    Ok(dead.len())
}
