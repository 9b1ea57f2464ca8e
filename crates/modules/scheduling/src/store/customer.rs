//! What the tables hold about one customer: to be exported, or erased.

use nmc_db::{DbError, ReadTx, Tx};
use nmc_kernel::{E164, ResourceId};
use uuid::Uuid;

/// Every appointment of the customer, with what happened to it.
pub(crate) async fn export(tx: &mut ReadTx, phone: &E164) -> Result<serde_json::Value, DbError> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select jsonb_build_object(
             'appointments', (select coalesce(jsonb_agg(to_jsonb(a) - 'tenant_id' || jsonb_build_object(
                 'changes', (select coalesce(jsonb_agg(to_jsonb(c) - 'tenant_id' order by c.version), '[]')
                             from sched_appointment_changes c where c.tenant_id = $1 and c.appointment_id = a.id)
               ) order by a.starts_at, a.id), '[]')
               from sched_appointments a where a.tenant_id = $1 and a.customer_phone = $2)) as "found!""#,
        tenant.as_uuid(),
        phone.as_str()
    )
    .fetch_one(tx.conn().await?)
    .await?;
    Ok(found)
}

/// The resources the customer has appointments with, or is held for by these conversations.
pub(crate) async fn resources(
    tx: &mut ReadTx,
    phone: &E164,
    conversations: &[Uuid],
) -> Result<Vec<ResourceId>, DbError> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select resource_id as "id!: ResourceId" from sched_appointments where tenant_id = $1 and customer_phone = $2
           union
           select resource_id from sched_holds where tenant_id = $1 and conversation_id = any ($3)"#,
        tenant.as_uuid(),
        phone.as_str(),
        conversations
    )
    .fetch_all(tx.conn().await?)
    .await?)
}

/// The holds of these conversations.
pub(crate) async fn holds(tx: &mut ReadTx, conversations: &[Uuid]) -> Result<Vec<Uuid>, DbError> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        "select id from sched_holds where tenant_id = $1 and conversation_id = any ($2)",
        tenant.as_uuid(),
        conversations
    )
    .fetch_all(tx.conn().await?)
    .await?)
}

/// Deletes the customer's appointments, whose resources the caller holds, with what happened to them; says how many.
pub(crate) async fn erase(tx: &mut Tx, phone: &E164) -> Result<u64, DbError> {
    let tenant = tx.tenant();
    let deleted = sqlx::query!(
        "delete from sched_appointments where tenant_id = $1 and customer_phone = $2",
        tenant.as_uuid(),
        phone.as_str()
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(deleted.rows_affected())
}
