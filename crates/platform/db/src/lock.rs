use std::{
    sync::{Mutex as StdMutex, PoisonError},
    time::{Duration, Instant},
};

use sqlx::{Connection as _, PgConnection};
use tokio::sync::{Mutex, MutexGuard};

use crate::{Db, DbError};

/// How long asking for or checking a lock may take.
const LOCK_CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// A session advisory lock on a connection of its own: it stands as long as this process and its connection live, so
/// that others can tell a process that died from one that is slow.
#[derive(Debug)]
pub struct SessionLock {
    key: i64,
    connection: Mutex<PgConnection>,
    /// When the last question began that was answered.
    held_at: StdMutex<Option<Instant>>,
}

impl SessionLock {
    /// Takes the lock on `key`; nothing where another session holds it.
    pub async fn acquire(db: &Db, key: i64) -> Result<Option<Self>, DbError> {
        let mut connection = bounded(PgConnection::connect_with(&db.pool().connect_options())).await?;
        // What this session writes is notes at most; nobody waits for the disk over them.
        bounded(sqlx::raw_sql("set synchronous_commit = off").execute(&mut connection)).await?;
        let got: bool =
            bounded(sqlx::query_scalar("select pg_try_advisory_lock($1)").bind(key).fetch_one(&mut connection)).await?;
        Ok(got.then(|| Self { key, connection: Mutex::new(connection), held_at: StdMutex::default() }))
    }

    /// The lock's key.
    pub const fn key(&self) -> i64 {
        self.key
    }

    /// Whether the session that holds the lock still stands. `false` is final: a lock that was lost may be another's.
    ///
    /// Those who ask at the same time share an answer, if its question began after they asked.
    pub async fn still_held(&self) -> bool {
        let asked = Instant::now();
        let mut connection = self.connection.lock().await;
        let held_at = || self.held_at.lock().unwrap_or_else(PoisonError::into_inner);
        if held_at().is_some_and(|began| began >= asked) {
            return true;
        }
        let began = Instant::now();
        let held = bounded(sqlx::raw_sql("select 1").execute(&mut *connection)).await.is_ok();
        if held {
            *held_at() = Some(began);
        }
        held
    }

    /// The connection that holds the lock, for notes that must come from this session.
    pub async fn connection(&self) -> MutexGuard<'_, PgConnection> {
        self.connection.lock().await
    }

    /// Gives the lock back.
    pub async fn release(self) {
        // A connection that cannot be closed politely is dropped, which ends the session as well.
        let _ = tokio::time::timeout(LOCK_CHECK_TIMEOUT, self.connection.into_inner().close()).await;
    }
}

async fn bounded<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, DbError> {
    match tokio::time::timeout(LOCK_CHECK_TIMEOUT, work).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(DbError::Unavailable(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()))),
    }
}
