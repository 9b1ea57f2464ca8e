//! Connections between two uses.
//!
//! sqlx asks a connection for a sign of life each time it goes back to its pool: a message per transaction that nobody
//! waits for and that costs both sides. A connection whose transaction has just been answered has given that sign, so it
//! waits here for the next use instead.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sqlx::{PgPool, Postgres, pool::PoolConnection};

/// So often everything goes through the pool, which closes what is too old or has not been needed for long.
const RETURNED_AFTER: Duration = Duration::from_secs(30);

/// Where they wait; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Shelf(Arc<Mutex<Kept>>);

#[derive(Debug)]
struct Kept {
    connections: Vec<PoolConnection<Postgres>>,
    /// Not more than these: who asks the pool itself for a connection (a listener) must find one.
    room: usize,
    /// Callers that wait for the pool: what comes back is theirs.
    waiting: usize,
    returned_at: Instant,
    is_closed: bool,
}

/// Says that somebody waits for the pool, for as long as it lives.
#[derive(Debug)]
pub(crate) struct Waiting(Shelf);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.kept().waiting -= 1;
    }
}

impl Shelf {
    /// The shelf of a pool with at most so many connections.
    pub(crate) fn new(max_connections: u32) -> Self {
        let room = usize::try_from(max_connections / 2).unwrap_or(0);
        Self(Arc::new(Mutex::new(Kept {
            connections: Vec::new(),
            room,
            waiting: 0,
            returned_at: Instant::now(),
            is_closed: false,
        })))
    }

    /// The connection that was used last; or, where there is none, the word that what comes back is waited for.
    pub(crate) fn take(&self) -> Result<PoolConnection<Postgres>, Waiting> {
        let mut kept = self.kept();
        kept.connections.pop().ok_or_else(|| {
            kept.waiting += 1;
            Waiting(self.clone())
        })
    }

    /// Keeps a connection on which nothing is under way.
    pub(crate) fn keep(&self, connection: PoolConnection<Postgres>) {
        let mut kept = self.kept();
        if kept.waiting > 0 || kept.is_closed || kept.connections.len() >= kept.room {
            // To the pool, once the lock is free.
            drop(kept);
            drop(connection);
        } else if kept.returned_at.elapsed() >= RETURNED_AFTER {
            kept.returned_at = Instant::now();
            let all = std::mem::take(&mut kept.connections);
            drop(kept);
            drop((connection, all));
        } else {
            kept.connections.push(connection);
        }
    }

    /// How many of the pool's connections are not in use.
    pub(crate) fn idle(&self, pool: &PgPool) -> usize {
        self.kept().connections.len() + pool.num_idle()
    }

    /// Gives everything back, for good.
    pub(crate) fn close(&self) {
        let mut kept = self.kept();
        kept.is_closed = true;
        let all = std::mem::take(&mut kept.connections);
        drop(kept);
        drop(all);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // Outside of a runtime a connection cannot be given back: it is closed with its socket.
        if tokio::runtime::Handle::try_current().is_err() {
            for connection in self.connections.drain(..) {
                drop(connection.leak());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::{Db, PoolSettings, Tx, Wakes};

    async fn session(tx: &mut Tx) -> i32 {
        sqlx::query_scalar("select pg_backend_pid()").fetch_one(tx.conn().await.unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn what_has_ended_is_used_again_and_nothing_is_asked_in_between() {
        let database = nmc_testkit::TestDatabase::create().await.unwrap();
        let settings = PoolSettings { max_connections: 4, ..PoolSettings::default() };
        let db = Db::new(&database.app_url(), settings, Wakes::new()).unwrap();
        let mut sessions = Vec::new();
        for _ in 0..3 {
            let mut tx = db.begin(db.ids().next()).await.unwrap();
            sessions.push(session(&mut tx).await);
            assert_eq!(db.connections_in_use(), 1);
            tx.commit().await.unwrap();
            // At once: had the pool taken it back, it would be on its way there.
            assert_eq!((db.connections_in_use(), db.pool().num_idle()), (0, 0));
        }
        sessions.dedup();
        assert_eq!(sessions.len(), 1);
        db.close().await;
        assert_eq!(db.pool().size(), 0);
    }

    #[tokio::test]
    async fn who_waits_for_the_pool_is_not_passed_over() {
        let database = nmc_testkit::TestDatabase::create().await.unwrap();
        let settings =
            PoolSettings { max_connections: 2, acquire_timeout: Duration::from_secs(30), ..PoolSettings::default() };
        let db = Db::new(&database.app_url(), settings, Wakes::new()).unwrap();
        let first = db.begin(db.ids().next()).await.unwrap();
        let second = db.begin(db.ids().next()).await.unwrap();
        let waiting = tokio::spawn({
            let db = db.clone();
            async move { db.begin(db.ids().next()).await }
        });
        assert!(nmc_testkit::eventually(Duration::from_secs(10), async || db.shelf().kept().waiting == 1).await);
        first.commit().await.unwrap();
        waiting.await.unwrap().unwrap().commit().await.unwrap();
        second.commit().await.unwrap();
        assert_eq!(db.shelf().kept().waiting, 0);
    }

    #[tokio::test]
    async fn who_asks_the_pool_itself_finds_a_connection() {
        let database = nmc_testkit::TestDatabase::create().await.unwrap();
        let settings = PoolSettings { max_connections: 2, ..PoolSettings::default() };
        let db = Db::new(&database.app_url(), settings, Wakes::new()).unwrap();
        let first = db.begin(db.ids().next()).await.unwrap();
        let second = db.begin(db.ids().next()).await.unwrap();
        first.commit().await.unwrap();
        second.commit().await.unwrap();
        assert!(db.pool().acquire().await.is_ok());
    }
}
