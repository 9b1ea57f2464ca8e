use nmc_db::{Db, DbError};
use nmc_kernel::{Actor, E164};

use crate::{LabelError, model, store};

/// Why the list stayed as it was.
#[derive(Debug, thiserror::Error)]
pub enum DoNotTextError {
    /// The label is not one.
    #[error(transparent)]
    Label(#[from] LabelError),
    /// The database did not do it.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Anybody of the business knows whom not to text, so no role is asked for.
pub(crate) async fn add(db: &Db, actor: &Actor, phone: &E164, label: &str) -> Result<(), DoNotTextError> {
    let label = model::do_not_text::label(label)?;
    let mut tx = db.begin(actor.tenant()).await?;
    store::do_not_text::save(&mut tx, phone, label).await?;
    tx.commit().await?;
    Ok(())
}

pub(crate) async fn remove(db: &Db, actor: &Actor, phone: &E164) -> Result<bool, DbError> {
    let mut tx = db.begin(actor.tenant()).await?;
    let was_listed = store::do_not_text::delete(&mut tx, phone).await?;
    tx.commit().await?;
    Ok(was_listed)
}
