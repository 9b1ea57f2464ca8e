use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Postgres, pool::PoolConnection};

use crate::{Db, shelf::Shelf};

/// After this long the database is asked for its time again: no clock runs far from another in between.
const TRUST: Duration = Duration::from_secs(10);

/// One look of an engine, outside of any transaction and across tenants, as far as its role's policies let it. What it
/// finds is a hint: whoever acts on it decides again inside a transaction.
///
/// A look that is given up, at any await or by an error, closes its connection.
#[derive(Debug)]
pub struct Glance {
    connection: Option<PoolConnection<Postgres>>,
    shelf: Shelf,
    now: DateTime<Utc>,
}

impl Glance {
    pub(crate) fn new(db: &Db, connection: PoolConnection<Postgres>, now: DateTime<Utc>) -> Self {
        Self { connection: Some(connection), shelf: db.shelf().clone(), now }
    }

    /// The connection, for one statement that reads.
    pub fn conn(&mut self) -> Result<&mut PgConnection, crate::DbError> {
        match &mut self.connection {
            Some(connection) => Ok(connection),
            // Only `finish` takes it, and `finish` consumes the look.
            None => Err(crate::DbError::StaleTransaction),
        }
    }

    /// The database's clock, by what it said last and the time that has passed since: a round trip behind, never ahead,
    /// so that what seems due is due.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// The answer is there.
    pub fn finish(mut self) {
        if let Some(connection) = self.connection.take() {
            self.shelf.keep(connection);
        }
    }
}

impl Drop for Glance {
    fn drop(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            connection.close_on_drop();
        }
    }
}

/// When the database's clock was seen, and what it said.
type Seen = (Instant, DateTime<Utc>);

/// The last time the database's clock was seen; nothing before the first.
#[derive(Clone, Debug, Default)]
pub(crate) struct LastTime(Arc<Mutex<Option<Seen>>>);

impl LastTime {
    pub(crate) fn keep(&self, now: DateTime<Utc>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), now));
    }

    /// Nothing where it was never seen, or too long ago.
    pub(crate) fn now(&self) -> Option<DateTime<Utc>> {
        let (at, then) = (*self.0.lock().unwrap_or_else(PoisonError::into_inner))?;
        let passed = at.elapsed();
        (passed < TRUST).then(|| then + chrono::Duration::from_std(passed).unwrap_or_default())
    }
}
