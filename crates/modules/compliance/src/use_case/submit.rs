use nmc_db::{Db, DbError, IdempotencyError, Tx};
use nmc_events::{
    Context,
    compliance::{CampaignStatus, ComplianceStatusChanged},
};
use nmc_identity::Identity;
use nmc_kernel::{Actor, CampaignId, IdempotencyKey, Role};
use serde_json::{Value, json};

use super::audit::{audit, standing};
use crate::{CampaignSubmission, Fault, Registration, RegistrationSubject, SaidBy, SubmissionError, store};

/// Why nothing was submitted.
#[derive(Debug, thiserror::Error)]
pub enum SubmitCampaignError {
    /// Only owners of the business and operators may submit.
    #[error("only an owner of the business may submit its campaign")]
    Forbidden,
    /// Something is missing or too long.
    #[error(transparent)]
    Submission(#[from] SubmissionError),
    /// The carriers would send it back: everything that is wrong.
    #[error("the registration is not complete")]
    Registration(Vec<Fault>),
    /// What is approved cannot be changed: the carriers would not know of it.
    #[error("the campaign is approved already")]
    AlreadyApproved,
    /// The request's key belongs to another request.
    #[error("the idempotency key belongs to another request")]
    KeyReused,
    /// The database did not do it.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<IdempotencyError> for SubmitCampaignError {
    fn from(error: IdempotencyError) -> Self {
        match error {
            IdempotencyError::KeyReused => Self::KeyReused,
            IdempotencyError::Database(error) => Self::Database(error),
        }
    }
}

/// What an operator files by other means, of which the columns are kept.
pub(crate) async fn submit_campaign(
    db: &Db,
    identity: &Identity,
    actor: &Actor,
    submission: &CampaignSubmission,
) -> Result<CampaignId, SubmitCampaignError> {
    let said_by = said_by(actor).ok_or(SubmitCampaignError::Forbidden)?;
    submission.check()?;
    let mut tx = db.begin(actor.tenant()).await?;
    let id = submit(identity, &mut tx, actor, submission, None, said_by).await?;
    tx.commit().await?;
    Ok(id)
}

/// All that the carriers ask for.
pub(crate) async fn register(
    db: &Db,
    identity: &Identity,
    actor: &Actor,
    registration: &Registration,
    key: Option<&IdempotencyKey>,
) -> Result<CampaignId, SubmitCampaignError> {
    let said_by = said_by(actor).ok_or(SubmitCampaignError::Forbidden)?;
    let faults = registration.faults();
    if !faults.is_empty() {
        return Err(SubmitCampaignError::Registration(faults));
    }
    let submission = registration.submission();
    let kept = serde_json::to_value(registration).map_err(|error| DbError::from(sqlx::Error::Encode(error.into())))?;
    let mut tx = db.begin(actor.tenant()).await?;
    if let Some(first) = tx.first_answer(actor, key).await? {
        return Ok(first);
    }
    let id = submit(identity, &mut tx, actor, &submission, Some(&kept), said_by).await?;
    tx.keep_answer(actor, key, &id).await?;
    tx.commit().await?;
    Ok(id)
}

async fn submit(
    identity: &Identity,
    tx: &mut Tx,
    actor: &Actor,
    submission: &CampaignSubmission,
    registration: Option<&Value>,
    said_by: SaidBy,
) -> Result<CampaignId, SubmitCampaignError> {
    let legal_name = submission.legal_name.trim();
    let is_other_brand = store::registration::is_other_brand(tx, legal_name, registration).await?;
    // Whoever submits first makes the brand's row; whoever comes at the same moment waits for it here.
    let brand = store::registration::save_brand(tx, legal_name, registration).await?;
    let campaign = store::campaign::lock(tx).await?;
    let id = match campaign {
        None => {
            let id = tx.ids().next();
            store::campaign::insert(tx, id, brand, submission).await?;
            id
        }
        Some((_, CampaignStatus::Approved)) => return Err(SubmitCampaignError::AlreadyApproved),
        Some((id, CampaignStatus::Pending | CampaignStatus::Rejected)) => {
            store::campaign::resubmit(tx, submission).await?;
            id
        }
    };
    let pending = CampaignStatus::Pending;
    let brand = store::registration::lock_brand(tx).await?;
    let stands = match brand.as_ref().and_then(|brand| brand.status) {
        Some(CampaignStatus::Approved) => !is_other_brand,
        Some(CampaignStatus::Pending) => true,
        Some(CampaignStatus::Rejected) | None => false,
    };
    if !stands {
        store::registration::set_brand_status(tx, pending).await?;
        store::registration::append(tx, RegistrationSubject::Brand, pending, None, said_by).await?;
    }
    if !matches!(campaign, Some((_, CampaignStatus::Pending))) {
        store::campaign::set_status(tx, pending).await?;
        store::registration::append(tx, RegistrationSubject::Campaign, pending, None, said_by).await?;
        publish(tx, id, pending)?;
    }
    let before = standing(campaign.map(|(_, status)| status.as_str()));
    let what = ("registration.submitted", "campaign", id.as_uuid());
    let after = json!({ "status": pending, "version": brand.map(|brand| brand.version) });
    audit(identity, tx, actor, what, before, after).await?;
    Ok(id)
}

fn said_by(actor: &Actor) -> Option<SaidBy> {
    match actor {
        Actor::User { role: Role::Owner, .. } => Some(SaidBy::Owner),
        Actor::Operator { .. } => Some(SaidBy::Operator),
        Actor::User { role: Role::Tech, .. } | Actor::System { .. } => None,
    }
}

/// A campaign belongs to no call: its events are correlated with nothing else.
pub(super) fn publish(tx: &mut Tx, campaign_id: CampaignId, status: CampaignStatus) -> Result<(), DbError> {
    let context = Context { correlation: tx.ids().next(), causation: None };
    tx.publish(&ComplianceStatusChanged { campaign_id, status }, context)?;
    Ok(())
}
