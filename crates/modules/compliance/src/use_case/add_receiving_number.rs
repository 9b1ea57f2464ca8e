use nmc_db::{Db, DbError, RouteKind};
use nmc_kernel::{Actor, E164, PhoneNumberId};

use crate::store;

/// Why the number was not added.
#[derive(Debug, thiserror::Error)]
pub enum AddNumberError {
    /// Only operators confirm that a number is a business's.
    #[error("only an operator may add a receiving number")]
    Forbidden,
    /// The number leads to another business.
    #[error("the number belongs to another business")]
    Taken,
    /// The database did not do it.
    #[error(transparent)]
    Database(#[from] DbError),
}

pub(crate) async fn add_receiving_number(
    db: &Db,
    actor: &Actor,
    phone: &E164,
) -> Result<PhoneNumberId, AddNumberError> {
    let Actor::Operator { tenant } = actor else { return Err(AddNumberError::Forbidden) };
    let mut tx = db.begin(*tenant).await?;
    let id = tx.ids().next();
    if !store::number::insert(&mut tx, id, phone).await? {
        return Ok(store::number::id_of(&mut tx, phone).await?);
    }
    if !tx.add_route(RouteKind::TwilioNumber, phone.as_str(), id.as_uuid()).await? {
        tx.roll_back().await?;
        return Err(AddNumberError::Taken);
    }
    tx.commit().await?;
    Ok(id)
}
