use chrono::{DateTime, Duration, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use nmc_catalog::ServiceItem;
use nmc_identity::TenantSettings;
use nmc_kernel::{AppointmentId, Minutes, ServiceItemId, Timeslot};
use nmc_scheduling::{Appointment, Slot, WINDOW_MAX};

use crate::model::understanding::LocalWindow;

/// Searches of one turn at most: the wish, what is near it, and one more where the wish is of another job than thought.
pub(crate) const SEARCHES_MAX: usize = 3;
/// Stretches of one search at most: more than a week of afternoons is looked up in part.
const STRETCHES_MAX: usize = 7;

/// What a turn has read: facts only.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "facts beside one another, each asked for by itself")]
pub(crate) struct World {
    /// The time of the turn.
    pub(crate) now: DateTime<Utc>,
    /// Where local times are told.
    pub(crate) zone: Tz,
    /// How the business wants to be served.
    pub(crate) settings: TenantSettings,
    /// What it is called.
    pub(crate) business: String,
    /// What it sells.
    pub(crate) items: Vec<ServiceItem>,
    /// The caller's booked appointments that are still to come, by their start.
    pub(crate) appointments: Vec<Appointment>,
    /// Those of them that begin so soon that only a person changes them: somebody may be on the way.
    pub(crate) late: Vec<AppointmentId>,
    /// What was looked up in this turn.
    pub(crate) found: Vec<Found>,
    /// What did not hold when this turn was thought before.
    pub(crate) lost: Option<Lost>,
    /// Whether a person had the conversation since the automation last wrote, or nobody while texting was not approved.
    pub(crate) after_human: bool,
    /// Whether the texts were written before the caller can have read what was asked last.
    pub(crate) is_unread: bool,
    /// Whether that text offered other times than the caller had read.
    pub(crate) are_offers_unread: bool,
    /// Whether the business takes bookings.
    pub(crate) can_book: bool,
}

/// What is free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// What was looked for.
    pub(crate) wish: SlotWish,
    /// By their start.
    pub(crate) slots: Vec<Slot>,
}

/// What is to be looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SlotWish {
    /// The job.
    pub(crate) item: ServiceItemId,
    /// Where a slot may start: in their order, apart from one another, all within 14 days.
    pub(crate) windows: Vec<LocalWindow>,
    /// The appointment that is to move.
    pub(crate) moving: Option<AppointmentId>,
}

/// Why the commands of a thought did not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// Somebody else has the slot.
    SlotTaken,
    /// The hold has ended.
    HoldExpired,
    /// The job costs or lasts something else than was told.
    PriceChanged,
    /// The job is not sold any more.
    ItemGone,
    /// The appointment is over, or was called off.
    AppointmentGone,
    /// The appointment is at another time than was told.
    AppointmentMoved,
    /// The business takes no bookings any more.
    BookingClosed,
}

impl SlotWish {
    /// What of the windows can be looked up at once, in their order.
    pub(super) fn new(item: ServiceItemId, windows: &[LocalWindow], moving: Option<AppointmentId>) -> Self {
        let last = windows.first().map(|first| first.from + WINDOW_MAX - LONGEST);
        let within = |window: &LocalWindow| {
            let until = last.map_or(window.until, |last| window.until.min(last));
            (window.from < until).then_some(LocalWindow { from: window.from, until })
        };
        Self { item, windows: windows.iter().filter_map(within).take(STRETCHES_MAX).collect(), moving }
    }

    /// The windows as they are searched: a job of this length that starts in one of them lies in it as a whole.
    pub(crate) fn stretches(&self, zone: Tz, length: Minutes) -> Vec<Timeslot> {
        let stretch = |window: &LocalWindow| {
            Timeslot::new(instant(window.from, zone), instant(window.until, zone) + length.duration()).ok()
        };
        self.windows.iter().filter_map(stretch).collect()
    }

    /// Whether a slot starts in one of the windows.
    pub(crate) fn has(&self, slot: &Slot, zone: Tz) -> bool {
        let start = local(slot.start, zone);
        self.windows.iter().any(|window| (window.from..window.until).contains(&start))
    }
}

/// The longest job there is, and the hour that clocks may be set back by.
const LONGEST: Duration = Duration::hours(9);

impl World {
    /// The item, if it is sold.
    pub(super) fn item(&self, id: ServiceItemId) -> Option<&ServiceItem> {
        self.items.iter().find(|item| item.id == id)
    }

    /// The caller's appointment, if it is still to come.
    pub(super) fn appointment(&self, id: AppointmentId) -> Option<&Appointment> {
        self.appointments.iter().find(|appointment| appointment.id == id)
    }

    /// The local time of the turn.
    pub(super) fn local_now(&self) -> NaiveDateTime {
        local(self.now, self.zone)
    }
}

/// The local time at an instant.
pub(super) fn local(at: DateTime<Utc>, zone: Tz) -> NaiveDateTime {
    at.with_timezone(&zone).naive_local()
}

/// The first instant at a local time; where clocks pass it over, the first one after.
pub(super) fn instant(at: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    let found = (0..=4_i64).find_map(|halves| {
        let later = at.checked_add_signed(Duration::minutes(30 * halves))?;
        zone.from_local_datetime(&later).earliest()
    });
    found.map_or_else(|| Utc.from_utc_datetime(&at), |found| found.with_timezone(&Utc))
}
