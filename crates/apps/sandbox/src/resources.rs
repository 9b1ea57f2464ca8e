//! Who of the example business can be booked.

use chrono::{Duration, NaiveTime};
use nmc_catalog::{Catalog, ITEMS_MAX};
use nmc_db::Db;
use nmc_identity::{Identity, OpenWindow, OpeningHours};
use nmc_kernel::{Actor, TenantId};
use nmc_scheduling::{FeedKey, Granularity, NewResource, ResourceError, Scheduling, Settings};

use crate::{SandboxError, installation::CALENDAR_FEED_KEY};

/// Somebody who works from Monday to Saturday.
struct Worker {
    name: &'static str,
    /// From which hour to which, by the clock on the wall.
    hours: &'static [(u32, u32)],
    buffers_minutes: (i32, i32),
    /// The jobs they do; none: all.
    jobs: Option<&'static [&'static str]>,
}

const WORKERS: [Worker; 2] = [
    Worker { name: "Pat", hours: &[(8, 12), (13, 17)], buffers_minutes: (0, 15), jobs: None },
    Worker {
        name: "Sam",
        hours: &[(8, 17)],
        buffers_minutes: (15, 15),
        jobs: Some(&["Drain cleaning", "Toilet repair", "Leak repair"]),
    },
];

/// Adds who is missing; who is there, with whatever hours, stays as they are.
pub(crate) async fn add_resources(db: &Db, tenant: TenantId) -> Result<(), SandboxError> {
    let identity = Identity::new(db.clone());
    let catalog = Catalog::new(db.clone(), identity.clone());
    let mut tx = db.read(tenant).await?;
    let sold = catalog.items(&mut tx, None, None, ITEMS_MAX).await?;
    tx.finish().await?;
    // Nothing is held from here, and no calendar's address is made.
    let settings = Settings {
        hold_ttl: Duration::zero(),
        public_base_url: String::new(),
        search_granularity: Granularity::default(),
        feed_key: FeedKey::new(CALENDAR_FEED_KEY.into()),
    };
    let scheduling = Scheduling::new(db.clone(), identity, catalog, settings);
    for worker in WORKERS {
        let does = |jobs: &[&str]| {
            sold.iter().filter(|item| jobs.contains(&item.name.as_str())).map(|item| item.id).collect::<Vec<_>>()
        };
        let new = NewResource {
            name: worker.name.to_owned(),
            time_zone: None,
            weekly_hours: Some(week(worker.hours)),
            buffer_before_minutes: Some(worker.buffers_minutes.0),
            buffer_after_minutes: Some(worker.buffers_minutes.1),
            minimum_notice_minutes: None,
            horizon_days: None,
            skills: worker.jobs.map(does),
        };
        match scheduling.create_resource(&Actor::Operator { tenant }, new, None).await {
            // A business that has no room for them has others.
            Ok(_) | Err(ResourceError::NameTaken | ResourceError::TooMany) => {}
            Err(error) => return Err(SandboxError::tenant(error)),
        }
    }
    Ok(())
}

/// The same windows on every day but Sunday.
fn week(hours: &[(u32, u32)]) -> OpeningHours {
    let hour = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default();
    let day: Vec<_> =
        hours.iter().map(|&(opens, closes)| OpenWindow { opens: hour(opens), closes: hour(closes) }).collect();
    OpeningHours {
        monday: day.clone(),
        tuesday: day.clone(),
        wednesday: day.clone(),
        thursday: day.clone(),
        friday: day.clone(),
        saturday: day,
        ..OpeningHours::default()
    }
}
