//! Two businesses in which everything has happened, and everybody who might ask.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use nmc_app::{Modules, routes};
use nmc_db::{Db, PoolSettings, Wakes};
use nmc_identity::Person as Identified;
use nmc_kernel::{Actor, Clock, E164, Role, TenantId};
use nmc_providers::clerk::ClerkUserId;
use nmc_simulators::{
    clerk::{ClerkSimulator, NewUser, TokenRequest},
    twilio::{CallRequest, CallScenario, SimulatedNumber, TextRequest},
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use crate::{
    document::Operation,
    harness::{App, config, create_tenant, dialling, phone},
    table::{Kind, Row, TABLE},
};

/// A role with all rights of the application and no row security.
const UNWALLED: &str = "nmc_test_unwalled";

/// Whoever can sign in at Clerk.
pub(crate) struct Person {
    clerk: ClerkSimulator,
    id: ClerkUserId,
    /// What the token claims.
    claims: (TenantId, Role),
}

impl Person {
    /// A fresh token.
    pub(crate) fn token(&self) -> String {
        self.token_for(TimeDelta::seconds(60))
    }

    /// One that holds for so long.
    pub(crate) fn token_for(&self, lifetime: TimeDelta) -> String {
        let (tenant, role) = self.claims;
        let request =
            TokenRequest { tenant: Some(tenant), role: Some(role), lifetime, ..TokenRequest::of(self.id.clone()) };
        self.clerk.token(&request).unwrap()
    }
}

/// Who asks: people of our business, and those who are of none.
pub(crate) struct People {
    pub(crate) owner: Person,
    pub(crate) tech: Person,
    /// Was an owner, and the token still says so.
    pub(crate) demoted: Person,
    pub(crate) deactivated: Person,
    /// Signed in, and of no business.
    pub(crate) nobody: Person,
    pub(crate) forged: String,
    pub(crate) expired: String,
}

/// One of everything a business has.
pub(crate) struct Business {
    pub(crate) tenant: TenantId,
    ids: HashMap<Kind, Uuid>,
}

impl Business {
    /// Address and body of a request with this business's ids in them.
    pub(crate) fn fill(&self, operation: &Operation) -> (String, Option<Value>) {
        fill(operation, |_, kind| self.id(kind))
    }

    /// The same with `id` at `place`.
    pub(crate) fn fill_at(&self, operation: &Operation, place: &str, id: Uuid) -> (String, Option<Value>) {
        fill(operation, |at, kind| if at == place { id } else { self.id(kind) })
    }

    pub(crate) fn id(&self, kind: Kind) -> Uuid {
        *self.ids.get(&kind).unwrap_or_else(|| panic!("the business has no {kind:?}"))
    }
}

pub(crate) struct World {
    pub(crate) app: App,
    pub(crate) people: People,
    pub(crate) ours: Business,
    pub(crate) theirs: Business,
    serving: std::sync::Mutex<Vec<DropGuard>>,
}

/// Rows of a business by table: how many, and what they are.
pub(crate) type Rows = BTreeMap<String, (i64, String)>;

impl World {
    pub(crate) async fn start() -> Self {
        let app = Box::pin(App::start(dialling())).await;
        let (our_number, their_number) = (app.number.clone(), phone("+14155550101"));
        app.twilio.put_number(SimulatedNumber::at(their_number.clone(), &app.base_url));
        let other = create_tenant(&app.modules, "Example Roofing", dialling(), &their_number).await;
        app.modules.compliance.approve_campaign(&Actor::Operator { tenant: other }, 1).await.unwrap();

        let their_owner = join(&app, other, "owner@roofing.example.com", Role::Owner).await;
        let owner = join(&app, app.tenant, "owner@plumbing.example.com", Role::Owner).await;
        let tech = join(&app, app.tenant, "tech@plumbing.example.com", Role::Tech).await;
        let demoted = join(&app, app.tenant, "demoted@plumbing.example.com", Role::Owner).await;
        let deactivated = join(&app, app.tenant, "gone@plumbing.example.com", Role::Owner).await;
        for (who, change) in [(&demoted, json!({ "role": "TECH" })), (&deactivated, json!({ "active": false }))] {
            let user = user_id(&app, who).await;
            must(&app, &owner, "PATCH", &format!("/v1/users/{user}"), Some(change)).await;
        }
        let nobody = sign_up(&app, app.tenant, "nobody@example.com", Role::Owner);
        let mut forged = owner.token();
        let last = forged.pop().unwrap();
        // Of the last character only some bits belong to the signature: the one before is all of it.
        let before = forged.pop().unwrap();
        forged.extend([if before == 'A' { 'B' } else { 'A' }, last]);
        let expired = owner.token_for(TimeDelta::minutes(-5));

        let ours = live(&app, app.tenant, &our_number, &owner, "+14155550123").await;
        let theirs = live(&app, other, &their_number, &their_owner, "+14155550133").await;
        let people = People { owner, tech, demoted, deactivated, nobody, forged, expired };
        Self { app, people, ours, theirs, serving: std::sync::Mutex::default() }
    }

    /// The table's row of a route.
    pub(crate) fn row(operation: &Operation) -> &'static Row {
        let name = operation.name();
        TABLE.iter().find(|row| row.route == name).unwrap_or_else(|| panic!("{name} has no row"))
    }

    /// An id of nothing.
    pub(crate) fn missing(&self) -> Uuid {
        self.app.database.app().ids().next()
    }

    /// Address and body with ids of nothing.
    pub(crate) fn fill_with_missing(&self, operation: &Operation) -> (String, Option<Value>) {
        fill(operation, |_, _| self.missing())
    }

    /// What `tenant` has in every table that has a tenant.
    pub(crate) async fn rows_of(&self, tenant: TenantId) -> Rows {
        let mut superuser = self.app.look().await;
        let mut rows = Rows::new();
        for table in tables(&mut superuser).await {
            let sql = format!(
                "select count(*), md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from {table} t where tenant_id = $1"
            );
            let found = sqlx::query_as(AssertSqlSafe(sql)).bind(tenant.as_uuid()).fetch_one(&mut superuser);
            rows.insert(table, found.await.unwrap());
        }
        rows
    }

    /// Another server over the same database, connected as a role that row security does not bind.
    pub(crate) async fn serve_without_row_security(&self) -> String {
        let mut superuser = self.app.look().await;
        // Roles are the server's, and other tests run beside this one.
        let make = format!(
            "do $$ begin create role {UNWALLED} login bypassrls in role nmc_app; exception when duplicate_object or unique_violation then null; end $$"
        );
        sqlx::raw_sql(AssertSqlSafe(make)).execute(&mut superuser).await.unwrap();
        let db = Db::new(&self.app.database.url(UNWALLED), PoolSettings::default(), Wakes::new()).unwrap();
        assert!(!nmc_db::is_behind_the_wall(&db).await.unwrap(), "the wall still stands");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let config = config(&self.app.database, &base_url, &self.app.twilio.base_url(), &self.app.clerk);
        let modules = Modules::new(&db, &config).unwrap();
        let router = routes(&modules, db.clone(), &config, &db);
        let stop = CancellationToken::new();
        self.serving.lock().unwrap().push(stop.clone().drop_guard());
        tokio::spawn(async move { nmc_web::serve(listener, router, &config.http_limits, stop).await });
        base_url
    }
}

/// Every table with a tenant.
pub(crate) async fn tables(connection: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar(
        "select c.relname::text from pg_class c join pg_attribute a on a.attrelid = c.oid
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attname = 'tenant_id'
         order by 1",
    )
    .fetch_all(connection)
    .await
    .unwrap()
}

fn fill(operation: &Operation, id: impl Fn(&str, Kind) -> Uuid) -> (String, Option<Value>) {
    let row = World::row(operation);
    let (mut address, mut body) = (operation.path.clone(), operation.example());
    let mut query = Vec::new();
    for &(place, kind) in row.ids {
        let value = if let Kind::Word(word) = kind { word.to_owned() } else { id(place, kind).to_string() };
        if operation.parameters("path").contains(&place) {
            address = address.replace(&format!("{{{place}}}"), &value);
        } else if operation.parameters("query").contains(&place) {
            query.push(format!("{place}={value}"));
        } else if let Some(body) = &mut body {
            body[place] = if body[place].is_array() { json!([value]) } else { json!(value) };
        }
    }
    if !query.is_empty() {
        address = format!("{address}?{}", query.join("&"));
    }
    (address, body)
}

/// Somebody who signs in at Clerk.
fn sign_up(app: &App, tenant: TenantId, email: &str, role: Role) -> Person {
    let user = app.clerk.put_user(NewUser::with_email(email)).unwrap();
    Person { clerk: app.clerk.clone(), id: user.id, claims: (tenant, role) }
}

/// Somebody who works in the business.
async fn join(app: &App, tenant: TenantId, email: &str, role: Role) -> Person {
    let person = sign_up(app, tenant, email, role);
    let identified =
        Identified { clerk_user_id: person.id.clone(), email: email.parse().unwrap(), phone: None, updated_at: None };
    app.modules.identity.add_user(&Actor::Operator { tenant }, identified, role).await.unwrap();
    person
}

pub(crate) async fn user_id(app: &App, person: &Person) -> Uuid {
    sqlx::query_scalar("select ref_id from tenant_routes where kind = 'clerk-user' and external_key = $1")
        .bind(person.id.as_str())
        .fetch_one(&mut app.look().await)
        .await
        .unwrap()
}

/// A request that has to succeed.
pub(crate) async fn must(app: &App, person: &Person, method: &str, address: &str, body: Option<Value>) -> Value {
    #[expect(clippy::disallowed_methods, reason = "a browser")]
    let request = reqwest::Client::new().request(method.parse().unwrap(), format!("{}{address}", app.base_url));
    let mut request =
        request.bearer_auth(person.token()).header("idempotency-key", format!("of{}", address.replace('/', "-")));
    if let Some(body) = body {
        request = request.json(&body);
    }
    let response = request.send().await.unwrap();
    let (status, text) = (response.status(), response.text().await.unwrap());
    assert!(status.is_success(), "{method} {address}: {status} {text}");
    serde_json::from_str(&text).unwrap_or_default()
}

/// Lets everything happen in a business that can.
async fn live(app: &App, tenant: TenantId, number: &E164, owner: &Person, caller: &str) -> Business {
    // A missed call, its greeting, an answer; callers who want no texts, one of whom calls again.
    let call = async |from: &str| {
        app.twilio.place_call(CallRequest::new(from, number.clone(), CallScenario::NoAnswer)).await;
        app.settle().await;
    };
    call(caller).await;
    for (from, text) in [
        (caller, "Can somebody look at my roof tomorrow?"),
        ("+14155550177", "STOP"),
        ("+14155550178", "Please stop texting me."),
    ] {
        app.twilio.send_text(TextRequest::new(from, number.clone(), text)).await;
        app.settle().await;
    }
    call("+14155550177").await;
    let newest = async |sql: &'static str| -> Uuid {
        sqlx::query_scalar(sql).bind(tenant.as_uuid()).fetch_one(&mut app.look().await).await.unwrap()
    };
    let conversation =
        newest("select id from conv_conversations where tenant_id = $1 order by created_at limit 1").await;
    must(
        app,
        owner,
        "PUT",
        "/v1/templates/greeting-call",
        Some(json!({
            "body": "{business}, automated text: sorry we missed you! Reply STOP to opt out."
        })),
    )
    .await;
    must(app, owner, "POST", &format!("/v1/conversations/{conversation}/messages"), Some(json!({ "body": "We can." })))
        .await;
    let entry = must(
        app,
        owner,
        "POST",
        "/v1/do-not-text",
        Some(json!({
            "phone": "+14155550188", "label": "The supplier"
        })),
    )
    .await;
    let item = json!({
        "name": "Roof inspection", "duration_minutes": 60, "price": { "amount_cents": 9500, "currency": "USD" }
    });
    let item = must(app, owner, "POST", "/v1/catalog/items", Some(item)).await["id"].as_str().unwrap().to_owned();
    let aliases = json!({ "aliases": [{ "text": "leaky roof" }] });
    must(app, owner, "PUT", &format!("/v1/catalog/items/{item}/aliases"), Some(aliases)).await;
    let resource = json!({ "name": "Kim", "skills": [&item] });
    let resource = must(app, owner, "POST", "/v1/scheduling/resources", Some(resource)).await;
    let away = format!("/v1/scheduling/resources/{}/time-off", resource["id"].as_str().unwrap());
    let day = in_days(30).date_naive();
    let away = must(app, owner, "POST", &away, Some(json!({ "first_day": day, "last_day": day }))).await;
    let holiday = json!({ "date": "2030-01-01", "name": "New Year" });
    let holiday = must(app, owner, "POST", "/v1/scheduling/holidays", Some(holiday)).await;
    // Whenever this runs, it is ahead and within nobody's rules.
    let hold = async |day: i64| {
        let start = in_days(day);
        let hold = json!({
            "resource_id": resource["id"], "start": start, "end": start + TimeDelta::hours(1), "override": true
        });
        let address = format!("/v1/scheduling/holds?day={day}");
        must(app, owner, "POST", &address, Some(hold)).await["hold_id"].as_str().unwrap().to_owned()
    };
    let booking = json!({
        "hold_id": hold(3).await, "service_item_id": &item, "customer_phone": caller, "customer_name": "Pat Example"
    });
    let appointment = must(app, owner, "POST", "/v1/scheduling/book", Some(booking)).await;
    let hold = hold(5).await;
    let invitation = must(
        app,
        owner,
        "POST",
        "/v1/users/invite",
        Some(json!({
            "email": format!("new-{tenant}@example.com"), "role": "TECH"
        })),
    )
    .await;
    app.settle().await;
    seed_what_is_not_played(app, tenant).await;
    let id = |value: &Value| value["id"].as_str().unwrap().parse::<Uuid>().unwrap();
    let ids = HashMap::from([
        (Kind::Conversation, conversation),
        (Kind::Call, newest("select id from tel_calls where tenant_id = $1").await),
        (Kind::Message, newest("select id from conv_messages where tenant_id = $1 order by created_at limit 1").await),
        (Kind::Task, newest("select id from conv_tasks where tenant_id = $1 order by created_at limit 1").await),
        (Kind::User, user_id(app, owner).await),
        (Kind::DoNotText, id(&entry)),
        (Kind::Invitation, id(&invitation)),
        (Kind::ServiceItem, item.parse().unwrap()),
        (Kind::Resource, id(&resource)),
        (Kind::Hold, hold.parse().unwrap()),
        (Kind::Appointment, appointment["appointment_id"].as_str().unwrap().parse().unwrap()),
        (Kind::TimeOff, id(&away)),
        (Kind::Holiday, id(&holiday)),
    ]);
    Business { tenant, ids }
}

/// A whole minute so many days ahead of the service's clock.
pub(crate) fn in_days(days: i64) -> DateTime<Utc> {
    (Clock::system().now() + TimeDelta::days(days)).duration_trunc(TimeDelta::minutes(1)).unwrap()
}

/// Rows that come to be by what these tests do not play: a consumer that fails six times, a subscription of which Stripe
/// tells, a carrier that filters a wording, an answer that is not due, a calendar elsewhere.
async fn seed_what_is_not_played(app: &App, tenant: TenantId) {
    sqlx::raw_sql(AssertSqlSafe(format!(
        "insert into outbox_dead_letters (tenant_id, id, event_id, consumer, error, attempts, envelope, created_at)
         select tenant_id, gen_random_uuid(), id, 'test', 'failed', 6, '{{}}', occurred_at
         from outbox_events where tenant_id = '{tenant}' limit 1;
         insert into id_feature_gates (tenant_id, id, gate, enabled, reason, created_at, updated_at)
         values ('{tenant}', gen_random_uuid(), 'sending', true, 'paid', now(), now());
         insert into conv_stopped_wordings (tenant_id, id, key, wording, error_code, stopped_at)
         values ('{tenant}', gen_random_uuid(), 'help', 'product', 30007, now());
         insert into conv_turns (tenant_id, conversation_id, due_at, first_text_at, created_at)
         select tenant_id, id, now() + interval '1 day', now(), now()
         from conv_conversations where tenant_id = '{tenant}' order by created_at limit 1 on conflict do nothing;
         insert into sched_ext_busy (tenant_id, id, resource_id, calendar_id, source_ref, starts_at, ends_at, created_at)
         select tenant_id, gen_random_uuid(), id, gen_random_uuid(), 'event', now(), now() + interval '1 hour', now()
         from sched_resources where tenant_id = '{tenant}' limit 1"
    )))
    .execute(&mut app.look().await)
    .await
    .unwrap();
}
