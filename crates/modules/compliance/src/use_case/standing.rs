use nmc_db::{DbError, ReadTx};
use nmc_identity::{Identity, TenantStatus};

use crate::{Standing, model::standing::missing, store};

/// Everything that has to be in order, and what is not.
pub(crate) async fn standing(identity: &Identity, tx: &mut ReadTx) -> Result<Standing, DbError> {
    let is_active = identity.tenant(tx).await?.status == TenantStatus::Active;
    let brand = store::registration::brand(tx).await?;
    let campaign = store::campaign::find(tx).await?;
    let history = store::registration::history(tx).await?;
    let numbers = store::number::all(tx).await?;
    let missing = missing(is_active, brand.as_ref(), campaign.as_ref(), &history, &numbers);
    Ok(Standing { brand, campaign, history, numbers, missing })
}
