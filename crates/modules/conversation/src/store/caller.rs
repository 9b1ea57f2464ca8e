//! What the tables hold about one caller: to be exported, or erased.

use nmc_db::{DbError, ReadTx, Tx};
use nmc_kernel::{ConversationId, CorrelationId, E164};
use uuid::Uuid;

/// A caller's thread, locked to be erased.
pub(crate) struct Thread {
    pub(crate) id: ConversationId,
    pub(crate) correlation_id: CorrelationId,
    pub(crate) is_live: bool,
}

/// Every thread with the caller, with its messages and who had it when; calls and texts with what became of them; tasks.
pub(crate) async fn export(tx: &mut ReadTx, phone: &E164) -> Result<serde_json::Value, DbError> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select jsonb_build_object(
             'conversations', (select coalesce(jsonb_agg(to_jsonb(c) - 'tenant_id' || jsonb_build_object(
                 'messages', (select coalesce(jsonb_agg(to_jsonb(m) - 'tenant_id' order by m.created_at, m.id), '[]')
                              from conv_messages m where m.tenant_id = $1 and m.conversation_id = c.id),
                 'human_stretches', (select coalesce(jsonb_agg(to_jsonb(h) - 'tenant_id' order by h.began_at, h.id), '[]')
                                     from conv_human_stretches h where h.tenant_id = $1 and h.conversation_id = c.id)
               ) order by c.created_at, c.id), '[]')
               from conv_conversations c where c.tenant_id = $1 and c.caller_phone = $2),
             'contacts', (select coalesce(jsonb_agg(to_jsonb(o) - 'tenant_id' order by o.occurred_at, o.id), '[]')
                          from conv_contacts o where o.tenant_id = $1 and o.caller_phone = $2),
             'tasks', (select coalesce(jsonb_agg(to_jsonb(t) - 'tenant_id' order by t.created_at, t.id), '[]')
                       from conv_tasks t where t.tenant_id = $1 and t.caller_phone = $2)) as "found!""#,
        tenant.as_uuid(),
        phone.as_str()
    )
    .fetch_one(tx.conn().await?)
    .await?;
    Ok(found)
}

/// The caller's threads, locked.
pub(crate) async fn lock_threads(tx: &mut Tx, phone: &E164) -> Result<Vec<Thread>, DbError> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Thread,
        r#"select id as "id: _", correlation_id as "correlation_id: _", state <> 'closed' as "is_live!"
           from conv_conversations where tenant_id = $1 and caller_phone = $2 order by id for update"#,
        tenant.as_uuid(),
        phone.as_str()
    )
    .fetch_all(tx.conn().await?)
    .await?)
}

/// Deletes the threads with all that is in them, and what is known of the caller beside them; says how many rows it was,
/// not counting what went along with its thread.
pub(crate) async fn erase(tx: &mut Tx, phone: &E164, threads: &[Uuid]) -> Result<u64, DbError> {
    let tenant = tx.tenant();
    let deleted =
        sqlx::query!("delete from conv_conversations where tenant_id = $1 and id = any($2)", tenant.as_uuid(), threads)
            .execute(tx.conn().await?)
            .await?;
    let contacts = sqlx::query!(
        "delete from conv_contacts where tenant_id = $1 and caller_phone = $2",
        tenant.as_uuid(),
        phone.as_str()
    )
    .execute(tx.conn().await?)
    .await?;
    let tasks = sqlx::query!(
        "delete from conv_tasks where tenant_id = $1 and caller_phone = $2",
        tenant.as_uuid(),
        phone.as_str()
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(deleted.rows_affected() + contacts.rows_affected() + tasks.rows_affected())
}
