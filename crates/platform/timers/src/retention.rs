use chrono::{DateTime, Utc};
use nmc_db::{DbError, Tx};

/// Deletes at most `limit` timers that were due before `before` and that nobody has fired: their kind is not known any
/// more. Passes over locked ones; says how many.
pub async fn delete_unfired(tx: &mut Tx, before: DateTime<Utc>, limit: i64) -> Result<u64, DbError> {
    let tenant = tx.tenant();
    let deleted = sqlx::query!(
        "delete from timers where tenant_id = $1 and ctid = any (array(
           select ctid from timers where tenant_id = $1 and due_at < $2
           order by due_at limit $3 for update skip locked))",
        tenant.as_uuid(),
        before,
        limit
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(deleted.rows_affected())
}
