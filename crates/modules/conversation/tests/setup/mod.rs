//! A business, its callers and Twilio, at a time that stands still.

#![allow(clippy::unwrap_used, dead_code, reason = "shared by tests, each of which uses a part")]

mod look;
mod news;
mod requests;

use std::time::Duration as StdDuration;

use axum::Router;
use chrono::{DateTime, Duration, Utc};
use nmc_catalog::Catalog;
use nmc_compliance::{CampaignSubmission, Compliance};
use nmc_conversation::{Asked, Conversation, NewMessage, SETTLES_AFTER, Settings, TurnSettings, Turns};
use nmc_db::{Db, PoolSettings, Wakes};
use nmc_effects::Effects;
use nmc_identity::{Identity, NewTenant, TenantName, TenantSettings};
use nmc_kernel::{Actor, Clock, ConversationId, E164, Random, Role, TenantId, UserId};
use nmc_outbox::{Consumers, Dispatcher};
use nmc_providers::twilio::{AccountSid, AuthToken, ClientSettings, TwilioClient, TwilioWebhooks};
use nmc_scheduling::{FeedKey, Scheduling};
use nmc_simulators::twilio::{DeliveryPlan, SimulatedNumber, TwilioSettings, TwilioSimulator};
use nmc_testkit::TestDatabase;
use nmc_timers::Timers;
use sqlx::PgConnection;
use uuid::Uuid;

/// 14:00 in New York.
pub(crate) const NOON: &str = "2026-06-10T18:00:00Z";
pub(crate) const PUBLIC: &str = "https://nmc.example.com";
/// Two listings this far apart decide that a text was not sent.
pub(crate) const LISTING_GAP: StdDuration = StdDuration::from_mins(1);

pub(crate) struct World {
    pub(crate) database: TestDatabase,
    pub(crate) clock: Clock,
    pub(crate) tenant: TenantId,
    pub(crate) twilio: TwilioSimulator,
    /// As the server: nmc_app.
    pub(crate) app: Side,
    /// As the dispatcher: nmc_dispatcher.
    pub(crate) dispatcher: Side,
    pub(crate) effects: Effects,
    pub(crate) timers: Timers,
    pub(crate) turns: Turns,
    client: TwilioClient,
    router: Router,
    token: AuthToken,
}

/// The modules as one process has them.
pub(crate) struct Side {
    pub(crate) db: Db,
    pub(crate) identity: Identity,
    pub(crate) compliance: Compliance,
    pub(crate) catalog: Catalog,
    pub(crate) scheduling: Scheduling,
    pub(crate) conversation: Conversation,
}

impl Side {
    fn new(db: Db, twilio: &TwilioClient, settings: &Settings) -> Self {
        let identity = Identity::new(db.clone());
        let compliance = Compliance::new(db.clone(), identity.clone());
        let catalog = Catalog::new(db.clone(), identity.clone());
        let scheduling = Scheduling::new(db.clone(), identity.clone(), catalog.clone(), booking_settings());
        let asked = Asked {
            identity: identity.clone(),
            compliance: compliance.clone(),
            catalog: catalog.clone(),
            scheduling: scheduling.clone(),
        };
        let conversation = Conversation::new(db.clone(), asked, twilio.clone(), settings.clone());
        Self { db, identity, compliance, catalog, scheduling, conversation }
    }
}

pub(crate) fn settings() -> Settings {
    Settings {
        public_base_url: PUBLIC.to_owned(),
        messaging_service: None,
        model: None,
        is_paused: false,
        inactivity: Duration::hours(72),
        override_window: Duration::seconds(60),
        segments_per_second: 100,
    }
}

fn booking_settings() -> nmc_scheduling::Settings {
    nmc_scheduling::Settings {
        hold_ttl: Duration::minutes(15),
        search_granularity: 15.try_into().unwrap(),
        public_base_url: PUBLIC.to_owned(),
        feed_key: FeedKey::new("a key of these tests, which nobody else has".into()),
    }
}

impl World {
    /// A business that may send.
    pub(crate) async fn approved() -> Self {
        let world = Self::with(settings(), TenantSettings::default()).await;
        world.approve().await;
        world
    }

    pub(crate) async fn with(settings: Settings, tenant_settings: TenantSettings) -> Self {
        let database = TestDatabase::create().await.unwrap();
        let (clock, random) = (Clock::fixed(NOON.parse().unwrap()), Random::seeded(1));
        let account = AccountSid::parse("AC00000000000000000000000000000001").unwrap();
        let token = AuthToken::new("a-token-for-tests");
        let twilio = TwilioSimulator::start(TwilioSettings {
            numbers: vec![SimulatedNumber::at(business(), PUBLIC)],
            clock: clock.clone(),
            random: random.clone(),
            ..TwilioSettings::new(account.clone(), token.clone(), PUBLIC)
        })
        .await
        .unwrap();
        // Callbacks are sent by the tests themselves, in the order they want.
        twilio.set_delivery(None, DeliveryPlan { silent: true, ..DeliveryPlan::default() });
        let client = TwilioClient::new(ClientSettings {
            base_url: twilio.base_url(),
            account_sid: account,
            auth_token: token.clone(),
            connect_timeout: StdDuration::from_secs(2),
            request_timeout: StdDuration::from_secs(5),
        })
        .unwrap();
        let app = Side::new(database.app().clone().at(clock.clone(), random.clone()), &client, &settings);
        let dispatcher =
            Side::new(database.dispatcher().clone().at(clock.clone(), Random::seeded(2)), &client, &settings);
        let effects = Effects::new(
            dispatcher.db.clone(),
            nmc_effects::Settings { listing_gap: LISTING_GAP, ..nmc_effects::Settings::default() },
            Random::seeded(4),
        );
        let effects = dispatcher.conversation.effects(effects);
        let timers = Timers::new(dispatcher.db.clone(), nmc_timers::Settings::default(), Random::seeded(5));
        let timers = dispatcher.conversation.timers(timers);
        let turns = dispatcher.conversation.turns(TurnSettings::default(), Random::seeded(8));
        let new = NewTenant {
            name: TenantName::parse("Example Plumbing").unwrap(),
            time_zone: "America/New_York".parse().unwrap(),
            settings: tenant_settings,
        };
        let tenant = app.identity.create_tenant(new).await.unwrap();
        let operator = Actor::Operator { tenant };
        app.compliance.add_receiving_number(&operator, &business()).await.unwrap();
        let (router, _) = app.conversation.router(TwilioWebhooks::new(PUBLIC, token.clone())).split_for_parts();
        Self { database, clock, tenant, twilio, app, dispatcher, effects, timers, turns, client, router, token }
    }

    pub(crate) async fn approve(&self) {
        let submission = CampaignSubmission {
            legal_name: "Example Plumbing LLC".into(),
            description: "Answers to missed calls".into(),
            sample_message: "Example Plumbing: sorry we missed you. Reply STOP to opt out.".into(),
        };
        let _ = self.app.compliance.submit_campaign(&self.operator(), &submission).await;
        self.app.compliance.approve_campaign(&self.operator(), self.submitted().await).await.unwrap();
    }

    /// Which submission stands.
    pub(crate) async fn submitted(&self) -> i32 {
        let mut tx = self.app.db.read(self.tenant).await.unwrap();
        self.app.compliance.standing(&mut tx).await.unwrap().brand.unwrap().version
    }

    /// Another business, in all that decides about texts like this one.
    pub(crate) async fn copy_tenant(&self, tenant: TenantId) {
        for table in ["id_tenants", "comp_brands", "comp_campaigns", "comp_phone_numbers"] {
            let sql = format!(
                "insert into {table} select (jsonb_populate_record(t, jsonb_build_object('tenant_id', $1::uuid)
                   || case when '{table}' = 'id_tenants' then jsonb_build_object('id', $1::uuid) else '{{}}' end)).*
                 from {table} t where tenant_id = $2"
            );
            sqlx::query(sqlx::AssertSqlSafe(sql))
                .bind(tenant.as_uuid())
                .bind(self.tenant.as_uuid())
                .execute(&mut self.superuser().await)
                .await
                .unwrap();
        }
    }

    pub(crate) async fn reject(&self) {
        self.app.compliance.reject_campaign(&self.operator(), self.submitted().await).await.unwrap();
    }

    pub(crate) fn operator(&self) -> Actor {
        Actor::Operator { tenant: self.tenant }
    }

    pub(crate) fn owner(&self) -> Actor {
        Actor::User { tenant: self.tenant, user: UserId::from(Uuid::from_u128(1)), role: Role::Owner }
    }

    pub(crate) fn tech(&self) -> Actor {
        Actor::User { tenant: self.tenant, user: UserId::from(Uuid::from_u128(2)), role: Role::Tech }
    }

    /// An owner of another business.
    pub(crate) fn stranger() -> Actor {
        let tenant = TenantId::from(Uuid::from_u128(99));
        Actor::User { tenant, user: UserId::from(Uuid::from_u128(3)), role: Role::Owner }
    }

    /// Delivers every event twice, the second time with the ledger emptied, and fires what is due, until all is quiet.
    /// The second time must change nothing.
    pub(crate) async fn deliver(&self) {
        self.deliver_once().await;
        let before = self.everything().await;
        let mut superuser = self.superuser().await;
        sqlx::query("delete from outbox_consumed").execute(&mut superuser).await.unwrap();
        sqlx::query("update outbox_events set dispatched_at = null").execute(&mut superuser).await.unwrap();
        self.deliver_once().await;
        assert_eq!(self.everything().await, before, "delivering twice is not delivering once");
        assert_eq!(self.count("select count(*) from outbox_events where dispatched_at is null").await, 0);
    }

    /// One that delivers an event at a time, to have several at work at once.
    pub(crate) fn dispatcher(&self, seed: u64) -> Dispatcher {
        let settings = nmc_outbox::Settings { batch_size: 1, ..nmc_outbox::Settings::default() };
        let consumers = self.dispatcher.conversation.consumers(Consumers::new());
        Dispatcher::new(self.dispatcher.db.clone(), consumers, settings, Random::seeded(seed))
    }

    async fn deliver_once(&self) {
        // A new one each time: a dispatcher remembers how far it has come and would not look back.
        let consumers = self.dispatcher.conversation.consumers(Consumers::new());
        let db = self.dispatcher.db.clone();
        let outbox = Dispatcher::new(db, consumers, nmc_outbox::Settings::default(), Random::seeded(3));
        loop {
            let delivered = outbox.drain().await.unwrap();
            let fired = self.timers.fire_due().await.unwrap();
            if delivered + fired == 0 {
                break;
            }
        }
        let failing: Vec<(String, Option<String>)> =
            sqlx::query_as("select event_name, last_error from outbox_events where last_error is not null")
                .fetch_all(&mut self.superuser().await)
                .await
                .unwrap();
        assert_eq!(failing, [], "an event could not be delivered");
    }

    /// Every row a second delivery could touch, as text. An approval that is heard of again brings the second look at a
    /// blocked conversation forward: what the look does shows elsewhere.
    async fn everything(&self) -> Vec<String> {
        sqlx::query_scalar(
            "select t::text from conv_conversations t union all select t::text from conv_contacts t
             union all select t::text from conv_messages t union all select t::text from conv_tasks t
             union all select t::text from conv_turns t
             union all select t::text from conv_human_stretches t union all select t::text from conv_stopped_wordings t
             union all select t::text from effect_intents t union all select id::text from outbox_events t
             union all select id::text from comp_gate_decisions t union all select ref_id::text || due_at::text from timers t
               where kind not like 'conversation.unblock%'
             order by 1",
        )
        .fetch_all(&mut self.superuser().await)
        .await
        .unwrap()
    }

    /// Delivers, answers what is due and sends until all is quiet.
    pub(crate) async fn play(&self) {
        loop {
            self.deliver().await;
            let answered = self.turns.drain().await.unwrap();
            assert_eq!(self.failed_turns().await, Vec::<String>::new(), "an answer could not be worked out");
            if answered + self.effects.drain().await.unwrap() == 0 {
                break;
            }
        }
    }

    /// The errors of turns of which an attempt has failed.
    pub(crate) async fn failed_turns(&self) -> Vec<String> {
        sqlx::query_scalar("select last_error from conv_turns where last_error is not null order by conversation_id")
            .fetch_all(&mut self.superuser().await)
            .await
            .unwrap()
    }

    /// The same, once the caller seems to have ended.
    pub(crate) async fn answer(&self) {
        self.deliver().await;
        self.wait(SETTLES_AFTER);
        self.play().await;
    }

    pub(crate) fn wait(&self, time: Duration) {
        self.clock.advance(time);
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The same world after its processes were started again with other settings.
    pub(crate) fn restarted(mut self, settings: &Settings) -> Self {
        let dispatcher = Side::new(self.dispatcher.db.clone(), &self.client, settings);
        let effects = Effects::new(
            dispatcher.db.clone(),
            nmc_effects::Settings { listing_gap: LISTING_GAP, ..nmc_effects::Settings::default() },
            Random::seeded(6),
        );
        self.effects = dispatcher.conversation.effects(effects);
        self.timers = dispatcher.conversation.timers(Timers::new(
            dispatcher.db.clone(),
            nmc_timers::Settings::default(),
            Random::seeded(7),
        ));
        self.turns = dispatcher.conversation.turns(TurnSettings::default(), Random::seeded(9));
        self.dispatcher = dispatcher;
        self
    }

    /// The same world, whose server cannot reach its database.
    pub(crate) fn without_database(mut self) -> Self {
        let db = Db::new("postgres://nmc_app@127.0.0.1:1/none", PoolSettings::default(), Wakes::new()).unwrap();
        let side = Side::new(db, &self.client, &settings());
        let webhooks = TwilioWebhooks::new(PUBLIC, self.token.clone());
        self.router = side.conversation.router(webhooks).split_for_parts().0;
        self
    }

    /// Past row security, for counting what there is.
    pub(crate) async fn superuser(&self) -> PgConnection {
        self.database.superuser().await.unwrap()
    }
}

pub(crate) fn business() -> E164 {
    phone("+12125550100")
}

pub(crate) fn caller() -> E164 {
    phone("+12125550142")
}

pub(crate) fn phone(text: &str) -> E164 {
    E164::parse(text).unwrap()
}

/// What a person writes.
pub(crate) fn new_message(body: &str) -> NewMessage {
    NewMessage { body: body.to_owned(), client_dedup_key: None }
}

/// A caller who was greeted.
pub(crate) async fn greeted(world: &World, who: &E164) -> ConversationId {
    world.call(who).await;
    world.play().await;
    world.thread(who).await.unwrap().id
}

/// What Twilio has for a caller.
pub(crate) fn bodies_sent(world: &World, who: &E164) -> Vec<String> {
    world.twilio.accepted_to(who).into_iter().map(|message| message.body).collect()
}
