use chrono::Duration;
use nmc_config::{BaseUrl, TelephonyConfig};

use crate::model::call::Rules;

/// What the installation decides for all businesses.
#[derive(Clone, Debug)]
pub struct TelephonySettings {
    /// Where Twilio reaches us; the addresses in TwiML are built from it.
    pub public_base_url: BaseUrl,
    /// A completed call below this duration counts as missed where only its status is reported; `None`: none does.
    pub short_completed_below_seconds: Option<u32>,
    /// How often Twilio's lists are read for what no webhook delivered.
    pub poll_interval: Duration,
    /// For how long a caller's next call or text continues the correlation of the one before.
    pub correlation_reuse_window: Duration,
}

impl TelephonySettings {
    /// As the programs are configured.
    pub fn new(public_base_url: BaseUrl, config: &TelephonyConfig) -> Self {
        let seconds = u32::try_from(config.short_completed_max.as_secs()).unwrap_or(u32::MAX);
        Self {
            public_base_url,
            short_completed_below_seconds: config.treat_short_completed_as_missed.then_some(seconds),
            poll_interval: Duration::from_std(config.poll_interval).unwrap_or(Duration::minutes(3)),
            correlation_reuse_window: Duration::from_std(config.correlation_reuse_window).unwrap_or(Duration::zero()),
        }
    }

    pub(crate) fn rules(&self) -> Rules {
        Rules { short_completed_below_seconds: self.short_completed_below_seconds }
    }
}
