use futures::FutureExt as _;
use nmc_retention::Sweeps;

use crate::{Scheduling, store::retention};

impl Scheduling {
    /// Adds what the module forgets with age: what was written of a customer, later that there was an appointment.
    #[must_use]
    pub fn sweeps(&self, sweeps: Sweeps) -> Sweeps {
        sweeps
            .with("sched_ended_holds", |tx, limit| retention::delete_ended_holds(tx, limit).boxed())
            .with("sched_appointments", |tx, limit| retention::delete_appointments(tx, limit).boxed())
            .with("sched_time_off", |tx, limit| retention::delete_time_off(tx, limit).boxed())
            .with("sched_holidays", |tx, limit| retention::delete_holidays(tx, limit).boxed())
            .with("sched_ext_busy", |tx, limit| retention::delete_ext_busy(tx, limit).boxed())
            .with("sched_appointments, address", |tx, limit| retention::empty_appointments(tx, limit).boxed())
    }
}
