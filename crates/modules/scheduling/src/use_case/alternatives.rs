//! What can be had instead of what was refused.

use chrono::Duration;
use nmc_catalog::QuoteError;
use nmc_db::{DbError, ReadTx};
use nmc_kernel::{Actor, HoldId, Timeslot};

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

/// The same for what a hold reserves, or was booked as.
pub(crate) async fn near_hold(scheduling: &Scheduling, actor: &Actor, hold: HoldId) -> Result<Vec<Slot>, DbError> {
    let mut tx = scheduling.db.read(actor.tenant()).await?;
    let wanted = match store::hold::find(&mut tx, hold).await? {
        Some(hold) => {
            Some(Wanted { resource_id: hold.resource_id, slot: hold.slot, service_item_id: hold.service_item_id })
        }
        None => match store::hold::ended(&mut tx, hold).await? {
            Some(Became::Booked(id)) => store::appointment::find(&mut tx, id).await?.map(|appointment| Wanted {
                resource_id: appointment.resource_id,
                slot: appointment.slot,
                service_item_id: Some(appointment.service_item_id),
            }),
            Some(Became::Released | Became::Expired) | None => None,
        },
    };
    let alternatives = match wanted {
        Some(wanted) => near_in(scheduling, &mut tx, wanted).await?,
        None => Vec::new(),
    };
    tx.finish().await?;
    Ok(alternatives)
}

async fn near_in(scheduling: &Scheduling, tx: &mut ReadTx, wanted: Wanted) -> Result<Vec<Slot>, DbError> {
    let length = match wanted.service_item_id {
        None => wanted.slot.end() - wanted.slot.start(),
        Some(item) => match scheduling.catalog.quote(tx, item).await {
            Ok(quote) => quote.duration.duration(),
            // What is not offered cannot be had at another time either.
            Err(QuoteError::Unknown | QuoteError::Inactive) => return Ok(Vec::new()),
            Err(QuoteError::Database(error)) => return Err(error),
        },
    };
    let now = tx.now();
    let from = (wanted.slot.start() - AROUND / 2).max(now);
    let Ok(window) = Timeslot::new(from, from + AROUND) else { return Ok(Vec::new()) };
    let question = Question {
        resources: None,
        bookable: Some(Bookable(wanted.service_item_id)),
        window,
        conversation: None,
        moves: None,
    };
    let zone = scheduling.identity.tenant(tx).await?.time_zone;
    let calendars = calendar::load(tx, &question, RESOURCES_MAX).await?;
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
