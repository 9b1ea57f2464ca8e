//! What intents forget. Each works on at most `limit` rows of the transaction's tenant, passes over rows that others
//! have locked, and says how many it was.

use chrono::{DateTime, Utc};
use nmc_db::{DbError, Tx, first_id_at};

/// Empties the request of intents planned before `before`: wholly where they are finished, since nobody reads it again;
/// of the text only where a person has yet to say what happened, so that it can still be said.
pub async fn empty_requests(tx: &mut Tx, before: DateTime<Utc>, limit: i64) -> Result<u64, DbError> {
    let tenant = tx.tenant();
    let emptied = sqlx::query!(
        r#"update effect_intents set request = case when finished_at is null then request || '{"body": ""}' else '{}' end
         where tenant_id = $1 and ctid = any (array(
           select ctid from effect_intents where tenant_id = $1 and created_at < $2 and request <> '{}'
             and (finished_at is not null or request ->> 'body' <> '')
           order by created_at limit $3 for update skip locked))"#,
        tenant.as_uuid(),
        before,
        limit
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(emptied.rows_affected())
}

/// Deletes intents planned before `before` that are finished, or that no person has settled in all that time.
pub async fn delete_settled(tx: &mut Tx, before: DateTime<Utc>, limit: i64) -> Result<u64, DbError> {
    let tenant = tx.tenant();
    let deleted = sqlx::query!(
        "delete from effect_intents where tenant_id = $1 and ctid = any (array(
           select ctid from effect_intents
           where tenant_id = $1 and id < $2 and created_at < $3 and state not in ('pending', 'in_flight', 'unknown')
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
