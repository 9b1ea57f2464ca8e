use nmc_db::{Db, DbError, IdempotencyError, RouteKind, Tx};
use nmc_identity::Identity;
use nmc_kernel::{Actor, E164, IdempotencyKey, PhoneNumberId, Role};
use serde_json::Value;

use super::audit::{audit, standing};
use crate::{NumberStatus, PhoneNumber, ReasonError, model::registration, store};

/// More numbers than any small business asks for.
const MAX_NUMBERS: i64 = 20;

/// Why a number stands where it stood.
#[derive(Debug, thiserror::Error)]
pub enum NumberError {
    /// Owners ask for numbers, operators answer.
    #[error("owners ask for numbers, and operators confirm, reject and release them")]
    Forbidden,
    /// The number leads to another business.
    #[error("the number belongs to another business")]
    Taken,
    /// The business has not asked for it.
    #[error("the business has not asked for this number")]
    NotRequested,
    /// It is the business's: it would have to be released.
    #[error("the number is active: release it")]
    Active,
    /// It is not the business's, so that there is nothing to release.
    #[error("the number is not active")]
    NotActive,
    /// The business has asked for too many.
    #[error("a business may have or ask for {MAX_NUMBERS} numbers")]
    TooMany,
    /// The reason is empty or too long.
    #[error(transparent)]
    Reason(#[from] ReasonError),
    /// The request's key belongs to another request.
    #[error("the idempotency key belongs to another request")]
    KeyReused,
    /// The database did not do it.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<IdempotencyError> for NumberError {
    fn from(error: IdempotencyError) -> Self {
        match error {
            IdempotencyError::KeyReused => Self::KeyReused,
            IdempotencyError::Database(error) => Self::Database(error),
        }
    }
}

/// An owner says that a number is the business's. Nothing leads to it until an operator agrees, so it claims nothing, and
/// whether another business has it or wants it too makes no difference to the answer.
pub(crate) async fn request(
    db: &Db,
    identity: &Identity,
    actor: &Actor,
    phone: &E164,
    key: Option<&IdempotencyKey>,
) -> Result<PhoneNumber, NumberError> {
    match actor {
        Actor::User { role: Role::Owner, .. } | Actor::Operator { .. } => {}
        Actor::User { role: Role::Tech, .. } | Actor::System { .. } => return Err(NumberError::Forbidden),
    }
    let mut tx = db.begin(actor.tenant()).await?;
    if let Some(first) = tx.first_answer(actor, key).await? {
        return Ok(first);
    }
    let number = requested(identity, actor, &mut tx, phone).await?;
    tx.keep_answer(actor, key, &number).await?;
    tx.commit().await?;
    Ok(number)
}

async fn requested(identity: &Identity, actor: &Actor, tx: &mut Tx, phone: &E164) -> Result<PhoneNumber, NumberError> {
    let id = tx.ids().next();
    if store::number::insert(tx, id, phone).await? {
        if store::number::count(tx).await? > MAX_NUMBERS {
            return Err(NumberError::TooMany);
        }
    } else {
        let known = store::number::lock(tx, phone).await?.ok_or(NumberError::NotRequested)?;
        match known.status {
            NumberStatus::Requested | NumberStatus::Active => return Ok(known),
            NumberStatus::Rejected | NumberStatus::Released => {
                store::number::set_status(tx, known.id, NumberStatus::Requested, None).await?;
                note(identity, tx, actor, "number.requested", &known, NumberStatus::Requested).await?;
            }
        }
        return store::number::lock(tx, phone).await?.ok_or(NumberError::NotRequested);
    }
    let number = store::number::lock(tx, phone).await?.ok_or(NumberError::NotRequested)?;
    let what = ("number.requested", "phone-number", number.id.as_uuid());
    audit(identity, tx, actor, what, Value::Null, standing(Some(number.status.as_str()))).await?;
    Ok(number)
}

/// Writes down that somebody moved a number to another status.
async fn note(
    identity: &Identity,
    tx: &mut Tx,
    actor: &Actor,
    action: &'static str,
    number: &PhoneNumber,
    after: NumberStatus,
) -> Result<(), DbError> {
    let what = (action, "phone-number", number.id.as_uuid());
    audit(identity, tx, actor, what, standing(Some(number.status.as_str())), standing(Some(after.as_str()))).await
}

/// The number is the business's, and its route leads there from now on. Other businesses' requests for it stay what they
/// are: answering them is another decision.
pub(crate) async fn confirm(
    db: &Db,
    identity: &Identity,
    actor: &Actor,
    phone: &E164,
) -> Result<PhoneNumberId, NumberError> {
    let mut tx = begin(db, actor).await?;
    let number = store::number::lock(&mut tx, phone).await?.ok_or(NumberError::NotRequested)?;
    activate(identity, actor, tx, &number).await
}

/// The same for a number that nobody has asked for.
pub(crate) async fn add(
    db: &Db,
    identity: &Identity,
    actor: &Actor,
    phone: &E164,
) -> Result<PhoneNumberId, NumberError> {
    let mut tx = begin(db, actor).await?;
    let id = tx.ids().next();
    store::number::insert(&mut tx, id, phone).await?;
    let number = store::number::lock(&mut tx, phone).await?.ok_or(NumberError::NotRequested)?;
    activate(identity, actor, tx, &number).await
}

async fn activate(
    identity: &Identity,
    actor: &Actor,
    mut tx: Tx,
    number: &PhoneNumber,
) -> Result<PhoneNumberId, NumberError> {
    if number.status == NumberStatus::Active {
        return Ok(number.id);
    }
    store::number::set_status(&mut tx, number.id, NumberStatus::Active, None).await?;
    if !tx.add_route(RouteKind::TwilioNumber, number.phone.as_str(), number.id.as_uuid()).await? {
        tx.roll_back().await?;
        return Err(NumberError::Taken);
    }
    note(identity, &mut tx, actor, "number.confirmed", number, NumberStatus::Active).await?;
    tx.commit().await?;
    Ok(number.id)
}

/// The number is not the business's.
pub(crate) async fn reject(
    db: &Db,
    identity: &Identity,
    actor: &Actor,
    phone: &E164,
    reason: &str,
) -> Result<PhoneNumberId, NumberError> {
    let reason = registration::reason(reason)?;
    let mut tx = begin(db, actor).await?;
    let number = store::number::lock(&mut tx, phone).await?.ok_or(NumberError::NotRequested)?;
    match number.status {
        NumberStatus::Requested | NumberStatus::Rejected => {}
        NumberStatus::Active => return Err(NumberError::Active),
        NumberStatus::Released => return Err(NumberError::NotRequested),
    }
    store::number::set_status(&mut tx, number.id, NumberStatus::Rejected, Some(reason)).await?;
    note(identity, &mut tx, actor, "number.rejected", &number, NumberStatus::Rejected).await?;
    tx.commit().await?;
    Ok(number.id)
}

/// The number is not the business's any more: its route is given up, so that it can become another's. Texts that wait to
/// be sent from it are not sent (`number-released`); what was sent from it is still known.
pub(crate) async fn release(
    db: &Db,
    identity: &Identity,
    actor: &Actor,
    phone: &E164,
    reason: &str,
) -> Result<PhoneNumberId, NumberError> {
    let reason = registration::reason(reason)?;
    let mut tx = begin(db, actor).await?;
    let number = store::number::lock(&mut tx, phone).await?.ok_or(NumberError::NotRequested)?;
    match number.status {
        NumberStatus::Active => {}
        NumberStatus::Released => return Ok(number.id),
        NumberStatus::Requested | NumberStatus::Rejected => return Err(NumberError::NotActive),
    }
    store::number::set_status(&mut tx, number.id, NumberStatus::Released, Some(reason)).await?;
    note(identity, &mut tx, actor, "number.released", &number, NumberStatus::Released).await?;
    tx.remove_route(RouteKind::TwilioNumber, number.phone.as_str()).await?;
    tx.commit().await?;
    Ok(number.id)
}

async fn begin(db: &Db, actor: &Actor) -> Result<Tx, NumberError> {
    let Actor::Operator { tenant } = actor else { return Err(NumberError::Forbidden) };
    Ok(db.begin(*tenant).await?)
}
