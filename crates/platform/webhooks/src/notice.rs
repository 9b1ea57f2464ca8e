use nmc_providers::twilio::{
    DialStatusWebhook, InboundSms, SmsStatusWebhook, VoiceStatusWebhook, VoiceWebhook, WebhookForm, WebhookRejection,
    WhisperResultWebhook, WhisperWebhook,
};

/// What a webhook is known by (ADR 0007).
pub trait Notice: for<'a> TryFrom<&'a WebhookForm, Error = WebhookRejection> {
    /// The last part of its path.
    const ENDPOINT: &'static str;
    /// What the payload hash covers.
    const HASHED: &'static [&'static str];
    /// The same for every repetition, different for everything else Twilio sends.
    fn event_id(&self) -> String;
}

impl Notice for VoiceWebhook {
    const ENDPOINT: &'static str = "voice";
    const HASHED: &'static [&'static str] = Self::CORE_FIELDS;
    fn event_id(&self) -> String {
        self.call_sid.to_string()
    }
}

impl Notice for DialStatusWebhook {
    const ENDPOINT: &'static str = "dial-status";
    const HASHED: &'static [&'static str] = Self::CORE_FIELDS;
    fn event_id(&self) -> String {
        format!("{}:dial:{}", self.call_sid, self.dial_call_status)
    }
}

impl Notice for WhisperWebhook {
    const ENDPOINT: &'static str = "whisper";
    const HASHED: &'static [&'static str] = Self::CORE_FIELDS;
    fn event_id(&self) -> String {
        format!("{}:whisper", self.call_sid)
    }
}

impl Notice for WhisperResultWebhook {
    const ENDPOINT: &'static str = "whisper-result";
    const HASHED: &'static [&'static str] = Self::CORE_FIELDS;
    fn event_id(&self) -> String {
        format!("{}:whisper-result", self.call_sid)
    }
}

impl Notice for VoiceStatusWebhook {
    const ENDPOINT: &'static str = "voice-status";
    const HASHED: &'static [&'static str] = Self::CORE_FIELDS;
    fn event_id(&self) -> String {
        format!("{}:{}", self.call_sid, self.call_status)
    }
}

impl Notice for InboundSms {
    const ENDPOINT: &'static str = "sms-inbound";
    const HASHED: &'static [&'static str] = Self::CORE_FIELDS;
    fn event_id(&self) -> String {
        self.message_sid.to_string()
    }
}

impl Notice for SmsStatusWebhook {
    const ENDPOINT: &'static str = "sms-status";
    const HASHED: &'static [&'static str] = Self::CORE_FIELDS;
    fn event_id(&self) -> String {
        format!("{}:{}", self.message_sid, self.message_status)
    }
}
