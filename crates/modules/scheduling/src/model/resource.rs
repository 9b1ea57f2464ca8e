use chrono::{DateTime, Duration, NaiveTime, Utc};
use chrono_tz::Tz;
use nmc_identity::{AuditEntry, OpenWindow, OpeningHours};
use nmc_kernel::{ResourceId, ServiceItemId, given};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::line::is_line;

/// Longer names do not fit where they are shown.
const NAME_CHARS_MAX: usize = 80;
/// A catalog has no more items.
const SKILLS_MAX: usize = 500;
/// More than a drive across the city is a mistake.
const BUFFER_MINUTES_MAX: i32 = 120;
/// Thirty days.
const NOTICE_MINUTES_MAX: i32 = 43_200;
/// Nobody plans further ahead.
const HORIZON_DAYS_MAX: i32 = 365;
/// What a resource begins with: two hours in which to see the booking and get ready.
const NOTICE_MINUTES: i32 = 120;
/// And two months ahead.
const HORIZON_DAYS: i32 = 60;

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

/// A resource that is to be.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Alex", "buffer_after_minutes": 15, "skills": ["0197c0de-0000-7000-8000-000000000001"]
}))]
pub struct NewResource {
    /// One line of 1 to 80 characters; no other resource of the business is called so.
    pub name: String,
    /// Where its local times are told: an IANA time zone; the business's where it is left out.
    #[schema(value_type = Option<String>, example = "America/New_York")]
    pub time_zone: Option<Tz>,
    /// When it works; where it is left out, the business's opening hours, or 8 to 17 o'clock from Monday to Friday where
    /// the business has told none.
    pub weekly_hours: Option<OpeningHours>,
    /// Kept free before each appointment; 0 where it is left out.
    #[schema(minimum = 0, maximum = 120)]
    pub buffer_before_minutes: Option<i32>,
    /// Kept free after each appointment; 0 where it is left out.
    #[schema(minimum = 0, maximum = 120)]
    pub buffer_after_minutes: Option<i32>,
    /// An appointment begins no sooner than so many minutes from now; 120 where it is left out.
    #[schema(minimum = 0, maximum = 43200)]
    pub minimum_notice_minutes: Option<i32>,
    /// An appointment begins no later than so many days from now; 60 where it is left out.
    #[schema(minimum = 1, maximum = 365)]
    pub horizon_days: Option<i32>,
    /// The items of the catalog it can do; all of them where it is left out.
    #[schema(max_items = 500)]
    pub skills: Option<Vec<ServiceItemId>>,
}

impl NewResource {
    /// The resource, which is still to be checked, in a business with these opening hours.
    pub(crate) fn resource(self, id: ResourceId, business: &OpeningHours, now: DateTime<Utc>) -> Resource {
        let hours = || if *business == OpeningHours::default() { working_week() } else { business.clone() };
        Resource {
            id,
            name: self.name.trim().to_owned(),
            time_zone: self.time_zone,
            weekly_hours: self.weekly_hours.unwrap_or_else(hours),
            buffer_before_minutes: self.buffer_before_minutes.unwrap_or(0),
            buffer_after_minutes: self.buffer_after_minutes.unwrap_or(0),
            minimum_notice_minutes: self.minimum_notice_minutes.unwrap_or(NOTICE_MINUTES),
            horizon_days: self.horizon_days.unwrap_or(HORIZON_DAYS),
            skills: self.skills.map(in_order),
            is_active: true,
            feed_version: 1,
            created_at: now,
        }
    }
}

/// What is to be different about a resource: only the fields that are given change. What is booked stays as it is, with
/// the buffers it was booked with.
#[allow(clippy::option_option, reason = "a field that is not given, one that is null, and one with a value")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "buffer_after_minutes": 30, "time_zone": null, "skills": ["0197c0de-0000-7000-8000-000000000001"]
}))]
pub struct ResourceChange {
    /// One line of 1 to 80 characters; no other resource of the business is called so.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    pub name: Option<String>,
    /// An IANA time zone; null for the business's.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, example = "America/New_York")]
    pub time_zone: Option<Option<Tz>>,
    /// The whole week's hours.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    pub weekly_hours: Option<OpeningHours>,
    /// Kept free before each appointment.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(minimum = 0, maximum = 120, nullable = false)]
    pub buffer_before_minutes: Option<i32>,
    /// Kept free after each appointment.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(minimum = 0, maximum = 120, nullable = false)]
    pub buffer_after_minutes: Option<i32>,
    /// An appointment begins no sooner than so many minutes from now.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(minimum = 0, maximum = 43200, nullable = false)]
    pub minimum_notice_minutes: Option<i32>,
    /// An appointment begins no later than so many days from now.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(minimum = 1, maximum = 365, nullable = false)]
    pub horizon_days: Option<i32>,
    /// The items of the catalog it can do; null for all of them.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<uuid::Uuid>>, max_items = 500)]
    pub skills: Option<Option<Vec<ServiceItemId>>>,
    /// Whether it can be booked. False is what `DELETE` does, and is refused while it has appointments.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    pub active: Option<bool>,
}

/// Takes a field that is not given, and no null: that would look like a change and be none.
fn not_null<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl ResourceChange {
    /// The resource after the change, which is still to be checked.
    pub(crate) fn apply(self, mut resource: Resource) -> Resource {
        fn set<T>(field: &mut T, new: Option<T>) {
            if let Some(new) = new {
                *field = new;
            }
        }
        set(&mut resource.name, self.name.map(|name| name.trim().to_owned()));
        set(&mut resource.time_zone, self.time_zone);
        set(&mut resource.weekly_hours, self.weekly_hours);
        set(&mut resource.buffer_before_minutes, self.buffer_before_minutes);
        set(&mut resource.buffer_after_minutes, self.buffer_after_minutes);
        set(&mut resource.minimum_notice_minutes, self.minimum_notice_minutes);
        set(&mut resource.horizon_days, self.horizon_days);
        set(&mut resource.skills, self.skills.map(|skills| skills.map(in_order)));
        set(&mut resource.is_active, self.active);
        resource
    }
}

/// What cannot be of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResourceFieldError {
    /// The name is none.
    #[error("must be one line of 1 to {NAME_CHARS_MAX} characters")]
    Name,
    /// The hours of a day are not in order.
    #[error("the windows of each day must be in order, apart from one another, and at most 6")]
    WeeklyHours,
    /// The buffer before is too long.
    #[error("must be from 0 to {BUFFER_MINUTES_MAX}")]
    BufferBefore,
    /// The buffer after is too long.
    #[error("must be from 0 to {BUFFER_MINUTES_MAX}")]
    BufferAfter,
    /// The notice is too long.
    #[error("must be from 0 to {NOTICE_MINUTES_MAX}")]
    MinimumNotice,
    /// The horizon is too far, or nowhere.
    #[error("must be from 1 to {HORIZON_DAYS_MAX}")]
    Horizon,
    /// Too many, or not in the catalog.
    #[error("must be items of the catalog, at most {SKILLS_MAX}")]
    Skills,
}

impl ResourceFieldError {
    /// The field it is about.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::WeeklyHours => "weekly_hours",
            Self::BufferBefore => "buffer_before_minutes",
            Self::BufferAfter => "buffer_after_minutes",
            Self::MinimumNotice => "minimum_notice_minutes",
            Self::Horizon => "horizon_days",
            Self::Skills => "skills",
        }
    }
}

impl Resource {
    /// What cannot be of it, all of it. Whether its skills are items of the catalog is asked there.
    pub(crate) fn errors(&self) -> Vec<ResourceFieldError> {
        let buffer = 0..=BUFFER_MINUTES_MAX;
        let rules = [
            (is_line(&self.name, NAME_CHARS_MAX), ResourceFieldError::Name),
            (self.weekly_hours.is_in_order(), ResourceFieldError::WeeklyHours),
            (buffer.contains(&self.buffer_before_minutes), ResourceFieldError::BufferBefore),
            (buffer.contains(&self.buffer_after_minutes), ResourceFieldError::BufferAfter),
            ((0..=NOTICE_MINUTES_MAX).contains(&self.minimum_notice_minutes), ResourceFieldError::MinimumNotice),
            ((1..=HORIZON_DAYS_MAX).contains(&self.horizon_days), ResourceFieldError::Horizon),
            (self.skills.as_ref().is_none_or(|skills| skills.len() <= SKILLS_MAX), ResourceFieldError::Skills),
        ];
        rules.into_iter().filter(|(holds, _)| !holds).map(|(_, error)| error).collect()
    }
}

/// 8 to 17 o'clock from Monday to Friday.
fn working_week() -> OpeningHours {
    let hour = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default();
    let day = vec![OpenWindow { opens: hour(8), closes: hour(17) }];
    OpeningHours {
        monday: day.clone(),
        tuesday: day.clone(),
        wednesday: day.clone(),
        thursday: day.clone(),
        friday: day,
        ..OpeningHours::default()
    }
}

/// Each once, in order.
fn in_order(mut skills: Vec<ServiceItemId>) -> Vec<ServiceItemId> {
    skills.sort_unstable();
    skills.dedup();
    skills
}

/// What the log keeps of a change: the fields that differ, before and after. Of the name, which may be a person's, it
/// says only that there is one.
pub(crate) fn audited(before: &Resource, after: &Resource) -> (Value, Value) {
    AuditEntry::differences(&fields(before), &fields(after), &["name"])
}

fn fields(resource: &Resource) -> Map<String, Value> {
    serde_json::to_value(resource).ok().and_then(|value| value.as_object().cloned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn resource() -> Resource {
        let new: NewResource = serde_json::from_value(json!({"name": " Alex "})).unwrap();
        new.resource(ResourceId::from(Uuid::from_u128(1)), &OpeningHours::default(), DateTime::UNIX_EPOCH)
    }

    fn changed(json: Value) -> Resource {
        serde_json::from_value::<ResourceChange>(json).unwrap().apply(resource())
    }

    #[test]
    fn a_new_one_begins_with_what_most_want() {
        let resource = resource();
        assert_eq!(resource.name, "Alex");
        assert_eq!(resource.errors(), []);
        assert_eq!(resource.weekly_hours, working_week());
        assert_eq!((resource.buffer_before_minutes, resource.buffer_after_minutes), (0, 0));
        assert_eq!((resource.minimum_notice_minutes, resource.horizon_days), (120, 60));
        assert_eq!((resource.time_zone, resource.skills, resource.is_active), (None, None, true));
        let saturdays: OpeningHours =
            serde_json::from_value(json!({"saturday": [{"opens": "09:00:00", "closes": "12:00:00"}]})).unwrap();
        let new: NewResource = serde_json::from_value(json!({"name": "Alex"})).unwrap();
        let of_the_business = new.resource(resource.id, &saturdays, DateTime::UNIX_EPOCH);
        assert_eq!(of_the_business.weekly_hours, saturdays);
    }

    /// A field that was added to the resource and forgotten here could never be changed.
    #[test]
    fn every_field_but_the_services_own_can_be_changed_and_the_rest_stays() {
        assert_eq!(changed(json!({})), resource());
        let other = changed(json!({
            "name": "Sam", "time_zone": "America/Denver", "weekly_hours": {}, "buffer_before_minutes": 5,
            "buffer_after_minutes": 10, "minimum_notice_minutes": 0, "horizon_days": 7, "skills": [], "active": false,
        }));
        let (was, is) = (fields(&resource()), fields(&other));
        let same: Vec<&String> = was.keys().filter(|name| was[*name] == is[*name]).collect();
        assert_eq!(same, ["created_at", "feed_version", "id"]);
        let ours: ResourceChange = serde_json::from_value(json!({"time_zone": null, "skills": null})).unwrap();
        let back = ours.apply(other);
        assert_eq!((back.time_zone, back.skills), (None, None));
    }

    #[test]
    fn what_cannot_be_is_named_by_its_field() {
        let skills: Vec<Uuid> = (0..501).map(Uuid::from_u128).collect();
        let backwards = json!({"monday": [{"opens": "17:00:00", "closes": "08:00:00"}]});
        for (change, field) in [
            (json!({"name": " "}), "name"),
            (json!({"name": "a\nb"}), "name"),
            (json!({"name": "x".repeat(81)}), "name"),
            (json!({"weekly_hours": backwards}), "weekly_hours"),
            (json!({"buffer_before_minutes": -1}), "buffer_before_minutes"),
            (json!({"buffer_before_minutes": 121}), "buffer_before_minutes"),
            (json!({"buffer_after_minutes": -1}), "buffer_after_minutes"),
            (json!({"buffer_after_minutes": 121}), "buffer_after_minutes"),
            (json!({"minimum_notice_minutes": -1}), "minimum_notice_minutes"),
            (json!({"minimum_notice_minutes": 43_201}), "minimum_notice_minutes"),
            (json!({"horizon_days": 0}), "horizon_days"),
            (json!({"horizon_days": 366}), "horizon_days"),
            (json!({"skills": skills}), "skills"),
        ] {
            let errors = changed(change.clone()).errors();
            assert_eq!(errors.iter().map(|error| error.field()).collect::<Vec<_>>(), [field], "{change}");
        }
        assert_eq!(changed(json!({"name": "", "horizon_days": 0})).errors().len(), 2);
        let nothing = fields(&resource()).into_iter().map(|(name, _)| json!({ name: null }));
        let can_be_null = nothing.filter(|change| serde_json::from_value::<ResourceChange>(change.clone()).is_ok());
        assert_eq!(can_be_null.collect::<Vec<_>>(), [json!({"skills": null}), json!({"time_zone": null})]);
        for wrong in [json!({"time_zone": "Mars/Olympus"}), json!({"feed_version": 2}), json!({"name": 1})] {
            assert!(serde_json::from_value::<ResourceChange>(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_log_names_what_differs_and_no_name() {
        let after = changed(json!({"name": "Sam", "horizon_days": 7}));
        let (was, is) = audited(&resource(), &after);
        assert_eq!(was, json!({"name": "set", "horizon_days": 60}));
        assert_eq!(is, json!({"name": "set", "horizon_days": 7}));
    }
}
