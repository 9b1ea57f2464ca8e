//! What the module forgets: rows of the transaction's business, at most `limit`, none that others have locked.

use nmc_db::{DbError, Tx, first_id_at};

/// Empties messages of their text and of what was understood of it.
pub(crate) async fn empty_messages(tx: &mut Tx, limit: i64) -> Result<u64, DbError> {
    let (tenant, before) = (tx.tenant(), nmc_retention::bodies_before(tx.now()));
    let emptied = sqlx::query!(
        "update conv_messages set body = '', why = '{}'
         where tenant_id = $1 and ctid = any (array(
           select ctid from conv_messages where tenant_id = $1 and created_at < $2 and (body <> '' or why <> '{}')
           order by created_at limit $3 for update skip locked))",
        tenant.as_uuid(),
        before,
        limit
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(emptied.rows_affected())
}

/// Forgets what the automation remembers of dialogues.
pub(crate) async fn forget_dialogues(tx: &mut Tx, limit: i64) -> Result<u64, DbError> {
    let (tenant, before) = (tx.tenant(), nmc_retention::bodies_before(tx.now()));
    let forgotten = sqlx::query!(
        "update conv_conversations set dialogue = null
         where tenant_id = $1 and ctid = any (array(
           select ctid from conv_conversations
           where tenant_id = $1 and last_activity_at < $2 and dialogue is not null
           order by last_activity_at limit $3 for update skip locked))",
        tenant.as_uuid(),
        before,
        limit
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(forgotten.rows_affected())
}

/// Deletes messages.
pub(crate) async fn delete_messages(tx: &mut Tx, limit: i64) -> Result<u64, DbError> {
    let (tenant, before) = (tx.tenant(), nmc_retention::metadata_before(tx.now()));
    let deleted = sqlx::query!(
        "delete from conv_messages where tenant_id = $1 and ctid = any (array(
           select ctid from conv_messages where tenant_id = $1 and id < $2 and created_at < $3
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

/// Deletes what became of calls and texts.
pub(crate) async fn delete_contacts(tx: &mut Tx, limit: i64) -> Result<u64, DbError> {
    let (tenant, before) = (tx.tenant(), nmc_retention::metadata_before(tx.now()));
    let deleted = sqlx::query!(
        "delete from conv_contacts where tenant_id = $1 and ctid = any (array(
           select ctid from conv_contacts where tenant_id = $1 and id < $2 and created_at < $3
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

/// Deletes tasks, done or not: nobody calls back after so long.
pub(crate) async fn delete_tasks(tx: &mut Tx, limit: i64) -> Result<u64, DbError> {
    let (tenant, before) = (tx.tenant(), nmc_retention::metadata_before(tx.now()));
    let deleted = sqlx::query!(
        "delete from conv_tasks where tenant_id = $1 and ctid = any (array(
           select ctid from conv_tasks where tenant_id = $1 and id < $2 and created_at < $3
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

/// Deletes conversations that ended, with what is left of them. One that lives stays, however old it is.
pub(crate) async fn delete_conversations(tx: &mut Tx, limit: i64) -> Result<u64, DbError> {
    let (tenant, before) = (tx.tenant(), nmc_retention::metadata_before(tx.now()));
    let deleted = sqlx::query!(
        "delete from conv_conversations where tenant_id = $1 and ctid = any (array(
           select ctid from conv_conversations
           where tenant_id = $1 and last_activity_at < $2 and state = 'closed' and closed_at < $2
           order by last_activity_at, id limit $3 for update skip locked))",
        tenant.as_uuid(),
        before,
        limit
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(deleted.rows_affected())
}
