use nmc_db::{DbError, ReadTx, Tx};
use nmc_kernel::{E164, PhoneNumberId};

use crate::ReceivingNumber;

/// More numbers than any small business has; the oldest are listed.
const MAX_NUMBERS: i64 = 100;

/// The tenant's receiving numbers, the oldest first.
pub(crate) async fn receiving(tx: &mut ReadTx) -> Result<Vec<ReceivingNumber>, DbError> {
    let tenant = tx.tenant();
    let numbers = sqlx::query_as!(
        ReceivingNumber,
        r#"
        select id as "id: PhoneNumberId", phone as "phone: E164" from comp_phone_numbers
        where tenant_id = $1 and is_receiving order by created_at, id limit $2
        "#,
        tenant.as_uuid(),
        MAX_NUMBERS
    )
    .fetch_all(tx.conn().await?)
    .await?;
    Ok(numbers)
}

/// The oldest of the tenant's receiving numbers.
pub(crate) async fn first_receiving(tx: &mut ReadTx) -> Result<Option<E164>, DbError> {
    let tenant = tx.tenant();
    let number = sqlx::query_scalar!(
        r#"
        select phone as "phone: E164" from comp_phone_numbers
        where tenant_id = $1 and is_receiving order by created_at, id limit 1
        "#,
        tenant.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    Ok(number)
}

/// Adds a number; `false` where the tenant has it.
pub(crate) async fn insert(tx: &mut Tx, id: PhoneNumberId, phone: &E164) -> Result<bool, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let added = sqlx::query!(
        "insert into comp_phone_numbers (tenant_id, id, phone, is_receiving, created_at) values ($1, $2, $3, true, $4)
         on conflict (tenant_id, phone) do nothing",
        tenant.as_uuid(),
        id.as_uuid(),
        phone.as_str(),
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(added.rows_affected() == 1)
}

/// The id of a number of the tenant.
pub(crate) async fn id_of(tx: &mut ReadTx, phone: &E164) -> Result<PhoneNumberId, DbError> {
    let tenant = tx.tenant();
    let id = sqlx::query_scalar!(
        r#"select id as "id: PhoneNumberId" from comp_phone_numbers where tenant_id = $1 and phone = $2"#,
        tenant.as_uuid(),
        phone.as_str()
    )
    .fetch_one(tx.conn().await?)
    .await?;
    Ok(id)
}
