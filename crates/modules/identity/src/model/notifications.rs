use serde::{Deserialize, Serialize};

/// The version of [`NotificationPreferences`]' shape that this program writes.
const VERSION: u16 = 1;

/// Of what a person wants to hear, and how; stored as JSON. What is missing there has its default: both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct NotificationPreferences {
    /// The shape's version.
    pub version: u16,
    /// An appointment was booked.
    pub booking: Channels,
    /// An appointment was cancelled.
    pub cancellation: Channels,
    /// A caller asks for a person, or it is an emergency.
    pub person_wanted: Channels,
    /// A calendar has stopped syncing.
    pub calendar_broken: Channels,
    /// Texts are held back by compliance.
    pub sending_blocked: Channels,
    /// The bill is past due.
    pub past_due: Channels,
}

/// How a person hears of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Channels {
    /// By text message.
    pub sms: bool,
    /// By e-mail.
    pub email: bool,
}

impl Default for Channels {
    fn default() -> Self {
        Self { sms: true, email: true }
    }
}

impl Default for NotificationPreferences {
    fn default() -> Self {
        let both = Channels::default();
        Self {
            version: VERSION,
            booking: both,
            cancellation: both,
            person_wanted: both,
            calendar_broken: both,
            sending_blocked: both,
            past_due: both,
        }
    }
}

/// What is to be different about them: only the fields that are given change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NotificationsChange {
    /// An appointment was booked.
    pub booking: Option<Channels>,
    /// An appointment was cancelled.
    pub cancellation: Option<Channels>,
    /// A caller asks for a person, or it is an emergency.
    pub person_wanted: Option<Channels>,
    /// A calendar has stopped syncing.
    pub calendar_broken: Option<Channels>,
    /// Texts are held back by compliance.
    pub sending_blocked: Option<Channels>,
    /// The bill is past due.
    pub past_due: Option<Channels>,
}

impl NotificationsChange {
    pub(crate) fn apply(self, before: NotificationPreferences) -> NotificationPreferences {
        NotificationPreferences {
            version: VERSION,
            booking: self.booking.unwrap_or(before.booking),
            cancellation: self.cancellation.unwrap_or(before.cancellation),
            person_wanted: self.person_wanted.unwrap_or(before.person_wanted),
            calendar_broken: self.calendar_broken.unwrap_or(before.calendar_broken),
            sending_blocked: self.sending_blocked.unwrap_or(before.sending_blocked),
            past_due: self.past_due.unwrap_or(before.past_due),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_preference_can_be_changed_by_itself() {
        let stored = serde_json::to_value(NotificationPreferences::default()).unwrap();
        let names: Vec<&String> = stored.as_object().unwrap().keys().filter(|name| *name != "version").collect();
        assert_eq!(names.len(), 6);
        for name in names {
            let change =
                serde_json::from_value::<NotificationsChange>(json!({name: {"sms": false, "email": true}})).unwrap();
            let mut expected = stored.clone();
            expected[name] = json!({"sms": false, "email": true});
            let after = change.apply(NotificationPreferences::default());
            assert_eq!(serde_json::to_value(after).unwrap(), expected);
        }
        assert_eq!(
            serde_json::from_value::<NotificationPreferences>(json!({})).unwrap(),
            NotificationPreferences::default()
        );
        assert!(serde_json::from_value::<NotificationsChange>(json!({"booking": {"sms": true}})).is_err());
    }
}
