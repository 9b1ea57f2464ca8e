//! What the module forgets: rows of the transaction's business, at most `limit`. Opt-outs stay.

use nmc_db::{DbError, Tx, first_id_at};

/// Deletes decisions of the gate.
pub(crate) async fn delete_decisions(tx: &mut Tx, limit: i64) -> Result<u64, DbError> {
    let (tenant, before) = (tx.tenant(), nmc_retention::metadata_before(tx.now()));
    // Nobody changes a decision, so none can be locked by anybody but another sweep.
    let deleted = sqlx::query!(
        "delete from comp_gate_decisions where tenant_id = $1 and ctid = any (array(
           select ctid from comp_gate_decisions where tenant_id = $1 and id < $2 and decided_at < $3
           order by id limit $4))",
        tenant.as_uuid(),
        first_id_at(before),
        before,
        limit
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(deleted.rows_affected())
}

/// Deletes what was noticed about callers who have not written for so long.
pub(crate) async fn delete_loop_watch(tx: &mut Tx, limit: i64) -> Result<u64, DbError> {
    let (tenant, before) = (tx.tenant(), nmc_retention::metadata_before(tx.now()));
    let deleted = sqlx::query!(
        "delete from comp_loop_watch where tenant_id = $1 and ctid = any (array(
           select ctid from comp_loop_watch where tenant_id = $1 and id < $2 and last_heard_at < $3
           order by id limit $4 for update skip locked))",
        tenant.as_uuid(),
        first_id_at(before),
        before,
        limit
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(deleted.rows_affected())
}
