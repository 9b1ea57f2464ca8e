//! The first answers of requests that came with an `Idempotency-Key`, so that a repeat has no second effect.

use nmc_events::PayloadError;
use nmc_kernel::{Actor, IdempotencyKey, UserId};
use serde::{Serialize, de::DeserializeOwned};

use crate::{DbError, Tx};

/// The class of the transaction advisory locks on (tenant, user, key), 0x4944454D ("IDEM"), in Postgres' two-number
/// key space. The second number is a hash: two keys may share one and then merely wait for each other.
const LOCK_CLASS: i32 = 0x4944_454D;

/// Why a request with an `Idempotency-Key` is not worked on.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyError {
    /// This user has sent another request with the same key.
    #[error("the idempotency key belongs to another request")]
    KeyReused,
    /// The database refused or is away.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl Tx {
    /// The answer this user's request with this key got before. `None`: the request is new, and its key is taken if
    /// this transaction keeps an answer ([`Tx::keep_answer`]) and commits.
    ///
    /// Called first in a transaction. Of two at once the later waits here for the earlier one's end. Without a key, and
    /// for actors that are no people, every request is new.
    pub async fn first_answer<T: DeserializeOwned>(
        &mut self,
        actor: &Actor,
        key: Option<&IdempotencyKey>,
    ) -> Result<Option<T>, IdempotencyError> {
        let Some((user, key)) = keyed(actor, key) else { return Ok(None) };
        let tenant = self.tenant();
        let subject = format!("{tenant}{user}{}", key.key);
        sqlx::query!("select pg_advisory_xact_lock($1, hashtext($2))", LOCK_CLASS, subject)
            .execute(self.conn().await?)
            .await
            .map_err(DbError::from)?;
        // A statement of its own: it sees what was committed while the one above waited.
        let first = sqlx::query!(
            "select fingerprint, answer from idempotency_keys where tenant_id = $1 and user_id = $2 and key = $3",
            tenant.as_uuid(),
            user.as_uuid(),
            key.key
        )
        .fetch_optional(self.conn().await?)
        .await
        .map_err(DbError::from)?;
        match first {
            None => Ok(None),
            Some(first) if first.fingerprint != key.fingerprint => Err(IdempotencyError::KeyReused),
            Some(first) => {
                let answer = serde_json::from_value(first.answer).map_err(PayloadError::of_answer);
                Ok(Some(answer.map_err(DbError::from)?))
            }
        }
    }

    /// Keeps the answer for repeats of the request, if and only if the transaction commits. Called last, after
    /// [`Tx::first_answer`] in the same transaction has said that the request is new.
    pub async fn keep_answer<T: Serialize>(
        &mut self,
        actor: &Actor,
        key: Option<&IdempotencyKey>,
        answer: &T,
    ) -> Result<(), DbError> {
        let Some((user, key)) = keyed(actor, key) else { return Ok(()) };
        let answer = serde_json::to_value(answer).map_err(PayloadError::of_answer)?;
        let (tenant, now) = (self.tenant(), self.now());
        sqlx::query!(
            "insert into idempotency_keys (tenant_id, user_id, key, fingerprint, answer, created_at)
             values ($1, $2, $3, $4, $5, $6)",
            tenant.as_uuid(),
            user.as_uuid(),
            key.key,
            &key.fingerprint[..],
            answer,
            now
        )
        .execute(self.conn().await?)
        .await?;
        Ok(())
    }
}

/// The person and the key, where there are both.
fn keyed<'a>(actor: &Actor, key: Option<&'a IdempotencyKey>) -> Option<(UserId, &'a IdempotencyKey)> {
    match (actor, key) {
        (Actor::User { user, .. }, Some(key)) => Some((*user, key)),
        _ => None,
    }
}
