//! A small service in the product's place, with the production verifier in front, that keeps what it is told.
#![allow(clippy::unwrap_used, dead_code, reason = "shared by tests, each of which uses a part")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::{FromRef, OriginalUri, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::post,
};
use nmc_kernel::E164;
use nmc_providers::twilio::{
    AccountSid, AuthToken, ClientSettings, InboundSms, MessagingServiceSid, SendSms, Sender, SmsStatusWebhook,
    TwilioClient, TwilioForm, TwilioWebhooks, Twiml, VoiceStatusWebhook, VoiceWebhook, WebhookForm, WebhookRejection,
    WhisperResultWebhook, twiml::Dial,
};
use nmc_simulators::twilio::{Behaviour, SimulatedNumber, TwilioSettings, TwilioSimulator};

pub(crate) const PUBLIC: &str = "https://nmc.example";
pub(crate) const BUSINESS: &str = "+14155550100";
pub(crate) const CALLER: &str = "+14155550123";
pub(crate) const OWNER_PHONE: &str = "+14155550199";

pub(crate) fn phone(text: &str) -> E164 {
    E164::parse(text).unwrap()
}

pub(crate) fn account_sid() -> AccountSid {
    AccountSid::parse("AC0123456789abcdef0123456789abcdef").unwrap()
}

pub(crate) fn service_sid() -> MessagingServiceSid {
    MessagingServiceSid::parse("MG0123456789abcdef0123456789abcdef").unwrap()
}

pub(crate) fn token() -> AuthToken {
    AuthToken::new("a-token-for-tests")
}

/// What the service has heard, in order: the route and the form.
#[derive(Clone, Default)]
pub(crate) struct Heard(Arc<Mutex<Vec<(String, WebhookForm)>>>);

impl Heard {
    pub(crate) fn on(&self, route: &str) -> Vec<WebhookForm> {
        let heard = self.0.lock().unwrap();
        heard.iter().filter(|(path, _)| path.contains(route)).map(|(_, form)| form.clone()).collect()
    }

    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

#[derive(Clone)]
struct Service {
    webhooks: TwilioWebhooks,
    heard: Heard,
    /// Requests still to be answered with 503.
    refusing: Arc<Mutex<u32>>,
}

impl FromRef<Service> for TwilioWebhooks {
    fn from_ref(service: &Service) -> Self {
        service.webhooks.clone()
    }
}

/// A simulator, and the service its webhooks go to.
pub(crate) struct World {
    pub(crate) simulator: TwilioSimulator,
    pub(crate) heard: Heard,
    refusing: Arc<Mutex<u32>>,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with(|settings| settings).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(TwilioSettings) -> TwilioSettings) -> Self {
        let heard = Heard::default();
        let refusing = Arc::new(Mutex::new(0));
        let webhooks = TwilioWebhooks::new(PUBLIC, token());
        let service = Service { webhooks, heard: heard.clone(), refusing: refusing.clone() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/webhooks/twilio/{route}", post(webhook)).with_state(service);
        tokio::spawn(async move { axum::serve(listener, router).await });
        let mut settings = TwilioSettings::new(account_sid(), token(), PUBLIC);
        settings.service_url = Some(format!("http://{address}"));
        settings.messaging_service_sid = Some(service_sid());
        settings.numbers = vec![SimulatedNumber::at(phone(BUSINESS), PUBLIC)];
        settings.behaviour = Behaviour { step_millis: 1, webhook_retry_millis: 1, ..Behaviour::default() };
        let simulator = TwilioSimulator::start(change(settings)).await.unwrap();
        Self { simulator, heard, refusing }
    }

    /// Answers the next `times` webhooks with 503.
    pub(crate) fn refuse(&self, times: u32) {
        *self.refusing.lock().unwrap() = times;
    }

    pub(crate) fn client(&self) -> TwilioClient {
        self.client_with_timeout(Duration::from_secs(5))
    }

    pub(crate) fn client_with_timeout(&self, request_timeout: Duration) -> TwilioClient {
        TwilioClient::new(ClientSettings {
            base_url: self.simulator.base_url(),
            account_sid: account_sid(),
            auth_token: token(),
            connect_timeout: Duration::from_secs(2),
            request_timeout,
        })
        .unwrap()
    }
}

/// A text from the business's number.
pub(crate) fn text(to: &str, body: &str) -> SendSms {
    SendSms {
        to: phone(to),
        from: Sender::Number(phone(BUSINESS)),
        body: body.to_owned(),
        status_callback: Some(format!("{PUBLIC}/webhooks/twilio/sms-status?intent=1&attempt=2")),
    }
}

async fn webhook(
    State(service): State<Service>,
    OriginalUri(uri): OriginalUri,
    form: Result<TwilioForm, WebhookRejection>,
) -> Response {
    {
        let mut refusing = service.refusing.lock().unwrap();
        if *refusing > 0 {
            *refusing -= 1;
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    }
    let result = form.and_then(|TwilioForm(form)| {
        let answer = answer(uri.path(), &form)?;
        service.heard.0.lock().unwrap().push((uri.to_string(), form));
        Ok(answer)
    });
    result.unwrap_or_else(|rejection| (rejection.status(), rejection.to_string()).into_response())
}

/// What the product answers, in short.
fn answer(path: &str, form: &WebhookForm) -> Result<Response, WebhookRejection> {
    let route = path.rsplit('/').next().unwrap_or_default();
    Ok(match route {
        "voice" => {
            let call = VoiceWebhook::try_from(form)?;
            if call.forwarded_from.is_some() {
                return Ok(Twiml::say_and_hang_up("We will text you.").into_response());
            }
            Twiml::dial(&Dial {
                to: &phone(OWNER_PHONE),
                ring_seconds: 18,
                action_url: "/webhooks/twilio/dial-status?call=1&x=2",
                whisper_url: Some(&format!("{PUBLIC}/webhooks/twilio/whisper")),
            })
            .into_response()
        }
        "whisper" => Twiml::gather_one_digit("Press 1.", "whisper-result", 5).into_response(),
        "whisper-result" if WhisperResultWebhook::try_from(form)?.accepted() => Twiml::empty().into_response(),
        "whisper-result" => Twiml::hang_up().into_response(),
        "dial-status" => Twiml::say_and_hang_up("Sorry, we will text you.").into_response(),
        "voice-status" => VoiceStatusWebhook::try_from(form).map(|_| StatusCode::NO_CONTENT.into_response())?,
        "sms-inbound" => InboundSms::try_from(form).map(|_| Twiml::empty().into_response())?,
        "sms-status" => SmsStatusWebhook::try_from(form).map(|_| StatusCode::NO_CONTENT.into_response())?,
        _ => StatusCode::NOT_FOUND.into_response(),
    })
}
