//! What the tables hold about one customer: to be exported, or erased.

use nmc_db::{DbError, ReadTx, Tx};
use nmc_kernel::{E164, ResourceId};
use uuid::Uuid;

use super::appointment::AppointmentRow;
use crate::Appointment;

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

/// Deletes appointments of the customer, whose resources the caller holds, with what happened to them: those that were
/// deleted, at most `limit`.
pub(crate) async fn erase(tx: &mut Tx, phone: &E164, limit: i64) -> Result<Vec<Appointment>, DbError> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        AppointmentRow,
        r#"
        delete from sched_appointments where tenant_id = $1 and customer_phone = $2 and id = any (array(
          select id from sched_appointments where tenant_id = $1 and customer_phone = $2 order by starts_at limit $3))
        returning id as "id: _", resource_id as "resource_id: _", service_item_id as "service_item_id: _", price_cents,
                  currency as "currency: _", customer_phone as "customer_phone: _", customer_name, customer_address, notes,
                  conversation_id as "conversation_id: _", correlation_id as "correlation_id: _", booked_by,
                  status as "status: _", starts_at, ends_at, blocked_from, blocked_until, version, created_at
        "#,
        tenant.as_uuid(),
        phone.as_str(),
        limit
    )
    .fetch_all(tx.conn().await?)
    .await?;
    Ok(rows.into_iter().map(Appointment::try_from).collect::<Result<_, _>>()?)
}
