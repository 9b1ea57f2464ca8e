//! What can be had instead of what was refused.

use chrono::{DateTime, Duration, Utc};
use nmc_catalog::QuoteError;
use nmc_db::{DbError, ReadTx};
use nmc_kernel::{Actor, AppointmentId, HoldId, ServiceItemId, Timeslot};

use super::resources::RESOURCES_MAX;
use crate::{
    Granularity, Scheduling, Slot,
    model::{alternatives::nearest, availability::Availability, hold::Became, slot::Wanted},
    store::{
        self,
        calendar::{self, Bookable, Question},
    },
};

/// Days around what was wanted in which something else is looked for, half of them before it.
const AROUND: Duration = Duration::days(14);

/// A refusal, with what could be had instead: up to three slots, the nearest first.
#[derive(Debug)]
pub struct Refused<E> {
    /// Why not.
    pub error: E,
    /// What instead.
    pub alternatives: Vec<Slot>,
}

impl<E> Refused<E> {
    pub(crate) const fn plainly(error: E) -> Self {
        Self { error, alternatives: Vec::new() }
    }
}

impl<E: From<DbError>> From<DbError> for Refused<E> {
    fn from(error: DbError) -> Self {
        Self::plainly(error.into())
    }
}

/// Looks afresh for what is nearest to what was wanted. The transaction that was refused has ended.
pub(crate) async fn near(scheduling: &Scheduling, actor: &Actor, wanted: Wanted) -> Result<Vec<Slot>, DbError> {
    let mut tx = scheduling.db.read(actor.tenant()).await?;
    let alternatives = near_in(scheduling, &mut tx, wanted).await?;
    tx.finish().await?;
    Ok(alternatives)
}

/// The same for what a hold reserves, or was booked as: for this item, or to move this appointment.
pub(crate) async fn near_hold(
    scheduling: &Scheduling,
    actor: &Actor,
    hold: HoldId,
    service_item_id: Option<ServiceItemId>,
    moves_appointment_id: Option<AppointmentId>,
) -> Result<Vec<Slot>, DbError> {
    let mut tx = scheduling.db.read(actor.tenant()).await?;
    let place = match store::hold::find(&mut tx, hold).await? {
        Some(hold) => Some((hold.resource_id, hold.slot)),
        None => match store::hold::ended(&mut tx, hold).await? {
            Some(Became::Booked(id)) => {
                let appointment = store::appointment::find(&mut tx, id).await?;
                appointment.map(|appointment| (appointment.resource_id, appointment.slot))
            }
            Some(Became::Released | Became::Expired) | None => None,
        },
    };
    let alternatives = match place {
        Some((resource_id, slot)) => {
            let wanted = Wanted { resource_id, slot, service_item_id, moves_appointment_id };
            near_in(scheduling, &mut tx, wanted).await?
        }
        None => Vec::new(),
    };
    tx.finish().await?;
    Ok(alternatives)
}

async fn near_in(scheduling: &Scheduling, tx: &mut ReadTx, wanted: Wanted) -> Result<Vec<Slot>, DbError> {
    let moved = match wanted.moves_appointment_id {
        Some(id) => store::appointment::find(tx, id).await?,
        None => None,
    };
    let length = match (wanted.service_item_id, &moved) {
        (None, None) => wanted.slot.end() - wanted.slot.start(),
        (None, Some(moved)) => moved.slot.end() - moved.slot.start(),
        (Some(item), _) => match scheduling.catalog.quote(tx, item).await {
            Ok(quote) => quote.duration.duration(),
            // What is not offered cannot be had at another time either.
            Err(QuoteError::Unknown | QuoteError::Inactive) => return Ok(Vec::new()),
            Err(QuoteError::Database(error)) => return Err(error),
        },
    };
    let item = wanted.service_item_id.or(moved.map(|moved| moved.service_item_id));
    let now = tx.now();
    let around = |from: DateTime<Utc>| Timeslot::new(from.max(now), from.max(now) + AROUND);
    let Ok(mut window) = around(wanted.slot.start() - AROUND / 2) else { return Ok(Vec::new()) };
    let question = |window| Question {
        resources: None,
        bookable: Some(Bookable(item)),
        window,
        conversation: None,
        moves: wanted.moves_appointment_id,
    };
    let zone = scheduling.identity.tenant(tx).await?.time_zone;
    let mut calendars = calendar::load(tx, &question(window), RESOURCES_MAX).await?;
    // What was wanted is too far ahead for all of them: the last that can be had is the nearest.
    let furthest = calendars.iter().map(|calendar| now + calendar.resource.horizon()).max();
    if let Some(furthest) = furthest.filter(|furthest| *furthest < wanted.slot.start())
        && let Ok(before) = around(furthest + length - AROUND)
    {
        window = before;
        calendars = calendar::load(tx, &question(window), RESOURCES_MAX).await?;
    }
    let mut near = Vec::new();
    for calendar in calendars {
        let rules = calendar.rules(zone);
        let availability = Availability::new(&rules, calendar.busy, window, now);
        let resource = calendar.resource.id;
        let free = availability.slots(window, length, Granularity::Quarter).map(|slot| (resource, slot));
        near.extend(nearest((wanted.resource_id, wanted.slot), free));
    }
    let near = nearest((wanted.resource_id, wanted.slot), near.into_iter());
    Ok(near.into_iter().map(|(resource, slot)| Slot::new(resource, slot)).collect())
}
