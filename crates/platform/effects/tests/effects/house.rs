//! A database with the provider beside it, an engine at a time that stands still, and what can be seen of both.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use nmc_db::{Db, PoolSettings, Wakes};
use nmc_effects::{Effects, IntentState, NewIntent, Planned, Settings, plan};
use nmc_events::Context;
use nmc_kernel::{Clock, IntentId, Random, TenantId};
use nmc_testkit::TestDatabase;
use sqlx::PgConnection;
use tokio::sync::Mutex;

use crate::provider::{Ask, Obedient, Provider, TABLES};

/// Long after it nothing is useful any more.
pub(crate) const USEFUL_FOR: chrono::Duration = chrono::Duration::days(3);

pub(crate) struct House {
    pub(crate) database: TestDatabase,
    pub(crate) clock: Clock,
    pub(crate) provider: Arc<Provider>,
    pub(crate) superuser: Mutex<PgConnection>,
    pub(crate) tenant: TenantId,
}

/// An intent and everything around it, as it stands in the database.
#[derive(Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Seen {
    pub(crate) state: IntentState,
    pub(crate) attempt: i32,
    pub(crate) answered_attempts: i32,
    /// How often the provider accepted it.
    pub(crate) accepted: i64,
    /// What was applied to the module's rows, in order.
    pub(crate) applied: Vec<String>,
    pub(crate) outcome: Option<serde_json::Value>,
}

impl Seen {
    /// State, attempts, answered attempts, entries at the provider, changes applied.
    pub(crate) fn brief(&self) -> (IntentState, i32, i32, i64, Vec<&str>) {
        let applied = self.applied.iter().map(String::as_str).collect();
        (self.state, self.attempt, self.answered_attempts, self.accepted, applied)
    }

    pub(crate) fn outcome_word(&self, path: &str) -> &str {
        self.outcome.as_ref().and_then(|o| o.pointer(path)).and_then(|v| v.as_str()).unwrap_or("")
    }
}

impl House {
    /// At a time that only [`Clock::advance`] moves.
    pub(crate) async fn new() -> Self {
        Self::at(Clock::fixed(DateTime::from_timestamp(1_800_000_000, 0).unwrap())).await
    }

    pub(crate) async fn at(clock: Clock) -> Self {
        let database = TestDatabase::create().await.unwrap();
        let mut superuser = database.superuser().await.unwrap();
        sqlx::raw_sql(TABLES).execute(&mut superuser).await.unwrap();
        let db = database.dispatcher().clone().at(clock.clone(), Random::seeded(2));
        let provider = Arc::new(Provider::new(&database.superuser_url(), db));
        let tenant = database.app().ids().next();
        Self { database, clock, provider, superuser: Mutex::new(superuser), tenant }
    }

    /// A pool of its own, as another process would have.
    pub(crate) fn db(&self) -> Db {
        let settings = PoolSettings { acquire_timeout: Duration::from_secs(10), ..PoolSettings::default() };
        let db = Db::new(&self.database.dispatcher_url(), settings, Wakes::new()).unwrap();
        db.at(self.clock.clone(), Random::from_entropy())
    }

    pub(crate) fn engine(&self) -> Effects {
        self.engine_with(Settings { call_timeout: Duration::from_millis(300), ..Settings::default() })
    }

    pub(crate) fn engine_with(&self, settings: Settings) -> Effects {
        Effects::new(self.db(), settings, Random::seeded(3)).with(Obedient(Arc::clone(&self.provider)))
    }

    pub(crate) fn new_intent(&self, purpose: &str, order_key: &str, request: Ask) -> NewIntent<Ask> {
        let (ids, now) = (self.database.app().ids(), self.clock.now());
        NewIntent {
            id: ids.next(),
            purpose_key: purpose.to_owned(),
            order_key: order_key.to_owned(),
            available_at: now,
            useful_until: now + USEFUL_FOR,
            context: Context { correlation: ids.next(), causation: None },
            request,
        }
    }

    pub(crate) async fn plan_for(&self, tenant: TenantId, new: &NewIntent<Ask>) -> Planned {
        let app = self.database.app().clone().at(self.clock.clone(), Random::from_entropy());
        let mut tx = app.begin(tenant).await.unwrap();
        let planned = plan::<Obedient>(&mut tx, new).await.unwrap();
        tx.commit().await.unwrap();
        planned
    }

    /// Plans `request` with a purpose and an order key of its own.
    pub(crate) async fn plan(&self, request: Ask) -> IntentId {
        let purpose: uuid::Uuid = self.database.app().ids().next();
        let new = self.new_intent(&purpose.to_string(), &purpose.to_string(), request);
        self.plan_for(self.tenant, &new).await;
        new.id
    }

    /// Drains and lets time pass until nothing is unfinished but what waits for a person.
    pub(crate) async fn finish(&self, engine: &Effects) {
        for _ in 0..60 {
            engine.drain().await.unwrap();
            if self.unfinished().await == 0 {
                return;
            }
            self.clock.advance(chrono::Duration::seconds(61));
        }
        panic!("intents stay unfinished");
    }

    pub(crate) async fn unfinished(&self) -> i64 {
        self.count("select count(*) from effect_intents where state in ('pending', 'in_flight', 'unknown')").await
    }

    pub(crate) async fn count(&self, of: &'static str) -> i64 {
        sqlx::query_scalar(of).fetch_one(&mut *self.superuser.lock().await).await.unwrap()
    }

    pub(crate) async fn execute(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(&mut *self.superuser.lock().await).await.unwrap();
    }

    pub(crate) async fn see(&self, id: IntentId) -> Seen {
        let seen: Seen = sqlx::query_as(
            "select state, attempt, answered_attempts, outcome,
                    (select count(*) from test_ledger l where l.intent = e.id) as accepted,
                    array(select change from test_sends s where s.intent = e.id) as applied
             from effect_intents e where id = $1",
        )
        .bind(id.as_uuid())
        .fetch_one(&mut *self.superuser.lock().await)
        .await
        .unwrap();
        // What the module saw of the intent while applying was its state before: both changed in one transaction.
        let after: i64 = sqlx::query_scalar(
            "select count(*) from test_sends where intent = $1
             and state_then in ('accepted', 'failed', 'cancelled', 'expired')",
        )
        .bind(id.as_uuid())
        .fetch_one(&mut *self.superuser.lock().await)
        .await
        .unwrap();
        assert_eq!(after, 0, "applied to an intent that was final already");
        seen
    }

    pub(crate) async fn state(&self, id: IntentId) -> IntentState {
        self.see(id).await.state
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }
}
