use nmc_db::{Db, DbError, Tx};
use nmc_events::compliance::CampaignStatus;
use nmc_identity::Identity;
use nmc_kernel::{Actor, CampaignId};
use serde_json::json;

use super::{audit::audit, submit::publish};
use crate::{ReasonError, RegistrationSubject, SaidBy, model::registration, store};

/// What an operator's word changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CampaignChange {
    /// It stands there from now on.
    Changed(CampaignId),
    /// It stood there already; nothing was written.
    Unchanged(CampaignId),
}

/// Why everything stands where it stood.
#[derive(Debug, thiserror::Error)]
pub enum DecideCampaignError {
    /// Only operators pass on what the carriers decided.
    #[error("only an operator may approve or reject a registration")]
    Forbidden,
    /// The business has submitted nothing.
    #[error("the business has not submitted a campaign")]
    NotSubmitted,
    /// Another submission has come since the one that was read.
    #[error("submission {named} is not the one that stands now, which is {current}: read it before deciding")]
    OtherVersion {
        /// The one that was decided about.
        named: i32,
        /// The one that stands.
        current: i32,
    },
    /// The reason is empty or too long.
    #[error(transparent)]
    Reason(#[from] ReasonError),
    /// The database did not do it.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// The carriers may change their mind, so every status can follow every other. A campaign is approved only where its
/// brand is, and falls with it. `version` is the submission the carriers saw: an owner may have sent another meanwhile.
pub(crate) async fn decide(
    db: &Db,
    identity: &Identity,
    actor: &Actor,
    subject: RegistrationSubject,
    version: i32,
    decided: CampaignStatus,
    reason: Option<&str>,
) -> Result<CampaignChange, DecideCampaignError> {
    let Actor::Operator { tenant } = actor else { return Err(DecideCampaignError::Forbidden) };
    let reason = reason.map(registration::reason).transpose()?;
    let mut tx = db.begin(*tenant).await?;
    let locked = store::registration::lock_brand(&mut tx).await?.ok_or(DecideCampaignError::NotSubmitted)?;
    let (id, campaign) = store::campaign::lock(&mut tx).await?.ok_or(DecideCampaignError::NotSubmitted)?;
    if locked.version != version {
        return Err(DecideCampaignError::OtherVersion { named: version, current: locked.version });
    }
    let brand = locked.status.unwrap_or(campaign);
    let (brand_to, campaign_to) = match (subject, decided) {
        (RegistrationSubject::Brand, CampaignStatus::Rejected) => (decided, CampaignStatus::Rejected),
        (RegistrationSubject::Brand, _) => (decided, campaign),
        (RegistrationSubject::Campaign, CampaignStatus::Approved) => (CampaignStatus::Approved, decided),
        (RegistrationSubject::Campaign, _) => (brand, decided),
    };
    if (brand_to, campaign_to) == (brand, campaign) {
        return Ok(CampaignChange::Unchanged(id));
    }
    let words = |status: CampaignStatus| json!({ "status": status, "version": version });
    if brand_to != brand {
        store::registration::set_brand_status(&mut tx, brand_to).await?;
        let what = ("registration.decided", "brand", locked.id);
        audit(identity, &mut tx, actor, what, words(brand), words(brand_to)).await?;
        append(&mut tx, RegistrationSubject::Brand, brand_to, reason).await?;
    }
    if campaign_to != campaign {
        store::campaign::set_status(&mut tx, campaign_to).await?;
        let what = ("registration.decided", "campaign", id.as_uuid());
        audit(identity, &mut tx, actor, what, words(campaign), words(campaign_to)).await?;
        append(&mut tx, RegistrationSubject::Campaign, campaign_to, reason).await?;
        publish(&mut tx, id, campaign_to)?;
    }
    tx.commit().await?;
    Ok(CampaignChange::Changed(id))
}

async fn append(
    tx: &mut Tx,
    subject: RegistrationSubject,
    status: CampaignStatus,
    reason: Option<&str>,
) -> Result<(), DbError> {
    store::registration::append(tx, subject, status, reason, SaidBy::Operator).await
}
