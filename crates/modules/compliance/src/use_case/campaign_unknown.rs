use chrono::{DateTime, Utc};
use nmc_db::{DbError, Tx};
use nmc_events::{
    Context,
    compliance::{CampaignStatus, ComplianceStatusChanged},
};

use crate::{RegistrationSubject, SaidBy, store};

const REASON: &str = "a text was refused: no approved campaign is known for its number";

/// The carriers refused a text that was written at `written_at`, because they know no campaign for it: an approval
/// from before that text holds no longer. `true` where this is news.
pub(crate) async fn campaign_unknown(
    tx: &mut Tx,
    written_at: DateTime<Utc>,
    context: Context,
) -> Result<bool, DbError> {
    // The history counts below this lock.
    store::registration::lock_brand(tx).await?;
    let Some(campaign_id) = store::campaign::take_approval_back(tx, written_at).await? else { return Ok(false) };
    let (subject, pending) = (RegistrationSubject::Campaign, CampaignStatus::Pending);
    store::registration::append(tx, subject, pending, Some(REASON), SaidBy::Carriers).await?;
    tx.publish(&ComplianceStatusChanged { campaign_id, status: CampaignStatus::Pending }, context)?;
    Ok(true)
}
