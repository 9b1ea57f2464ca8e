use nmc_db::{DbError, ReadTx, Tx};
use nmc_kernel::E164;
use uuid::Uuid;

use crate::DoNotText;

/// A list longer than this is not family and suppliers any more; the first are shown.
const MAX_LISTED: i64 = 1_000;

/// Puts a number on the list, or gives it another label.
pub(crate) async fn save(tx: &mut Tx, phone: &E164, label: &str) -> Result<(), DbError> {
    let (id, tenant, now) = (tx.ids().next::<Uuid>(), tx.tenant(), tx.now());
    sqlx::query!(
        "insert into comp_do_not_text (tenant_id, id, phone, label, created_at) values ($1, $2, $3, $4, $5)
         on conflict (tenant_id, phone) do update set label = excluded.label",
        tenant.as_uuid(),
        id,
        phone.as_str(),
        label,
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}

/// Takes a number off the list; `false` where it was not on it.
pub(crate) async fn delete(tx: &mut Tx, phone: &E164) -> Result<bool, DbError> {
    let tenant = tx.tenant();
    let deleted = sqlx::query!(
        "delete from comp_do_not_text where tenant_id = $1 and phone = $2",
        tenant.as_uuid(),
        phone.as_str()
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(deleted.rows_affected() == 1)
}

/// The list, by label.
pub(crate) async fn list(tx: &mut ReadTx) -> Result<Vec<DoNotText>, DbError> {
    let tenant = tx.tenant();
    let listed = sqlx::query_as!(
        DoNotText,
        r#"
        select phone as "phone: E164", label from comp_do_not_text where tenant_id = $1 order by label, phone limit $2
        "#,
        tenant.as_uuid(),
        MAX_LISTED
    )
    .fetch_all(tx.conn().await?)
    .await?;
    Ok(listed)
}
