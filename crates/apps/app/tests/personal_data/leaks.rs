//! What people are called and write, their numbers and the installation's secrets, sent along every way there is, and
//! looked for in what gets out: log lines, traces, metrics, and the errors that are kept. The test runs itself as a
//! child, so that it sees what an operator sees.
#![allow(
    clippy::disallowed_methods,
    reason = "the environment is how the test talks to its child; requests are a browser's"
)]

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::{Arc, Mutex},
    thread,
};

use nmc_config::TelemetryConfig;
use nmc_db::{DbError, Tx};
use nmc_events::{Envelope, telephony::InboundSmsReceived};
use nmc_identity::Person as Identified;
use nmc_kernel::{Actor, Random, Role};
use nmc_outbox::{ConsumeError, Consumer, Consumers, Dispatcher};
use nmc_simulators::{
    clerk::{NewUser, TokenRequest},
    twilio::{Api, CallRequest, CallScenario, Fault, SignatureKind, TextRequest, WebhookRequest, When},
};
use nmc_timers::{Timer, TimerError, Timers};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{ACCOUNT_SID, AUTH_TOKEN, App, CALENDAR_FEED_KEY, CLERK_WEBHOOK_SECRET, dialling};

const CHILD: &str = "NMC_LEAKS_TEST_CHILD";
/// What the variable is where the child is to leak on purpose.
const LEAK: &str = "leak";
/// A caller, in the forms a number is written in.
const CALLER: &str = "+14155550142";
const CALLER_DIGITS: &str = "4155550142";
/// Stands in every text, name and label that is sent.
const WORDS: &str = "Canary Bird";
const EMAIL: &str = "canary.bird@example.com";
/// What must not get out, as it might stand there.
const FORBIDDEN: &[&str] = &[
    CALLER_DIGITS,
    WORDS,
    "Canary%20Bird",
    "Canary+Bird",
    "canary.bird",
    AUTH_TOKEN,
    CLERK_WEBHOOK_SECRET,
    CALENDAR_FEED_KEY,
    "sk_test_secret",
    "canary-bearer",
];
const ROUTES: [&str; 7] =
    ["voice", "whisper", "whisper-result", "dial-status", "voice-status", "sms-inbound", "sms-status"];

/// A consumer that stumbles over what it reads, as code with a mistake does.
struct Stumbles;

impl Consumer for Stumbles {
    type Event = InboundSmsReceived;
    const NAME: &'static str = "test.stumbles";

    async fn consume(&self, _: &mut Tx, event: &InboundSmsReceived, _: &Envelope) -> Result<(), ConsumeError> {
        panic!("cannot understand {:?} of {}", event.body, event.from_phone.as_str());
    }
}

/// A timer that writes what a constraint refuses: Postgres' detail quotes the row.
struct Refused;

impl Timer for Refused {
    const KIND: &'static str = "test.refused";

    async fn fire(&self, tx: &mut Tx, ref_id: Uuid) -> Result<(), TimerError> {
        let (tenant, now) = (tx.tenant().as_uuid(), tx.now());
        let written = sqlx::query(
            "insert into conv_tasks (tenant_id, id, purpose_key, kind, caller_phone, text, created_at)
             values ($1, $2, 'test', 'no such kind', $3, $4, $5)",
        )
        .bind(tenant)
        .bind(ref_id)
        .bind(CALLER)
        .bind(WORDS)
        .bind(now)
        .execute(tx.conn().await?)
        .await
        .map_err(DbError::from);
        // Whoever logs an error with `?` must not log the row.
        if let Err(error) = &written {
            tracing::error!(?error, "a timer's row was refused");
        }
        Ok(written.map(drop)?)
    }
}

/// Everything that can happen with a caller, done once.
async fn live(app: &App) {
    app.twilio.place_call(CallRequest::new(CALLER, app.number.clone(), CallScenario::NoAnswer)).await;
    app.settle().await;
    let say = async |body: &str| {
        let mut text = TextRequest::new(CALLER, app.number.clone(), body);
        text.media = vec![(format!("https://media.example.com/{WORDS}"), "image/png".to_owned())];
        app.twilio.send_text(text).await;
        app.settle().await;
    };
    say(&format!("I am {WORDS}, call {CALLER}")).await;
    // A provider that refuses, breaks off and answers nonsense.
    for fault in [
        Fault::Answer { status: 400, code: Some(21_211), retry_after_seconds: None },
        Fault::AcceptThenAnswer { status: 500, body: format!("{{\"message\": \"{CALLER} {WORDS}\"}}") },
        Fault::AcceptThenAnswer { status: 201, body: format!("{WORDS} {CALLER}") },
    ] {
        app.twilio.add_fault(Api::SendMessage, fault, When::Next { requests: 1 });
        say("HELP").await;
        app.twilio.place_call(CallRequest::new(CALLER, app.number.clone(), CallScenario::NoAnswer)).await;
        app.settle().await;
    }
    app.twilio.clear_faults();
    say(&format!("please stop texting me, {WORDS}")).await;
    say("STOP").await;
}

/// Webhooks that are forged, that lack what they need, and that come for nobody.
async fn bad_webhooks(app: &App) {
    for route in ROUTES {
        for (signature, to) in [
            (SignatureKind::Wrong, app.number.as_str()),
            (SignatureKind::Correct, "+14155559999"),
            (SignatureKind::Correct, WORDS),
        ] {
            let params = [
                ("AccountSid", ACCOUNT_SID),
                ("CallSid", WORDS),
                ("MessageSid", WORDS),
                ("From", CALLER),
                ("To", to),
                ("Body", WORDS),
                ("CallStatus", WORDS),
                ("CallerName", WORDS),
            ];
            let params = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let request =
                WebhookRequest { signature, ..WebhookRequest::new(format!("/webhooks/twilio/{route}"), params) };
            app.twilio.deliver(request).await;
        }
    }
    let client = reqwest::Client::new();
    for path in [
        "/webhooks/clerk",
        "/webhooks/twilio/voice",
        "/webhooks/Canary%20Bird",
        "/v1/Canary%20Bird?phone=%2B14155550142",
    ] {
        let request = client.post(format!("{}{path}", app.base_url)).header("svix-id", "Canary Bird").body(WORDS);
        request.send().await.unwrap();
    }
}

/// Every route of the API, with everything personal in its path, query and body; by an owner and by nobody.
async fn api(app: &App) {
    let client = reqwest::Client::new();
    let user = app.clerk.put_user(NewUser::with_email(EMAIL)).unwrap();
    let identified =
        Identified { clerk_user_id: user.id.clone(), email: EMAIL.parse().unwrap(), phone: None, updated_at: None };
    app.modules.identity.add_user(&Actor::Operator { tenant: app.tenant }, identified, Role::Owner).await.unwrap();
    let request = TokenRequest { tenant: Some(app.tenant), role: Some(Role::Owner), ..TokenRequest::of(user.id) };
    let document: Value =
        client.get(format!("{}/openapi.json", app.base_url)).send().await.unwrap().json().await.unwrap();
    let conversation: Uuid =
        sqlx::query_scalar("select id from conv_conversations limit 1").fetch_one(&mut app.look().await).await.unwrap();
    let known = json!({
        "body": WORDS, "name": WORDS, "label": WORDS, "text": WORDS, "phone": CALLER, "email": EMAIL, "role": "TECH",
        "time_zone": WORDS, "legal_name": WORDS,
    });
    let bodies = [
        json!({ "body": WORDS }),
        json!({ "phone": CALLER, "label": WORDS }),
        json!({ "email": EMAIL, "role": "TECH" }),
        json!({ "name": WORDS }),
        json!({ "body": { WORDS: CALLER } }),
        known,
    ];
    let mut asked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        // A stream does not end, and webhooks have their own test.
        if !path.starts_with("/v1/") || path.ends_with("/stream") {
            continue;
        }
        for method in operations.as_object().unwrap().keys().filter(|key| *key != "parameters") {
            for id in [conversation.to_string(), "Canary%20Bird".to_owned(), CALLER.to_owned()] {
                let mut address = path.clone();
                while let (Some(open), Some(close)) = (address.find('{'), address.find('}')) {
                    address.replace_range(open..=close, &id);
                }
                let url = format!("{}{address}?caller_phone=%2B14155550142&cursor=Canary%20Bird", app.base_url);
                for token in [app.clerk.token(&request).unwrap(), "canary-bearer.canary-bearer.x".to_owned()] {
                    for body in &bodies {
                        let sent = client
                            .request(method.to_uppercase().parse().unwrap(), &url)
                            .bearer_auth(&token)
                            .header("idempotency-key", WORDS)
                            .json(body)
                            .send();
                        sent.await.unwrap();
                        asked += 1;
                    }
                }
            }
        }
    }
    assert!(asked > 300, "{asked} requests");
    // The address of a calendar feed is a secret: no path is told, whether it leads anywhere or not.
    let feed = format!("{}/calendar-feeds/{}/{conversation}/1.canary-bearer.ics", app.base_url, app.tenant);
    assert_eq!(client.get(feed).send().await.unwrap().status(), 404);
    app.settle().await;
}

/// What fails for good and is kept: an event that cannot be read, a consumer that stumbles, a timer, a broken request.
async fn failures(app: &App) {
    // The words travel as parameters: at this level the driver logs statements, ours included.
    let mut superuser = app.look().await;
    // Where a number should stand, words do: a parser's complaint would quote them.
    let unreadable = json!({ "media_count": format!("{WORDS} {CALLER}") });
    for changed in [unreadable, json!({})] {
        sqlx::query(
            "insert into outbox_events (tenant_id, id, event_name, schema_version, occurred_at, correlation_id, payload,
                                        available_at, lane, attempts)
             select tenant_id, gen_random_uuid(), event_name, schema_version, occurred_at, correlation_id, payload || $1,
                    occurred_at, 1, 5
             from outbox_events where event_name = 'nmc.telephony.InboundSmsReceived' and attempts = 0 limit 1",
        )
        .bind(&changed)
        .execute(&mut superuser)
        .await
        .unwrap();
        if changed != json!({}) {
            app.settle().await;
        }
    }
    let stumbling = Dispatcher::new(
        app.database.dispatcher().clone(),
        Consumers::new().with(Stumbles),
        nmc_outbox::Settings::default(),
        Random::seeded(11),
    );
    stumbling.drain().await.unwrap();
    let letters = app.count("select count(*) from outbox_dead_letters").await;
    assert!(letters >= 2, "{letters} dead letters");

    let mut tx = app.database.dispatcher().begin(app.tenant).await.unwrap();
    let now = tx.now();
    nmc_timers::set(&mut tx, Refused::KIND, Uuid::nil(), now).await.unwrap();
    tx.commit().await.unwrap();
    let timers = Timers::new(app.database.dispatcher().clone(), nmc_timers::Settings::default(), Random::seeded(12));
    assert_eq!(timers.with(Refused).fire_due().await.unwrap(), 1);
    assert_eq!(app.count("select count(*) from timers where last_error is not null").await, 1);

    sqlx::query(
        "insert into effect_intents (tenant_id, id, kind, purpose_key, order_key, state, available_at, useful_until,
                                     request, correlation_id, created_at)
         select tenant_id, gen_random_uuid(), 'sms', 'broken', 'broken', 'pending', created_at,
                created_at + interval '1 day', $1, gen_random_uuid(), created_at
         from conv_conversations limit 1",
    )
    .bind(json!({ "to": WORDS, "epoch": WORDS, "body": WORDS }))
    .execute(&mut superuser)
    .await
    .unwrap();
    app.settle().await;
    assert_eq!(
        app.count("select count(*) from effect_intents where purpose_key = 'broken' and state <> 'pending'").await,
        1
    );
}

/// Errors that are kept in tables.
const KEPT_ERRORS: &str = "
    select 'dead letter: ' || error from outbox_dead_letters
    union all select 'event: ' || last_error from outbox_events where last_error is not null
    union all select 'timer: ' || last_error from timers where last_error is not null
    union all select 'turn: ' || last_error from conv_turns where last_error is not null
    union all select 'outcome: ' || outcome::text from effect_intents where outcome is not null
    union all select 'failure: ' || failure from conv_messages where failure is not null
    union all select 'task: ' || text from conv_tasks
    union all select 'inputs: ' || inputs::text from comp_gate_decisions
    union all select 'audit: ' || concat(action, object, before, after) from id_audit_log
    union all select 'poll: ' || last_error from tel_polls where last_error is not null";

/// What the child does; without the variable it is not the child.
#[test]
fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let endpoint = std::env::var("OTEL_EXPORTER_OTLP_ENDPOINT").ok();
    let config = TelemetryConfig::from_lookup(&|key| match key {
        "OTEL_EXPORTER_OTLP_ENDPOINT" => endpoint.clone(),
        "OTEL_TRACES_SAMPLER_ARG" => Some("1".to_owned()),
        // More than anybody runs with; the simulators are not the product.
        "RUST_LOG" => Some("debug,nmc_simulators=off".to_owned()),
        _ => None,
    })
    .unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let telemetry = nmc_telemetry::init(&config, "nmc-test").unwrap();
        if std::env::var(CHILD).is_ok_and(|told| told == LEAK) {
            let span = tracing::info_span!("a leak", words = WORDS);
            span.in_scope(|| tracing::info!("{WORDS} wrote"));
            println!("kept: {WORDS}");
            return;
        }
        let app = App::start(dialling()).await;
        live(&app).await;
        bad_webhooks(&app).await;
        api(&app).await;
        failures(&app).await;
        let errors: Vec<String> = sqlx::query_scalar(KEPT_ERRORS).fetch_all(&mut app.look().await).await.unwrap();
        println!("kept: {}", errors.join("\nkept: "));
        println!("metrics:\n{}", telemetry.metrics().render());
    });
    println!("done");
}

/// Takes whatever is sent to it as requests, and keeps the bytes.
fn collect(listener: &TcpListener, kept: &Arc<Mutex<Vec<u8>>>) {
    for stream in listener.incoming() {
        let (Ok(stream), kept) = (stream, Arc::clone(kept)) else { continue };
        thread::spawn(move || answer(stream, &kept));
    }
}

fn answer(mut stream: TcpStream, kept: &Mutex<Vec<u8>>) {
    let (mut request, mut chunk) = (Vec::new(), [0; 8_192]);
    while let Ok(read @ 1..) = stream.read(&mut chunk) {
        request.extend_from_slice(&chunk[..read]);
        while let Some(end) = request.windows(4).position(|bytes| bytes == b"\r\n\r\n").map(|at| at + 4) {
            let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok()).unwrap_or(0);
            if request.len() < end + length {
                break;
            }
            kept.lock().unwrap().extend(request.drain(..end + length));
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        }
    }
}

/// What a child lets out: standard error, standard output, and what it sent to the collector.
struct LetOut {
    logs: String,
    printed: String,
    traces: String,
}

fn run_child(told: &str) -> LetOut {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let traces = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&traces);
    thread::spawn(move || collect(&listener, &kept));
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "leaks::child", "--nocapture"])
        .env(CHILD, told)
        .env("RUST_BACKTRACE", "0")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let out =
        LetOut { logs: text(&output.stderr), printed: text(&output.stdout), traces: text(&traces.lock().unwrap()) };
    assert!(output.status.success() && out.printed.contains("done"), "{}\n{}", out.printed, out.logs);
    out
}

/// The lines in which something stands that must not.
fn leaks(text: &str, of: &str) -> Vec<String> {
    let is_leak = |line: &&str| FORBIDDEN.iter().any(|word| line.contains(word));
    text.lines().filter(is_leak).map(|line| format!("{of}: {line}")).collect()
}

impl LetOut {
    fn leaks(&self) -> Vec<String> {
        let mut found = leaks(&self.logs, "logs");
        found.extend(leaks(&self.printed, "errors and metrics"));
        found.extend(leaks(&self.traces, "traces"));
        found
    }
}

#[test]
fn nothing_personal_and_no_secret_gets_out() {
    let out = run_child("live");
    // The ways were gone indeed: what they leave behind is there.
    for (text, expected) in [
        (&out.logs, "a timer's row was refused"),
        (&out.logs, "\"panicked\""),
        (&out.logs, "an event went to the dead letters"),
        (&out.logs, "/webhooks/twilio/sms-inbound"),
        (&out.printed, "kept: dead letter: the consumer panicked"),
        (&out.printed, "kept: dead letter: the payload of nmc.telephony.InboundSmsReceived"),
        (&out.printed, "kept: timer: "),
        (&out.printed, "stop_optout_total"),
        (&out.traces, "twilio messages.create"),
        (&out.traces, "/v1/conversations"),
    ] {
        assert!(text.contains(expected), "no {expected:?}");
    }
    let found = out.leaks();
    assert!(found.is_empty(), "{} leaks, the first of them:\n{}", found.len(), found[..found.len().min(12)].join("\n"));
}

#[test]
fn a_leak_is_found_in_each_place() {
    let found = run_child(LEAK).leaks();
    for place in ["logs: ", "errors and metrics: ", "traces: "] {
        assert!(found.iter().any(|leak| leak.starts_with(place)), "none of the {place:?} among {found:?}");
    }
}
