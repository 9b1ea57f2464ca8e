use chrono::{DateTime, Utc};
use nmc_db::{DbError, ReadTx, Tx};
use nmc_kernel::{ResourceId, Timeslot};
use uuid::Uuid;

use crate::{
    TimeOff,
    model::time_off::{PIECE_MAX, pieces},
};

/// Adds an absence in pieces of at most 24 hours, in one statement. The caller holds the resource.
pub(crate) async fn insert(tx: &mut Tx, absence: &TimeOff, slot: Timeslot) -> Result<(), DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let (from, until): (Vec<_>, Vec<_>) = pieces(slot).unzip();
    let ids: Vec<Uuid> = from.iter().map(|_| tx.ids().next()).collect();
    sqlx::query!(
        "insert into sched_time_off (tenant_id, id, absence_id, resource_id, starts_at, ends_at, reason, created_at)
         select $1, piece.id, $2, $3, piece.starts_at, piece.ends_at, $4, $5
         from unnest($6::uuid[], $7::timestamptz[], $8::timestamptz[]) as piece(id, starts_at, ends_at)",
        tenant.as_uuid(),
        absence.id,
        absence.resource_id.as_uuid(),
        absence.reason,
        now,
        &ids,
        &from,
        &until
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}

/// Whose absence it is; nothing where there is none.
pub(crate) async fn resource_of(tx: &mut ReadTx, absence: Uuid) -> Result<Option<ResourceId>, DbError> {
    let tenant = tx.tenant();
    let resource = sqlx::query_scalar!(
        r#"select resource_id as "id: ResourceId" from sched_time_off where tenant_id = $1 and absence_id = $2 limit 1"#,
        tenant.as_uuid(),
        absence
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    Ok(resource)
}

/// Takes an absence away; `false` where there is none. The caller holds the resource.
pub(crate) async fn delete(tx: &mut Tx, absence: Uuid) -> Result<bool, DbError> {
    let tenant = tx.tenant();
    let deleted =
        sqlx::query!("delete from sched_time_off where tenant_id = $1 and absence_id = $2", tenant.as_uuid(), absence)
            .execute(tx.conn().await?)
            .await?;
    Ok(deleted.rows_affected() > 0)
}

/// How many absences of a resource have not ended.
pub(crate) async fn count_ahead(tx: &mut ReadTx, resource: ResourceId) -> Result<i64, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let count = sqlx::query_scalar!(
        r#"select count(distinct absence_id) as "count!" from sched_time_off
           where tenant_id = $1 and resource_id = $2 and starts_at > $3 and ends_at > $4"#,
        tenant.as_uuid(),
        resource.as_uuid(),
        now - PIECE_MAX,
        now
    )
    .fetch_one(tx.conn().await?)
    .await?;
    Ok(count)
}

/// A resource's absences that meet a window, whole, in the order of their beginning, from behind `after` on.
pub(crate) async fn page(
    tx: &mut ReadTx,
    resource: ResourceId,
    window: Timeslot,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<TimeOff>, DbError> {
    let tenant = tx.tenant();
    let (after_time, after_id) = after.unzip();
    let absences = sqlx::query_as!(
        TimeOff,
        r#"
        with met as (
          select distinct absence_id from sched_time_off
          where tenant_id = $1 and resource_id = $2 and starts_at > $3 and starts_at < $4 and ends_at > $5
        )
        select met.absence_id as "id!", $2::uuid as "resource_id!: ResourceId", whole.starts_at as "start!",
               whole.ends_at as "end!", whole.reason
        from met
        cross join lateral (
          select min(starts_at) as starts_at, max(ends_at) as ends_at, min(reason) as reason
          from sched_time_off where tenant_id = $1 and absence_id = met.absence_id
        ) as whole
        where $6::timestamptz is null or (whole.starts_at, met.absence_id) > ($6, $7)
        order by whole.starts_at, met.absence_id limit $8
        "#,
        tenant.as_uuid(),
        resource.as_uuid(),
        window.start() - PIECE_MAX,
        window.end(),
        window.start(),
        after_time,
        after_id,
        limit
    )
    .fetch_all(tx.conn().await?)
    .await?;
    Ok(absences)
}
