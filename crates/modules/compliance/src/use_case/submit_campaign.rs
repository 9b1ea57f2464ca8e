use nmc_db::{Db, DbError, Tx};
use nmc_events::{
    Context,
    compliance::{CampaignStatus, ComplianceStatusChanged},
};
use nmc_kernel::{Actor, CampaignId, Role};

use crate::{CampaignSubmission, SubmissionError, store};

/// Why nothing was submitted.
#[derive(Debug, thiserror::Error)]
pub enum SubmitCampaignError {
    /// Only owners of the business and operators may submit.
    #[error("only an owner of the business may submit its campaign")]
    Forbidden,
    /// Something is missing or too long.
    #[error(transparent)]
    Submission(#[from] SubmissionError),
    /// What is approved cannot be changed: the carriers would not know of it.
    #[error("the campaign is approved already")]
    AlreadyApproved,
    /// The database did not do it.
    #[error(transparent)]
    Database(#[from] DbError),
}

pub(crate) async fn submit_campaign(
    db: &Db,
    actor: &Actor,
    submission: &CampaignSubmission,
) -> Result<CampaignId, SubmitCampaignError> {
    match actor {
        Actor::User { role: Role::Owner, .. } | Actor::Operator { .. } => {}
        Actor::User { role: Role::Tech, .. } | Actor::System { .. } => return Err(SubmitCampaignError::Forbidden),
    }
    submission.check()?;
    let mut tx = db.begin(actor.tenant()).await?;
    // Whoever submits first makes the brand's row; whoever comes at the same moment waits for it here.
    let brand = store::campaign::save_brand(&mut tx, submission.legal_name.trim()).await?;
    let id = match store::campaign::lock(&mut tx).await? {
        None => {
            let id = tx.ids().next();
            store::campaign::insert(&mut tx, id, brand, submission).await?;
            publish(&mut tx, id, CampaignStatus::Pending)?;
            id
        }
        Some((_, CampaignStatus::Approved)) => return Err(SubmitCampaignError::AlreadyApproved),
        Some((id, CampaignStatus::Pending)) => {
            store::campaign::resubmit(&mut tx, submission).await?;
            id
        }
        Some((id, CampaignStatus::Rejected)) => {
            store::campaign::resubmit(&mut tx, submission).await?;
            store::campaign::set_status(&mut tx, CampaignStatus::Pending).await?;
            publish(&mut tx, id, CampaignStatus::Pending)?;
            id
        }
    };
    tx.commit().await?;
    Ok(id)
}

/// A campaign belongs to no call: its events are correlated with nothing else.
pub(super) fn publish(tx: &mut Tx, campaign_id: CampaignId, status: CampaignStatus) -> Result<(), DbError> {
    let context = Context { correlation: tx.ids().next(), causation: None };
    tx.publish(&ComplianceStatusChanged { campaign_id, status }, context)?;
    Ok(())
}
