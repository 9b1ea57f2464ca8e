//! A business on a database of its own, at a time that stands still.

#![allow(clippy::unwrap_used, dead_code, reason = "shared by tests, each of which uses a part")]

use chrono::{DateTime, Utc};
use nmc_compliance::{
    Address, BusinessKind, CampaignSubmission, CompanyType, Compliance, Contact, Decision, Purpose, Registration,
    Subject, UseCase,
};
use nmc_db::Db;
use nmc_events::Context;
use nmc_identity::{Identity, NewTenant, TenantName, TenantSettings};
use nmc_kernel::{Actor, CallId, Clock, CorrelationId, E164, MessageId, Random, Role, TenantId, UserId};
use nmc_testkit::TestDatabase;
use sqlx::PgConnection;
use uuid::Uuid;

/// 14:00 in New York, 11:00 in Los Angeles.
pub(crate) const NOON: &str = "2026-06-10T18:00:00Z";

pub(crate) struct World {
    pub(crate) database: TestDatabase,
    pub(crate) clock: Clock,
    /// As the server: nmc_app.
    pub(crate) app: Side,
    /// As the dispatcher: nmc_dispatcher.
    pub(crate) dispatcher: Side,
    pub(crate) tenant: TenantId,
}

/// The modules as one process has them.
pub(crate) struct Side {
    pub(crate) db: Db,
    pub(crate) identity: Identity,
    pub(crate) compliance: Compliance,
}

impl Side {
    fn new(db: Db) -> Self {
        // An installation that texts the United Kingdom as well.
        let countries = ["US", "CA", "GB"].map(str::to_owned);
        let identity = Identity::new(db.clone()).with_countries(countries.into());
        let compliance = Compliance::new(db.clone(), identity.clone());
        Self { db, identity, compliance }
    }

    pub(crate) async fn can_send(
        &self,
        tenant: TenantId,
        subject: Subject,
        phone: &E164,
        purpose: Purpose,
    ) -> Decision {
        let mut tx = self.db.begin(tenant).await.unwrap();
        let decision = self.compliance.can_send(&mut tx, subject, phone, purpose).await.unwrap();
        tx.commit().await.unwrap();
        decision
    }

    pub(crate) async fn would_send(&self, tenant: TenantId, phone: &E164, purpose: Purpose) -> Decision {
        let mut tx = self.db.read(tenant).await.unwrap();
        let decision = self.compliance.would_send(&mut tx, phone, purpose).await.unwrap();
        tx.finish().await.unwrap();
        decision
    }

    pub(crate) async fn stop(&self, tenant: TenantId, phone: &E164) -> nmc_compliance::OptOutChange {
        let mut tx = self.db.begin(tenant).await.unwrap();
        let source = nmc_compliance::OptOutSource::Keyword;
        let change = self.compliance.record_opt_out(&mut tx, phone, "STOP", source, context()).await.unwrap();
        tx.commit().await.unwrap();
        change
    }

    pub(crate) async fn start(&self, tenant: TenantId, phone: &E164) -> nmc_compliance::OptOutRevocation {
        let mut tx = self.db.begin(tenant).await.unwrap();
        let source = nmc_compliance::OptOutSource::Keyword;
        let change = self.compliance.revoke_opt_out(&mut tx, phone, "START", source, context()).await.unwrap();
        tx.commit().await.unwrap();
        change
    }
}

impl World {
    /// A business without campaign and number.
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::create().await.unwrap();
        let clock = Clock::fixed(at(NOON));
        let random = Random::seeded(1);
        let app = Side::new(database.app().clone().at(clock.clone(), random.clone()));
        let dispatcher = Side::new(database.dispatcher().clone().at(clock.clone(), random));
        let tenant = tenant(&app, "Example Plumbing", TenantSettings::default()).await;
        Self { database, clock, app, dispatcher, tenant }
    }

    /// A business that may send.
    pub(crate) async fn approved() -> Self {
        let world = Self::new().await;
        world.approve(world.tenant).await;
        world
    }

    pub(crate) async fn approve(&self, tenant: TenantId) {
        let operator = Actor::Operator { tenant };
        self.app.compliance.submit_campaign(&operator, &submission()).await.unwrap();
        self.app.compliance.approve_campaign(&operator, 1).await.unwrap();
    }

    /// Which submission stands.
    pub(crate) async fn version(&self) -> i32 {
        let mut tx = self.app.db.read(self.tenant).await.unwrap();
        self.app.compliance.standing(&mut tx).await.unwrap().brand.map_or(0, |brand| brand.version)
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

    /// Past row security, for counting what there is.
    pub(crate) async fn superuser(&self) -> PgConnection {
        self.database.superuser().await.unwrap()
    }

    /// The payloads of the events of a name, in the order of their writing.
    pub(crate) async fn events(&self, name: &str) -> Vec<serde_json::Value> {
        sqlx::query_scalar("select payload from outbox_events where event_name = $1 order by seq")
            .bind(name)
            .fetch_all(&mut self.superuser().await)
            .await
            .unwrap()
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&mut self.superuser().await).await.unwrap()
    }
}

pub(crate) async fn tenant(side: &Side, name: &str, settings: TenantSettings) -> TenantId {
    let new =
        NewTenant { name: TenantName::parse(name).unwrap(), time_zone: "America/New_York".parse().unwrap(), settings };
    side.identity.create_tenant(new).await.unwrap()
}

pub(crate) fn submission() -> CampaignSubmission {
    CampaignSubmission {
        legal_name: "Example Plumbing LLC".into(),
        description: "Answers to missed calls".into(),
        sample_message: "Example Plumbing: sorry we missed you. Reply STOP to opt out.".into(),
    }
}

/// All that the carriers ask for.
pub(crate) fn registration() -> Registration {
    Registration {
        legal_name: "Example Plumbing LLC".into(),
        kind: BusinessKind::Company,
        company_type: Some(CompanyType::Llc),
        ein: Some("12-3456789".into()),
        website: Some("https://plumbing.example.com".into()),
        address: Address {
            street: "1 Example Street".into(),
            city: "Springfield".into(),
            state: "IL".into(),
            postal_code: "62701".into(),
            country: "US".into(),
        },
        contact: Contact {
            first_name: "Alex".into(),
            last_name: "Example".into(),
            email: "alex@example.com".into(),
            phone: phone("+12175550123"),
            position: Some("Owner".into()),
        },
        use_case: UseCase::LowVolumeMixed,
        description: "Answers to people who called and were not answered, and their appointments.".into(),
        opt_in: "People call the published number; who is not answered gets one text in reply.".into(),
        sample_messages: vec![
            "Example Plumbing: sorry we missed you. Reply STOP to opt out.".into(),
            "Example Plumbing: you are booked for Tuesday at 10.".into(),
        ],
        has_links: false,
        has_phone_numbers: true,
        privacy_policy_url: None,
        terms_url: None,
    }
}

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(crate) fn caller() -> E164 {
    E164::parse("+12125550142").unwrap()
}

pub(crate) fn phone(text: &str) -> E164 {
    E164::parse(text).unwrap()
}

pub(crate) fn message(number: u128) -> Subject {
    Subject::Message(MessageId::from(Uuid::from_u128(number)))
}

pub(crate) fn call(number: u128) -> Subject {
    Subject::Call(CallId::from(Uuid::from_u128(number)))
}

pub(crate) fn context() -> Context {
    Context { correlation: CorrelationId::from(Uuid::from_u128(77)), causation: None }
}
