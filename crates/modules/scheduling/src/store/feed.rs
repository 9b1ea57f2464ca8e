use chrono::{DateTime, Utc};
use nmc_db::{DbError, ReadTx};
use nmc_kernel::{AppointmentId, ResourceId, ServiceItemId, Timeslot};

/// An appointment's columns, as far as a calendar shows them.
pub(crate) struct FeedRow {
    pub(crate) id: AppointmentId,
    pub(crate) service_item_id: ServiceItemId,
    pub(crate) starts_at: DateTime<Utc>,
    pub(crate) ends_at: DateTime<Utc>,
    pub(crate) status: String,
    pub(crate) version: i32,
    pub(crate) changed_at: DateTime<Utc>,
    pub(crate) customer_phone: String,
    pub(crate) customer_name: Option<String>,
    pub(crate) customer_address: Option<String>,
    pub(crate) notes: Option<String>,
}

/// A resource's appointments that begin in a window, by their time, the first `limit`. Of those that were cancelled only
/// the ones for which that happened at `cancelled_since` or later.
pub(crate) async fn appointments(
    tx: &mut ReadTx,
    resource: ResourceId,
    window: Timeslot,
    cancelled_since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<FeedRow>, DbError> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        FeedRow,
        r#"
        select a.id as "id: AppointmentId", a.service_item_id as "service_item_id: ServiceItemId", a.starts_at, a.ends_at,
               a.status, a.version, coalesce(change.created_at, a.created_at) as "changed_at!", a.customer_phone,
               a.customer_name, a.customer_address, a.notes
        from sched_appointments a
        left join sched_appointment_changes change
          on change.tenant_id = $1 and change.appointment_id = a.id and change.version = a.version
        where a.tenant_id = $1 and a.resource_id = $2 and a.starts_at >= $3 and a.starts_at < $4
          and (a.status <> 'cancelled' or coalesce(change.created_at, a.created_at) >= $5)
        order by a.starts_at, a.id limit $6
        "#,
        tenant.as_uuid(),
        resource.as_uuid(),
        window.start(),
        window.end(),
        cancelled_since,
        limit
    )
    .fetch_all(tx.conn().await?)
    .await?;
    Ok(rows)
}
