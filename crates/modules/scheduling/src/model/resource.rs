use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use nmc_identity::OpeningHours;
use nmc_kernel::{ResourceId, ServiceItemId};
use serde::{Deserialize, Serialize};

/// A worker or team that can be booked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Its id.
    pub id: ResourceId,
    /// What the business calls it; no other of the business is called so.
    pub name: String,
    /// Where its local times are told; none: the business's.
    pub time_zone: Option<Tz>,
    /// When it works.
    pub weekly_hours: OpeningHours,
    /// Kept free before each appointment, 0 to 120.
    pub buffer_before_minutes: i32,
    /// Kept free after each appointment, 0 to 120.
    pub buffer_after_minutes: i32,
    /// An appointment begins no sooner than so many minutes from now, 0 to 43,200.
    pub minimum_notice_minutes: i32,
    /// An appointment begins no later than so many days from now, 1 to 365.
    pub horizon_days: i32,
    /// What it can do; none: every item of the catalog.
    pub skills: Option<Vec<ServiceItemId>>,
    /// Whether it can be booked.
    pub is_active: bool,
    /// Which of its calendar feed's addresses counts.
    pub feed_version: i32,
    /// Since when it exists.
    pub created_at: DateTime<Utc>,
}

impl Resource {
    /// Where its local times are told, in a business of that time zone.
    pub fn zone(&self, business: Tz) -> Tz {
        self.time_zone.unwrap_or(business)
    }

    /// Whether it can do a job.
    pub fn can_do(&self, item: ServiceItemId) -> bool {
        self.skills.as_ref().is_none_or(|skills| skills.contains(&item))
    }

    /// Kept free before each appointment.
    pub fn buffer_before(&self) -> Duration {
        Duration::minutes(self.buffer_before_minutes.into())
    }

    /// Kept free after each appointment.
    pub fn buffer_after(&self) -> Duration {
        Duration::minutes(self.buffer_after_minutes.into())
    }

    /// How long before its beginning an appointment is booked at the latest.
    pub fn minimum_notice(&self) -> Duration {
        Duration::minutes(self.minimum_notice_minutes.into())
    }

    /// How long before its beginning an appointment is booked at the earliest.
    pub fn horizon(&self) -> Duration {
        Duration::days(self.horizon_days.into())
    }
}
