//! What the module forgets: rows of the transaction's business, at most `limit`, none that others have locked.

use nmc_db::{DbError, Tx};

/// For so long a hold that has ended is remembered, for whoever comes late.
const ENDED_HOLDS_KEPT: chrono::Duration = chrono::Duration::days(30);

/// Empties appointments of where the job was and of what else was written down.
pub(crate) async fn empty_appointments(tx: &mut Tx, limit: i64) -> Result<u64, DbError> {
    let (tenant, before) = (tx.tenant(), nmc_retention::bodies_before(tx.now()));
    let emptied = sqlx::query!(
        "update sched_appointments set customer_address = null, notes = null
         where tenant_id = $1 and ctid = any (array(
           select ctid from sched_appointments
           where tenant_id = $1 and ends_at < $2 and (customer_address is not null or notes is not null)
           order by ends_at limit $3 for update skip locked))",
        tenant.as_uuid(),
        before,
        limit
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(emptied.rows_affected())
}

/// Deletes appointments, with what happened to them.
pub(crate) async fn delete_appointments(tx: &mut Tx, limit: i64) -> Result<u64, DbError> {
    let (tenant, before) = (tx.tenant(), nmc_retention::metadata_before(tx.now()));
    let deleted = sqlx::query!(
        "delete from sched_appointments where tenant_id = $1 and ctid = any (array(
           select ctid from sched_appointments where tenant_id = $1 and starts_at < $2 and ends_at < $2
           order by starts_at limit $3 for update skip locked))",
        tenant.as_uuid(),
        before,
        limit
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(deleted.rows_affected())
}

/// Forgets what became of holds.
pub(crate) async fn delete_ended_holds(tx: &mut Tx, limit: i64) -> Result<u64, DbError> {
    let (tenant, before) = (tx.tenant(), tx.now() - ENDED_HOLDS_KEPT);
    let deleted = sqlx::query!(
        "delete from sched_ended_holds where tenant_id = $1 and ctid = any (array(
           select ctid from sched_ended_holds where tenant_id = $1 and created_at < $2 order by created_at limit $3
           for update skip locked))",
        tenant.as_uuid(),
        before,
        limit
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(deleted.rows_affected())
}

/// Deletes time off that is long over.
pub(crate) async fn delete_time_off(tx: &mut Tx, limit: i64) -> Result<u64, DbError> {
    let (tenant, before) = (tx.tenant(), nmc_retention::metadata_before(tx.now()));
    let deleted = sqlx::query!(
        "delete from sched_time_off where tenant_id = $1 and ctid = any (array(
           select ctid from sched_time_off where tenant_id = $1 and ends_at < $2 order by ends_at limit $3
           for update skip locked))",
        tenant.as_uuid(),
        before,
        limit
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(deleted.rows_affected())
}

/// Deletes what calendars elsewhere said and is long over.
pub(crate) async fn delete_ext_busy(tx: &mut Tx, limit: i64) -> Result<u64, DbError> {
    let (tenant, before) = (tx.tenant(), nmc_retention::metadata_before(tx.now()));
    let deleted = sqlx::query!(
        "delete from sched_ext_busy where tenant_id = $1 and ctid = any (array(
           select ctid from sched_ext_busy where tenant_id = $1 and ends_at < $2 order by ends_at limit $3
           for update skip locked))",
        tenant.as_uuid(),
        before,
        limit
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(deleted.rows_affected())
}

/// Deletes holidays that are long over.
pub(crate) async fn delete_holidays(tx: &mut Tx, limit: i64) -> Result<u64, DbError> {
    let (tenant, before) = (tx.tenant(), nmc_retention::metadata_before(tx.now()));
    let deleted = sqlx::query!(
        "delete from sched_holidays where tenant_id = $1 and ctid = any (array(
           select ctid from sched_holidays where tenant_id = $1 and date < $2 order by date limit $3
           for update skip locked))",
        tenant.as_uuid(),
        before.date_naive(),
        limit
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(deleted.rows_affected())
}
