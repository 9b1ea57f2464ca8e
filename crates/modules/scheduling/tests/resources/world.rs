//! A business with a catalog, at a time that stands still.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode},
};
use chrono::{DateTime, Duration, Utc};
use nmc_catalog::{Catalog, NewItem};
use nmc_db::Db;
use nmc_identity::{Identity, NewTenant, TenantName, TenantSettings};
use nmc_kernel::{
    Actor, AppointmentId, Clock, E164, HoldId, Random, ResourceId, Role, ServiceItemId, TenantId, Timeslot, UserId,
};
use nmc_scheduling::{
    Details, FeedKey, Granularity, NewAppointment, NewHold, NewResource, Resource, Scheduling, Settings,
};
use nmc_testkit::TestDatabase;
use serde_json::{Value, json};
use sqlx::PgConnection;
use tower::ServiceExt as _;
use uuid::Uuid;

/// A Wednesday, 14:00 in New York.
pub(crate) const NOON: &str = "2026-06-10T18:00:00Z";

pub(crate) struct World {
    pub(crate) database: TestDatabase,
    pub(crate) clock: Clock,
    pub(crate) db: Db,
    pub(crate) identity: Identity,
    pub(crate) catalog: Catalog,
    pub(crate) scheduling: Scheduling,
    pub(crate) tenant: TenantId,
    pub(crate) item: ServiceItemId,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn body(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// The status and the problem's code.
    pub(crate) fn problem(&self) -> (u16, String) {
        (self.status.as_u16(), self.body()["code"].as_str().unwrap_or_default().to_owned())
    }

    /// The fields that are wrong.
    pub(crate) fn fields(&self) -> Vec<String> {
        let body = self.body();
        let errors = body["errors"].as_array().into_iter().flatten();
        errors.map(|error| error["field"].as_str().unwrap().to_owned()).collect()
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::create().await.unwrap();
        let clock = Clock::fixed(at(NOON));
        let db = database.app().clone().at(clock.clone(), Random::seeded(1));
        let identity = Identity::new(db.clone());
        let catalog = Catalog::new(db.clone(), identity.clone());
        let settings = Settings {
            hold_ttl: Duration::minutes(15),
            public_base_url: "https://api.example.com".to_owned(),
            search_granularity: Granularity::default(),
            feed_key: key(),
        };
        let scheduling = Scheduling::new(db.clone(), identity.clone(), catalog.clone(), settings);
        let tenant = tenant(&identity, "Example Plumbing").await;
        let mut world = Self { database, clock, db, identity, catalog, scheduling, tenant, item: Uuid::nil().into() };
        world.item = world.item_of(tenant, "Drain, kitchen").await;
        world
    }

    pub(crate) async fn item_of(&self, tenant: TenantId, name: &str) -> ServiceItemId {
        let item: NewItem = serde_json::from_value(json!({
            "name": name, "duration_minutes": 60, "price": {"amount_cents": 9500, "currency": "USD"}
        }))
        .unwrap();
        self.catalog.create_item(&owner(tenant), &item, None).await.unwrap().id
    }

    pub(crate) fn owner(&self) -> Actor {
        owner(self.tenant)
    }

    pub(crate) fn tech(&self) -> Actor {
        Actor::User { tenant: self.tenant, user: UserId::from(Uuid::from_u128(2)), role: Role::Tech }
    }

    /// A resource with defaults but for its name.
    pub(crate) async fn resource(&self, name: &str) -> Resource {
        let new: NewResource = serde_json::from_value(json!({ "name": name })).unwrap();
        self.scheduling.create_resource(&self.owner(), new, None).await.unwrap()
    }

    pub(crate) async fn hold(&self, resource: ResourceId, start: &str, minutes: i64) -> HoldId {
        let start = at(start);
        let new = NewHold {
            resource_id: resource,
            slot: Timeslot::new(start, start + Duration::minutes(minutes)).unwrap(),
            service_item_id: None,
            conversation_id: None,
            moves_appointment_id: None,
            is_override: true,
        };
        self.scheduling.hold(&self.owner(), &new, None).await.unwrap().hold_id
    }

    /// An appointment on purpose, whatever the rules say.
    pub(crate) async fn book(&self, resource: ResourceId, start: &str, minutes: i64) -> AppointmentId {
        self.book_with(resource, start, minutes, Details::default()).await
    }

    pub(crate) async fn book_with(
        &self,
        resource: ResourceId,
        start: &str,
        minutes: i64,
        details: Details,
    ) -> AppointmentId {
        let new = NewAppointment {
            hold_id: self.hold(resource, start, minutes).await,
            service_item_id: self.item,
            customer_phone: E164::parse("+12125550142").unwrap(),
            details,
        };
        self.scheduling.book(&self.owner(), &new, None).await.unwrap().appointment_id
    }

    /// A request of somebody who is signed in, with a key of its own.
    pub(crate) async fn send(&self, actor: Actor, method: Method, path: &str, body: Option<Value>) -> Answer {
        static KEYS: AtomicU64 = AtomicU64::new(0);
        let key = format!("key-{}", KEYS.fetch_add(1, Ordering::Relaxed));
        self.send_keyed(actor, method, path, body, &key).await
    }

    pub(crate) async fn send_keyed(
        &self,
        actor: Actor,
        method: Method,
        path: &str,
        body: Option<Value>,
        key: &str,
    ) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json")
            .header("idempotency-key", key);
        let mut request = request.body(body.map_or_else(Body::empty, |body| Body::from(body.to_string()))).unwrap();
        request.extensions_mut().insert(actor);
        answer(self.scheduling.v1_routes().into(), request).await
    }

    /// Past row security, to look at what came of it.
    pub(crate) async fn superuser(&self) -> PgConnection {
        self.database.superuser().await.unwrap()
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&mut self.superuser().await).await.unwrap()
    }

    /// What the log has of an action: before and after, in the order of their writing.
    pub(crate) async fn logged(&self, action: &str) -> Vec<(Value, Value)> {
        sqlx::query_as("select before, after from id_audit_log where action = $1 order by seq")
            .bind(action)
            .fetch_all(&mut self.superuser().await)
            .await
            .unwrap()
    }

    /// The payloads of the events of a name, in the order of their writing.
    pub(crate) async fn events(&self, name: &str) -> Vec<Value> {
        sqlx::query_scalar("select payload from outbox_events where event_name = $1 order by seq")
            .bind(name)
            .fetch_all(&mut self.superuser().await)
            .await
            .unwrap()
    }
}

pub(crate) async fn answer(router: Router, request: Request<Body>) -> Answer {
    let response = router.oneshot(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = to_bytes(response.into_body(), 1 << 24).await.unwrap();
    Answer { status, headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
}

pub(crate) async fn tenant(identity: &Identity, name: &str) -> TenantId {
    let new = NewTenant {
        name: TenantName::parse(name).unwrap(),
        time_zone: "America/New_York".parse().unwrap(),
        settings: TenantSettings::default(),
    };
    identity.create_tenant(new).await.unwrap()
}

pub(crate) fn owner(tenant: TenantId) -> Actor {
    Actor::User { tenant, user: UserId::from(Uuid::from_u128(1)), role: Role::Owner }
}

pub(crate) fn key() -> FeedKey {
    FeedKey::new("a key of at least thirty-two characters".to_owned().into())
}

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}
