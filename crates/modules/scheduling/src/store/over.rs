use chrono::Duration;
use nmc_db::{DbError, ReadTx};
use nmc_kernel::{AppointmentId, ResourceId, Timeslot};
use uuid::Uuid;

/// No appointment is longer.
const APPOINTMENT_MAX: Duration = Duration::hours(12);

/// The appointments that lie in these stretches of these resources, by their time: at most `limit`.
pub(crate) async fn appointments_in(
    tx: &mut ReadTx,
    stretches: &[(ResourceId, Timeslot)],
    limit: i64,
) -> Result<Vec<AppointmentId>, DbError> {
    let tenant = tx.tenant();
    let resources: Vec<Uuid> = stretches.iter().map(|(resource, _)| resource.as_uuid()).collect();
    let earliest: Vec<_> = stretches.iter().map(|(_, slot)| slot.start() - APPOINTMENT_MAX).collect();
    let from: Vec<_> = stretches.iter().map(|(_, slot)| slot.start()).collect();
    let until: Vec<_> = stretches.iter().map(|(_, slot)| slot.end()).collect();
    let appointments = sqlx::query_scalar!(
        r#"
        select a.id as "id: AppointmentId"
        from unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[])
          as stretch(resource_id, earliest, starts_at, ends_at)
        join sched_appointments a
          on a.tenant_id = $1 and a.resource_id = stretch.resource_id and a.starts_at > stretch.earliest
            and a.starts_at < stretch.ends_at and a.ends_at > stretch.starts_at and a.status = 'booked'
        order by a.starts_at, a.id limit $6
        "#,
        tenant.as_uuid(),
        &resources,
        &earliest,
        &from,
        &until,
        limit
    )
    .fetch_all(tx.conn().await?)
    .await?;
    Ok(appointments)
}

/// How many appointments of a resource are still to come or under way.
pub(crate) async fn count_ahead(tx: &mut ReadTx, resource: ResourceId) -> Result<i64, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from sched_appointments
           where tenant_id = $1 and resource_id = $2 and starts_at > $3 and ends_at > $4 and status = 'booked'"#,
        tenant.as_uuid(),
        resource.as_uuid(),
        now - APPOINTMENT_MAX,
        now
    )
    .fetch_one(tx.conn().await?)
    .await?;
    Ok(count)
}
