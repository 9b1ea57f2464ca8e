use nmc_db::{DbError, ReadTx, Tx};
use nmc_events::compliance::CampaignStatus;
use serde_json::Value;
use uuid::Uuid;

use super::known;
use crate::{Brand, RegistrationChange, RegistrationSubject, SaidBy, model::campaign::status_from_word};

/// More changes than any registration goes through; the newest are shown.
const MAX_HISTORY: i64 = 100;

/// The tenant's brand; where the campaign stands, as long as nobody has said where the brand does.
pub(crate) async fn brand(tx: &mut ReadTx) -> Result<Option<Brand>, DbError> {
    let tenant = tx.tenant();
    let row = sqlx::query!(
        r#"
        select b.version, b.legal_name, coalesce(b.status, c.status, 'pending') as "status!", b.registration
        from comp_brands b left join comp_campaigns c on c.tenant_id = b.tenant_id and c.brand_id = b.id
        where b.tenant_id = $1
        "#,
        tenant.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    row.map(|row| {
        let status = known(status_from_word(&row.status), "comp_brands.status")?;
        Ok(Brand { version: row.version, legal_name: row.legal_name, status, registration: row.registration })
    })
    .transpose()
}

/// Writes the brand, or what it is registered with now as another version, and locks it until the transaction ends; gives
/// its id.
pub(crate) async fn save_brand(tx: &mut Tx, legal_name: &str, registration: Option<&Value>) -> Result<Uuid, DbError> {
    let (id, tenant, now) = (tx.ids().next::<Uuid>(), tx.tenant(), tx.now());
    let brand = sqlx::query_scalar!(
        "insert into comp_brands (tenant_id, id, legal_name, registration, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $5)
         on conflict (tenant_id) do update set legal_name = excluded.legal_name, updated_at = excluded.updated_at,
           registration = coalesce(excluded.registration, comp_brands.registration), version = comp_brands.version + 1
         returning id",
        tenant.as_uuid(),
        id,
        legal_name,
        registration,
        now
    )
    .fetch_one(tx.conn().await?)
    .await?;
    Ok(brand)
}

/// Whether the business is registered as somebody else than it says now: what the carriers approved was not this.
pub(crate) async fn is_other_brand(
    tx: &mut ReadTx,
    legal_name: &str,
    registration: Option<&Value>,
) -> Result<bool, DbError> {
    let tenant = tx.tenant();
    let is_other = sqlx::query_scalar!(
        r#"select (legal_name <> $2 or ($3::jsonb is not null and registration is distinct from $3)) as "is_other!"
           from comp_brands where tenant_id = $1"#,
        tenant.as_uuid(),
        legal_name,
        registration
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    Ok(is_other.unwrap_or(false))
}

/// A brand whose row is locked.
pub(crate) struct LockedBrand {
    pub(crate) id: Uuid,
    /// Which submission stands.
    pub(crate) version: i32,
    /// Where it stands by itself.
    pub(crate) status: Option<CampaignStatus>,
}

/// The tenant's brand, locked until the transaction ends. Whoever needs the campaign as well locks this first.
pub(crate) async fn lock_brand(tx: &mut Tx) -> Result<Option<LockedBrand>, DbError> {
    let tenant = tx.tenant();
    let row = sqlx::query!(
        "select id, version, status from comp_brands where tenant_id = $1 for no key update",
        tenant.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    row.map(|row| {
        let status = row.status.map(|word| known(status_from_word(&word), "comp_brands.status")).transpose()?;
        Ok(LockedBrand { id: row.id, version: row.version, status })
    })
    .transpose()
}

/// Moves the brand to another status.
pub(crate) async fn set_brand_status(tx: &mut Tx, status: CampaignStatus) -> Result<(), DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "update comp_brands set status = $2, updated_at = $3 where tenant_id = $1",
        tenant.as_uuid(),
        status.as_str(),
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}

/// Adds a change to the history. The brand is locked, so that two do not take one number.
pub(crate) async fn append(
    tx: &mut Tx,
    subject: RegistrationSubject,
    status: CampaignStatus,
    reason: Option<&str>,
    said_by: SaidBy,
) -> Result<(), DbError> {
    let (id, tenant, now) = (tx.ids().next::<Uuid>(), tx.tenant(), tx.now());
    sqlx::query!(
        "insert into comp_registration_history (tenant_id, id, number, subject, status, reason, said_by, created_at)
         select $1, $2, coalesce(max(h.number), 0) + 1, $3, $4, $5, $6, $7
         from comp_registration_history h where h.tenant_id = $1",
        tenant.as_uuid(),
        id,
        subject.as_str(),
        status.as_str(),
        reason,
        said_by.as_str(),
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}

/// The newest changes, the newest first.
pub(crate) async fn history(tx: &mut ReadTx) -> Result<Vec<RegistrationChange>, DbError> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        "select number, subject, status, reason, said_by, created_at from comp_registration_history
         where tenant_id = $1 order by number desc limit $2",
        tenant.as_uuid(),
        MAX_HISTORY
    )
    .fetch_all(tx.conn().await?)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(RegistrationChange {
                number: row.number,
                subject: known(RegistrationSubject::from_word(&row.subject), "comp_registration_history.subject")?,
                status: known(status_from_word(&row.status), "comp_registration_history.status")?,
                reason: row.reason,
                said_by: known(SaidBy::from_word(&row.said_by), "comp_registration_history.said_by")?,
                changed_at: row.created_at,
            })
        })
        .collect()
}
