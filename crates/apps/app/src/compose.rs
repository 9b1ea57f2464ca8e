use std::sync::Arc;

use nmc_catalog::Catalog;
use nmc_compliance::{Compliance, Limit, SendLimits};
use nmc_config::{ComplianceConfig, Config};
use nmc_conversation::{Asked, Conversation, TurnSettings, Turns};
use nmc_db::{Db, DbError};
use nmc_effects::Effects;
use nmc_identity::Identity;
use nmc_kernel::{Actor, Clock, Random};
use nmc_live::{Live, StillSignedIn};
use nmc_outbox::{Consumers, Dispatcher};
use nmc_providers::twilio::{AuthToken, MessagingServiceSid, TwilioWebhooks};
use nmc_retention::{Retention, Sweeps};
use nmc_scheduling::{FeedKey, Scheduling};
use nmc_telephony::{Telephony, TelephonySettings};
use nmc_timers::Timers;
use nmc_web::RateLimits;
use secrecy::ExposeSecret as _;

use crate::{
    AppError,
    providers::{Clerk, model_client, twilio_client, wrong},
};

/// The modules, built once from configuration; cheap to clone.
#[derive(Clone)]
pub struct Modules {
    /// Calls and texts coming in.
    pub telephony: Telephony,
    /// Threads with callers.
    pub conversation: Conversation,
    /// What may be sent to whom.
    pub compliance: Compliance,
    /// What businesses sell.
    pub catalog: Catalog,
    /// Who can be booked when, and what is booked.
    pub scheduling: Scheduling,
    /// Businesses and their settings.
    pub identity: Identity,
    /// What happens, told while it happens.
    pub live: Live,
    pub(crate) webhooks: TwilioWebhooks,
    pub(crate) clerk: Clerk,
    pub(crate) rate_limits: RateLimits,
}

impl Modules {
    /// Builds the modules over a process's own way into the database.
    pub fn new(db: &Db, config: &Config) -> Result<Self, AppError> {
        let twilio = twilio_client(config)?;
        let identity = Identity::new(db.clone()).with_countries(config.compliance.countries_served.clone());
        let compliance = Compliance::new(db.clone(), identity.clone()).with_limits(send_limits(&config.compliance));
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
                .map_err(wrong)?,
            model: model_client(config)?,
            segments_per_second: config.effects.sms_segments_per_second,
            is_paused: config.conversation.pause_outbound_sms,
            inactivity: chrono::Duration::from_std(config.conversation.inactivity_auto_close).map_err(wrong)?,
            override_window: chrono::Duration::from_std(config.conversation.override_window).map_err(wrong)?,
        };
        let catalog = Catalog::new(db.clone(), identity.clone());
        let scheduling = scheduling(db, &identity, &catalog, config)?;
        let asked = Asked {
            identity: identity.clone(),
            compliance: compliance.clone(),
            catalog: catalog.clone(),
            scheduling: scheduling.clone(),
        };
        let conversation = Conversation::new(db.clone(), asked, twilio, settings);
        let token = AuthToken::new(config.twilio.auth_token.expose_secret());
        let webhooks = TwilioWebhooks::new(config.http.public_base_url.as_str(), token);
        let rate_limits = RateLimits::new(&config.http, &config.http_limits);
        let live = live(db, &identity, config);
        let clerk = Clerk::new(config)?;
        let modules = Self {
            telephony,
            conversation,
            compliance,
            catalog,
            scheduling,
            identity,
            live,
            webhooks,
            clerk,
            rate_limits,
        };
        db.wake_outbox_for(modules.consumers().events());
        Ok(modules)
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
        let timers = Timers::new(db.clone(), nmc_timers::Settings::default(), random.clone());
        let timers = self.scheduling.timers(self.conversation.timers(self.telephony.timers(timers)));
        self.retention(db, random).timers(timers)
    }

    /// What works out the automation's answers.
    pub fn turns(&self, config: &Config, random: Random) -> Turns {
        let usual = TurnSettings::default();
        let usual = if config.model.base_url.is_some() { TurnSettings::with_model() } else { usual };
        let concurrency = config.conversation.turn_concurrency.unwrap_or(usual.concurrency);
        self.conversation.turns(TurnSettings { concurrency, ..usual }, random)
    }

    /// What becomes of data with age.
    pub fn retention(&self, db: &Db, random: Random) -> Retention {
        let sweeps = self.conversation.sweeps(self.telephony.sweeps(Sweeps::default()));
        let sweeps = self.scheduling.sweeps(self.compliance.sweeps(sweeps));
        Retention::new(db.clone(), self.identity.sweeps(sweeps), random)
    }

    /// The calls to providers.
    pub fn effects(&self, db: &Db, config: &Config, random: Random) -> Effects {
        let settings = nmc_effects::Settings {
            concurrency: config.effects.concurrency,
            poll_interval: config.effects.poll_interval,
            call_timeout: config.effects.request_timeout,
            listing_gap: config.effects.listing_gap,
        };
        let effects = Effects::new(db.clone(), settings, random);
        self.identity.effects(self.conversation.effects(self.telephony.effects(effects)), &self.clerk.client)
    }
}

fn scheduling(db: &Db, identity: &Identity, catalog: &Catalog, config: &Config) -> Result<Scheduling, AppError> {
    let settings = nmc_scheduling::Settings {
        hold_ttl: chrono::Duration::from_std(config.scheduling.hold_ttl).map_err(wrong)?,
        search_granularity: config.scheduling.search_granularity_minutes.try_into().map_err(wrong)?,
        public_base_url: config.http.public_base_url.as_str().to_owned(),
        feed_key: FeedKey::new(config.scheduling.calendar_feed_key.clone()),
    };
    Ok(Scheduling::new(db.clone(), identity.clone(), catalog.clone(), settings))
}

fn live(db: &Db, identity: &Identity, config: &Config) -> Live {
    let settings = nmc_live::Settings {
        streams_max: config.http_limits.streams_max,
        streams_per_tenant_max: config.http_limits.streams_per_tenant_max,
        ..nmc_live::Settings::default()
    };
    let (people, identity) = (db.clone(), identity.clone());
    let still_signed_in: StillSignedIn = Arc::new(move |actor| {
        let (db, identity) = (people.clone(), identity.clone());
        Box::pin(async move {
            // A database that is away says nothing of anybody; the next look does.
            is_active(&db, &identity, &actor).await.unwrap_or(true)
        })
    });
    Live::new(db.clone(), Clock::system(), settings, still_signed_in)
}

async fn is_active(db: &Db, identity: &Identity, actor: &Actor) -> Result<bool, DbError> {
    let Actor::User { tenant, user, .. } = actor else { return Ok(true) };
    let mut tx = db.read(*tenant).await?;
    let user = identity.user(&mut tx, *user).await?;
    tx.finish().await?;
    Ok(user.is_some_and(|user| user.is_active))
}

fn send_limits(config: &ComplianceConfig) -> SendLimits {
    SendLimits {
        caller: Limit { hour: config.texts_per_caller_hour_max, day: config.texts_per_caller_day_max },
        business: Limit { hour: config.texts_per_business_hour_max, day: config.texts_per_business_day_max },
        installation: Limit { hour: config.texts_per_hour_max, day: config.texts_per_day_max },
    }
}
