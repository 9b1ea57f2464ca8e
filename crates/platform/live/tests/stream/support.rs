//! Servers with nothing but the stream, and clients that read it.

use std::{future::pending, sync::Arc, time::Duration};

use axum::{
    extract::Request,
    http::HeaderMap,
    middleware::{Next, from_fn},
    response::Response,
    routing::get,
};
use nmc_config::{HttpConfig, HttpLimits};
use nmc_db::{Db, PoolSettings, Wakes};
use nmc_events::{
    Context, Event,
    conversation::{ConversationReleased, ConversationUnblocked},
};
use nmc_kernel::{Actor, Clock, Role, TenantId};
use nmc_live::{Live, Settings, StillSignedIn};
use nmc_testkit::{TestDatabase, eventually};
use nmc_web::{SignedInUntil, standard_layers};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What is awaited takes milliseconds; a busy machine gets this long.
pub(crate) const BOUND: Duration = Duration::from_secs(20);
/// A stream outlives the time a request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_millis(250);

/// One server process: its own pool, wake-ups and stream.
pub(crate) struct Server {
    pub(crate) base_url: String,
    pub(crate) stop: CancellationToken,
}

/// Everybody stays signed in.
pub(crate) fn everybody() -> StillSignedIn {
    Arc::new(|_| Box::pin(async { true }))
}

impl Server {
    pub(crate) async fn start(database: &TestDatabase) -> Self {
        Self::start_with(database, Settings::default(), everybody()).await
    }

    pub(crate) async fn start_with(database: &TestDatabase, settings: Settings, signed_in: StillSignedIn) -> Self {
        let (wakes, stop) = (Wakes::new(), CancellationToken::new());
        let db = Db::new(&database.app_url(), PoolSettings::default(), wakes.clone()).unwrap();
        let live = Live::new(db.clone(), Clock::system(), settings, signed_in);
        let (routes, _) = live.v1_routes().split_for_parts();
        let http =
            HttpConfig::from_lookup(&|key| (key == "PUBLIC_BASE_URL").then(|| "https://nmc.example.com".to_owned()));
        let http = http.unwrap();
        let limits = HttpLimits { request_timeout: REQUEST_TIMEOUT, ..HttpLimits::from_lookup(&|_| None).unwrap() };
        let routes = routes.layer(from_fn(sign_in)).route("/hanging", get(pending::<()>));
        let app = standard_layers(routes, &http, &limits, db.ids().clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let stopping = stop.clone();
        tokio::spawn(async move {
            tokio::join!(
                nmc_web::serve(listener, app, &limits, stopping.clone()),
                live.run(stopping.clone()),
                wakes.run(&db, stopping)
            )
        });
        Self { base_url, stop }
    }

    /// Waits as long as a request may take here.
    pub(crate) async fn outlast_a_request(&self) {
        #[expect(clippy::disallowed_methods, reason = "a browser")]
        let hanging = reqwest::get(format!("{}/hanging", self.base_url)).await.unwrap();
        assert_eq!(hanging.status(), 503);
    }

    /// Asks for the stream of `tenant`, after `last_event_id`.
    pub(crate) async fn ask(&self, tenant: TenantId, headers: &[(&'static str, &str)]) -> reqwest::Response {
        #[expect(clippy::disallowed_methods, reason = "a browser")]
        let mut request = reqwest::Client::new().get(format!("{}/stream", self.base_url));
        request = request.header("x-tenant", tenant.to_string());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    pub(crate) async fn open(&self, tenant: TenantId) -> Client {
        Client::over(self.ask(tenant, &[]).await)
    }

    pub(crate) async fn resume(&self, tenant: TenantId, last_event_id: &str) -> Client {
        Client::over(self.ask(tenant, &[("last-event-id", last_event_id)]).await)
    }
}

/// Stands in for authentication.
async fn sign_in(mut request: Request, next: Next) -> Response {
    let header = |headers: &HeaderMap, name: &str| Some(headers.get(name)?.to_str().ok()?.to_owned());
    let tenant: TenantId = header(request.headers(), "x-tenant").unwrap().parse().unwrap();
    let actor = Actor::User { tenant, user: tenant.as_uuid().into(), role: Role::Tech };
    if let Some(until) = header(request.headers(), "x-until") {
        request.extensions_mut().insert(SignedInUntil(until.parse().unwrap()));
    }
    request.extensions_mut().insert(actor);
    next.run(request).await
}

/// An event as it came.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Heard {
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    pub(crate) data: Value,
}

pub(crate) struct Client {
    response: reqwest::Response,
    unread: String,
}

impl Client {
    fn over(response: reqwest::Response) -> Self {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Self { response, unread: String::new() }
    }

    /// The next event; nothing where the stream has ended.
    pub(crate) async fn next(&mut self) -> Option<Heard> {
        loop {
            while let Some((block, rest)) = self.unread.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.unread = rest;
                let field =
                    |name: &str| Some(block.lines().find_map(|line| line.strip_prefix(name))?.trim().to_owned());
                // A comment keeps the connection alive.
                let Some(name) = field("event:") else { continue };
                let data = serde_json::from_str(&field("data:").unwrap()).unwrap();
                return Some(Heard { id: field("id:"), name, data });
            }
            let chunk = tokio::time::timeout(BOUND, self.response.chunk()).await.expect("something in time");
            self.unread += std::str::from_utf8(&chunk.ok()??).unwrap();
        }
    }

    /// The next event, which is expected to come.
    pub(crate) async fn hear(&mut self) -> Heard {
        self.next().await.expect("an event")
    }
}

/// Publishes an event that is streamed, in a transaction of its own; its id.
pub(crate) async fn release(db: &Db, tenant: TenantId) -> String {
    let mut tx = db.begin(tenant).await.unwrap();
    let event = ConversationReleased { conversation_id: tx.ids().next(), user_id: None };
    let context = Context { correlation: tx.ids().next(), causation: None };
    let id = tx.publish(&event, context).unwrap();
    tx.commit().await.unwrap();
    id.to_string()
}

/// Publishes `count` events in one transaction.
pub(crate) async fn unblock(db: &Db, tenant: TenantId, count: usize) {
    let mut tx = db.begin(tenant).await.unwrap();
    for _ in 0..count {
        let event = ConversationUnblocked { conversation_id: tx.ids().next(), user_id: None };
        let context = Context { correlation: tx.ids().next(), causation: None };
        tx.publish(&event, context).unwrap();
    }
    tx.commit().await.unwrap();
}

/// The ids of all streamed events of `tenant`, in order, as the table has them, once a client can have heard them:
/// transactions of other tests on the same server hold streams back as well.
pub(crate) async fn in_order(database: &TestDatabase, tenant: TenantId) -> Vec<String> {
    let mut superuser = database.superuser().await.unwrap();
    let is_settled = async || {
        let unsettled =
            "select not exists (select from outbox_events where xid >= pg_snapshot_xmin(pg_current_snapshot()))";
        sqlx::query_scalar::<_, bool>(unsettled).fetch_one(&mut superuser).await.unwrap()
    };
    assert!(eventually(BOUND, is_settled).await, "a transaction stays open");
    sqlx::query_scalar(
        "select xid::text || '.' || seq from outbox_events where tenant_id = $1 and event_name = any($2) order by xid, seq",
    )
    .bind(tenant.as_uuid())
    .bind([ConversationReleased::NAME, ConversationUnblocked::NAME])
    .fetch_all(&mut superuser)
    .await
    .unwrap()
}
