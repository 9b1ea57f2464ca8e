use nmc_catalog::QuoteError;
use nmc_db::{DbError, IdempotencyError, Tx};
use nmc_events::{Context, scheduling::BookedBy};
use nmc_kernel::{Actor, IdempotencyKey, Minutes, Money};
use nmc_telemetry::name::SCHEDULING_BOOK_CONFLICT_TOTAL;

use super::{
    admit::{Barred, barred, user_of},
    alternatives::{self, Refused},
};
use crate::{
    Appointment, AppointmentStatus, Booked, Hold, NewAppointment, Scheduling, model::hold::Became, store,
    timers::hold_expiry::HoldExpiry,
};

/// Why nothing is booked.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// The business takes no bookings.
    #[error(transparent)]
    Barred(Barred),
    /// There is no such hold or item.
    #[error("there is no such hold or item")]
    NotFound,
    /// The item is not offered any more.
    #[error("the item is not offered any more")]
    ItemInactive,
    /// The hold's time has run out.
    #[error("the hold's time has run out")]
    HoldExpired,
    /// The hold was given back.
    #[error("the hold was given back")]
    HoldReleased,
    /// The hold was booked for somebody or something else.
    #[error("the hold was booked for somebody or something else")]
    HoldBooked,
    /// The hold was made for another item.
    #[error("the hold was made for another item")]
    OtherItem,
    /// The hold was made to move an appointment.
    #[error("the hold was made to move an appointment")]
    HoldMoves,
    /// The hold, made for no item, lasts something else than this one.
    #[error("the hold must last {} minutes", .0.get())]
    Duration(Minutes),
    /// The resource cannot do it.
    #[error("the resource does not do this")]
    LacksSkill,
    /// Something is booked there; the constraint says so.
    #[error("the timeslot is taken")]
    Taken,
    /// The request's key belongs to another request.
    #[error("the idempotency key belongs to another request")]
    KeyReused,
    /// A statement failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl BookError {
    /// Whether something else could be had.
    const fn has_alternatives(&self) -> bool {
        match self {
            Self::HoldBooked | Self::OtherItem | Self::HoldMoves | Self::LacksSkill | Self::Taken => true,
            Self::Barred(_)
            | Self::NotFound
            | Self::ItemInactive
            | Self::HoldExpired
            | Self::HoldReleased
            | Self::Duration(_)
            | Self::KeyReused
            | Self::Database(_) => false,
        }
    }
}

impl From<QuoteError> for BookError {
    fn from(error: QuoteError) -> Self {
        match error {
            QuoteError::Unknown => Self::NotFound,
            QuoteError::Inactive => Self::ItemInactive,
            QuoteError::Database(error) => Self::Database(error),
        }
    }
}

impl From<IdempotencyError> for BookError {
    fn from(error: IdempotencyError) -> Self {
        match error {
            IdempotencyError::KeyReused => Self::KeyReused,
            IdempotencyError::Database(error) => Self::Database(error),
        }
    }
}

/// A person books what is held.
pub(crate) async fn book(
    scheduling: &Scheduling,
    actor: &Actor,
    new: &NewAppointment,
    key: Option<&IdempotencyKey>,
) -> Result<Booked, Refused<BookError>> {
    let mut tx = scheduling.db.begin(actor.tenant()).await?;
    let error = match booking(scheduling, &mut tx, actor, new, key).await {
        Ok(booked) => {
            tx.commit().await?;
            return Ok(booked);
        }
        Err(error) => error,
    };
    if matches!(error, BookError::HoldExpired | BookError::Taken) {
        metrics::counter!(SCHEDULING_BOOK_CONFLICT_TOTAL).increment(1);
    }
    if !error.has_alternatives() {
        return Err(Refused::plainly(error));
    }
    tx.roll_back().await?;
    let item = Some(new.service_item_id);
    Err(Refused { error, alternatives: alternatives::near_hold(scheduling, actor, new.hold_id, item, None).await? })
}

async fn booking(
    scheduling: &Scheduling,
    tx: &mut Tx,
    actor: &Actor,
    new: &NewAppointment,
    key: Option<&IdempotencyKey>,
) -> Result<Booked, BookError> {
    if let Some(first) = tx.first_answer(actor, key).await? {
        return Ok(first);
    }
    let booked = book_in(scheduling, tx, actor, new, None).await?;
    tx.keep_answer(actor, key, &booked).await?;
    Ok(booked)
}

/// Books what is held, on the caller's transaction. A live hold is a promise: nothing is judged again. What it belongs
/// to is the hold's, where no `context` is given. A refusal has written nothing, but for
/// [`BookError::Taken`], after which the transaction is to be given up.
pub(crate) async fn book_in(
    scheduling: &Scheduling,
    tx: &mut Tx,
    actor: &Actor,
    new: &NewAppointment,
    context: Option<Context>,
) -> Result<Booked, BookError> {
    if let Some(why) = barred(scheduling, tx).await? {
        return Err(BookError::Barred(why));
    }
    let Some(hold) = store::hold::lock(tx, new.hold_id).await? else {
        return what_became(tx, new, BookError::NotFound).await;
    };
    if hold.is_over(tx.now()) {
        // Perhaps whoever was waited for was in time.
        return what_became(tx, new, BookError::HoldExpired).await;
    }
    let price = agreed_price(scheduling, tx, &hold, new).await?;
    let context = context.unwrap_or(hold.context());
    let appointment = Appointment {
        id: tx.ids().next(),
        resource_id: hold.resource_id,
        slot: hold.slot,
        blocked: hold.blocked,
        service_item_id: new.service_item_id,
        price,
        customer_phone: new.customer_phone.clone(),
        details: new.details.clone(),
        conversation_id: hold.conversation_id,
        correlation_id: context.correlation,
        booked_by: match actor {
            Actor::User { .. } | Actor::Operator { .. } => BookedBy::User,
            Actor::System { .. } => BookedBy::Automation,
        },
        status: AppointmentStatus::Booked,
        version: 1,
        created_at: tx.now(),
    };
    if !store::appointment::book(tx, &hold, &appointment, user_of(actor)).await? {
        // Of a hold that was there and neither is nor has ended, the constraint refused the appointment.
        return what_became(tx, new, BookError::Taken).await;
    }
    HoldExpiry::cancel(tx, hold.id).await?;
    tx.publish(&appointment.booked(), context)?;
    Ok(Booked { appointment_id: appointment.id })
}

/// What was quoted when it was held, for what it was held for; else what the item costs now.
async fn agreed_price(
    scheduling: &Scheduling,
    tx: &mut Tx,
    hold: &Hold,
    new: &NewAppointment,
) -> Result<Money, BookError> {
    if hold.moves_appointment_id.is_some() {
        return Err(BookError::HoldMoves);
    }
    if let Some(item) = hold.service_item_id
        && item != new.service_item_id
    {
        return Err(BookError::OtherItem);
    }
    if let Some(price) = hold.price {
        return Ok(price);
    }
    let quote = scheduling.catalog.quote(tx, new.service_item_id).await?;
    let resource = store::resource::find(tx, hold.resource_id).await?.ok_or(BookError::NotFound)?;
    if !hold.is_override {
        if !resource.can_do(new.service_item_id) {
            return Err(BookError::LacksSkill);
        }
        if hold.slot.end() - hold.slot.start() != quote.duration.duration() {
            return Err(BookError::Duration(quote.duration));
        }
    }
    Ok(quote.price)
}

/// The answer where the hold is not there any more.
async fn what_became(tx: &mut Tx, new: &NewAppointment, otherwise: BookError) -> Result<Booked, BookError> {
    match store::hold::ended(tx, new.hold_id).await? {
        Some(Became::Booked(id)) => {
            let appointment = store::appointment::find(tx, id).await?.ok_or(BookError::NotFound)?;
            let is_the_same =
                appointment.customer_phone == new.customer_phone && appointment.service_item_id == new.service_item_id;
            if is_the_same { Ok(Booked { appointment_id: id }) } else { Err(BookError::HoldBooked) }
        }
        Some(Became::Released) => Err(BookError::HoldReleased),
        Some(Became::Expired) => Err(BookError::HoldExpired),
        None => Err(otherwise),
    }
}
