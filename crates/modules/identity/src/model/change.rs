use chrono::NaiveTime;
use chrono_tz::Tz;
use nmc_kernel::{E164, given};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    audit::AuditEntry,
    hours::OpeningHours,
    settings::{CallMode, Language, TenantSettings},
    tenant::{Tenant, TenantName},
};

/// What is to be different about a business: only the fields that are given change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Example Plumbing", "settings": {"whisper": false, "address": null}}))]
pub struct TenantChange {
    /// The name its callers know it by: one line of 1 to 120 characters.
    #[schema(value_type = Option<String>)]
    pub name: Option<TenantName>,
    /// Where its local times are told: an IANA time zone.
    #[schema(value_type = Option<String>, example = "America/New_York")]
    pub time_zone: Option<Tz>,
    /// How it wants to be served.
    pub settings: Option<SettingsChange>,
}

/// What is to be different about a business's settings, as [`TenantSettings`] has them: only the fields that are given
/// change. `null` takes away what may be absent.
#[allow(clippy::option_option, reason = "a field that is not given, one that is null, and one with a value")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsChange {
    /// How calls reach us.
    pub call_mode: Option<CallMode>,
    /// The phone that rings first, in E.164 form; null for none.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub forward_to: Option<Option<E164>>,
    /// Whether whoever answers there is asked to press 1.
    pub whisper: Option<bool>,
    /// How long that phone rings, 5 to 60 seconds.
    pub dial_timeout_seconds: Option<u16>,
    /// The whole week's opening hours.
    pub opening_hours: Option<OpeningHours>,
    /// Where the business is; null for nowhere that is told.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub address: Option<Option<String>>,
    /// The languages it is served in; the first is the one texts begin in.
    pub languages: Option<Vec<Language>>,
    /// ISO 3166 codes of the countries whose numbers are texted.
    pub countries: Option<Vec<String>>,
    /// Whether a caller who books is asked for their name.
    pub ask_for_name: Option<bool>,
    /// Whether a caller who books is asked where to come to.
    pub ask_for_address: Option<bool>,
    /// Whether the automation takes a conversation back that a person leaves without an answer.
    pub override_release: Option<bool>,
    /// Whether a caller who falls silent before the booking is asked once more.
    pub nudge: Option<bool>,
    /// Whether a caller who has an appointment is reminded of it the day before.
    pub reminder: Option<bool>,
    /// When texts wait for the morning.
    pub quiet_hours: Option<QuietHoursChange>,
}

/// What is to be different about the quiet hours: only the fields that are given change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuietHoursChange {
    /// Whether the answer to a call just made waits as well.
    pub greeting: Option<bool>,
    /// When they begin, local time.
    #[schema(value_type = Option<String>, example = "21:00:00")]
    pub start: Option<NaiveTime>,
    /// When they end, local time.
    #[schema(value_type = Option<String>, example = "08:00:00")]
    pub end: Option<NaiveTime>,
    /// Whether the stricter hours of the caller's state hold as well.
    pub by_state: Option<bool>,
}

impl TenantChange {
    /// The business after the change, which is still to be checked.
    pub(crate) fn apply(self, tenant: &Tenant) -> Tenant {
        Tenant {
            name: self.name.unwrap_or_else(|| tenant.name.clone()),
            time_zone: self.time_zone.unwrap_or(tenant.time_zone),
            settings: self.settings.unwrap_or_default().apply(tenant.settings.clone()),
            ..*tenant
        }
    }
}

impl SettingsChange {
    fn apply(self, mut settings: TenantSettings) -> TenantSettings {
        fn set<T>(field: &mut T, new: Option<T>) {
            if let Some(new) = new {
                *field = new;
            }
        }
        set(&mut settings.call_mode, self.call_mode);
        set(&mut settings.forward_to, self.forward_to);
        set(&mut settings.whisper, self.whisper);
        set(&mut settings.dial_timeout_seconds, self.dial_timeout_seconds);
        set(&mut settings.opening_hours, self.opening_hours);
        set(&mut settings.address, self.address.map(|address| address.map(|text| text.trim().to_owned())));
        set(&mut settings.languages, self.languages);
        set(&mut settings.countries, self.countries);
        set(&mut settings.ask_for_name, self.ask_for_name);
        set(&mut settings.ask_for_address, self.ask_for_address);
        set(&mut settings.override_release, self.override_release);
        set(&mut settings.nudge, self.nudge);
        set(&mut settings.reminder, self.reminder);
        let quiet_hours = self.quiet_hours.unwrap_or_default();
        set(&mut settings.quiet_hours.greeting, quiet_hours.greeting);
        set(&mut settings.quiet_hours.start, quiet_hours.start);
        set(&mut settings.quiet_hours.end, quiet_hours.end);
        set(&mut settings.quiet_hours.by_state, quiet_hours.by_state);
        settings
    }
}

/// What the log keeps of a change: the fields that differ, before and after. Of what may be about a person (the name, a
/// phone, an address) it says only whether it is there.
pub(crate) fn audited(before: &Tenant, after: &Tenant) -> (Value, Value) {
    AuditEntry::differences(&fields(before), &fields(after), &["name", "forward_to", "address"])
}

fn fields(tenant: &Tenant) -> Map<String, Value> {
    let settings = serde_json::to_value(&tenant.settings).unwrap_or_default();
    let mut fields = settings.as_object().cloned().unwrap_or_default();
    fields.insert("name".to_owned(), json!(tenant.name.as_str()));
    fields.insert("time_zone".to_owned(), json!(tenant.time_zone.name()));
    fields.insert("status".to_owned(), json!(tenant.status.as_str()));
    fields
}

#[cfg(test)]
mod tests {
    use nmc_kernel::TenantId;
    use sqlx::types::Uuid;

    use super::*;
    use crate::TenantStatus;

    fn tenant() -> Tenant {
        Tenant {
            id: TenantId::from(Uuid::from_u128(1)),
            name: TenantName::parse("Example Plumbing").unwrap(),
            time_zone: Tz::America__New_York,
            status: TenantStatus::Active,
            settings: TenantSettings {
                address: Some("1 Example Street".to_owned()),
                forward_to: E164::parse("+12125550111").ok(),
                ..TenantSettings::default()
            },
        }
    }

    fn changed(json: Value) -> Tenant {
        serde_json::from_value::<TenantChange>(json).unwrap().apply(&tenant())
    }

    #[test]
    fn only_the_fields_that_are_given_change() {
        assert_eq!(changed(json!({})), tenant());
        assert_eq!(changed(json!({"settings": {"quiet_hours": {}}})), tenant());
        assert_eq!(changed(json!({"name": " New Name "})).name.as_str(), "New Name");
        assert_eq!(changed(json!({"time_zone": "America/Denver"})).time_zone, Tz::America__Denver);
        assert_eq!(changed(json!({"settings": {"address": null}})).settings.address, None);
        assert_eq!(changed(json!({"settings": {"forward_to": null}})).settings.forward_to, None);
        let quiet = changed(json!({"settings": {"quiet_hours": {"end": "09:30:00"}}})).settings.quiet_hours;
        assert_eq!((quiet.start, quiet.end), (tenant().settings.quiet_hours.start, "09:30:00".parse().unwrap()));
    }

    /// A field that was added to the settings and forgotten here could never be changed.
    #[test]
    fn every_setting_but_the_version_can_be_changed() {
        let other = json!({
            "call_mode": "dial", "forward_to": "+12125550122", "whisper": false, "dial_timeout_seconds": 30,
            "opening_hours": {"monday": [{"opens": "08:00:00", "closes": "17:00:00"}]},
            "address": "2 Example Street", "languages": ["es", "en"], "countries": ["US"], "ask_for_name": false,
            "ask_for_address": false, "override_release": true, "nudge": false, "reminder": false,
            "quiet_hours": {"greeting": true, "start": "20:00:00", "end": "09:00:00", "by_state": false},
        });
        let (was, is) = (fields(&tenant()), fields(&changed(json!({"settings": other}))));
        let same: Vec<&String> = was.keys().filter(|name| was[*name] == is[*name]).collect();
        assert_eq!(same, ["name", "status", "time_zone", "version"]);
    }

    #[test]
    fn what_is_unknown_or_wrong_is_refused() {
        for wrong in [
            json!({"status": "active"}),
            json!({"name": ""}),
            json!({"time_zone": "Mars/Olympus"}),
            json!({"settings": {"version": 2}}),
            json!({"settings": {"greeting_template": "hi"}}),
            json!({"settings": {"call_mode": "carrier-pigeon"}}),
            json!({"settings": {"languages": ["tlh"]}}),
            json!({"settings": {"forward_to": "nobody"}}),
            json!({"settings": {"quiet_hours": {"weekends": true}}}),
        ] {
            assert!(serde_json::from_value::<TenantChange>(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_log_names_what_differs_and_nothing_personal() {
        let after = changed(
            json!({"name": "X", "settings": {"whisper": false, "address": null, "forward_to": "+12125550122"}}),
        );
        let (was, is) = audited(&tenant(), &after);
        assert_eq!(was, json!({"name": "set", "whisper": true, "address": "set", "forward_to": "set"}));
        assert_eq!(is, json!({"name": "set", "whisper": false, "address": null, "forward_to": "set"}));
    }
}
