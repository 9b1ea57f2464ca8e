use nmc_kernel::E164;
use serde::{Deserialize, Serialize};

use super::hours::{OpeningHours, QuietHours};

/// The version of [`TenantSettings`]' shape that this program writes. Fields are added without raising it; it is raised
/// when a stored field changes its meaning, and an older program then refuses to read what it would misunderstand.
pub const SETTINGS_VERSION: u16 = 1;

/// Ring times: shorter and nobody can reach the phone, longer and a carrier's voicemail has long picked up.
const DIAL_TIMEOUT_SECONDS: std::ops::RangeInclusive<u16> = 5..=60;
/// More countries than there are is a mistake.
const MAX_COUNTRIES: usize = 250;
/// An address is read out in a text.
const MAX_ADDRESS_CHARS: usize = 200;

/// How a business wants to be served; stored as JSON. A field that is missing there has its default, one that is
/// unknown (written by a newer version, or dropped since) is passed over.
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own in the API")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(example = json!({
    "version": 1, "call_mode": "dial", "forward_to": "+12125550111", "whisper": true, "dial_timeout_seconds": 18,
    "opening_hours": {"monday": [{"opens": "08:00:00", "closes": "17:00:00"}], "tuesday": [], "wednesday": [],
                      "thursday": [], "friday": [], "saturday": [], "sunday": []},
    "address": "1 Example Street, Springfield", "languages": ["en"], "countries": ["US", "CA"], "ask_for_name": true,
    "ask_for_address": true, "override_release": false, "nudge": true, "reminder": true,
    "quiet_hours": {"greeting": false, "start": "21:00:00", "end": "08:00:00", "by_state": true},
}))]
pub struct TenantSettings {
    /// The shape's version, see [`SETTINGS_VERSION`].
    pub version: u16,
    /// How calls reach us.
    pub call_mode: CallMode,
    /// The phone that rings first; required by [`CallMode::Dial`].
    #[schema(value_type = Option<String>, example = "+12125550111")]
    pub forward_to: Option<E164>,
    /// Whoever answers there is asked to press 1, so that a voicemail does not pass for a person.
    pub whisper: bool,
    /// How long that phone rings, 5 to 60 seconds; below the usual voicemail's pick-up by default.
    pub dial_timeout_seconds: u16,
    /// When the business is open, in its own time zone: what callers who ask are told.
    pub opening_hours: OpeningHours,
    /// Where the business is: what callers who ask are told.
    pub address: Option<String>,
    /// The languages it is served in, none twice; the first is the one texts begin in.
    pub languages: Vec<Language>,
    /// ISO 3166 codes of the countries whose numbers are texted, of those that the installation texts.
    pub countries: Vec<String>,
    /// Whether a caller who books is asked for their name.
    pub ask_for_name: bool,
    /// Whether a caller who books is asked where to come to.
    pub ask_for_address: bool,
    /// Whether the automation takes a conversation back from a person who leaves the caller without an answer for the
    /// override window.
    pub override_release: bool,
    /// Whether a caller who falls silent before the booking is asked once more.
    pub nudge: bool,
    /// Whether a caller who has an appointment is reminded of it the day before.
    pub reminder: bool,
    /// When texts wait for the morning.
    pub quiet_hours: QuietHours,
}

/// How calls reach us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CallMode {
    /// The business publishes its number here; a call to it rings the business's own phone first.
    Dial,
    /// The business's own line forwards what nobody answered: every call arrives already missed.
    Forwarded,
    /// The calls run elsewhere and only their status is reported.
    StatusOnly,
}

/// A language there are texts for, by its ISO 639 code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    En,
    /// Spanish.
    Es,
}

impl Default for TenantSettings {
    fn default() -> Self {
        Self {
            version: SETTINGS_VERSION,
            call_mode: CallMode::Forwarded,
            forward_to: None,
            whisper: true,
            dial_timeout_seconds: 18,
            opening_hours: OpeningHours::default(),
            address: None,
            languages: vec![Language::En],
            countries: vec!["US".to_owned(), "CA".to_owned()],
            ask_for_name: true,
            ask_for_address: true,
            override_release: false,
            nudge: true,
            reminder: true,
            quiet_hours: QuietHours::default(),
        }
    }
}

/// Why settings cannot be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// They are written by another version of the program.
    #[error("settings of version {SETTINGS_VERSION} are expected")]
    Version,
    /// Calls should ring a phone first, and none is named.
    #[error("calls that ring the business's phone first need its number")]
    ForwardToMissing,
    /// The ring time is out of bounds.
    #[error("between 5 and 60 seconds are expected")]
    DialTimeout,
    /// A day's windows overlap, are not in order, end before they begin, or are too many.
    #[error("windows of a day in their order, apart from one another, each ending after it begins, are expected")]
    OpeningHours,
    /// The address is empty, too long, or of several lines.
    #[error("one line of 1 to {MAX_ADDRESS_CHARS} characters is expected")]
    Address,
    /// There is no language, or one twice.
    #[error("at least one language, none twice, is expected")]
    Languages,
    /// There is no country, or something that is not a country's code.
    #[error("at least one country, each as two capital letters, none twice, is expected")]
    Countries,
    /// The quiet hours end when they begin: nobody can tell whether that is never or always.
    #[error("start and end must differ")]
    QuietHours,
}

impl SettingsError {
    /// The field of [`TenantSettings`] it is about.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::ForwardToMissing => "forward_to",
            Self::DialTimeout => "dial_timeout_seconds",
            Self::OpeningHours => "opening_hours",
            Self::Address => "address",
            Self::Languages => "languages",
            Self::Countries => "countries",
            Self::QuietHours => "quiet_hours",
        }
    }
}

impl TenantSettings {
    /// Checks what the types cannot.
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        let is_code = |code: &String| code.len() == 2 && code.bytes().all(|letter| letter.is_ascii_uppercase());
        let countries = &self.countries;
        if self.version != SETTINGS_VERSION {
            return Err(SettingsError::Version);
        }
        if self.call_mode == CallMode::Dial && self.forward_to.is_none() {
            return Err(SettingsError::ForwardToMissing);
        }
        if !DIAL_TIMEOUT_SECONDS.contains(&self.dial_timeout_seconds) {
            return Err(SettingsError::DialTimeout);
        }
        if !self.opening_hours.is_in_order() {
            return Err(SettingsError::OpeningHours);
        }
        if self.address.as_deref().is_some_and(|address| !is_address(address)) {
            return Err(SettingsError::Address);
        }
        if self.languages.is_empty() || has_repeats(&self.languages) {
            return Err(SettingsError::Languages);
        }
        if countries.is_empty() || countries.len() > MAX_COUNTRIES || !countries.iter().all(is_code) {
            return Err(SettingsError::Countries);
        }
        if has_repeats(countries) {
            return Err(SettingsError::Countries);
        }
        if self.quiet_hours.start == self.quiet_hours.end {
            return Err(SettingsError::QuietHours);
        }
        Ok(())
    }
}

fn has_repeats<T: PartialEq>(items: &[T]) -> bool {
    (0..items.len()).any(|at| items[..at].contains(&items[at]))
}

fn is_address(text: &str) -> bool {
    let is_line = text.trim() == text && !text.is_empty() && !text.chars().any(char::is_control);
    is_line && text.chars().count() <= MAX_ADDRESS_CHARS
}

#[cfg(test)]
mod tests {
    use chrono::NaiveTime;
    use serde_json::json;

    use super::*;
    use crate::OpenWindow;

    #[test]
    fn what_is_missing_has_its_default_and_what_is_unknown_is_passed_over() {
        let stored = json!({
            "version": 1, "from_tomorrow": true, "greeting_template": "{business} here", "language": "en",
            "quiet_hours": {"greeting": false, "weekends": true},
        });
        let read: TenantSettings = serde_json::from_value(stored).unwrap();
        assert_eq!(read, TenantSettings::default());
        assert_eq!(read.check(), Ok(()));
        assert!(read.whisper && !read.quiet_hours.greeting && !read.override_release && read.nudge && read.reminder);
        assert_eq!((read.dial_timeout_seconds, read.countries.len()), (18, 2));
    }

    #[test]
    fn stored_words_do_not_change() {
        let stored = serde_json::to_value(TenantSettings::default()).unwrap();
        assert_eq!(
            stored,
            json!({
                "version": 1, "call_mode": "forwarded", "forward_to": null, "whisper": true,
                "dial_timeout_seconds": 18, "address": null, "languages": ["en"], "countries": ["US", "CA"],
                "opening_hours": {"monday": [], "tuesday": [], "wednesday": [], "thursday": [], "friday": [],
                                  "saturday": [], "sunday": []},
                "ask_for_name": true, "ask_for_address": true, "override_release": false,
                "nudge": true, "reminder": true,
                "quiet_hours": {"greeting": false, "start": "21:00:00", "end": "08:00:00", "by_state": true},
            })
        );
        let words =
            [CallMode::Dial, CallMode::Forwarded, CallMode::StatusOnly].map(|mode| serde_json::to_value(mode).unwrap());
        assert_eq!(words, ["dial", "forwarded", "status-only"]);
        assert_eq!([Language::En, Language::Es].map(|language| serde_json::to_value(language).unwrap()), ["en", "es"]);
    }

    #[test]
    fn every_fault_has_its_error() {
        let with = |change: fn(&mut TenantSettings)| {
            let mut settings = TenantSettings::default();
            change(&mut settings);
            settings.check()
        };
        let at = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
        assert_eq!(with(|s| s.version = 2), Err(SettingsError::Version));
        assert_eq!(with(|s| s.call_mode = CallMode::Dial), Err(SettingsError::ForwardToMissing));
        assert_eq!(with(|s| s.dial_timeout_seconds = 4), Err(SettingsError::DialTimeout));
        assert_eq!(with(|s| s.dial_timeout_seconds = 61), Err(SettingsError::DialTimeout));
        for address in ["", " ", " 1 Example Street", "two\nlines", &"x".repeat(201)] {
            let settings = TenantSettings { address: Some(address.to_owned()), ..TenantSettings::default() };
            assert_eq!(settings.check(), Err(SettingsError::Address), "{address:?}");
        }
        assert_eq!(with(|s| s.languages.clear()), Err(SettingsError::Languages));
        assert_eq!(with(|s| s.languages = vec![Language::Es, Language::Es]), Err(SettingsError::Languages));
        assert_eq!(with(|s| s.languages = vec![Language::Es, Language::En]), Ok(()));
        assert_eq!(with(|s| s.countries.clear()), Err(SettingsError::Countries));
        assert_eq!(with(|s| s.countries = vec!["us".into()]), Err(SettingsError::Countries));
        assert_eq!(with(|s| s.countries = vec!["USA".into()]), Err(SettingsError::Countries));
        assert_eq!(with(|s| s.countries = vec!["US".into(), "US".into()]), Err(SettingsError::Countries));
        assert_eq!(with(|s| s.quiet_hours.end = s.quiet_hours.start), Err(SettingsError::QuietHours));
        let mut settings = TenantSettings::default();
        settings.opening_hours.friday = vec![OpenWindow { opens: at(12), closes: at(9) }];
        assert_eq!(settings.check(), Err(SettingsError::OpeningHours));
        assert_eq!(
            with(|s| {
                s.call_mode = CallMode::Dial;
                s.forward_to = E164::parse("+14155550123").ok();
                s.address = Some("1 Example Street, Springfield".to_owned());
            }),
            Ok(())
        );
    }
}
