use nmc_db::{Db, DbError, IdempotencyError};
use nmc_identity::Identity;
use nmc_kernel::{Actor, E164, IdempotencyKey};
use serde_json::Value;
use uuid::Uuid;

use super::audit::audit;
use crate::{DoNotText, LabelError, model, store};

/// A list longer than this is not family and suppliers any more.
const MAX_LISTED: i64 = 1_000;

/// Why the list stayed as it was.
#[derive(Debug, thiserror::Error)]
pub enum DoNotTextError {
    /// The label is not one.
    #[error(transparent)]
    Label(#[from] LabelError),
    /// The list is full.
    #[error("the list has {MAX_LISTED} numbers already")]
    Full,
    /// The request's key belongs to another request.
    #[error("the idempotency key belongs to another request")]
    KeyReused,
    /// The database did not do it.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<IdempotencyError> for DoNotTextError {
    fn from(error: IdempotencyError) -> Self {
        match error {
            IdempotencyError::KeyReused => Self::KeyReused,
            IdempotencyError::Database(error) => Self::Database(error),
        }
    }
}

/// Anybody of the business knows whom not to text, so no role is asked for.
pub(crate) async fn add(
    db: &Db,
    identity: &Identity,
    actor: &Actor,
    phone: &E164,
    label: &str,
    key: Option<&IdempotencyKey>,
) -> Result<DoNotText, DoNotTextError> {
    let label = model::do_not_text::label(label)?;
    let mut tx = db.begin(actor.tenant()).await?;
    if let Some(first) = tx.first_answer(actor, key).await? {
        return Ok(first);
    }
    // As with a STOP: no text starts on its way after this has been answered.
    store::phone_lock::exclude(&mut tx, phone).await?;
    let entry = store::do_not_text::save(&mut tx, phone, label).await?;
    if store::do_not_text::count(&mut tx).await? > MAX_LISTED {
        return Err(DoNotTextError::Full);
    }
    let what = ("do-not-text.added", "do-not-text", entry.id);
    audit(identity, &mut tx, actor, what, Value::Null, Value::Null).await?;
    tx.keep_answer(actor, key, &entry).await?;
    tx.commit().await?;
    Ok(entry)
}

pub(crate) async fn remove(db: &Db, identity: &Identity, actor: &Actor, id: Uuid) -> Result<bool, DbError> {
    let mut tx = db.begin(actor.tenant()).await?;
    let was_listed = store::do_not_text::delete(&mut tx, id).await?;
    if was_listed {
        let what = ("do-not-text.removed", "do-not-text", id);
        audit(identity, &mut tx, actor, what, Value::Null, Value::Null).await?;
    }
    tx.commit().await?;
    Ok(was_listed)
}
