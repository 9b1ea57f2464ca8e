use chrono::{DateTime, Utc};
use nmc_db::{DbError, ReadTx, Tx};
use nmc_kernel::E164;
use uuid::Uuid;

use crate::DoNotText;

/// Puts a number on the list, or gives it another label.
pub(crate) async fn save(tx: &mut Tx, phone: &E164, label: &str) -> Result<DoNotText, DbError> {
    let (id, tenant, now) = (tx.ids().next::<Uuid>(), tx.tenant(), tx.now());
    let saved = sqlx::query_as!(
        DoNotText,
        r#"
        insert into comp_do_not_text (tenant_id, id, phone, label, created_at) values ($1, $2, $3, $4, $5)
        on conflict (tenant_id, phone) do update set label = excluded.label
        returning id, phone as "phone: E164", label, created_at as added_at
        "#,
        tenant.as_uuid(),
        id,
        phone.as_str(),
        label,
        now
    )
    .fetch_one(tx.conn().await?)
    .await?;
    Ok(saved)
}

/// Takes an entry off the list; `false` where there is none.
pub(crate) async fn delete(tx: &mut Tx, id: Uuid) -> Result<bool, DbError> {
    let tenant = tx.tenant();
    let deleted = sqlx::query!("delete from comp_do_not_text where tenant_id = $1 and id = $2", tenant.as_uuid(), id)
        .execute(tx.conn().await?)
        .await?;
    Ok(deleted.rows_affected() == 1)
}

/// How long the list is.
pub(crate) async fn count(tx: &mut ReadTx) -> Result<i64, DbError> {
    let tenant = tx.tenant();
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from comp_do_not_text where tenant_id = $1"#,
        tenant.as_uuid()
    )
    .fetch_one(tx.conn().await?)
    .await?;
    Ok(count)
}

/// A page of the list, the oldest first.
pub(crate) async fn list(
    tx: &mut ReadTx,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<DoNotText>, DbError> {
    let tenant = tx.tenant();
    let (after_time, after_id) = after.unzip();
    let listed = sqlx::query_as!(
        DoNotText,
        r#"
        select id, phone as "phone: E164", label, created_at as added_at from comp_do_not_text
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
    Ok(listed)
}
