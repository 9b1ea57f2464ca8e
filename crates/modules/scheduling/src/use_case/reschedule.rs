use nmc_db::{DbError, Tx};
use nmc_events::{Context, scheduling::AppointmentRescheduled};
use nmc_kernel::{Actor, AppointmentId, HoldId};

use super::{
    admit::{Barred, barred, user_of},
    alternatives::{self, Refused},
};
use crate::{
    Appointment, AppointmentStatus, Hold, Scheduling,
    model::{appointment::ChangeKind, hold::Became},
    store::{self, appointment::Change},
    timers::hold_expiry::HoldExpiry,
};

/// Why nothing is moved.
#[derive(Debug, thiserror::Error)]
pub enum RescheduleError {
    /// The business takes no bookings.
    #[error(transparent)]
    Barred(Barred),
    /// There is no such appointment or hold.
    #[error("there is no such appointment or hold")]
    NotFound,
    /// The hold's time has run out.
    #[error("the hold's time has run out")]
    HoldExpired,
    /// The hold was given back.
    #[error("the hold was given back")]
    HoldReleased,
    /// The hold was booked as something else.
    #[error("the hold was booked as something else")]
    HoldBooked,
    /// The hold was made for another item.
    #[error("the hold was made for another item")]
    OtherItem,
    /// The hold was made to move another appointment.
    #[error("the hold was made to move another appointment")]
    HoldMoves,
    /// The hold, made for no item, lasts something else than the appointment.
    #[error("the hold must last {0} minutes")]
    Duration(i64),
    /// The resource cannot do it.
    #[error("the resource does not do this")]
    LacksSkill,
    /// The appointment is not to be kept any more.
    #[error("the appointment is over")]
    Over,
    /// Somebody else moved it at the same time.
    #[error("the appointment was moved meanwhile")]
    Moved,
    /// Something is booked there; the constraint says so.
    #[error("the timeslot is taken")]
    Taken,
    /// A statement failed.
    #[error(transparent)]
    Database(DbError),
}

impl From<DbError> for RescheduleError {
    fn from(error: DbError) -> Self {
        match error.constraint() {
            Some("sched_appointments_no_overlap") => Self::Taken,
            _ => Self::Database(error),
        }
    }
}

impl RescheduleError {
    /// Whether something else could be had.
    const fn has_alternatives(&self) -> bool {
        match self {
            Self::HoldBooked
            | Self::OtherItem
            | Self::HoldMoves
            | Self::LacksSkill
            | Self::Over
            | Self::Moved
            | Self::Taken => true,
            Self::Barred(_)
            | Self::NotFound
            | Self::HoldExpired
            | Self::HoldReleased
            | Self::Duration(_)
            | Self::Database(_) => false,
        }
    }
}

/// A person moves an appointment to what is held. Doing it twice changes nothing.
pub(crate) async fn reschedule(
    scheduling: &Scheduling,
    actor: &Actor,
    id: AppointmentId,
    hold: HoldId,
) -> Result<Appointment, Refused<RescheduleError>> {
    let mut tx = scheduling.db.begin(actor.tenant()).await?;
    let error = match reschedule_in(scheduling, &mut tx, actor, id, hold, None).await {
        Ok(appointment) => {
            tx.commit().await?;
            return Ok(appointment);
        }
        Err(error) => error,
    };
    if !error.has_alternatives() {
        return Err(Refused::plainly(error));
    }
    tx.roll_back().await?;
    Err(Refused { error, alternatives: alternatives::near_hold(scheduling, actor, hold, None, Some(id)).await? })
}

/// The same on the caller's transaction. What it belongs to is the appointment's, where no `context` is given. The price
/// stays. A refusal has written nothing, but for [`RescheduleError::Taken`], after which the transaction is lost.
pub(crate) async fn reschedule_in(
    scheduling: &Scheduling,
    tx: &mut Tx,
    actor: &Actor,
    id: AppointmentId,
    hold_id: HoldId,
    context: Option<Context>,
) -> Result<Appointment, RescheduleError> {
    if let Some(why) = barred(scheduling, tx).await? {
        return Err(RescheduleError::Barred(why));
    }
    let before = store::appointment::find(tx, id).await?.ok_or(RescheduleError::NotFound)?;
    let Some(hold) = store::hold::find(tx, hold_id).await? else {
        return what_became(tx, id, hold_id, RescheduleError::NotFound).await;
    };
    let resources = store::resource::lock(tx, &[before.resource_id, hold.resource_id]).await?;
    // Whoever was waited for may have done just this.
    let Some(mut appointment) = store::appointment::lock_at(tx, id, before.resource_id).await? else {
        return what_became(tx, id, hold_id, RescheduleError::Moved).await;
    };
    if appointment.status != AppointmentStatus::Booked {
        return what_became(tx, id, hold_id, RescheduleError::Over).await;
    }
    if hold.is_over(tx.now()) {
        return what_became(tx, id, hold_id, RescheduleError::HoldExpired).await;
    }
    let can_do = |item| resources.iter().any(|resource| resource.id == hold.resource_id && resource.can_do(item));
    check(&hold, &appointment, can_do)?;
    if !store::hold::end(tx, hold_id, Became::Booked(id)).await? {
        return what_became(tx, id, hold_id, RescheduleError::NotFound).await;
    }
    let moved = AppointmentRescheduled {
        appointment_id: id,
        old_start: appointment.slot.start(),
        old_end: appointment.slot.end(),
        old_resource_id: appointment.resource_id,
        new_start: hold.slot.start(),
        new_end: hold.slot.end(),
        new_resource_id: hold.resource_id,
    };
    appointment.resource_id = hold.resource_id;
    appointment.slot = hold.slot;
    appointment.blocked = hold.blocked;
    appointment.version += 1;
    let change = Change { what: ChangeKind::Moved, by: user_of(actor), reason: None };
    store::appointment::save(tx, &appointment, change).await?;
    HoldExpiry::cancel(tx, hold_id).await?;
    tx.publish(&moved, context.unwrap_or(appointment.context()))?;
    Ok(appointment)
}

/// Whether the hold is one to move this appointment to.
fn check(
    hold: &Hold,
    appointment: &Appointment,
    can_do: impl Fn(nmc_kernel::ServiceItemId) -> bool,
) -> Result<(), RescheduleError> {
    let item = appointment.service_item_id;
    if hold.moves_appointment_id.is_some_and(|other| other != appointment.id) {
        return Err(RescheduleError::HoldMoves);
    }
    if hold.service_item_id.is_some_and(|other| other != item) {
        return Err(RescheduleError::OtherItem);
    }
    // With an item, the rest was asked when it was held.
    if hold.service_item_id.is_none() && !hold.is_override {
        if !can_do(item) {
            return Err(RescheduleError::LacksSkill);
        }
        let length = appointment.slot.end() - appointment.slot.start();
        if hold.slot.end() - hold.slot.start() != length {
            return Err(RescheduleError::Duration(length.num_minutes()));
        }
    }
    Ok(())
}

/// The answer where the hold is not there any more, or may not be: the appointment as it is by now, where it was moved to
/// the hold already.
async fn what_became(
    tx: &mut Tx,
    id: AppointmentId,
    hold: HoldId,
    otherwise: RescheduleError,
) -> Result<Appointment, RescheduleError> {
    match store::hold::ended(tx, hold).await? {
        Some(Became::Booked(moved)) if moved == id => {
            store::appointment::find(tx, id).await?.ok_or(RescheduleError::NotFound)
        }
        Some(Became::Booked(_)) => Err(RescheduleError::HoldBooked),
        Some(Became::Released) => Err(RescheduleError::HoldReleased),
        Some(Became::Expired) => Err(RescheduleError::HoldExpired),
        None => Err(otherwise),
    }
}
