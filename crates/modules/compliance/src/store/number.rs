use chrono::{DateTime, Utc};
use nmc_db::{Db, DbError, ReadTx, Tx};
use nmc_kernel::{E164, PhoneNumberId, TenantId};

use super::known;
use crate::{NumberRequest, NumberStatus, PhoneNumber, ReceivingNumber};

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

/// Every number of the tenant, the oldest first.
pub(crate) async fn all(tx: &mut ReadTx) -> Result<Vec<PhoneNumber>, DbError> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"
        select id as "id: PhoneNumberId", phone as "phone: E164", status, reason,
               coalesce(status_changed_at, created_at) as "since!"
        from comp_phone_numbers where tenant_id = $1 order by created_at, id limit $2
        "#,
        tenant.as_uuid(),
        MAX_NUMBERS
    )
    .fetch_all(tx.conn().await?)
    .await?;
    rows.into_iter().map(|row| shown(row.id, row.phone, &row.status, row.reason, row.since)).collect()
}

/// One of the tenant's numbers, locked until the transaction ends.
pub(crate) async fn lock(tx: &mut Tx, phone: &E164) -> Result<Option<PhoneNumber>, DbError> {
    let tenant = tx.tenant();
    let row = sqlx::query!(
        r#"
        select id as "id: PhoneNumberId", phone as "phone: E164", status, reason,
               coalesce(status_changed_at, created_at) as "since!"
        from comp_phone_numbers where tenant_id = $1 and phone = $2 for no key update
        "#,
        tenant.as_uuid(),
        phone.as_str()
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    row.map(|row| shown(row.id, row.phone, &row.status, row.reason, row.since)).transpose()
}

fn shown(
    id: PhoneNumberId,
    phone: E164,
    status: &str,
    reason: Option<String>,
    since: DateTime<Utc>,
) -> Result<PhoneNumber, DbError> {
    let status = known(NumberStatus::from_word(status), "comp_phone_numbers.status")?;
    Ok(PhoneNumber { id, phone, status, reason, since })
}

/// How many numbers the tenant has asked for or has.
pub(crate) async fn count(tx: &mut ReadTx) -> Result<i64, DbError> {
    let tenant = tx.tenant();
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from comp_phone_numbers where tenant_id = $1"#,
        tenant.as_uuid()
    )
    .fetch_one(tx.conn().await?)
    .await?;
    Ok(count)
}

/// Adds a number as requested; `false` where the tenant has it, whatever its status.
pub(crate) async fn insert(tx: &mut Tx, id: PhoneNumberId, phone: &E164) -> Result<bool, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let added = sqlx::query!(
        "insert into comp_phone_numbers (tenant_id, id, phone, is_receiving, status, created_at, status_changed_at)
         values ($1, $2, $3, false, 'requested', $4, $4) on conflict (tenant_id, phone) do nothing",
        tenant.as_uuid(),
        id.as_uuid(),
        phone.as_str(),
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(added.rows_affected() == 1)
}

/// Moves a number to another status.
pub(crate) async fn set_status(
    tx: &mut Tx,
    id: PhoneNumberId,
    status: NumberStatus,
    reason: Option<&str>,
) -> Result<(), DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "update comp_phone_numbers set status = $3, is_receiving = $4, reason = $5, status_changed_at = $6
         where tenant_id = $1 and id = $2",
        tenant.as_uuid(),
        id.as_uuid(),
        status.as_str(),
        status == NumberStatus::Active,
        reason,
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}

/// Whether the number is one the tenant receives on, and therefore texts from.
pub(crate) async fn is_receiving(tx: &mut ReadTx, phone: &E164) -> Result<bool, DbError> {
    let tenant = tx.tenant();
    let is_receiving = sqlx::query_scalar!(
        r#"select exists (select from comp_phone_numbers where tenant_id = $1 and phone = $2 and is_receiving) as "is!""#,
        tenant.as_uuid(),
        phone.as_str()
    )
    .fetch_one(tx.conn().await?)
    .await?;
    Ok(is_receiving)
}

/// What all businesses have asked for, the oldest first, at most 500; for operators. Only the dispatcher's role may.
pub(crate) async fn requests(db: &Db) -> Result<Vec<NumberRequest>, DbError> {
    let mut tx = db.begin_system().await?;
    let requests = sqlx::query_as!(
        NumberRequest,
        r#"
        select tenant_id as "tenant!: TenantId", phone as "phone!: E164", requested_at as "requested_at!"
        from nmc_number_requests()
        "#
    )
    .fetch_all(tx.conn()?)
    .await?;
    tx.roll_back().await?;
    Ok(requests)
}
