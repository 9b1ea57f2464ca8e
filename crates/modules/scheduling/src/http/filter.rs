//! Which rows of a list are asked for.

use chrono::{DateTime, NaiveDate, Utc};
use nmc_kernel::{E164, ResourceId};
use nmc_web::{Problem, is_storable};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{AppointmentFilter, AppointmentStatus};

/// Which appointments.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AppointmentQuery {
    /// Those that begin no earlier, UTC.
    from: Option<DateTime<Utc>>,
    /// Those that begin earlier than that, UTC.
    to: Option<DateTime<Utc>>,
    /// Those of this resource.
    resource_id: Option<ResourceId>,
    /// Those that stand there.
    status: Option<AppointmentStatus>,
    /// Those of this customer; the `+` is written `%2B` in an address.
    #[param(value_type = Option<String>, example = "+12125550142")]
    customer_phone: Option<E164>,
}

impl TryFrom<AppointmentQuery> for AppointmentFilter {
    type Error = Problem;
    fn try_from(query: AppointmentQuery) -> Result<Self, Problem> {
        for (field, time) in [("from", query.from), ("to", query.to)] {
            if time.is_some_and(|time| !is_storable(time)) {
                return Err(Problem::invalid_field(field, "must have a year of four digits"));
            }
        }
        Ok(Self {
            from: query.from,
            until: query.to,
            resource_id: query.resource_id,
            status: query.status,
            customer_phone: query.customer_phone,
        })
    }
}

/// Which holidays.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Dates {
    /// Only this day and later ones.
    #[param(value_type = Option<String>, format = Date)]
    pub(super) from: Option<NaiveDate>,
    /// Only days before this one.
    #[param(value_type = Option<String>, format = Date)]
    pub(super) to: Option<NaiveDate>,
}

/// Which absences.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Window {
    /// Only those that end after this time; now where it is left out.
    pub(super) from: Option<DateTime<Utc>>,
    /// Only those that begin before this time, at most 366 days after `from`; those 366 days where it is left out.
    pub(super) to: Option<DateTime<Utc>>,
}

/// What becomes of its appointments.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Deactivation {
    /// Whether they stay; otherwise they are a reason not to.
    #[serde(default)]
    #[param(required = false, default = false)]
    pub(super) keep_appointments: bool,
}
