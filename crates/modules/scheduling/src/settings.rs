use std::sync::Arc;

use chrono::Duration;
use secrecy::{ExposeSecret as _, SecretString};

use crate::Granularity;

/// What the module is told from configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a hold reserves its timeslot (`HOLD_TTL_MINUTES`).
    pub hold_ttl: Duration,
    /// How far apart the slots of a search begin that does not say so itself (`SEARCH_GRANULARITY_MINUTES`).
    pub search_granularity: Granularity,
    /// The installation's address, without a slash at its end: calendar feeds are read there (`PUBLIC_BASE_URL`).
    pub public_base_url: String,
    /// What the addresses of calendar feeds are signed with (`CALENDAR_FEED_KEY`).
    pub feed_key: FeedKey,
}

/// The key behind the addresses of calendar feeds: who has it can read every resource's calendar. `Debug` hides it.
#[derive(Clone, Debug)]
pub struct FeedKey(Arc<SecretString>);

impl FeedKey {
    /// A key; the configuration has checked its length.
    pub fn new(secret: SecretString) -> Self {
        Self(Arc::new(secret))
    }

    /// The key itself.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}
