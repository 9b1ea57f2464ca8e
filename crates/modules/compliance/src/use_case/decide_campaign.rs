use nmc_db::{Db, DbError};
use nmc_events::compliance::CampaignStatus;
use nmc_kernel::{Actor, CampaignId};

use super::submit_campaign::publish;
use crate::store;

/// What an operator's word changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CampaignChange {
    /// The campaign has this status from now on.
    Changed(CampaignId),
    /// It had it already; nothing was written.
    Unchanged(CampaignId),
}

/// Why the campaign's status stayed as it was.
#[derive(Debug, thiserror::Error)]
pub enum DecideCampaignError {
    /// Only operators pass on what the carriers decided.
    #[error("only an operator may approve or reject a campaign")]
    Forbidden,
    /// The business has submitted nothing.
    #[error("the business has not submitted a campaign")]
    NotSubmitted,
    /// The database did not do it.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// The carriers may change their mind, so every status can follow every other.
pub(crate) async fn decide_campaign(
    db: &Db,
    actor: &Actor,
    decided: CampaignStatus,
) -> Result<CampaignChange, DecideCampaignError> {
    let Actor::Operator { tenant } = actor else { return Err(DecideCampaignError::Forbidden) };
    let mut tx = db.begin(*tenant).await?;
    let (id, status) = store::campaign::lock(&mut tx).await?.ok_or(DecideCampaignError::NotSubmitted)?;
    if status == decided {
        return Ok(CampaignChange::Unchanged(id));
    }
    store::campaign::set_status(&mut tx, decided).await?;
    publish(&mut tx, id, decided)?;
    tx.commit().await?;
    Ok(CampaignChange::Changed(id))
}
