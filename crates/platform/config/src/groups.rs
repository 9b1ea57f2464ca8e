//! The keys. A field's doc comment is the key's description in `docs/operations.md` and `.env.example`.

use std::{net::SocketAddr, time::Duration};

use ipnet::IpNet;
use secrecy::SecretString;

use crate::{
    BaseUrl, ConfigError,
    env_file::EnvFile,
    kinds::{
        audience, base_url, countries, flag, hours, integer, log_filter, milliseconds, minutes, model_name, networks,
        one_of, origins, postgres_url, ratio, seconds, secret, socket_address, twilio_sid, webhook_secrets,
    },
    source::{Source, default, optional, required},
};

/// Declares a group of keys: the struct, and reading it, which declares the keys for the documents.
macro_rules! group {
    (
        $(#[doc = $group_doc:literal])+
        $name:ident, $title:literal {
            $($(#[doc = $doc:literal])+ $field:ident: $type:ty = $setting:expr,)+
        }
    ) => {
        $(#[doc = $group_doc])+
        #[derive(Clone, Debug)]
        pub struct $name {
            $($(#[doc = $doc])+ pub $field: $type,)+
        }

        impl $name {
            /// Reads this group alone, from where [`Config::from_env`] reads; for subcommands that need no more.
            pub fn from_env() -> Result<Self, ConfigError> {
                let file = EnvFile::find()?;
                Self::from_lookup(&|name| file.below_environment(name))
            }

            /// Reads this group alone; checks across keys are left out.
            pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
                let mut source = Source::new(lookup);
                Self::read(&mut source).ok_or_else(|| ConfigError::Wrong(source.wrong().to_vec()))
            }

            fn read(source: &mut Source<'_>) -> Option<Self> {
                source.begin_group($title);
                $(let $field = source.take($setting, concat!($($doc, "\n"),+));)+
                Some(Self { $($field: $field?,)+ })
            }
        }
    };
}

/// Everything the programs are told from outside.
#[derive(Clone, Debug)]
pub struct Config {
    /// Postgres.
    pub database: DatabaseConfig,
    /// The HTTP server's addresses.
    pub http: HttpConfig,
    /// The HTTP server's bounds.
    pub http_limits: HttpLimits,
    /// The account with Twilio.
    pub twilio: TwilioConfig,
    /// The instance with Clerk.
    pub clerk: ClerkConfig,
    /// Delivering events to consumers.
    pub outbox: OutboxConfig,
    /// Calling providers.
    pub effects: EffectsConfig,
    /// Calls coming in.
    pub telephony: TelephonyConfig,
    /// How many texts may go out.
    pub compliance: ComplianceConfig,
    /// Threads with callers.
    pub conversation: ConversationConfig,
    /// The language model that reads callers' texts.
    pub model: ModelConfig,
    /// Appointments.
    pub scheduling: SchedulingConfig,
    /// Logs and traces.
    pub telemetry: TelemetryConfig,
}

impl Config {
    /// Reads every group before it gives up, so that all wrong keys are found at once.
    pub(crate) fn read(source: &mut Source<'_>) -> Option<Self> {
        let database = DatabaseConfig::read(source);
        let http = HttpConfig::read(source);
        let http_limits = HttpLimits::read(source);
        let twilio = TwilioConfig::read(source);
        let clerk = ClerkConfig::read(source);
        let outbox = OutboxConfig::read(source);
        let effects = EffectsConfig::read(source);
        let telephony = TelephonyConfig::read(source);
        let compliance = ComplianceConfig::read(source);
        let conversation = ConversationConfig::read(source);
        let model = ModelConfig::read(source);
        let scheduling = SchedulingConfig::read(source);
        let telemetry = TelemetryConfig::read(source);
        Some(Self {
            database: database?,
            http: http?,
            http_limits: http_limits?,
            twilio: twilio?,
            clerk: clerk?,
            outbox: outbox?,
            effects: effects?,
            telephony: telephony?,
            compliance: compliance?,
            conversation: conversation?,
            model: model?,
            scheduling: scheduling?,
            telemetry: telemetry?,
        })
    }
}

group! {
    /// Postgres: whom the process connects as, and for how long it waits.
    DatabaseConfig, "Database" {
        /// Connection of the process's own role: `nmc_app` for the server, `nmc_dispatcher` for the dispatcher. Never the
        /// owner of the tables, who would pass by row-level security.
        url: SecretString = required("DATABASE_URL", postgres_url(), "postgres://nmc_app:change-me@localhost:5432/nmc"),
        /// Connection of the role that owns the tables; only migrating needs it.
        owner_url: Option<SecretString> = optional("DATABASE_OWNER_URL", postgres_url()),
        /// Connections a process opens at most.
        connections_max: u32 = default("DATABASE_CONNECTIONS_MAX", integer(2..=500), "20"),
        /// Connections a process keeps open when idle.
        connections_min: u32 = default("DATABASE_CONNECTIONS_MIN", integer(0..=500), "2"),
        /// How long a request waits for a free connection before it is answered with 503.
        acquire_timeout: Duration =
            default("DATABASE_ACQUIRE_TIMEOUT_MILLISECONDS", milliseconds(50..=10_000), "800"),
        /// How long a single statement may run.
        statement_timeout: Duration = default("DATABASE_STATEMENT_TIMEOUT_SECONDS", seconds(1..=300), "10"),
        /// How long a statement waits for a lock.
        lock_timeout: Duration = default("DATABASE_LOCK_TIMEOUT_SECONDS", seconds(1..=60), "5"),
        /// How long a transaction may stand open without a statement before Postgres ends it.
        idle_in_transaction_timeout: Duration =
            default("DATABASE_IDLE_IN_TRANSACTION_TIMEOUT_SECONDS", seconds(1..=300), "30"),
    }
}

group! {
    /// Where the programs listen and under which address the world reaches them.
    HttpConfig, "HTTP" {
        /// Where the server listens.
        addr: SocketAddr = default("HTTP_ADDR", socket_address(), "127.0.0.1:8080"),
        /// Where `/metrics` is served, on a listener of its own. Server and dispatcher on one host need different ones:
        /// give the dispatcher for example 127.0.0.1:9465.
        metrics_addr: SocketAddr = default("METRICS_ADDR", socket_address(), "127.0.0.1:9464"),
        /// The address under which providers reach this installation. Webhook signatures are checked against it, and
        /// callback URLs are built from it.
        public_base_url: BaseUrl = required("PUBLIC_BASE_URL", base_url(), "https://nmc.example.com"),
        /// Web origins that may call the API from a browser; without it, none.
        cors_origins: Option<Vec<String>> = optional("HTTP_CORS_ORIGINS", origins()),
        /// The proxies in front of the server. A client's address is the rightmost of `X-Forwarded-For` that is none of
        /// theirs; without this key, the address the connection comes from.
        trusted_proxies: Option<Vec<IpNet>> = optional("HTTP_TRUSTED_PROXIES", networks()),
    }
}

group! {
    /// The HTTP server's bounds.
    HttpLimits, "HTTP limits" {
        /// Connections open at once; more wait to be accepted.
        connections_max: usize = default("HTTP_CONNECTIONS_MAX", integer(1..=100_000), "2000"),
        /// Requests of the API worked on at once; more are answered with 503.
        concurrency_max: usize = default("HTTP_CONCURRENCY_MAX", integer(1..=10_000), "256"),
        /// Requests worked on at once for webhooks, and as many again for health checks: a busy API takes nothing of it.
        concurrency_reserved: usize = default("HTTP_CONCURRENCY_RESERVED", integer(1..=10_000), "128"),
        /// How long a client may take to send the request's head.
        header_timeout: Duration = default("HTTP_HEADER_TIMEOUT_SECONDS", seconds(1..=120), "10"),
        /// How long a request may take from its head to its answer's head, reading the body included.
        request_timeout: Duration = default("HTTP_REQUEST_TIMEOUT_SECONDS", seconds(1..=120), "15"),
        /// Requests of the API one client address may send in a minute, signed in or not; more are answered with 429. An
        /// IPv6 network of 64 bits counts as one address. Webhooks and health checks are not counted.
        address_requests_per_minute: u32 =
            default("HTTP_ADDRESS_REQUESTS_PER_MINUTE", integer(1..=1_000_000), "600"),
        /// Requests of the API the people of one business may send in a minute, per server; more are answered with 429.
        tenant_requests_per_minute: u32 =
            default("HTTP_TENANT_REQUESTS_PER_MINUTE", integer(1..=1_000_000), "1200"),
        /// Live streams a server has open at once; more are answered with 503. Each takes one of its connections.
        streams_max: usize = default("HTTP_STREAMS_MAX", integer(1..=100_000), "1000"),
        /// Live streams one business has open at once on one server; more are answered with 429.
        streams_per_tenant_max: usize = default("HTTP_STREAMS_PER_TENANT_MAX", integer(1..=10_000), "50"),
    }
}

group! {
    /// The account with Twilio. See <https://www.twilio.com/docs/iam/api>.
    TwilioConfig, "Twilio" {
        /// The account that owns the numbers.
        account_sid: String =
            required("TWILIO_ACCOUNT_SID", twilio_sid("AC"), "AC00000000000000000000000000000000"),
        /// The account's auth token: signs webhooks and authenticates calls to the API.
        auth_token: SecretString = required("TWILIO_AUTH_TOKEN", secret(8), "change-me"),
        /// The messaging service texts are sent through; without it they are sent from the number itself.
        messaging_service_sid: Option<String> = optional("TWILIO_MESSAGING_SERVICE_SID", twilio_sid("MG")),
        /// Where the API is; a simulator can stand in for it.
        base_url: BaseUrl = default("TWILIO_BASE_URL", base_url(), "https://api.twilio.com"),
        /// How long one call to the API may take, connecting included.
        timeout: Duration = default("TWILIO_TIMEOUT_SECONDS", seconds(1..=60), "10"),
        /// How long connecting to the API may take.
        connect_timeout: Duration = default("TWILIO_CONNECT_TIMEOUT_SECONDS", seconds(1..=30), "3"),
    }
}

group! {
    /// The instance with Clerk, which says who signs in. See <https://clerk.com/docs/guides/sessions/session-tokens>.
    ClerkConfig, "Clerk" {
        /// The instance's Frontend API URL: the `iss` of every token that is accepted.
        jwt_issuer: BaseUrl = required("CLERK_JWT_ISSUER", base_url(), "https://clerk.example.com"),
        /// What a token's `aud` must hold; only where tokens are made for an audience.
        jwt_audience: Option<String> = optional("CLERK_JWT_AUDIENCE", audience()),
        /// The origins that may ask for tokens: a token's `azp` must be one of them where it is present.
        authorized_parties: Vec<String> =
            required("CLERK_AUTHORIZED_PARTIES", origins(), "https://app.example.com"),
        /// Where the keys are that tokens are signed with: `/.well-known/jwks.json` of the Frontend API.
        jwks_url: BaseUrl =
            required("CLERK_JWKS_URL", base_url(), "https://clerk.example.com/.well-known/jwks.json"),
        /// Where the Backend API is; a simulator can stand in for it.
        base_url: BaseUrl = default("CLERK_BASE_URL", base_url(), "https://api.clerk.com"),
        /// The key to the Backend API.
        secret_key: SecretString = required("CLERK_SECRET_KEY", secret(8), "sk_test_change-me"),
        /// The secrets of the webhook endpoint, separated by commas: one, and while it is changed the one before as well.
        webhook_secrets: Vec<SecretString> =
            required("CLERK_WEBHOOK_SECRET", webhook_secrets(), "whsec_Y2hhbmdlLW1lLWNoYW5nZS1tZS1jaGFuZ2U="),
        /// How long one call to the Backend API may take, connecting included.
        timeout: Duration = default("CLERK_TIMEOUT_SECONDS", seconds(1..=60), "8"),
        /// How long connecting to the Backend API may take.
        connect_timeout: Duration = default("CLERK_CONNECT_TIMEOUT_SECONDS", seconds(1..=30), "3"),
    }
}

group! {
    /// Delivering events to consumers.
    OutboxConfig, "Outbox" {
        /// Events claimed at once; up to five times as many while batches come back full.
        batch_size: u16 = default("OUTBOX_BATCH_SIZE", integer(1..=1000), "100"),
        /// Batches worked on at once by one dispatcher.
        concurrency: u16 = default("OUTBOX_CONCURRENCY", integer(1..=16), "2"),
        /// How often the outbox is looked at when nothing wakes the dispatcher; every 5 s at rest, where this is less.
        poll_interval: Duration =
            default("OUTBOX_POLL_INTERVAL_MILLISECONDS", milliseconds(10..=60_000), "1000"),
    }
}

group! {
    /// Calling providers.
    EffectsConfig, "Effects" {
        /// Calls to providers in flight at once per dispatcher.
        concurrency: u16 = default("EFFECTS_CONCURRENCY", integer(1..=256), "16"),
        /// How often due intents are looked for when nothing wakes the dispatcher; every 5 s at rest, where this is less.
        poll_interval: Duration =
            default("EFFECTS_POLL_INTERVAL_MILLISECONDS", milliseconds(10..=60_000), "500"),
        /// After this time an attempt whose process is gone counts as over; longer than any provider's own time-out.
        request_timeout: Duration = default("EFFECTS_REQUEST_TIMEOUT_SECONDS", seconds(2..=120), "15"),
        /// The gap between the two empty listings after which a send of unknown fate is repeated.
        listing_gap: Duration = default("EFFECTS_LISTING_GAP_SECONDS", seconds(1..=3600), "60"),
        /// Parts of text messages one number may send in a second; a US long code does about one.
        sms_segments_per_second: u16 = default("SMS_SEGMENTS_PER_SECOND", integer(1..=10_000), "1"),
    }
}

group! {
    /// Calls coming in.
    TelephonyConfig, "Telephony" {
        /// Whether a short completed call that no person answered counts as missed.
        treat_short_completed_as_missed: bool = default("TREAT_SHORT_COMPLETED_AS_MISSED", flag(), "false"),
        /// How long a completed call may have lasted to count as short.
        short_completed_max: Duration = default("SHORT_COMPLETED_MAX_SECONDS", seconds(1..=120), "10"),
        /// How often Twilio's lists of messages and calls are read for what no webhook delivered.
        poll_interval: Duration = default("POLL_INTERVAL_TWILIO_SECONDS", seconds(5..=3600), "180"),
        /// For how long a caller's next call continues the correlation of the one before.
        correlation_reuse_window: Duration =
            default("CORRELATION_REUSE_WINDOW_MINUTES", minutes(0..=1440), "10"),
    }
}

group! {
    /// How many texts may go out: what is left of a fraud or a fault when everything else has let it through. A text
    /// beyond what one caller may get is not sent, and a person is told; beyond the others it waits.
    ComplianceConfig, "Compliance" {
        /// The countries a business may choose to text: a text costs ten times as much in some, and who holds the number may
        /// share in it. What a business has chosen beyond them is not texted.
        countries_served: Vec<String> = default("COUNTRIES_SERVED", countries(), "US,CA"),
        /// Texts to one caller of one business within an hour, at most.
        texts_per_caller_hour_max: u32 = default("TEXTS_PER_CALLER_HOUR_MAX", integer(1..=10_000), "30"),
        /// The same within 24 hours.
        texts_per_caller_day_max: u32 = default("TEXTS_PER_CALLER_DAY_MAX", integer(1..=100_000), "60"),
        /// Texts of one business within an hour, at most.
        texts_per_business_hour_max: u32 = default("TEXTS_PER_BUSINESS_HOUR_MAX", integer(1..=1_000_000), "500"),
        /// The same within 24 hours.
        texts_per_business_day_max: u32 = default("TEXTS_PER_BUSINESS_DAY_MAX", integer(1..=10_000_000), "3000"),
        /// Texts of all businesses together within an hour, at most.
        texts_per_hour_max: u32 = default("TEXTS_PER_HOUR_MAX", integer(1..=100_000_000), "100000"),
        /// The same within 24 hours.
        texts_per_day_max: u32 = default("TEXTS_PER_DAY_MAX", integer(1..=1_000_000_000), "1000000"),
    }
}

group! {
    /// Threads with callers.
    ConversationConfig, "Conversation" {
        /// Holds back every outgoing text, without losing any.
        pause_outbound_sms: bool = default("PAUSE_OUTBOUND_SMS", flag(), "false"),
        /// After this time without a message a conversation is closed.
        inactivity_auto_close: Duration =
            default("CONVERSATION_INACTIVITY_AUTO_CLOSE_HOURS", hours(1..=8760), "72"),
        /// How long a caller's text may stay unanswered by the person who has the conversation before somebody is told.
        override_window: Duration = default("AI_HUMAN_OVERRIDE_WINDOW_SECONDS", seconds(5..=3600), "60"),
        /// Answers of the automation worked out at once by one dispatcher, half of them for one business at most; without
        /// it 8, and 32 with a language model, which each of them waits for.
        turn_concurrency: Option<u16> = optional("TURN_CONCURRENCY", integer(2..=256)),
    }
}

group! {
    /// A language model that reads callers' texts, behind an API that is compatible with OpenAI's (`/chat/completions` with
    /// `response_format: json_schema`). See <https://platform.openai.com/docs/api-reference/chat>.
    ModelConfig, "Language model" {
        /// Where the API is, such as https://api.openai.com/v1 or a server of one's own; this turns the model on. What it
        /// does not understand in 3.5 s is understood without it.
        base_url: Option<BaseUrl> = optional("MODEL_BASE_URL", base_url()),
        /// What the model is called there; required with `MODEL_BASE_URL`.
        name: Option<String> = optional("MODEL_NAME", model_name()),
        /// The key to the API; servers of one's own may need none.
        api_key: Option<SecretString> = optional("MODEL_API_KEY", secret(8)),
    }
}

group! {
    /// Appointments.
    SchedulingConfig, "Scheduling" {
        /// How long a timeslot stays reserved for somebody who has not booked it.
        hold_ttl: Duration = default("HOLD_TTL_MINUTES", minutes(1..=60), "15"),
        /// How far apart the slots of a search begin where it does not say so itself.
        search_granularity_minutes: i32 = default("SEARCH_GRANULARITY_MINUTES", one_of(&[15, 30, 60]), "15"),
        /// What the addresses of calendar feeds are signed with. Who has it can read every calendar; another one makes all
        /// addresses void.
        calendar_feed_key: SecretString =
            required("CALENDAR_FEED_KEY", secret(32), "change-me-change-me-change-me-change-me"),
    }
}

group! {
    /// Logs and traces.
    TelemetryConfig, "Telemetry" {
        /// Which log lines and spans are kept.
        log_filter: String = default("RUST_LOG", log_filter(), "info"),
        /// The OpenTelemetry collector (OTLP over HTTP) traces are sent to; without it none are.
        otlp_endpoint: Option<BaseUrl> = optional("OTEL_EXPORTER_OTLP_ENDPOINT", base_url()),
        /// The share of traces that is kept; a trace that came in with a decision keeps it. To keep every trace with an
        /// error, set 1 and let the collector decide at the trace's end.
        trace_sample_ratio: f64 = default("OTEL_TRACES_SAMPLER_ARG", ratio(), "0.1"),
    }
}
