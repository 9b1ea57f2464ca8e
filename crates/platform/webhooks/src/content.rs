use nmc_providers::twilio::{
    DialStatusWebhook, InboundSms, SmsStatusWebhook, VoiceStatusWebhook, VoiceWebhook, WebhookForm, WebhookRejection,
    WhisperResultWebhook, WhisperWebhook,
};

/// The fields of one kind of webhook, and what it is known by when it comes again (ADR 0007).
pub trait WebhookContent: for<'a> TryFrom<&'a WebhookForm, Error = WebhookRejection> {
    /// The last part of its path.
    const ENDPOINT: &'static str;
    /// What the payload hash covers.
    const HASHED: &'static [&'static str];
    /// The same for every repetition, different for everything else Twilio sends.
    fn event_id(&self) -> String;
}

impl WebhookContent for VoiceWebhook {
    const ENDPOINT: &'static str = "voice";
    const HASHED: &'static [&'static str] = Self::CORE_FIELDS;
    fn event_id(&self) -> String {
        self.call_sid.to_string()
    }
}

impl WebhookContent for DialStatusWebhook {
    const ENDPOINT: &'static str = "dial-status";
    const HASHED: &'static [&'static str] = Self::CORE_FIELDS;
    fn event_id(&self) -> String {
        format!("{}:dial:{}", self.call_sid, self.dial_call_status)
    }
}

impl WebhookContent for WhisperWebhook {
    const ENDPOINT: &'static str = "whisper";
    const HASHED: &'static [&'static str] = Self::CORE_FIELDS;
    fn event_id(&self) -> String {
        format!("{}:whisper", self.call_sid)
    }
}

impl WebhookContent for WhisperResultWebhook {
    const ENDPOINT: &'static str = "whisper-result";
    const HASHED: &'static [&'static str] = Self::CORE_FIELDS;
    fn event_id(&self) -> String {
        format!("{}:whisper-result", self.call_sid)
    }
}

impl WebhookContent for VoiceStatusWebhook {
    const ENDPOINT: &'static str = "voice-status";
    const HASHED: &'static [&'static str] = Self::CORE_FIELDS;
    fn event_id(&self) -> String {
        format!("{}:{}", self.call_sid, self.call_status)
    }
}

impl WebhookContent for InboundSms {
    const ENDPOINT: &'static str = "sms-inbound";
    const HASHED: &'static [&'static str] = Self::CORE_FIELDS;
    fn event_id(&self) -> String {
        self.message_sid.to_string()
    }
}

impl WebhookContent for SmsStatusWebhook {
    const ENDPOINT: &'static str = "sms-status";
    const HASHED: &'static [&'static str] = Self::CORE_FIELDS;
    fn event_id(&self) -> String {
        format!("{}:{}", self.message_sid, self.message_status)
    }
}
