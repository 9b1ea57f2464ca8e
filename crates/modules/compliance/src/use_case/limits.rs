use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};
use nmc_db::{DbError, ReadTx};

use crate::{
    SendLimits,
    model::limit::{Beyond, Count, LetOut, beyond},
    store::{self, gate::Known},
};

/// How old the count of all businesses' texts may be. Until then this process adds its own: several together may go
/// beyond the limit by what they send in this time.
const RECOUNT_AFTER: Duration = Duration::seconds(30);

/// The limits, and what this process knows of the texts of all businesses together.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    limits: SendLimits,
    by_all: Mutex<Option<(DateTime<Utc>, Count)>>,
}

impl Limits {
    pub(crate) fn new(limits: SendLimits) -> Self {
        Self { limits, by_all: Mutex::default() }
    }

    /// The limit that one more text would go beyond.
    pub(crate) async fn beyond(&self, tx: &mut ReadTx, known: &Known) -> Result<Option<Beyond>, DbError> {
        let installation = self.by_all(tx).await?;
        let out = LetOut { caller: known.caller, business: known.business, installation };
        Ok(beyond(&self.limits, &out))
    }

    /// One more has gone out of this process.
    pub(crate) fn let_one_out(&self) {
        if let Some((_, count)) = self.by_all.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            count.hour += 1;
            count.day += 1;
        }
    }

    async fn by_all(&self, tx: &mut ReadTx) -> Result<Count, DbError> {
        let now = tx.now();
        let known = *self.by_all.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that went back is no reason to trust an old count.
        if let Some((counted_at, count)) = known
            && (Duration::zero()..RECOUNT_AFTER).contains(&(now - counted_at))
        {
            return Ok(count);
        }
        let count = store::gate::let_out_by_all(tx).await?;
        *self.by_all.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, count));
        Ok(count)
    }
}
