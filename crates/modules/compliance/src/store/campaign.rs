use chrono::{DateTime, Utc};
use nmc_db::{DbError, ReadTx, Tx};
use nmc_events::compliance::CampaignStatus;
use nmc_kernel::CampaignId;
use uuid::Uuid;

use super::known;
use crate::{Campaign, CampaignSubmission, model::campaign::status_from_word};

/// The tenant's campaign.
pub(crate) async fn find(tx: &mut ReadTx) -> Result<Option<Campaign>, DbError> {
    let tenant = tx.tenant();
    let row = sqlx::query!(
        r#"select id as "id: CampaignId", status, description, sample_message from comp_campaigns where tenant_id = $1"#,
        tenant.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    row.map(|row| {
        let status = known(status_from_word(&row.status), "comp_campaigns.status")?;
        Ok(Campaign { id: row.id, status, description: row.description, sample_message: row.sample_message })
    })
    .transpose()
}

/// The tenant's campaign and its status, locked until the transaction ends.
pub(crate) async fn lock(tx: &mut Tx) -> Result<Option<(CampaignId, CampaignStatus)>, DbError> {
    let tenant = tx.tenant();
    let row = sqlx::query!(
        r#"select id as "id: CampaignId", status from comp_campaigns where tenant_id = $1 for no key update"#,
        tenant.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    row.map(|row| Ok((row.id, known(status_from_word(&row.status), "comp_campaigns.status")?))).transpose()
}

/// Adds the tenant's campaign, pending; `false` where it has one.
pub(crate) async fn insert(
    tx: &mut Tx,
    id: CampaignId,
    brand: Uuid,
    submission: &CampaignSubmission,
) -> Result<bool, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let added = sqlx::query!(
        "insert into comp_campaigns (tenant_id, id, brand_id, description, sample_message, status, created_at,
                                     status_changed_at)
         values ($1, $2, $3, $4, $5, $6, $7, $7) on conflict (tenant_id) do nothing",
        tenant.as_uuid(),
        id.as_uuid(),
        brand,
        submission.description.trim(),
        submission.sample_message.trim(),
        CampaignStatus::Pending.as_str(),
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(added.rows_affected() == 1)
}

/// Replaces what was submitted.
pub(crate) async fn resubmit(tx: &mut Tx, submission: &CampaignSubmission) -> Result<(), DbError> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update comp_campaigns set description = $2, sample_message = $3 where tenant_id = $1",
        tenant.as_uuid(),
        submission.description.trim(),
        submission.sample_message.trim()
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}

/// Makes an approval given before `before` pending again; the campaign's id where there was one.
pub(crate) async fn take_approval_back(tx: &mut Tx, before: DateTime<Utc>) -> Result<Option<CampaignId>, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    Ok(sqlx::query_scalar!(
        r#"update comp_campaigns set status = 'pending', status_changed_at = $2
           where tenant_id = $1 and status = 'approved' and status_changed_at <= $3 returning id as "id: CampaignId""#,
        tenant.as_uuid(),
        now,
        before
    )
    .fetch_optional(tx.conn().await?)
    .await?)
}

/// Moves the campaign to another status.
pub(crate) async fn set_status(tx: &mut Tx, status: CampaignStatus) -> Result<(), DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "update comp_campaigns set status = $2, status_changed_at = $3 where tenant_id = $1",
        tenant.as_uuid(),
        status.as_str(),
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}
