//! The product in this process, at a time that is set: server and dispatcher over a database of their own, the
//! simulator in Twilio's place, and most of the dispatcher's work done on demand.

use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use nmc_app::{Modules, routes};
use nmc_config::Config;
use nmc_conversation::Turns;
use nmc_db::{Db, PoolSettings, Wakes};
use nmc_effects::Effects;
use nmc_kernel::{Clock, E164, Random};
use nmc_providers::twilio::{AccountSid, AuthToken};
use nmc_simulators::twilio::{Behaviour, DeliveryPlan, SimulatedNumber, TwilioSettings, TwilioSimulator};
use nmc_timers::Timers;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    Database, SandboxError,
    installation::{ACCOUNT_SID, AUTH_TOKEN, CALENDAR_FEED_KEY},
};

/// Area codes of the businesses' numbers; 555-0100 to 555-0199 of each belong to nobody.
const AREA_CODES: [u16; 8] = [212, 202, 213, 305, 404, 503, 602, 702];
/// Rounds of work that one moment can bring; more would never end.
const ROUNDS_MAX: usize = 100;
/// How long hearing of something may take.
const HEARING_TIMEOUT: Duration = Duration::from_secs(20);
const HEARING_POLL: Duration = Duration::from_millis(2);
/// Other stages and a compiler may be at work beside this one.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(20);

/// Where conversations are played, one after the other, each with a business of its own.
pub(super) struct Stage {
    pub(super) modules: Modules,
    pub(super) db: Db,
    pub(super) twilio: TwilioSimulator,
    /// Past row-level security, for looking.
    pub(super) superuser: PgConnection,
    clock: Clock,
    base_url: String,
    numbers: u16,
    /// The events that somebody hears.
    heard: Vec<String>,
    timers: Timers,
    turns: Turns,
    effects: Effects,
    dispatcher_db: Db,
    stop: CancellationToken,
}

impl Stage {
    /// Builds it over a database that nobody else uses.
    pub(super) async fn build(
        database: &Database,
        name: &str,
        reader: &[(String, String)],
    ) -> Result<Self, SandboxError> {
        let mut superuser = PgConnection::connect(&database.superuser_url()).await?;
        // Nothing of it is kept, so nothing waits for the disk.
        let hasty = format!("alter database {name} set synchronous_commit = off");
        sqlx::raw_sql(AssertSqlSafe(hasty)).execute(&mut superuser).await?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(SandboxError::io("no free port"))?;
        let address = listener.local_addr().map_err(SandboxError::io("the port has no address"))?;
        let base_url = format!("http://{address}");
        let clock = Clock::fixed(DateTime::UNIX_EPOCH);
        let twilio = start_twilio(&base_url, &clock).await?;
        let config = config(database, &base_url, &twilio.base_url(), reader)?;
        let settings = PoolSettings { max_connections: 8, acquire_timeout: ACQUIRE_TIMEOUT, ..PoolSettings::default() };
        // One for both, as if they were one process: who hears is woken at once.
        let wakes = Wakes::new();
        let connect = |role, seed| {
            let db = Db::new(&database.url(role), settings, wakes.clone())?;
            Ok::<_, SandboxError>(db.at(clock.clone(), Random::seeded(seed)))
        };
        let (db, dispatcher_db) = (connect("nmc_app", 1)?, connect("nmc_dispatcher", 2)?);
        let wrong = |error: nmc_app::AppError| SandboxError::Evaluation(error.to_string());
        let modules = Modules::new(&db, &config).map_err(wrong)?;
        let dispatching = Modules::new(&dispatcher_db, &config).map_err(wrong)?;
        let stop = CancellationToken::new();
        let (router, limits, stopped) =
            (routes(&modules, db.clone(), &config, &db), config.http_limits.clone(), stop.clone());
        tokio::spawn(async move { nmc_web::serve(listener, router, &limits, stopped).await });
        let random = Random::seeded(3);
        // In the background, unlike the rest: a worker that starts takes a connection of its own each time.
        let (outbox, stopped) = (dispatching.outbox(&dispatcher_db, &config, random.clone()), stop.clone());
        tokio::spawn(async move { outbox.run(stopped).await });
        Ok(Self {
            heard: dispatching.consumers().events().map(str::to_owned).collect(),
            timers: dispatching.timers(&dispatcher_db, random.clone()),
            turns: dispatching.turns(&config, random.clone()),
            effects: dispatching.effects(&dispatcher_db, &config, random),
            modules,
            db,
            twilio,
            superuser,
            clock,
            base_url,
            numbers: 0,
            dispatcher_db,
            stop,
        })
    }

    /// A number that no business here has yet, with its webhooks at the product.
    pub(super) fn next_number(&mut self) -> Result<E164, SandboxError> {
        let (area, line) = (usize::from(self.numbers / 100), self.numbers % 100);
        let area =
            AREA_CODES.get(area).ok_or_else(|| SandboxError::Evaluation("there are no more numbers".to_owned()))?;
        self.numbers += 1;
        let number = E164::parse(&format!("+1{area}555{:04}", 100 + line)).map_err(SandboxError::tenant)?;
        self.twilio.put_number(SimulatedNumber::at(number.clone(), &self.base_url));
        Ok(number)
    }

    /// Sets the time.
    pub(super) fn go_to(&self, at: DateTime<Utc>) {
        self.clock.advance(at - self.clock.now());
    }

    /// The time.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Waits until what has happened is heard.
    pub(super) async fn hear(&mut self) -> Result<(), SandboxError> {
        let waiting = "select exists (select from outbox_events where dispatched_at is null and event_name = any($1))";
        let began = Instant::now();
        while sqlx::query_scalar(waiting).bind(&self.heard).fetch_one(&mut self.superuser).await? {
            if began.elapsed() > HEARING_TIMEOUT {
                return Err(SandboxError::Evaluation("an event is not heard".to_owned()));
            }
            tokio::time::sleep(HEARING_POLL).await;
        }
        Ok(())
    }

    /// Does everything the dispatcher would do at this moment.
    pub(super) async fn settle(&mut self) -> Result<(), SandboxError> {
        for _ in 0..ROUNDS_MAX {
            self.hear().await?;
            let done = self.timers.fire_due().await? + self.turns.drain().await? + self.effects.drain().await?;
            if done == 0 {
                return Ok(());
            }
        }
        Err(SandboxError::Evaluation("the product does not come to rest".to_owned()))
    }

    /// Ends it.
    pub(super) async fn close(self) -> Result<(), SandboxError> {
        self.stop.cancel();
        self.twilio.stop();
        self.db.close().await;
        self.dispatcher_db.close().await;
        self.superuser.close().await?;
        Ok(())
    }
}

async fn start_twilio(base_url: &str, clock: &Clock) -> Result<TwilioSimulator, SandboxError> {
    let account = AccountSid::parse(ACCOUNT_SID).map_err(SandboxError::tenant)?;
    let mut settings = TwilioSettings::new(account, AuthToken::new(AUTH_TOKEN), base_url);
    settings.clock = clock.clone();
    // What holds a text back is to be the product and nobody else.
    settings.behaviour = Behaviour { keeps_opt_outs: false, step_millis: 0, ..Behaviour::default() };
    let twilio = TwilioSimulator::start(settings).await?;
    twilio.set_delivery(None, DeliveryPlan { silent: true, ..DeliveryPlan::default() });
    Ok(twilio)
}

/// As of a real installation; who signs in does not matter here.
fn config(
    database: &Database,
    base_url: &str,
    twilio_url: &str,
    reader: &[(String, String)],
) -> Result<Config, SandboxError> {
    let values = [
        ("DATABASE_URL", database.url("nmc_app")),
        ("PUBLIC_BASE_URL", base_url.to_owned()),
        ("TWILIO_ACCOUNT_SID", ACCOUNT_SID.to_owned()),
        ("TWILIO_AUTH_TOKEN", AUTH_TOKEN.to_owned()),
        ("TWILIO_BASE_URL", twilio_url.to_owned()),
        // One after the other, so that it is always the same.
        ("OUTBOX_CONCURRENCY", "1".to_owned()),
        ("CALENDAR_FEED_KEY", CALENDAR_FEED_KEY.to_owned()),
        ("CLERK_JWT_ISSUER", "https://clerk.example.com".to_owned()),
        ("CLERK_AUTHORIZED_PARTIES", "https://app.example.com".to_owned()),
        ("CLERK_JWKS_URL", "https://clerk.example.com/.well-known/jwks.json".to_owned()),
        ("CLERK_SECRET_KEY", "sk_test_evaluation".to_owned()),
        ("CLERK_WEBHOOK_SECRET", "whsec_ZXZhbHVhdGlvbiBldmFsdWF0aW9uIGV2YWx1YXRpb24=".to_owned()),
    ];
    let given = |name: &str| reader.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let lookup = |name: &str| {
        values.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone()).or_else(|| given(name))
    };
    Config::from_lookup(&lookup).map_err(|error| SandboxError::Evaluation(error.to_string()))
}
