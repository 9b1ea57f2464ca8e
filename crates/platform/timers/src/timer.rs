use chrono::{DateTime, Utc};
use nmc_db::{DbError, LONGEST_REST, Topic, Tx};
use uuid::Uuid;

/// What happens when a kind of timer falls due.
pub trait Timer: Send + Sync + 'static {
    /// `<module>.<what falls due>`; stored, so it never changes.
    const KIND: &'static str;

    /// Does what was due for the subject `ref_id`. Database work only; at least once, so doing it twice must be the
    /// same as doing it once. Locks the subject first and looks whether it is still due. What is to be done again sets
    /// the timer again here, last.
    fn fire(&self, tx: &mut Tx, ref_id: Uuid) -> impl Future<Output = Result<(), TimerError>> + Send;
}

/// Why a timer could not fire; it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum TimerError {
    /// A statement failed.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The handler panicked.
    #[error("the timer's handler panicked")]
    Panicked,
    /// The handler came to no end in time.
    #[error("the timer's handler took too long")]
    TookTooLong,
    /// The handler refused, in its own words (without personal data: they are kept and logged).
    #[error("{0}")]
    Refused(String),
}

/// Sets the timer `kind` of subject `ref_id`, or moves it where it is set already.
pub async fn set(tx: &mut Tx, kind: &'static str, ref_id: Uuid, due_at: DateTime<Utc>) -> Result<(), DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "insert into timers (tenant_id, kind, ref_id, due_at, created_at) values ($1, $2, $3, $4, $5)
         on conflict (tenant_id, kind, ref_id)
         do update set due_at = excluded.due_at, leased_until = null, attempts = 0, last_error = null",
        tenant.as_uuid(),
        kind,
        ref_id,
        due_at,
        now
    )
    .execute(tx.conn().await?)
    .await?;
    wake_for(tx, due_at);
    Ok(())
}

/// Sets the timer `kind` of subject `ref_id` where it is not set; one that is stays as it is.
pub async fn set_unless_set(
    tx: &mut Tx,
    kind: &'static str,
    ref_id: Uuid,
    due_at: DateTime<Utc>,
) -> Result<(), DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "insert into timers (tenant_id, kind, ref_id, due_at, created_at) values ($1, $2, $3, $4, $5)
         on conflict (tenant_id, kind, ref_id) do nothing",
        tenant.as_uuid(),
        kind,
        ref_id,
        due_at,
        now
    )
    .execute(tx.conn().await?)
    .await?;
    wake_for(tx, due_at);
    Ok(())
}

/// What falls due before a clock at rest looks again wakes it now; it stays awake until then.
fn wake_for(tx: &mut Tx, due_at: DateTime<Utc>) {
    if due_at <= tx.now() + LONGEST_REST {
        tx.wake(Topic::Timers);
    }
}

/// Takes every timer of these subjects back, of whatever kind: the subjects are gone.
pub async fn cancel_all(tx: &mut Tx, subjects: &[Uuid]) -> Result<u64, DbError> {
    let tenant = tx.tenant();
    let cancelled =
        sqlx::query!("delete from timers where tenant_id = $1 and ref_id = any($2)", tenant.as_uuid(), subjects)
            .execute(tx.conn().await?)
            .await?;
    Ok(cancelled.rows_affected())
}

/// Takes the timer back, if it is set.
pub async fn cancel(tx: &mut Tx, kind: &'static str, ref_id: Uuid) -> Result<(), DbError> {
    let tenant = tx.tenant();
    sqlx::query!(
        "delete from timers where tenant_id = $1 and kind = $2 and ref_id = $3",
        tenant.as_uuid(),
        kind,
        ref_id
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}
