use std::time::Instant;

use chrono::Duration;
use nmc_catalog::QuoteError;
use nmc_db::{DbError, ReadTx};
use nmc_kernel::{Actor, AppointmentId, ConversationId, Minutes, ResourceId, ServiceItemId, Timeslot};
use nmc_telemetry::name::SCHEDULING_SEARCH_DURATION_SECONDS;

use super::resources::RESOURCES_MAX;
use crate::{
    Granularity, Scheduling, Slot,
    model::availability::Availability,
    store::calendar::{self, Bookable, Question},
};

/// The longest window of a search.
pub const WINDOW_MAX: Duration = Duration::days(14);
/// Slots of an answer at most: what nobody reads to its end need not be told.
const SLOTS_MAX: usize = 2000;

/// What is looked for.
#[derive(Clone, Debug)]
pub struct Search {
    /// With whom; none: with anybody.
    pub resource_ids: Option<Vec<ResourceId>>,
    /// How long it takes, and who can do it.
    pub job: Job,
    /// Slots lie in it as a whole.
    pub window: Timeslot,
    /// How far apart the slots begin; none: as far as the settings say.
    pub granularity: Option<Granularity>,
    /// What this conversation holds is free to it.
    pub conversation_id: Option<ConversationId>,
    /// What is to be moved is free.
    pub moves_appointment_id: Option<AppointmentId>,
}

/// What a slot is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// An item of the catalog: it lasts what that lasts, with those who can do it.
    Item(ServiceItemId),
    /// So many minutes, with anybody.
    Length(Minutes),
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// By their start, then by resource.
    pub slots: Vec<Slot>,
    /// Whether these are all: else a smaller window has more.
    pub is_complete: bool,
}

/// Why nothing was looked for.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The window is too long.
    #[error("the window is longer than 14 days")]
    Window,
    /// There is no such item, resource or appointment.
    #[error("there is no such item, resource or appointment")]
    NotFound,
    /// The item is not offered any more.
    #[error("the item is not offered any more")]
    ItemInactive,
    /// A statement failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<QuoteError> for SearchError {
    fn from(error: QuoteError) -> Self {
        match error {
            QuoteError::Unknown => Self::NotFound,
            QuoteError::Inactive => Self::ItemInactive,
            QuoteError::Database(error) => Self::Database(error),
        }
    }
}

pub(crate) async fn search(scheduling: &Scheduling, actor: &Actor, search: &Search) -> Result<Found, SearchError> {
    let begun = Instant::now();
    let mut tx = scheduling.db.read(actor.tenant()).await?;
    let found = search_in(scheduling, &mut tx, search).await?;
    tx.finish().await?;
    metrics::histogram!(SCHEDULING_SEARCH_DURATION_SECONDS).record(begun.elapsed());
    Ok(found)
}

pub(crate) async fn search_in(scheduling: &Scheduling, tx: &mut ReadTx, search: &Search) -> Result<Found, SearchError> {
    if search.window.end() - search.window.start() > WINDOW_MAX {
        return Err(SearchError::Window);
    }
    let (length, item) = match search.job {
        Job::Item(item) => (scheduling.catalog.quote(tx, item).await?.duration.duration(), Some(item)),
        Job::Length(length) => (length.duration(), None),
    };
    let asks_by_id = search.resource_ids.is_some() || search.moves_appointment_id.is_some();
    if asks_by_id && !calendar::knows(tx, search.resource_ids.as_deref(), search.moves_appointment_id).await? {
        return Err(SearchError::NotFound);
    }
    let question = Question {
        resources: search.resource_ids.as_deref(),
        bookable: Some(Bookable(item)),
        window: search.window,
        conversation: search.conversation_id,
        moves: search.moves_appointment_id,
    };
    let zone = scheduling.identity.tenant(tx).await?.time_zone;
    let granularity = search.granularity.unwrap_or(scheduling.settings.search_granularity);
    let now = tx.now();
    let mut slots = Vec::new();
    for calendar in calendar::load(tx, &question, RESOURCES_MAX).await? {
        let rules = calendar.rules(zone);
        let availability = Availability::new(&rules, calendar.busy, search.window, now);
        let free = availability.slots(search.window, length, granularity);
        // Of one resource no more are told than of all.
        slots.extend(free.take(SLOTS_MAX + 1).map(|slot| Slot::new(calendar.resource.id, slot)));
    }
    slots.sort_unstable_by_key(|slot| (slot.start, slot.resource_id));
    let is_complete = slots.len() <= SLOTS_MAX;
    slots.truncate(SLOTS_MAX);
    Ok(Found { slots, is_complete })
}
