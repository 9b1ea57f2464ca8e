//! What a simulated account looks like and how it behaves.

use std::{net::SocketAddr, path::PathBuf};

use nmc_kernel::{Clock, E164, Random};
use nmc_providers::twilio::{AccountSid, AuthToken, MessagingServiceSid};
use serde::{Deserialize, Serialize};

/// An account to simulate.
#[derive(Clone, Debug)]
pub struct TwilioSettings {
    /// The account's id, checked on every API request.
    pub account_sid: AccountSid,
    /// The account's token: the API's password, and the key that signs webhooks.
    pub auth_token: AuthToken,
    /// What the service under test calls itself (`PUBLIC_BASE_URL`): the start of every webhook's URL, and signed.
    pub public_base_url: String,
    /// Where the service really listens, when that differs; webhooks are sent there and signed with the public URL.
    pub service_url: Option<String>,
    /// A messaging service that owns all numbers.
    pub messaging_service_sid: Option<MessagingServiceSid>,
    /// The account's numbers.
    pub numbers: Vec<SimulatedNumber>,
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// Times and retries.
    pub behaviour: Behaviour,
    /// Keeps the messages over a restart: JSON lines, appended.
    pub snapshot: Option<PathBuf>,
    /// The time messages are stamped with and the listing gap is measured by.
    pub clock: Clock,
    /// Ids, and faults with a probability.
    pub random: Random,
}

impl TwilioSettings {
    /// An account with no number, on a free port, in the system's time.
    pub fn new(account_sid: AccountSid, auth_token: AuthToken, public_base_url: impl Into<String>) -> Self {
        Self {
            account_sid,
            auth_token,
            public_base_url: public_base_url.into(),
            service_url: None,
            messaging_service_sid: None,
            numbers: Vec::new(),
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            behaviour: Behaviour::default(),
            snapshot: None,
            clock: Clock::system(),
            random: Random::from_entropy(),
        }
    }
}

/// A number of the account and where its webhooks go. A URL that is not set is not called.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SimulatedNumber {
    /// The number.
    pub phone: E164,
    /// Asked what to do with a call. Without it a call rings and reports its status only.
    pub voice_url: Option<String>,
    /// Asked instead when `voice_url` fails.
    pub voice_fallback_url: Option<String>,
    /// Told how a call ended.
    pub status_callback: Option<String>,
    /// Given inbound texts.
    pub sms_url: Option<String>,
    /// Given them when `sms_url` fails.
    pub sms_fallback_url: Option<String>,
}

impl SimulatedNumber {
    /// A number with every webhook at the product's own routes below `public_base_url`.
    pub fn at(phone: E164, public_base_url: &str) -> Self {
        let route = |name: &str| Some(format!("{}/webhooks/twilio/{name}", public_base_url.trim_end_matches('/')));
        Self {
            phone,
            voice_url: route("voice"),
            voice_fallback_url: None,
            status_callback: route("voice-status"),
            sms_url: route("sms-inbound"),
            sms_fallback_url: None,
        }
    }

    /// The same number, reporting call statuses only.
    #[must_use]
    pub fn status_only(self) -> Self {
        Self { voice_url: None, voice_fallback_url: None, ..self }
    }
}

/// Times and retries, changeable while it runs. Absent fields of a JSON document keep the defaults.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// Between two states of a message, in milliseconds.
    pub step_millis: u64,
    /// How long a dialled phone rings before anything happens, in milliseconds.
    pub ring_millis: u64,
    /// How long an accepted message stays out of listings, in milliseconds.
    pub listing_gap_millis: u64,
    /// How long a webhook may take, in milliseconds; Twilio waits 15 seconds.
    pub webhook_timeout_millis: u64,
    /// How often a webhook is tried in all when it cannot be delivered or is answered with a 5xx.
    pub webhook_attempts: u32,
    /// Before the second try, in milliseconds; doubled before each further one, at most five seconds.
    pub webhook_retry_millis: u64,
    /// Webhooks that are lost on their way, by the last part of their path (`voice`, `sms-inbound`): never delivered,
    /// not even by a retry.
    pub lost_webhooks: Vec<String>,
    /// Report `OptOutType` on inbound keywords, as Advanced Opt-Out does.
    pub advanced_opt_out: bool,
    /// Refuse messages to a number that texted STOP, as every account does.
    pub keeps_opt_outs: bool,
    /// Report `queued` before `sent`.
    pub reports_queued: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            step_millis: 20,
            ring_millis: 0,
            listing_gap_millis: 0,
            webhook_timeout_millis: 15_000,
            webhook_attempts: 5,
            webhook_retry_millis: 200,
            lost_webhooks: Vec::new(),
            advanced_opt_out: false,
            keeps_opt_outs: true,
            reports_queued: false,
        }
    }
}

/// What becomes of a message once it is accepted.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeliveryPlan {
    /// How it ends.
    pub outcome: DeliveryOutcome,
    /// How many times more each callback is sent.
    pub duplicates: u32,
    /// Callbacks go out in reverse order.
    pub reversed: bool,
    /// No callback at all.
    pub silent: bool,
}

/// How a message ends.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum DeliveryOutcome {
    /// Delivered.
    #[default]
    Delivered,
    /// Taken by the carrier and not delivered.
    Undelivered {
        /// Such as 30003.
        code: u32,
    },
    /// Never sent.
    Failed {
        /// Such as 30007.
        code: u32,
    },
    /// Stays queued.
    Stuck,
}
