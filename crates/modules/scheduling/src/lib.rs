//! Who can be booked when, and what is held and booked.
//!
//! Owns (`sched_` tables): resources with their hours and rules, holidays, time off, what calendars elsewhere say, holds
//! with what became of them, appointments with what happened to them. Never: says a price that the catalog did not say,
//! sends anything, or lets two appointments of a resource meet.
//!
//! ```text
//!            hold                     book
//!   (free) --------> live hold ----------------> booked --+--> cancelled
//!      ^                |                         ^   |   +--> completed
//!      +----------------+                         +---+   +--> no_show
//!       released, expired                          moved
//! ```
//!
//! Events in: none. Events out: `AppointmentHeld`, `AppointmentReleased`, `AppointmentBooked`,
//! `AppointmentRescheduled`, `AppointmentCancelled`, `AppointmentCompleted`, `AppointmentNoShow`.
//!
//! Whoever writes holds, appointments or time off locks the resources' rows first, in the order of their ids; the rest of
//! the module's rows come after. A slot is judged by one function, in a search and under the lock
//! (`model/availability.rs`); the exclusion constraints are the proof.

mod http;
mod model;
mod resources;
mod scheduling;
mod settings;
mod store;
mod timers;
mod use_case;

pub use model::{
    appointment::{Appointment, AppointmentChange, AppointmentStatus, Booked, ChangeKind, NewAppointment},
    details::{Correction, Detail, Details, DetailsError},
    granularity::{Granularity, GranularityError},
    hold::{Held, Hold, NewHold},
    holiday::{Holiday, HolidayFieldError, NewHoliday},
    refusal::Refusal,
    resource::{NewResource, Resource, ResourceChange, ResourceFieldError},
    slot::Slot,
    time_off::{NewTimeOff, TimeOff, TimeOffFieldError},
};
pub use nmc_events::scheduling::{BookedBy, CancelledReason};
pub use scheduling::Scheduling;
pub use settings::{FeedKey, Settings};
pub use use_case::{
    admit::Barred,
    alternatives::Refused,
    book::BookError,
    change::ChangeError,
    correct::CorrectError,
    hold::HoldError,
    holidays::{AddedHoliday, HolidayError},
    read::AppointmentFilter,
    release::ReleaseError,
    reschedule::RescheduleError,
    resources::{ResourceError, WithAppointments},
    search::{Found, Job, Search, SearchError, WINDOW_MAX},
    time_off::{AddedTimeOff, TimeOffError},
};
