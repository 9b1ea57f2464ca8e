//! The whole application in one process: the real routes on a real port, the simulator in Twilio's place, and the
//! dispatcher's work done on demand instead of in the background.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets the unexpected stops there")]
#![allow(dead_code, reason = "each test file uses a part of it")]

use nmc_app::{Modules, routes};
use nmc_compliance::CampaignSubmission;
use nmc_config::Config;
use nmc_conversation::Turns;
use nmc_effects::Effects;
use nmc_identity::{CallMode, NewTenant, TenantName, TenantSettings};
use nmc_kernel::{Actor, E164, Random, TenantId};
use nmc_outbox::Dispatcher;
use nmc_providers::{
    clerk::WebhookSecret,
    twilio::{AccountSid, AuthToken},
};
use nmc_simulators::{
    clerk::{ClerkSettings, ClerkSimulator},
    twilio::{SimulatedNumber, TwilioSettings, TwilioSimulator},
};
use nmc_testkit::TestDatabase;
use nmc_timers::Timers;
use sqlx::PgConnection;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub(crate) const ACCOUNT_SID: &str = "AC00000000000000000000000000000001";
pub(crate) const AUTH_TOKEN: &str = "a-test-auth-token";
pub(crate) const CALENDAR_FEED_KEY: &str = "the key of these tests, longer than needed";
pub(crate) const CLERK_WEBHOOK_SECRET: &str = "whsec_dGhlIHNlY3JldCBvZiB0aGVzZSB0ZXN0cw==";
pub(crate) const BUSINESS: &str = "+14155550100";
pub(crate) const OWNERS_PHONE: &str = "+14155550199";

/// A running application with one business.
pub(crate) struct App {
    pub(crate) database: TestDatabase,
    pub(crate) twilio: TwilioSimulator,
    /// Its users sign in here; `clerk.token(..)` makes their tokens.
    pub(crate) clerk: ClerkSimulator,
    /// As the server has them.
    pub(crate) modules: Modules,
    pub(crate) outbox: Dispatcher,
    pub(crate) timers: Timers,
    pub(crate) turns: Turns,
    pub(crate) effects: Effects,
    pub(crate) base_url: String,
    pub(crate) tenant: TenantId,
    pub(crate) number: E164,
    stop: CancellationToken,
}

impl Drop for App {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The settings most tests want: the business's phone rings first, with a whisper.
pub(crate) fn dialling() -> TenantSettings {
    TenantSettings { call_mode: CallMode::Dial, forward_to: Some(phone(OWNERS_PHONE)), ..TenantSettings::default() }
}

pub(crate) fn phone(text: &str) -> E164 {
    E164::parse(text).unwrap()
}

impl App {
    /// With a business of these settings whose campaign is approved.
    pub(crate) async fn start(settings: TenantSettings) -> Self {
        let app = Self::start_unapproved(settings).await;
        app.approve().await;
        app
    }

    /// With a business whose campaign is pending.
    pub(crate) async fn start_unapproved(settings: TenantSettings) -> Self {
        Self::assemble(TestDatabase::create().await.unwrap(), settings).await
    }

    /// On a given database, with an approved campaign.
    pub(crate) async fn start_on(database: TestDatabase, settings: TenantSettings) -> Self {
        let app = Self::assemble(database, settings).await;
        app.approve().await;
        app
    }

    async fn assemble(database: TestDatabase, settings: TenantSettings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let mut twilio =
            TwilioSettings::new(AccountSid::parse(ACCOUNT_SID).unwrap(), AuthToken::new(AUTH_TOKEN), &base_url);
        twilio.numbers = vec![SimulatedNumber::at(phone(BUSINESS), &base_url)];
        let twilio = TwilioSimulator::start(twilio).await.unwrap();
        let mut clerk = ClerkSettings::new("sk_test_secret", WebhookSecret::parse(CLERK_WEBHOOK_SECRET).unwrap());
        clerk.service_url = Some(base_url.clone());
        let clerk = ClerkSimulator::start(clerk).await.unwrap();
        let config = config(&database, &base_url, &twilio.base_url(), &clerk);

        let modules = Modules::new(database.app(), &config).unwrap();
        let stop = CancellationToken::new();
        let router = routes(&modules, database.app().clone(), &config, database.app());
        let (limits, stopped) = (config.http_limits.clone(), stop.clone());
        let live = modules.live.clone();
        tokio::spawn(async move {
            tokio::join!(nmc_web::serve(listener, router, &limits, stopped.clone()), live.run(stopped))
        });

        let dispatching = Modules::new(database.dispatcher(), &config).unwrap();
        let random = Random::seeded(7);
        let outbox = dispatching.outbox(database.dispatcher(), &config, random.clone());
        let timers = dispatching.timers(database.dispatcher(), random.clone());
        let turns = dispatching.turns(&config, random.clone());
        let effects = dispatching.effects(database.dispatcher(), &config, random);

        let number = phone(BUSINESS);
        let tenant = create_tenant(&modules, "Example Plumbing", settings, &number).await;
        Self { database, twilio, clerk, modules, outbox, timers, turns, effects, base_url, tenant, number, stop }
    }

    pub(crate) async fn approve(&self) {
        self.modules.compliance.approve_campaign(&Actor::Operator { tenant: self.tenant }, 1).await.unwrap();
    }

    /// Does everything the dispatcher would do now, until nothing is left and the simulator is quiet.
    pub(crate) async fn settle(&self) {
        for _ in 0..100 {
            let events = self.outbox.drain().await.unwrap();
            let timers = self.timers.fire_due().await.unwrap();
            let turns = self.turns.drain().await.unwrap();
            let effects = self.effects.drain().await.unwrap();
            self.twilio.settled().await;
            self.clerk.settled().await;
            if events + timers + turns + effects == 0 {
                return;
            }
        }
        panic!("the application does not come to rest");
    }

    /// Past row-level security, for looking.
    pub(crate) async fn look(&self) -> PgConnection {
        self.database.superuser().await.unwrap()
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&mut self.look().await).await.unwrap()
    }

    /// The texts Twilio took for a caller.
    pub(crate) fn texts_to(&self, caller: &str) -> Vec<String> {
        self.twilio.accepted_to(&phone(caller)).into_iter().map(|message| message.body).collect()
    }
}

/// Another business with a pending campaign.
pub(crate) async fn create_tenant(modules: &Modules, name: &str, settings: TenantSettings, number: &E164) -> TenantId {
    let tenant_name = TenantName::parse(name).unwrap();
    let new = NewTenant { name: tenant_name, time_zone: chrono_tz::America::Los_Angeles, settings };
    let tenant = modules.identity.create_tenant(new).await.unwrap();
    let operator = Actor::Operator { tenant };
    let submission = CampaignSubmission {
        legal_name: format!("{name} LLC"),
        description: "Answers to missed calls.".to_owned(),
        sample_message: format!("{name}: sorry we missed your call. Reply STOP to opt out."),
    };
    modules.compliance.submit_campaign(&operator, &submission).await.unwrap();
    modules.compliance.add_receiving_number(&operator, number).await.unwrap();
    tenant
}

pub(crate) fn config(database: &TestDatabase, base_url: &str, twilio_url: &str, clerk: &ClerkSimulator) -> Config {
    let mut values = vec![
        ("DATABASE_URL", database.app_url()),
        ("PUBLIC_BASE_URL", base_url.to_owned()),
        ("TWILIO_ACCOUNT_SID", ACCOUNT_SID.to_owned()),
        ("TWILIO_AUTH_TOKEN", AUTH_TOKEN.to_owned()),
        ("TWILIO_BASE_URL", twilio_url.to_owned()),
        ("EFFECTS_LISTING_GAP_SECONDS", "1".to_owned()),
        ("SMS_SEGMENTS_PER_SECOND", "10000".to_owned()),
        // A test is one client with much to ask.
        ("HTTP_ADDRESS_REQUESTS_PER_MINUTE", "1000000".to_owned()),
        ("HTTP_TENANT_REQUESTS_PER_MINUTE", "1000000".to_owned()),
        ("CLERK_WEBHOOK_SECRET", CLERK_WEBHOOK_SECRET.to_owned()),
        ("CALENDAR_FEED_KEY", CALENDAR_FEED_KEY.to_owned()),
    ];
    values.extend(clerk.configuration());
    Config::from_lookup(&|name| values.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone())).unwrap()
}
