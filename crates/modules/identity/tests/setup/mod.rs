//! One installation with a simulated Clerk: the API as people call it, the dispatcher's effects drained on demand.
#![allow(dead_code, reason = "not every test file needs all of it")]

use std::time::Duration as StdDuration;

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
    middleware::from_fn_with_state,
};
use chrono::Duration;
use http_body_util::BodyExt as _;
use nmc_effects::Effects;
use nmc_identity::{AddedUser, Identity, NewTenant, Person, TenantName, TenantSettings};
use nmc_kernel::{Actor, Clock, Random, Role, TenantId, UserId};
use nmc_providers::clerk::{
    ClerkClient, ClerkTokens, ClerkUserId, ClerkWebhooks, ClientSettings, TokenSettings, WebhookSecret,
};
use nmc_simulators::clerk::{ClerkSettings, ClerkSimulator, NewUser, TokenRequest, WebhookMessage};
use nmc_testkit::TestDatabase;
use secrecy::SecretString;
use serde_json::{Value, json};
use tower::ServiceExt as _;

const NOON: &str = "2026-03-03T12:00:00Z";
const SECRET_KEY: &str = "sk_test_simulated";
const WEBHOOK_SECRET: &str = "whsec_c2ltdWxhdGVkLXNpbXVsYXRlZC1zaW11bGF0ZWQ=";
/// The time between two looks at what has become of an attempt.
pub(crate) const LISTING_GAP: StdDuration = StdDuration::from_mins(1);

pub(crate) struct World {
    pub(crate) database: TestDatabase,
    pub(crate) clock: Clock,
    pub(crate) clerk: ClerkSimulator,
    pub(crate) client: ClerkClient,
    pub(crate) identity: Identity,
    pub(crate) effects: Effects,
    secret: WebhookSecret,
    app: Router,
}

impl World {
    pub(crate) async fn start() -> Self {
        let database = TestDatabase::create().await.unwrap();
        let clock = Clock::fixed(NOON.parse().unwrap());
        let secret = WebhookSecret::parse(WEBHOOK_SECRET).unwrap();
        let clerk = ClerkSimulator::start(ClerkSettings {
            clock: clock.clone(),
            random: Random::seeded(1),
            ..ClerkSettings::new(SECRET_KEY, secret.clone())
        })
        .await
        .unwrap();
        let client = ClerkClient::new(ClientSettings {
            base_url: clerk.base_url(),
            secret_key: SecretString::from(SECRET_KEY.to_owned()),
            connect_timeout: StdDuration::from_secs(2),
            request_timeout: StdDuration::from_secs(5),
        })
        .unwrap();
        let tokens = TokenSettings {
            issuer: clerk.issuer().to_owned(),
            audience: None,
            authorized_parties: vec!["http://localhost:5173".to_owned()],
            jwks_url: clerk.jwks_url(),
        };
        let tokens = ClerkTokens::new(tokens, clock.clone()).unwrap();
        let identity = Identity::new(database.app().clone().at(clock.clone(), Random::seeded(2)));
        let dispatcher = database.dispatcher().clone().at(clock.clone(), Random::seeded(3));
        let effects = Effects::new(
            dispatcher.clone(),
            nmc_effects::Settings { listing_gap: LISTING_GAP, ..nmc_effects::Settings::default() },
            Random::seeded(4),
        );
        let effects = Identity::new(dispatcher).effects(effects, &client);
        let (v1, _) = identity.v1_routes().split_for_parts();
        let v1 = v1.layer(from_fn_with_state(identity.authenticate(tokens.clone()), nmc_identity::authenticate));
        let (sign_up, _) = identity.sign_up_routes(tokens, client.clone()).split_for_parts();
        let webhooks = ClerkWebhooks::new(vec![secret.clone()]);
        let (webhooks, _) = identity.routes(webhooks, clock.clone()).split_for_parts();
        let app = Router::new().nest("/v1", v1.merge(sign_up)).merge(webhooks);
        Self { database, clock, clerk, client, identity, effects, secret, app }
    }

    /// A business without people.
    pub(crate) async fn tenant(&self) -> TenantId {
        let new = NewTenant {
            name: TenantName::parse("Example Plumbing").unwrap(),
            time_zone: "America/New_York".parse().unwrap(),
            settings: TenantSettings::default(),
        };
        self.identity.create_tenant(new).await.unwrap()
    }

    /// Somebody of a business, who is known at Clerk as well.
    pub(crate) async fn member(&self, tenant: TenantId, name: &str, role: Role) -> Member {
        let email = format!("{name}@example.com");
        let known = self.clerk.put_user(NewUser::with_email(email.clone())).unwrap();
        let person =
            Person { clerk_user_id: known.id.clone(), email: email.parse().unwrap(), phone: None, updated_at: None };
        let added = self.identity.add_user(&Actor::Operator { tenant }, person, role).await.unwrap();
        let (AddedUser::New(user) | AddedUser::Already(user)) = added;
        Member { tenant, user, role, clerk: known.id }
    }

    /// Somebody who has signed up at Clerk and nowhere else.
    pub(crate) fn person(&self, email: &str) -> ClerkUserId {
        self.clerk.put_user(NewUser::with_email(email)).unwrap().id
    }

    pub(crate) fn token(&self, user: &ClerkUserId) -> String {
        self.clerk.token(&TokenRequest::of(user.clone())).unwrap()
    }

    /// A request of somebody who is signed in.
    pub(crate) async fn ask(&self, user: &ClerkUserId, line: &str, body: Option<Value>) -> Answer {
        self.ask_with(Some(&self.token(user)), line, body, &[]).await
    }

    /// `line`: method and path below `/v1`.
    pub(crate) async fn ask_with(
        &self,
        token: Option<&str>,
        line: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let (method, path) = line.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(format!("/v1{path}"));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = match body {
            None => request.body(Body::empty()),
            Some(body) => request.header("content-type", "application/json").body(Body::from(body.to_string())),
        };
        self.send(request.unwrap()).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let retry_after = response.headers().get("retry-after").is_some();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        Answer { status, retry_after, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
    }

    /// A webhook of Clerk's, signed for now.
    pub(crate) async fn webhook(&self, kind: &str, data: &Value) -> StatusCode {
        self.deliver(&self.clerk.message(kind, data)).await.status
    }

    pub(crate) async fn deliver(&self, message: &WebhookMessage) -> Answer {
        let signature = self.secret.sign(&message.id, message.timestamp, message.body.as_bytes());
        self.deliver_signed(message, &signature).await
    }

    pub(crate) async fn deliver_signed(&self, message: &WebhookMessage, signature: &str) -> Answer {
        let request = Request::post("/webhooks/clerk")
            .header("content-type", "application/json")
            .header("svix-id", &message.id)
            .header("svix-timestamp", message.timestamp)
            .header("svix-signature", signature)
            .body(Body::from(message.body.clone()));
        self.send(request.unwrap()).await
    }

    /// Lets everything happen that is due.
    pub(crate) async fn play(&self) {
        while self.effects.drain().await.unwrap() > 0 {}
    }

    pub(crate) fn wait(&self, time: Duration) {
        self.clock.advance(time);
    }

    /// The actions of a business's log, in their order.
    pub(crate) async fn log(&self, tenant: TenantId) -> Vec<String> {
        let mut tx = self.database.app().read(tenant).await.unwrap();
        sqlx::query_scalar("select actor_kind || ' ' || action from id_audit_log order by seq")
            .fetch_all(tx.conn().await.unwrap())
            .await
            .unwrap()
    }
}

pub(crate) struct Member {
    pub(crate) tenant: TenantId,
    pub(crate) user: UserId,
    pub(crate) role: Role,
    pub(crate) clerk: ClerkUserId,
}

impl Member {
    pub(crate) fn actor(&self) -> Actor {
        Actor::User { tenant: self.tenant, user: self.user, role: self.role }
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: bool,
    pub(crate) body: Value,
}

impl Answer {
    /// Status and problem code.
    pub(crate) fn refusal(&self) -> (u16, &str) {
        (self.status.as_u16(), self.body["code"].as_str().unwrap_or_default())
    }
}

/// A Clerk user as webhooks tell of them.
pub(crate) fn clerk_user(id: &ClerkUserId, email: &str, updated_at: i64, metadata: &Value) -> Value {
    json!({
        "id": id, "object": "user", "primary_email_address_id": "idn_1",
        "email_addresses": [{"id": "idn_1", "email_address": email, "verification": {"status": "verified"}}],
        "public_metadata": metadata, "updated_at": updated_at,
    })
}
