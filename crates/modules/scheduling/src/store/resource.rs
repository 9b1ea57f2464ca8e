use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use nmc_db::{DbError, ReadTx, Tx};
use nmc_identity::OpeningHours;
use nmc_kernel::{ResourceId, ServiceItemId};
use sqlx::types::Json;
use uuid::Uuid;

use super::Damaged;
use crate::Resource;

/// A resource's columns.
pub(crate) struct ResourceRow {
    pub(crate) id: ResourceId,
    pub(crate) name: String,
    pub(crate) time_zone: Option<String>,
    pub(crate) weekly_hours: Json<OpeningHours>,
    pub(crate) buffer_before_minutes: i32,
    pub(crate) buffer_after_minutes: i32,
    pub(crate) minimum_notice_minutes: i32,
    pub(crate) horizon_days: i32,
    pub(crate) skills: Option<Vec<ServiceItemId>>,
    pub(crate) active: bool,
    pub(crate) feed_version: i32,
    pub(crate) created_at: DateTime<Utc>,
}

impl TryFrom<ResourceRow> for Resource {
    type Error = DbError;
    fn try_from(row: ResourceRow) -> Result<Self, DbError> {
        let time_zone = row.time_zone.map(|zone| zone.parse().map_err(|_| Damaged("time_zone"))).transpose()?;
        Ok(Self {
            id: row.id,
            name: row.name,
            time_zone,
            weekly_hours: row.weekly_hours.0,
            buffer_before_minutes: row.buffer_before_minutes,
            buffer_after_minutes: row.buffer_after_minutes,
            minimum_notice_minutes: row.minimum_notice_minutes,
            horizon_days: row.horizon_days,
            skills: row.skills,
            is_active: row.active,
            feed_version: row.feed_version,
            created_at: row.created_at,
        })
    }
}

/// Holds the resources to the transaction's end, in the order of their ids, and reads them. One that does not exist is
/// left out. Every write to holds, appointments, time off and external busy holds its resources first.
pub(crate) async fn lock(tx: &mut Tx, ids: &[ResourceId]) -> Result<Vec<Resource>, DbError> {
    let tenant = tx.tenant();
    let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    let rows = sqlx::query_as!(
        ResourceRow,
        r#"
        select id as "id: ResourceId", name, time_zone, weekly_hours as "weekly_hours: Json<OpeningHours>",
               buffer_before_minutes, buffer_after_minutes, minimum_notice_minutes, horizon_days,
               skills as "skills: Vec<ServiceItemId>", active, feed_version, created_at
        from sched_resources where tenant_id = $1 and id = any ($2) order by id for no key update
        "#,
        tenant.as_uuid(),
        &ids
    )
    .fetch_all(tx.conn().await?)
    .await?;
    rows.into_iter().map(Resource::try_from).collect()
}

/// One of the business's resources.
pub(crate) async fn find(tx: &mut ReadTx, id: ResourceId) -> Result<Option<Resource>, DbError> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        ResourceRow,
        r#"
        select id as "id: ResourceId", name, time_zone, weekly_hours as "weekly_hours: Json<OpeningHours>",
               buffer_before_minutes, buffer_after_minutes, minimum_notice_minutes, horizon_days,
               skills as "skills: Vec<ServiceItemId>", active, feed_version, created_at
        from sched_resources where tenant_id = $1 and id = $2
        "#,
        tenant.as_uuid(),
        id.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    row.map(Resource::try_from).transpose()
}

/// How long before their beginning appointments of these resources are booked at the latest.
pub(crate) async fn minimum_notices(
    tx: &mut ReadTx,
    ids: &[ResourceId],
) -> Result<HashMap<ResourceId, Duration>, DbError> {
    let tenant = tx.tenant();
    let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    let rows = sqlx::query!(
        r#"select id as "id: ResourceId", minimum_notice_minutes from sched_resources
           where tenant_id = $1 and id = any ($2)"#,
        tenant.as_uuid(),
        &ids
    )
    .fetch_all(tx.conn().await?)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, Duration::minutes(row.minimum_notice_minutes.into()))).collect())
}

/// The business's resources, the oldest first, from behind `after` on.
pub(crate) async fn page(
    tx: &mut ReadTx,
    after: Option<(DateTime<Utc>, ResourceId)>,
    limit: i64,
) -> Result<Vec<Resource>, DbError> {
    let tenant = tx.tenant();
    let (after_time, after_id) = after.map(|(time, id)| (time, id.as_uuid())).unzip();
    let rows = sqlx::query_as!(
        ResourceRow,
        r#"
        select id as "id: ResourceId", name, time_zone, weekly_hours as "weekly_hours: Json<OpeningHours>",
               buffer_before_minutes, buffer_after_minutes, minimum_notice_minutes, horizon_days,
               skills as "skills: Vec<ServiceItemId>", active, feed_version, created_at
        from sched_resources
        where tenant_id = $1 and ($2::timestamptz is null or (created_at, id) > ($2, $3))
        order by created_at, id limit $4
        "#,
        tenant.as_uuid(),
        after_time,
        after_id,
        limit
    )
    .fetch_all(tx.conn().await?)
    .await?;
    rows.into_iter().map(Resource::try_from).collect()
}

/// How many resources the business has, active or not.
pub(crate) async fn count(tx: &mut ReadTx) -> Result<i64, DbError> {
    let tenant = tx.tenant();
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from sched_resources where tenant_id = $1"#,
        tenant.as_uuid()
    )
    .fetch_one(tx.conn().await?)
    .await?;
    Ok(count)
}

/// Adds a resource; `false` where another has its name.
pub(crate) async fn insert(tx: &mut Tx, resource: &Resource) -> Result<bool, DbError> {
    let tenant = tx.tenant();
    let skills = bare(resource.skills.as_deref());
    let inserted = sqlx::query!(
        "insert into sched_resources (tenant_id, id, name, time_zone, weekly_hours, buffer_before_minutes,
                                      buffer_after_minutes, minimum_notice_minutes, horizon_days, skills, active,
                                      feed_version, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         on conflict (tenant_id, lower(name)) do nothing",
        tenant.as_uuid(),
        resource.id.as_uuid(),
        resource.name,
        resource.time_zone.map(Tz::name),
        Json(&resource.weekly_hours) as _,
        resource.buffer_before_minutes,
        resource.buffer_after_minutes,
        resource.minimum_notice_minutes,
        resource.horizon_days,
        skills.as_deref(),
        resource.is_active,
        resource.feed_version,
        resource.created_at
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Stores what can change of a resource. The caller holds it. Another of its name is a violation of
/// `sched_resources_name`.
pub(crate) async fn update(tx: &mut Tx, resource: &Resource) -> Result<(), DbError> {
    let tenant = tx.tenant();
    let skills = bare(resource.skills.as_deref());
    sqlx::query!(
        "update sched_resources
         set name = $3, time_zone = $4, weekly_hours = $5, buffer_before_minutes = $6, buffer_after_minutes = $7,
             minimum_notice_minutes = $8, horizon_days = $9, skills = $10, active = $11, feed_version = $12
         where tenant_id = $1 and id = $2",
        tenant.as_uuid(),
        resource.id.as_uuid(),
        resource.name,
        resource.time_zone.map(Tz::name),
        Json(&resource.weekly_hours) as _,
        resource.buffer_before_minutes,
        resource.buffer_after_minutes,
        resource.minimum_notice_minutes,
        resource.horizon_days,
        skills.as_deref(),
        resource.is_active,
        resource.feed_version
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}

fn bare(skills: Option<&[ServiceItemId]>) -> Option<Vec<Uuid>> {
    Some(skills?.iter().map(|id| id.as_uuid()).collect())
}
