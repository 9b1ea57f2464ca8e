//! What callers are told when the database refuses.

use std::time::Duration;

use nmc_db::{DbError, IdempotencyError};

use crate::Problem;

/// A pool has room again, or a server is back, within about this.
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl From<DbError> for Problem {
    /// 503 where the same request may work a little later; else a fault of ours. Refusals of constraints that a caller
    /// can provoke are the use case's to tell before.
    fn from(error: DbError) -> Self {
        if error.is_transient() {
            tracing::warn!(%error, "a request waits for the database");
            return Self::unavailable("database_unavailable", RETRY_AFTER);
        }
        Self::internal(&error)
    }
}

impl From<IdempotencyError> for Problem {
    fn from(error: IdempotencyError) -> Self {
        match error {
            IdempotencyError::KeyReused => Self::idempotency_key_reused(),
            IdempotencyError::Database(error) => error.into(),
        }
    }
}
