//! What the module forgets: rows of the transaction's business, at most `limit`, none that others have locked.

use nmc_db::{DbError, Tx};

/// Empties texts of callers, pictures' addresses included.
pub(crate) async fn empty_texts(tx: &mut Tx, limit: i64) -> Result<u64, DbError> {
    let (tenant, before) = (tx.tenant(), nmc_retention::bodies_before(tx.now()));
    let emptied = sqlx::query!(
        "update tel_inbound_sms set body = '', media = '[]'
         where tenant_id = $1 and ctid = any (array(
           select ctid from tel_inbound_sms where tenant_id = $1 and created_at < $2 and (body <> '' or media <> '[]')
           order by created_at limit $3 for update skip locked))",
        tenant.as_uuid(),
        before,
        limit
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(emptied.rows_affected())
}

/// Deletes what is known of texts of callers.
pub(crate) async fn delete_texts(tx: &mut Tx, limit: i64) -> Result<u64, DbError> {
    let (tenant, before) = (tx.tenant(), nmc_retention::metadata_before(tx.now()));
    let deleted = sqlx::query!(
        "delete from tel_inbound_sms where tenant_id = $1 and ctid = any (array(
           select ctid from tel_inbound_sms where tenant_id = $1 and created_at < $2
           order by created_at limit $3 for update skip locked))",
        tenant.as_uuid(),
        before,
        limit
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(deleted.rows_affected())
}

/// Deletes what is known of calls.
pub(crate) async fn delete_calls(tx: &mut Tx, limit: i64) -> Result<u64, DbError> {
    let (tenant, before) = (tx.tenant(), nmc_retention::metadata_before(tx.now()));
    let deleted = sqlx::query!(
        "delete from tel_calls where tenant_id = $1 and ctid = any (array(
           select ctid from tel_calls where tenant_id = $1 and created_at < $2
           order by created_at limit $3 for update skip locked))",
        tenant.as_uuid(),
        before,
        limit
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(deleted.rows_affected())
}
