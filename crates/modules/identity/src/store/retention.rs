use nmc_db::{DbError, Tx, first_id_at};

/// Deletes at most `limit` invitations that are over, whatever became of them: an address of somebody who perhaps never
/// joined. None that others have locked; says how many.
pub(crate) async fn delete_invitations(tx: &mut Tx, limit: i64) -> Result<u64, DbError> {
    let (tenant, before) = (tx.tenant(), nmc_retention::metadata_before(tx.now()));
    let deleted = sqlx::query!(
        "delete from id_invitations where tenant_id = $1 and ctid = any (array(
           select ctid from id_invitations where tenant_id = $1 and id < $2 and created_at < $3 and expires_at < $3
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
