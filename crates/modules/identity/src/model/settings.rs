use chrono::NaiveTime;
use nmc_kernel::E164;
use serde::{Deserialize, Serialize};

/// The version of [`TenantSettings`]' shape that this program writes. Fields are added without raising it; it is raised
/// when a stored field changes its meaning, and an older program then refuses to read what it would misunderstand.
pub const SETTINGS_VERSION: u16 = 1;

/// Ring times: shorter and nobody can reach the phone, longer and a carrier's voicemail has long picked up.
const DIAL_TIMEOUT_SECONDS: std::ops::RangeInclusive<u16> = 5..=60;
/// More countries than there are is a mistake.
const MAX_COUNTRIES: usize = 250;
/// The longest text Twilio takes: <https://www.twilio.com/docs/messaging/api/message-resource>.
const MAX_TEMPLATE_CHARS: usize = 1_600;
/// Languages there are texts for.
const LANGUAGES: [&str; 1] = ["en"];

/// How a business wants to be served; stored as JSON. A field that is missing there has its default, one that is
/// unknown (written by a newer version) is passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct TenantSettings {
    /// The shape's version, see [`SETTINGS_VERSION`].
    pub version: u16,
    /// How calls reach us.
    pub call_mode: CallMode,
    /// The phone that rings first; required by [`CallMode::Dial`].
    pub forward_to: Option<E164>,
    /// Whoever answers there is asked to press 1, so that a voicemail does not pass for a person.
    pub whisper: bool,
    /// How long that phone rings, 5 to 60 seconds; below the usual voicemail's pick-up by default.
    pub dial_timeout_seconds: u16,
    /// ISO 3166 codes of the countries whose numbers are texted.
    pub countries: Vec<String>,
    /// Language of the texts, an ISO 639 code.
    pub language: String,
    /// The business's own wording of the first text; the built-in one where absent.
    pub greeting_template: Option<String>,
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

/// The hours, in the caller's local time, in which texts that we start wait. They may go over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct QuietHours {
    /// Whether the answer to a call just made waits as well.
    pub greeting: bool,
    /// When they begin, local time.
    #[schema(value_type = String, example = "21:00:00")]
    pub start: NaiveTime,
    /// When they end, local time.
    #[schema(value_type = String, example = "08:00:00")]
    pub end: NaiveTime,
}

impl Default for TenantSettings {
    fn default() -> Self {
        Self {
            version: SETTINGS_VERSION,
            call_mode: CallMode::Forwarded,
            forward_to: None,
            whisper: true,
            dial_timeout_seconds: 18,
            countries: vec!["US".to_owned(), "CA".to_owned()],
            language: "en".to_owned(),
            greeting_template: None,
            quiet_hours: QuietHours::default(),
        }
    }
}

impl Default for QuietHours {
    /// 21 to 8 o'clock, the hours of 47 CFR 64.1200(c)(1):
    /// <https://www.ecfr.gov/current/title-47/section-64.1200#p-64.1200(c)(1)>.
    fn default() -> Self {
        let hour = |hour: u32| NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default();
        Self { greeting: false, start: hour(21), end: hour(8) }
    }
}

/// Why settings cannot be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// They are written by another version of the program.
    #[error("version: settings of version {SETTINGS_VERSION} are expected")]
    Version,
    /// Calls should ring a phone first, and none is named.
    #[error("forward_to: calls that ring the business's phone first need its number")]
    ForwardToMissing,
    /// The ring time is out of bounds.
    #[error("dial_timeout_seconds: between 5 and 60 seconds are expected")]
    DialTimeout,
    /// There is no country, or something that is not a country's code.
    #[error("countries: at least one, each as two capital letters, none twice, is expected")]
    Countries,
    /// There are no texts in this language.
    #[error("language: there are texts in en only")]
    Language,
    /// The greeting is empty or too long.
    #[error("greeting_template: 1 to {MAX_TEMPLATE_CHARS} characters are expected")]
    GreetingTemplate,
    /// The quiet hours end when they begin: nobody can tell whether that is never or always.
    #[error("quiet_hours: start and end must differ")]
    QuietHours,
}

impl TenantSettings {
    /// Checks what the types cannot.
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        let is_code = |code: &String| code.len() == 2 && code.bytes().all(|letter| letter.is_ascii_uppercase());
        let is_repeated = |at: usize| self.countries[..at].contains(&self.countries[at]);
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
        if countries.is_empty() || countries.len() > MAX_COUNTRIES || !countries.iter().all(is_code) {
            return Err(SettingsError::Countries);
        }
        if (0..countries.len()).any(is_repeated) {
            return Err(SettingsError::Countries);
        }
        if !LANGUAGES.contains(&self.language.as_str()) {
            return Err(SettingsError::Language);
        }
        if self
            .greeting_template
            .as_ref()
            .is_some_and(|text| !(1..=MAX_TEMPLATE_CHARS).contains(&text.trim().chars().count()))
        {
            return Err(SettingsError::GreetingTemplate);
        }
        if self.quiet_hours.start == self.quiet_hours.end {
            return Err(SettingsError::QuietHours);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_missing_has_its_default_and_what_is_unknown_is_passed_over() {
        let read: TenantSettings = serde_json::from_value(json!({"version": 1, "from_tomorrow": true})).unwrap();
        assert_eq!(read, TenantSettings::default());
        assert_eq!(read.check(), Ok(()));
        assert!(read.whisper && !read.quiet_hours.greeting);
        assert_eq!((read.dial_timeout_seconds, read.countries.len()), (18, 2));
    }

    #[test]
    fn stored_words_do_not_change() {
        let stored = serde_json::to_value(TenantSettings::default()).unwrap();
        assert_eq!(
            stored,
            json!({
                "version": 1, "call_mode": "forwarded", "forward_to": null, "whisper": true,
                "dial_timeout_seconds": 18, "countries": ["US", "CA"], "language": "en", "greeting_template": null,
                "quiet_hours": {"greeting": false, "start": "21:00:00", "end": "08:00:00"},
            })
        );
        let words =
            [CallMode::Dial, CallMode::Forwarded, CallMode::StatusOnly].map(|mode| serde_json::to_value(mode).unwrap());
        assert_eq!(words, ["dial", "forwarded", "status-only"]);
    }

    #[test]
    fn every_fault_has_its_error() {
        let with = |change: fn(&mut TenantSettings)| {
            let mut settings = TenantSettings::default();
            change(&mut settings);
            settings.check()
        };
        assert_eq!(with(|s| s.version = 2), Err(SettingsError::Version));
        assert_eq!(with(|s| s.call_mode = CallMode::Dial), Err(SettingsError::ForwardToMissing));
        assert_eq!(with(|s| s.dial_timeout_seconds = 4), Err(SettingsError::DialTimeout));
        assert_eq!(with(|s| s.dial_timeout_seconds = 61), Err(SettingsError::DialTimeout));
        assert_eq!(with(|s| s.countries.clear()), Err(SettingsError::Countries));
        assert_eq!(with(|s| s.countries = vec!["us".into()]), Err(SettingsError::Countries));
        assert_eq!(with(|s| s.countries = vec!["USA".into()]), Err(SettingsError::Countries));
        assert_eq!(with(|s| s.countries = vec!["US".into(), "US".into()]), Err(SettingsError::Countries));
        assert_eq!(with(|s| s.language = "tlh".into()), Err(SettingsError::Language));
        assert_eq!(with(|s| s.greeting_template = Some(" ".into())), Err(SettingsError::GreetingTemplate));
        assert_eq!(with(|s| s.greeting_template = Some("x".repeat(1_601))), Err(SettingsError::GreetingTemplate));
        assert_eq!(with(|s| s.quiet_hours.end = s.quiet_hours.start), Err(SettingsError::QuietHours));
        assert_eq!(
            with(|s| {
                s.call_mode = CallMode::Dial;
                s.forward_to = E164::parse("+14155550123").ok();
            }),
            Ok(())
        );
    }
}
