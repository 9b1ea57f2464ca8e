use nmc_compliance::Compliance;
use nmc_config::Config;
use nmc_conversation::Conversation;
use nmc_db::Db;
use nmc_effects::Effects;
use nmc_identity::Identity;
use nmc_kernel::Random;
use nmc_outbox::{Consumers, Dispatcher};
use nmc_providers::twilio::{AccountSid, AuthToken, ClientSettings, MessagingServiceSid, TwilioClient, TwilioWebhooks};
use nmc_telephony::{Telephony, TelephonySettings};
use nmc_timers::Timers;
use secrecy::ExposeSecret as _;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;

use crate::AppError;

/// The modules, built once from configuration; cheap to clone.
#[derive(Clone)]
pub struct Modules {
    /// Calls and texts coming in.
    pub telephony: Telephony,
    /// Threads with callers.
    pub conversation: Conversation,
    /// What may be sent to whom.
    pub compliance: Compliance,
    /// Businesses and their settings.
    pub identity: Identity,
    webhooks: TwilioWebhooks,
}

/// The document of the HTTP API, without its routes: they bring their own parts.
#[derive(utoipa::OpenApi)]
#[openapi(info(
    title = "NeverMissCall",
    description = "A small trade business that misses a phone call wins the customer anyway.",
    license(name = "Apache-2.0")
))]
struct ApiDocument;

impl Modules {
    /// Builds the modules over a process's own way into the database.
    pub fn new(db: &Db, config: &Config) -> Result<Self, AppError> {
        let twilio = twilio_client(config)?;
        let identity = Identity::new(db.clone());
        let compliance = Compliance::new(db.clone(), identity.clone());
        let telephony = Telephony::new(
            db.clone(),
            identity.clone(),
            compliance.clone(),
            twilio.clone(),
            TelephonySettings::new(config.http.public_base_url.clone(), &config.telephony),
        );
        let settings = nmc_conversation::Settings {
            public_base_url: config.http.public_base_url.as_str().to_owned(),
            messaging_service: config
                .twilio
                .messaging_service_sid
                .as_deref()
                .map(MessagingServiceSid::parse)
                .transpose()
                .map_err(|error| AppError::Client(error.to_string()))?,
            segments_per_second: config.effects.sms_segments_per_second,
            is_paused: config.conversation.pause_outbound_sms,
            inactivity: chrono::Duration::from_std(config.conversation.inactivity_auto_close)
                .map_err(|error| AppError::Client(error.to_string()))?,
        };
        let conversation = Conversation::new(db.clone(), identity.clone(), compliance.clone(), twilio, settings);
        let token = AuthToken::new(config.twilio.auth_token.expose_secret());
        let webhooks = TwilioWebhooks::new(config.http.public_base_url.as_str(), token);
        Ok(Self { telephony, conversation, compliance, identity, webhooks })
    }

    /// Every route of the modules, with its part of the API's document.
    pub fn routes(&self) -> OpenApiRouter {
        OpenApiRouter::with_openapi(ApiDocument::openapi())
            .merge(self.telephony.routes(self.webhooks.clone()))
            .merge(self.conversation.router(self.webhooks.clone()))
    }

    /// Who hears which event.
    pub fn consumers(&self) -> Consumers {
        self.conversation.consumers(Consumers::new())
    }

    /// The outbox's delivering half over these modules.
    pub fn outbox(&self, db: &Db, config: &Config, random: Random) -> Dispatcher {
        let settings = nmc_outbox::Settings {
            batch_size: config.outbox.batch_size,
            concurrency: config.outbox.concurrency,
            poll_interval: config.outbox.poll_interval,
            ..nmc_outbox::Settings::default()
        };
        Dispatcher::new(db.clone(), self.consumers(), settings, random)
    }

    /// What happens when something falls due.
    pub fn timers(&self, db: &Db, random: Random) -> Timers {
        let timers = Timers::new(db.clone(), nmc_timers::Settings::default(), random);
        self.conversation.timers(self.telephony.timers(timers))
    }

    /// The calls to providers.
    pub fn effects(&self, db: &Db, config: &Config, random: Random) -> Effects {
        let settings = nmc_effects::Settings {
            concurrency: config.effects.concurrency,
            poll_interval: config.effects.poll_interval,
            call_timeout: config.effects.request_timeout,
            listing_gap: config.effects.listing_gap,
        };
        self.conversation.effects(self.telephony.effects(Effects::new(db.clone(), settings, random)))
    }
}

fn twilio_client(config: &Config) -> Result<TwilioClient, AppError> {
    let account = AccountSid::parse(&config.twilio.account_sid).map_err(|error| AppError::Client(error.to_string()))?;
    let token = AuthToken::new(config.twilio.auth_token.expose_secret());
    let settings = ClientSettings {
        base_url: config.twilio.base_url.as_str().to_owned(),
        account_sid: account,
        auth_token: token,
        connect_timeout: config.twilio.connect_timeout,
        request_timeout: config.twilio.timeout,
    };
    TwilioClient::new(settings).map_err(|error| AppError::Client(error.to_string()))
}
