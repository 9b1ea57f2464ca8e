#![allow(dead_code, unreachable_pub, reason = "each test file takes what it needs")]
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

use nmc_catalog::{Alias, AliasText, Catalog, NewItem, ServiceItem};
use nmc_db::Db;
use nmc_identity::{Identity, NewTenant, TenantName, TenantSettings};
use nmc_kernel::{Actor, Clock, Random, Role, TenantId, UserId};
use nmc_testkit::TestDatabase;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

pub(crate) struct World {
    pub(crate) database: TestDatabase,
    pub(crate) clock: Clock,
    /// As the server: nmc_app.
    pub(crate) db: Db,
    pub(crate) catalog: Catalog,
    pub(crate) identity: Identity,
    pub(crate) tenant: TenantId,
}

impl World {
    /// A business without a catalog.
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::create().await.unwrap();
        let clock = Clock::fixed("2026-06-10T18:00:00Z".parse().unwrap());
        let db = database.app().clone().at(clock.clone(), Random::seeded(1));
        let identity = Identity::new(db.clone());
        let catalog = Catalog::new(db.clone(), identity.clone());
        let tenant = tenant(&identity, "Example Plumbing").await;
        Self { database, clock, db, catalog, identity, tenant }
    }

    pub(crate) fn owner(&self) -> Actor {
        owner_of(self.tenant)
    }

    pub(crate) fn tech(&self) -> Actor {
        Actor::User { tenant: self.tenant, user: UserId::from(Uuid::from_u128(2)), role: Role::Tech }
    }

    pub(crate) async fn create(&self, name: &str) -> ServiceItem {
        self.catalog.create_item(&self.owner(), &new_item(name), None).await.unwrap()
    }

    /// Past row security, for counting what there is.
    pub(crate) async fn superuser(&self) -> PgConnection {
        self.database.superuser().await.unwrap()
    }

    /// The ids in each `CatalogUpdated`, in the order of their writing.
    pub(crate) async fn news(&self) -> Vec<Value> {
        sqlx::query_scalar(
            "select payload->'updated_item_ids' from outbox_events
             where event_name = 'nmc.catalog.CatalogUpdated' order by seq",
        )
        .fetch_all(&mut self.superuser().await)
        .await
        .unwrap()
    }

    /// What the log says of the catalog: action, before, after.
    pub(crate) async fn log(&self) -> Vec<(String, Value, Value)> {
        sqlx::query_as("select action, before, after from id_audit_log where object = 'service-item' order by seq")
            .fetch_all(&mut self.superuser().await)
            .await
            .unwrap()
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&mut self.superuser().await).await.unwrap()
    }
}

pub(crate) fn owner_of(tenant: TenantId) -> Actor {
    Actor::User { tenant, user: UserId::from(Uuid::from_u128(1)), role: Role::Owner }
}

pub(crate) async fn tenant(identity: &Identity, name: &str) -> TenantId {
    let time_zone = "America/New_York".parse().unwrap();
    let new = NewTenant { name: TenantName::parse(name).unwrap(), time_zone, settings: TenantSettings::default() };
    identity.create_tenant(new).await.unwrap()
}

pub(crate) fn item_body(name: &str) -> Value {
    json!({"name": name, "duration_minutes": 60, "price": {"amount_cents": 9500, "currency": "USD"}})
}

pub(crate) fn new_item(name: &str) -> NewItem {
    serde_json::from_value(item_body(name)).unwrap()
}

pub(crate) fn alias(text: &str, priority: u8) -> Alias {
    Alias { text: AliasText::parse(text).unwrap(), priority }
}
