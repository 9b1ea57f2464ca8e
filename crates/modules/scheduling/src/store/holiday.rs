use chrono::{DateTime, NaiveDate, Utc};
use nmc_db::{DbError, ReadTx, Tx};
use uuid::Uuid;

use crate::Holiday;

/// Adds a holiday; `false` where its day is one already.
pub(crate) async fn insert(tx: &mut Tx, holiday: &Holiday) -> Result<bool, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let inserted = sqlx::query!(
        "insert into sched_holidays (tenant_id, id, date, name, created_at) values ($1, $2, $3, $4, $5)
         on conflict (tenant_id, date) do nothing",
        tenant.as_uuid(),
        holiday.id,
        holiday.date,
        holiday.name,
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Takes a holiday away and says which day it was; nothing where there is none.
pub(crate) async fn delete(tx: &mut Tx, id: Uuid) -> Result<Option<NaiveDate>, DbError> {
    let tenant = tx.tenant();
    let date = sqlx::query_scalar!(
        "delete from sched_holidays where tenant_id = $1 and id = $2 returning date",
        tenant.as_uuid(),
        id
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    Ok(date)
}

/// How many holidays the business has.
pub(crate) async fn count(tx: &mut ReadTx) -> Result<i64, DbError> {
    let tenant = tx.tenant();
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from sched_holidays where tenant_id = $1"#,
        tenant.as_uuid()
    )
    .fetch_one(tx.conn().await?)
    .await?;
    Ok(count)
}

/// Holidays in the order of their days, from behind `after` on ([`Holiday::position`]).
pub(crate) async fn page(
    tx: &mut ReadTx,
    (from, to): (Option<NaiveDate>, Option<NaiveDate>),
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<Holiday>, DbError> {
    let tenant = tx.tenant();
    let after = after.map(|(day, _)| day.date_naive());
    let holidays = sqlx::query_as!(
        Holiday,
        "select id, date, name from sched_holidays
         where tenant_id = $1 and ($2::date is null or date >= $2) and ($3::date is null or date < $3)
           and ($4::date is null or date > $4)
         order by date limit $5",
        tenant.as_uuid(),
        from,
        to,
        after,
        limit
    )
    .fetch_all(tx.conn().await?)
    .await?;
    Ok(holidays)
}
