use chrono::Duration;
use nmc_providers::{model::ModelClient, twilio::MessagingServiceSid};

/// What the module is told from configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The installation's address, without a slash at its end: status callbacks are sent there (`PUBLIC_BASE_URL`).
    pub public_base_url: String,
    /// The service texts are sent through; without it they come from the business's own number.
    pub messaging_service: Option<MessagingServiceSid>,
    /// The language model that reads texts beside the deterministic reading (`MODEL_BASE_URL`).
    pub model: Option<ModelClient>,
    /// Every text waits (`PAUSE_OUTBOUND_SMS`).
    pub is_paused: bool,
    /// How long a conversation stays open without a message (`CONVERSATION_INACTIVITY_AUTO_CLOSE_HOURS`).
    pub inactivity: Duration,
    /// How long a caller waits for the person who has the conversation before somebody is told
    /// (`AI_HUMAN_OVERRIDE_WINDOW_SECONDS`).
    pub override_window: Duration,
    /// Parts one number sends in a second (`SMS_SEGMENTS_PER_SECOND`).
    pub segments_per_second: u16,
}
