//! A business with Telephony in front of it, and Twilio's side of the wire.

use std::fmt::Write as _;

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use chrono::{DateTime, Duration, Utc};
use http_body_util::BodyExt as _;
use nmc_compliance::{CampaignSubmission, Compliance};
use nmc_config::BaseUrl;
use nmc_db::Db;
use nmc_effects::Effects;
use nmc_events::{
    Event,
    telephony::{CallDetected, InboundSmsReceived},
};
use nmc_identity::{CallMode, Identity, NewTenant, TenantName, TenantSettings};
use nmc_kernel::{Actor, Clock, CorrelationId, E164, Random, TenantId};
use nmc_providers::twilio::{
    AccountSid, AuthToken, ClientSettings, TwilioClient, TwilioWebhooks,
    signature::{SIGNATURE_HEADER, sign},
};
use nmc_simulators::twilio::{TwilioSettings, TwilioSimulator};
use nmc_telephony::{Polling, Telephony, TelephonySettings};
use nmc_testkit::TestDatabase;
use nmc_timers::Timers;
use sqlx::PgConnection;
use tower::ServiceExt as _;

pub(crate) const BASE_URL: &str = "https://nmc.example";
/// The business's number with us.
pub(crate) const BUSINESS: &str = "+14155550100";
/// The phone that rings there.
pub(crate) const PHONE: &str = "+14155550111";
pub(crate) const CALLER: &str = "+12125550123";

pub(crate) const ACCOUNT: &str = "AC00000000000000000000000000000001";
pub(crate) const TOKEN: &str = "a-token-for-tests";

pub(crate) type Fields = Vec<(String, String)>;

/// One business, and everything a webhook for it goes through.
pub(crate) struct House {
    pub(crate) database: TestDatabase,
    pub(crate) clock: Clock,
    pub(crate) tenant: TenantId,
    pub(crate) identity: Identity,
    pub(crate) compliance: Compliance,
    pub(crate) router: Router,
    /// The routes of signed-in people.
    v1: Router,
    pub(crate) openapi: utoipa::openapi::OpenApi,
    timers: Timers,
    effects: Effects,
    pub(crate) polling: Polling,
    /// What Telephony asks; it sends no webhook here.
    pub(crate) simulator: TwilioSimulator,
}

/// An answer to a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: String,
    pub(crate) retry_after: Option<String>,
    pub(crate) body: String,
}

impl House {
    pub(crate) async fn with(settings: TenantSettings) -> Self {
        Self::build(settings, None).await
    }

    /// The same where short completed calls count as missed.
    pub(crate) async fn that_misses_short_calls(settings: TenantSettings) -> Self {
        Self::build(settings, Some(10)).await
    }

    async fn build(settings: TenantSettings, short_completed_below_seconds: Option<u32>) -> Self {
        let database = TestDatabase::create().await.unwrap();
        let start: DateTime<Utc> = "2026-03-04T17:00:00Z".parse().unwrap();
        let clock = Clock::fixed(start);
        let app = database.app().clone().at(clock.clone(), Random::seeded(1));
        let dispatcher = database.dispatcher().clone().at(clock.clone(), Random::seeded(2));
        let account = AccountSid::parse(ACCOUNT).unwrap();
        let twilio =
            TwilioSettings { clock: clock.clone(), ..TwilioSettings::new(account, AuthToken::new(TOKEN), BASE_URL) };
        let simulator = TwilioSimulator::start(twilio).await.unwrap();
        let twilio = twilio_at(&simulator.base_url());
        let settings_of_all = TelephonySettings {
            public_base_url: BaseUrl::parse(BASE_URL).unwrap(),
            short_completed_below_seconds,
            poll_interval: Duration::minutes(3),
            correlation_reuse_window: Duration::minutes(10),
        };
        let telephony = |db: Db| {
            let identity = Identity::new(db.clone());
            let compliance = Compliance::new(db.clone(), identity.clone());
            Telephony::new(db, identity, compliance, twilio.clone(), settings_of_all.clone())
        };
        let (router, openapi) = telephony(app.clone()).routes(webhooks()).split_for_parts();
        let (v1, _) = telephony(app.clone()).v1_routes().split_for_parts();
        let timers = Timers::new(dispatcher.clone(), nmc_timers::Settings::default(), Random::seeded(3));
        let timers = telephony(dispatcher.clone()).timers(timers);
        let effects = Effects::new(dispatcher.clone(), nmc_effects::Settings::default(), Random::seeded(4));
        let effects = telephony(dispatcher.clone()).effects(effects);
        let polling = telephony(dispatcher).polling(Random::seeded(5));
        let identity = Identity::new(app.clone());
        let compliance = Compliance::new(app, identity.clone());
        let name = TenantName::parse("Example Plumbing").unwrap();
        let time_zone = "America/New_York".parse().unwrap();
        let tenant = identity.create_tenant(NewTenant { name, time_zone, settings }).await.unwrap();
        let house = Self {
            database,
            clock,
            tenant,
            identity,
            compliance,
            router,
            v1,
            openapi,
            timers,
            effects,
            polling,
            simulator,
        };
        house.compliance.add_receiving_number(&house.operator(), &phone(BUSINESS)).await.unwrap();
        house
    }

    /// The carriers have approved the business's campaign: it may send texts.
    pub(crate) async fn approved(self) -> Self {
        let submission = CampaignSubmission {
            legal_name: "Example Plumbing LLC".to_owned(),
            description: "Answers to missed calls".to_owned(),
            sample_message: "Example Plumbing: sorry we missed your call.".to_owned(),
        };
        self.compliance.submit_campaign(&self.operator(), &submission).await.unwrap();
        self.compliance.approve_campaign(&self.operator(), 1).await.unwrap();
        self
    }

    pub(crate) fn operator(&self) -> Actor {
        Actor::Operator { tenant: self.tenant }
    }

    /// Twilio posts these fields, signed.
    pub(crate) async fn post(&self, path_and_query: &str, fields: &Fields) -> Answer {
        send(&self.router, signed(path_and_query, fields)).await
    }

    /// The webhook `endpoint` with these fields; it must be taken.
    pub(crate) async fn report(&self, endpoint: &str, fields: &Fields) -> Answer {
        let answer = self.post(&format!("/webhooks/twilio/{endpoint}"), fields).await;
        assert_eq!(answer.status, StatusCode::OK, "{endpoint}: {answer:?}");
        answer
    }

    /// Asks as a signed-in person; status and document.
    pub(crate) async fn get(&self, actor: Option<Actor>, path_and_query: &str) -> (StatusCode, serde_json::Value) {
        let mut request = Request::get(path_and_query).body(Body::empty()).unwrap();
        if let Some(actor) = actor {
            request.extensions_mut().insert(actor);
        }
        let answer = send(&self.v1, request).await;
        (answer.status, serde_json::from_str(&answer.body).unwrap())
    }

    /// Fires what is due, as the dispatcher.
    pub(crate) async fn fire_timers(&self) -> usize {
        self.timers.fire_due().await.unwrap()
    }

    /// Asks Twilio what is to be asked, as the dispatcher.
    pub(crate) async fn ask_twilio(&self) -> usize {
        self.effects.drain().await.unwrap()
    }

    /// Reads Twilio's lists where they are due, as the dispatcher.
    pub(crate) async fn poll(&self) -> usize {
        self.polling.poll_due().await.unwrap()
    }

    pub(crate) async fn superuser(&self) -> PgConnection {
        self.database.superuser().await.unwrap()
    }

    /// The payloads of all published events of one kind, with their correlation, in order.
    pub(crate) async fn events<E: Event>(&self) -> Vec<(E, CorrelationId)> {
        let rows: Vec<(serde_json::Value, uuid::Uuid)> = sqlx::query_as(
            "select payload, correlation_id from outbox_events where event_name = $1 and tenant_id = $2 order by seq",
        )
        .bind(E::NAME)
        .bind(self.tenant.as_uuid())
        .fetch_all(&mut self.superuser().await)
        .await
        .unwrap();
        rows.into_iter().map(|(payload, id)| (serde_json::from_value(payload).unwrap(), id.into())).collect()
    }

    /// How the calls announced as missed were missed.
    pub(crate) async fn missed(&self) -> Vec<&'static str> {
        self.events::<CallDetected>().await.iter().map(|(event, _)| event.reason.as_str()).collect()
    }

    /// The texts announced.
    pub(crate) async fn texts(&self) -> Vec<InboundSmsReceived> {
        self.events().await.into_iter().map(|(event, _)| event).collect()
    }

    /// Every row a webhook could have written, by table.
    pub(crate) async fn row_counts(&self) -> Vec<(String, i64)> {
        sqlx::query_as(
            "select 'webhook_events', count(*) from webhook_events
             union all select 'tel_calls', count(*) from tel_calls
             union all select 'tel_inbound_sms', count(*) from tel_inbound_sms
             union all select 'comp_opt_outs', count(*) from comp_opt_outs
             union all select 'timers', count(*) from timers
             union all select 'outbox_events', count(*) from outbox_events order by 1",
        )
        .fetch_all(&mut self.superuser().await)
        .await
        .unwrap()
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&mut self.superuser().await).await.unwrap()
    }
}

pub(crate) fn twilio_at(base_url: &str) -> TwilioClient {
    TwilioClient::new(ClientSettings {
        base_url: base_url.to_owned(),
        account_sid: AccountSid::parse(ACCOUNT).unwrap(),
        auth_token: AuthToken::new(TOKEN),
        connect_timeout: std::time::Duration::from_secs(2),
        request_timeout: std::time::Duration::from_secs(5),
    })
    .unwrap()
}

pub(crate) fn webhooks() -> TwilioWebhooks {
    TwilioWebhooks::new(BASE_URL, AuthToken::new(TOKEN))
}

/// The request as Twilio sends it.
pub(crate) fn signed(path_and_query: &str, fields: &Fields) -> Request<Body> {
    let signature = sign(&AuthToken::new(TOKEN), &format!("{BASE_URL}{path_and_query}"), fields);
    let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    Request::post(path_and_query)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=UTF-8")
        .header(SIGNATURE_HEADER, signature)
        .body(Body::from(body))
        .unwrap()
}

pub(crate) async fn send(router: &Router, request: Request<Body>) -> Answer {
    let (head, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let header = |name| head.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    Answer {
        status: head.status,
        content_type: header(header::CONTENT_TYPE).unwrap_or_default(),
        retry_after: header(header::RETRY_AFTER),
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

pub(crate) fn phone(text: &str) -> E164 {
    E164::parse(text).unwrap()
}

pub(crate) fn call_sid(number: u32) -> String {
    format!("CA{number:032x}")
}

pub(crate) fn fields<const N: usize>(pairs: [(&str, &str); N]) -> Fields {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// What all webhooks about the caller's leg carry.
pub(crate) fn leg(call: u32, from: &str, status: &str) -> Fields {
    fields([
        ("CallSid", &call_sid(call)),
        ("AccountSid", "AC00000000000000000000000000000001"),
        ("From", from),
        ("To", BUSINESS),
        ("CallStatus", status),
        ("Direction", "inbound"),
        ("ApiVersion", "2010-04-01"),
    ])
}

pub(crate) fn with<const N: usize>(mut to: Fields, more: [(&str, &str); N]) -> Fields {
    to.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    to.extend(fields(more));
    to
}

/// The address in an attribute of a TwiML document.
pub(crate) fn address(twiml: &str, attribute: &str) -> String {
    let start = twiml.split(&format!("{attribute}=\"")).nth(1).unwrap();
    let address = start.split('"').next().unwrap().replace("&amp;", "&");
    address.strip_prefix(BASE_URL).unwrap().to_owned()
}

/// The sentence in a TwiML document.
pub(crate) fn said(twiml: &str) -> &str {
    twiml.split("<Say>").nth(1).unwrap().split("</Say>").next().unwrap()
}

pub(crate) fn dial(whisper: bool) -> TenantSettings {
    TenantSettings { call_mode: CallMode::Dial, forward_to: Some(phone(PHONE)), whisper, ..TenantSettings::default() }
}

pub(crate) fn mode(call_mode: CallMode) -> TenantSettings {
    TenantSettings { call_mode, ..TenantSettings::default() }
}

/// A text's fields.
pub(crate) fn text(message: u32, from: &str, body: &str) -> Fields {
    let mut sid = "SM".to_owned();
    write!(sid, "{message:032x}").unwrap();
    fields([("MessageSid", &sid), ("From", from), ("To", BUSINESS), ("Body", body), ("NumMedia", "0")])
}
