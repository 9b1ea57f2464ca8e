use chrono::Duration;
use nmc_catalog::{Quote, QuoteError};
use nmc_db::{DbError, IdempotencyError, Tx};
use nmc_events::Context;
use nmc_kernel::{Actor, IdempotencyKey, Minutes, Timeslot};
use nmc_telemetry::name::SCHEDULING_HOLD_CONFLICT_TOTAL;

use super::{
    admit::{Barred, barred, user_of},
    alternatives::{self, Refused},
    expire, release,
};
use crate::{
    AppointmentStatus, Held, Hold, NewHold, Refusal, Resource, Scheduling,
    model::{availability::Availability, slot::Wanted},
    store::{
        self,
        calendar::{self, Question},
    },
    timers::hold_expiry::HoldExpiry,
};

/// The shortest and the longest timeslot that can be held: what an item of the catalog can last.
const LENGTHS: [Duration; 2] = [Duration::minutes(1), Duration::minutes(480)];

/// Why nothing is held.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// Only a person sets the rules aside.
    #[error("only a person of the business sets the rules aside")]
    PersonRequired,
    /// The business takes no bookings.
    #[error(transparent)]
    Barred(Barred),
    /// There is no such resource, item or appointment.
    #[error("there is no such resource, item or appointment")]
    NotFound,
    /// The item is not offered any more.
    #[error("the item is not offered any more")]
    ItemInactive,
    /// The timeslot lasts something else than the item.
    #[error("the timeslot must last {} minutes", .0.get())]
    Duration(Minutes),
    /// The field is no whole minute.
    #[error("must be a whole minute")]
    Minute(&'static str),
    /// The timeslot is too short or too long.
    #[error("the timeslot must last 1 to 480 minutes")]
    Length,
    /// The resource cannot do it.
    #[error("the resource does not do this")]
    LacksSkill,
    /// The resource cannot be booked.
    #[error("the resource cannot be booked")]
    ResourceInactive,
    /// The appointment that is to be moved is not to be kept any more.
    #[error("the appointment is over")]
    AppointmentOver,
    /// The time cannot be had.
    #[error(transparent)]
    Refused(Refusal),
    /// The request's key belongs to another request.
    #[error("the idempotency key belongs to another request")]
    KeyReused,
    /// A statement failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl HoldError {
    /// Whether something else could be had.
    const fn has_alternatives(&self) -> bool {
        match self {
            Self::LacksSkill | Self::ResourceInactive | Self::AppointmentOver | Self::Refused(_) => true,
            Self::PersonRequired
            | Self::Barred(_)
            | Self::NotFound
            | Self::ItemInactive
            | Self::Duration(_)
            | Self::Minute(_)
            | Self::Length
            | Self::KeyReused
            | Self::Database(_) => false,
        }
    }
}

impl From<QuoteError> for HoldError {
    fn from(error: QuoteError) -> Self {
        match error {
            QuoteError::Unknown => Self::NotFound,
            QuoteError::Inactive => Self::ItemInactive,
            QuoteError::Database(error) => Self::Database(error),
        }
    }
}

impl From<IdempotencyError> for HoldError {
    fn from(error: IdempotencyError) -> Self {
        match error {
            IdempotencyError::KeyReused => Self::KeyReused,
            IdempotencyError::Database(error) => Self::Database(error),
        }
    }
}

/// A person reserves a timeslot.
pub(crate) async fn hold(
    scheduling: &Scheduling,
    actor: &Actor,
    new: &NewHold,
    key: Option<&IdempotencyKey>,
) -> Result<Held, Refused<HoldError>> {
    let mut tx = scheduling.db.begin(actor.tenant()).await?;
    let error = match holding(scheduling, &mut tx, actor, new, key).await {
        Ok(held) => {
            tx.commit().await?;
            return Ok(held);
        }
        Err(error) => error,
    };
    if !error.has_alternatives() {
        return Err(Refused::plainly(error));
    }
    if matches!(error, HoldError::Refused(Refusal::Taken | Refusal::Buffer)) {
        metrics::counter!(SCHEDULING_HOLD_CONFLICT_TOTAL).increment(1);
    }
    tx.roll_back().await?;
    let wanted = Wanted {
        resource_id: new.resource_id,
        slot: new.slot,
        service_item_id: new.service_item_id,
        moves_appointment_id: new.moves_appointment_id,
    };
    Err(Refused { error, alternatives: alternatives::near(scheduling, actor, wanted).await? })
}

async fn holding(
    scheduling: &Scheduling,
    tx: &mut Tx,
    actor: &Actor,
    new: &NewHold,
    key: Option<&IdempotencyKey>,
) -> Result<Held, HoldError> {
    if let Some(first) = tx.first_answer(actor, key).await? {
        return Ok(first);
    }
    let context = Context { correlation: tx.ids().next(), causation: None };
    let held = hold_in(scheduling, tx, actor, new, context).await?;
    tx.keep_answer(actor, key, &held).await?;
    Ok(held)
}

/// Reserves a timeslot on the caller's transaction, which holds the conversation's row where there is one. A refusal has
/// written nothing then. Without the row another hold of the conversation can come between: the constraint refuses this
/// one, and the one before is given back by then.
pub(crate) async fn hold_in(
    scheduling: &Scheduling,
    tx: &mut Tx,
    actor: &Actor,
    new: &NewHold,
    context: Context,
) -> Result<Held, HoldError> {
    if new.is_override && !matches!(actor, Actor::User { .. }) {
        return Err(HoldError::PersonRequired);
    }
    if let Some(why) = barred(scheduling, tx).await? {
        return Err(HoldError::Barred(why));
    }
    let quote = match new.service_item_id {
        Some(item) => Some(scheduling.catalog.quote(tx, item).await?),
        None => None,
    };
    // Without a lock first: of many who want the same time, those who have lost already do not wait in the line.
    let look = calendar::look(tx, new.resource_id, new.slot, new.conversation_id, new.moves_appointment_id).await?;
    let look = look.ok_or(HoldError::NotFound)?;
    if new.moves_appointment_id.is_some() {
        let (status, _) = look.moved.ok_or(HoldError::NotFound)?;
        if status != AppointmentStatus::Booked {
            return Err(HoldError::AppointmentOver);
        }
    }
    check_length(new, quote.as_ref())?;
    if look.is_taken {
        return Err(HoldError::Refused(Refusal::Taken));
    }
    let mut resources = vec![new.resource_id];
    resources.extend(look.own_hold.map(|(_, resource)| resource));
    // Who moves it in the same transaction has locked all of them here, in order.
    resources.extend(look.moved.map(|(_, resource)| resource));
    store::resource::lock(tx, &resources).await?;
    let blocked = judged(scheduling, tx, new).await?;
    if let Some((own, _)) = look.own_hold {
        release::end(tx, own).await?;
    }
    let hold = Hold {
        id: tx.ids().next(),
        resource_id: new.resource_id,
        slot: new.slot,
        blocked,
        expires_at: tx.now() + scheduling.settings.hold_ttl,
        service_item_id: new.service_item_id,
        price: quote.map(|quote| quote.price),
        conversation_id: new.conversation_id,
        correlation_id: context.correlation,
        user_id: user_of(actor),
        moves_appointment_id: new.moves_appointment_id,
        is_override: new.is_override,
        created_at: tx.now(),
    };
    if !insert(tx, &hold).await? {
        return Err(HoldError::Refused(Refusal::Taken));
    }
    HoldExpiry::set(tx, &hold).await?;
    tx.publish(&hold.held(), context)?;
    Ok(Held { hold_id: hold.id, expires_at: hold.expires_at })
}

/// A timeslot is one of whole minutes, which is how it is told, and lasts as long as the job, where one is named.
fn check_length(new: &NewHold, quote: Option<&Quote>) -> Result<(), HoldError> {
    for (field, time) in [("start", new.slot.start()), ("end", new.slot.end())] {
        if time.timestamp().rem_euclid(60) != 0 || time.timestamp_subsec_nanos() != 0 {
            return Err(HoldError::Minute(field));
        }
    }
    let length = new.slot.end() - new.slot.start();
    let [shortest, longest] = LENGTHS;
    if length < shortest || length > longest {
        return Err(HoldError::Length);
    }
    match quote {
        Some(quote) if !new.is_override && length != quote.duration.duration() => {
            Err(HoldError::Duration(quote.duration))
        }
        _ => Ok(()),
    }
}

/// Judges the timeslot by what holds now that its resource is locked; says what to keep free for it.
async fn judged(scheduling: &Scheduling, tx: &mut Tx, new: &NewHold) -> Result<Timeslot, HoldError> {
    let question = Question {
        resources: Some(&[new.resource_id]),
        bookable: None,
        window: new.slot,
        conversation: new.conversation_id,
        moves: new.moves_appointment_id,
    };
    let calendar = calendar::load(tx, &question, 1).await?.pop().ok_or(HoldError::NotFound)?;
    if !calendar.resource.is_active {
        return Err(HoldError::ResourceInactive);
    }
    if !new.is_override && lacks_skill(&calendar.resource, new) {
        return Err(HoldError::LacksSkill);
    }
    let zone = scheduling.identity.tenant(tx).await?.time_zone;
    let rules = calendar.rules(zone);
    let availability = Availability::new(&rules, calendar.busy, new.slot, tx.now());
    let judged = if new.is_override { availability.judge_override(new.slot) } else { availability.judge(new.slot) };
    judged.map_err(HoldError::Refused)
}

fn lacks_skill(resource: &Resource, new: &NewHold) -> bool {
    new.service_item_id.is_some_and(|item| !resource.can_do(item))
}

/// The judge has allowed it, so what can be in the way is what is over and has not been cleared away yet.
async fn insert(tx: &mut Tx, hold: &Hold) -> Result<bool, DbError> {
    if store::hold::insert(tx, hold).await? {
        return Ok(true);
    }
    expire::end_in_the_way(tx, hold.resource_id, hold.blocked).await?;
    store::hold::insert(tx, hold).await
}
