//! Everything an installation is made of, started in order and stopped in reverse.

use std::{
    error::Error,
    fs::{File, TryLockError},
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nmc_kernel::{E164, Role};
use nmc_providers::twilio::{AccountSid, AuthToken};
use nmc_simulators::{
    StartError,
    clerk::ClerkSimulator,
    twilio::{SimulatedNumber, TwilioSettings, TwilioSimulator},
};

use crate::{
    Database, DatabaseError, ExampleTenant, Program, ProgramError, clerk, example_tenant, tenant::other_tenants,
};

/// Any well-formed id and token do: the simulator stands in for the account they would belong to.
pub(crate) const ACCOUNT_SID: &str = "AC00000000000000000000000000005a4d";
pub(crate) const AUTH_TOKEN: &str = "sandbox-auth-token";
pub(crate) const CALENDAR_FEED_KEY: &str = "sandbox-calendar-feed-key-of-this-machine";
/// How long the programs may take to become ready.
const READY_TIMEOUT: Duration = Duration::from_secs(30);
const READY_POLL: Duration = Duration::from_millis(10);
/// How long one readiness check may take.
const READY_CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// What to start, and where.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where data and logs are kept.
    pub data_dir: PathBuf,
    /// The database's name.
    pub database: &'static str,
    /// Drop what the database holds first.
    pub fresh: bool,
    /// Whether commits wait for the disk.
    pub durable: bool,
    /// The value of `DATABASE_URL`, where another server is to be used.
    pub database_url: Option<String>,
    /// A program that understands the sandbox's arguments: this one.
    pub executable: PathBuf,
    /// The port the server should have, if it is free.
    pub http_port: u16,
    /// The port Twilio's simulator should have, if it is free.
    pub twilio_port: u16,
    /// The port Clerk's simulator should have, if it is free.
    pub clerk_port: u16,
    /// Keep over a restart what the simulators know: messages, keys, people.
    pub keep_simulators: bool,
    /// Configuration beyond what an installation needs: key and value.
    pub configuration: Vec<(String, String)>,
}

impl Plan {
    /// A durable installation below `data_dir` on any free ports.
    pub fn new(data_dir: PathBuf, executable: PathBuf) -> Self {
        Self {
            data_dir,
            database: "nmc_sandbox",
            fresh: false,
            durable: true,
            database_url: None,
            executable,
            http_port: 0,
            twilio_port: 0,
            clerk_port: 0,
            keep_simulators: false,
            configuration: Vec::new(),
        }
    }
}

/// Why the sandbox cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Another process works on the same data. Two would send each other's texts.
    #[error(
        "a sandbox runs already on the database {database} with the data in {}: stop that one first, or start this one in \
         another folder",
        data_dir.display()
    )]
    AlreadyRuns {
        /// The database both want.
        database: &'static str,
        /// Where the data is.
        data_dir: PathBuf,
    },
    /// There is no database to work on.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A statement failed.
    #[error("the database refused: {0}")]
    Db(#[from] nmc_db::DbError),
    /// A query failed.
    #[error("the database refused: {0}")]
    Sql(#[from] sqlx::Error),
    /// A simulator could not be started.
    #[error("{0} ({why})", why = why(.0))]
    Simulator(#[from] StartError),
    /// A program could not be started or stopped.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The example business could not be set up.
    #[error("the example business could not be set up: {0}")]
    Tenant(String),
    /// Files or ports.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system says.
        source: io::Error,
    },
    /// The programs did not become ready.
    #[error("the {name} was not ready within {} s; its log is {}", READY_TIMEOUT.as_secs(), log.display())]
    NotReady {
        /// Which program.
        name: &'static str,
        /// Where its log is.
        log: PathBuf,
    },
    /// A step of the demo found something off.
    #[error("{0}")]
    Demo(String),
    /// The test conversations cannot be played, or went worse than before.
    #[error("{0}")]
    Evaluation(String),
}

impl SandboxError {
    pub(crate) fn tenant(error: impl Error) -> Self {
        Self::Tenant(error.to_string())
    }

    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

/// A running installation.
#[derive(Debug)]
pub struct Installation {
    /// The database below it.
    pub database: Database,
    /// Twilio's stand-in.
    pub twilio: TwilioSimulator,
    /// Clerk's stand-in.
    pub clerk: ClerkSimulator,
    /// The example business.
    pub tenant: ExampleTenant,
    /// `nmc-server serve`.
    pub server: Program,
    /// `nmc-dispatcher run`.
    pub dispatcher: Program,
    /// Where the server answers: `http://127.0.0.1:<port>`.
    pub base_url: String,
    /// Where the programs' metrics are: server, dispatcher.
    pub metrics_urls: [String; 2],
    logs: PathBuf,
    /// Nobody else starts on the same data until this is closed.
    _lock: File,
}

impl Installation {
    /// Starts everything and waits until the server is ready.
    pub async fn start(plan: &Plan) -> Result<Self, SandboxError> {
        let logs = plan.data_dir.join("logs");
        std::fs::create_dir_all(&logs).map_err(SandboxError::io(format!("cannot make {}", logs.display())))?;
        let lock = lock(plan)?;
        let database =
            Database::prepare(&plan.data_dir, plan.database_url.clone(), plan.database, plan.durable, plan.fresh)
                .await?;
        let tenant = example_tenant(&database.url("nmc_app")).await?;
        let (http, metrics) = (free_port(plan.http_port)?, [free_port(0)?, free_port(0)?]);
        let base_url = format!("http://{http}");
        let twilio = start_twilio(plan, &base_url, &tenant.number).await?;
        let clerk = clerk::start(plan, free_port(plan.clerk_port)?, &base_url, tenant.id).await?;
        let program = |name, arguments: &[&'static str], role, metrics: SocketAddr| {
            let mut environment = vec![
                ("DATABASE_URL".to_owned(), database.url(role)),
                ("HTTP_ADDR".to_owned(), http.to_string()),
                ("METRICS_ADDR".to_owned(), metrics.to_string()),
                ("PUBLIC_BASE_URL".to_owned(), base_url.clone()),
                ("TWILIO_ACCOUNT_SID".to_owned(), ACCOUNT_SID.to_owned()),
                ("TWILIO_AUTH_TOKEN".to_owned(), AUTH_TOKEN.to_owned()),
                ("TWILIO_BASE_URL".to_owned(), twilio.base_url()),
                ("CALENDAR_FEED_KEY".to_owned(), CALENDAR_FEED_KEY.to_owned()),
            ];
            environment.extend(clerk::configuration(&clerk));
            environment.extend(plan.configuration.iter().cloned());
            Program::new(name, &plan.executable, arguments, environment, logs.join(format!("{name}.log")))
        };
        let mut server = program("server", &["server", "serve", "--stop-with-stdin"], "nmc_app", metrics[0]);
        let mut dispatcher =
            program("dispatcher", &["dispatcher", "run", "--stop-with-stdin"], "nmc_dispatcher", metrics[1]);
        server.start()?;
        dispatcher.start()?;
        let metrics_urls = metrics.map(|addr| format!("http://{addr}/metrics"));
        let mut installation =
            Self { database, twilio, clerk, tenant, server, dispatcher, base_url, metrics_urls, logs, _lock: lock };
        installation.wait_until_ready().await?;
        Ok(installation)
    }

    /// Waits until the server can work.
    pub async fn wait_until_ready(&mut self) -> Result<(), SandboxError> {
        let http = http_client()?;
        let began = Instant::now();
        // The dispatcher serves its metrics as soon as it works.
        let checks = [(format!("{}/readyz", self.base_url), "server"), (self.metrics_urls[1].clone(), "dispatcher")];
        for (url, name) in checks {
            loop {
                let answer = http.get(&url).timeout(READY_CHECK_TIMEOUT).send().await;
                if answer.is_ok_and(|answer| answer.status().is_success()) {
                    break;
                }
                if began.elapsed() > READY_TIMEOUT {
                    return Err(SandboxError::NotReady { name, log: self.logs.join(format!("{name}.log")) });
                }
                tokio::time::sleep(READY_POLL).await;
            }
        }
        Ok(())
    }

    /// A token for the person of the example business who has this role, for an hour.
    pub fn token(&self, role: Role) -> Result<String, SandboxError> {
        clerk::token_of(&self.clerk, role)
    }

    /// Opens so many businesses like the example one, where calls and texts arrive as well.
    pub async fn open_businesses(&self, count: u16) -> Result<Vec<ExampleTenant>, SandboxError> {
        let tenants = other_tenants(&self.database.url("nmc_app"), count).await?;
        for tenant in &tenants {
            self.twilio.put_number(SimulatedNumber::at(tenant.number.clone(), &self.base_url));
        }
        Ok(tenants)
    }

    /// Where the programs' logs are.
    pub fn logs(&self) -> &Path {
        &self.logs
    }

    /// Stops everything; what runs is finished first.
    pub async fn stop(mut self) -> Result<(), SandboxError> {
        let (server, dispatcher) = tokio::join!(self.server.stop(), self.dispatcher.stop());
        server?;
        dispatcher?;
        self.twilio.stop();
        self.clerk.stop();
        Ok(())
    }
}

/// Takes the database's place in the data folder, which the end of the process gives back, however it ends.
pub(crate) fn lock(plan: &Plan) -> Result<File, SandboxError> {
    let path = plan.data_dir.join(format!("{}.lock", plan.database));
    let failed = |source| SandboxError::Io { what: format!("cannot lock {}", path.display()), source };
    let file = File::create(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(SandboxError::AlreadyRuns { database: plan.database, data_dir: plan.data_dir.clone() })
        }
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// What is behind an error.
fn why(error: &dyn Error) -> String {
    error.source().map(ToString::to_string).unwrap_or_default()
}

/// A client for looking at our own processes.
#[expect(clippy::disallowed_methods, reason = "the sandbox looks at its own server; no provider is behind this")]
pub(crate) fn http_client() -> Result<reqwest::Client, SandboxError> {
    let failed = |error: reqwest::Error| SandboxError::Demo(format!("no HTTP client could be made: {error}"));
    reqwest::Client::builder().no_proxy().build().map_err(failed)
}

async fn start_twilio(plan: &Plan, base_url: &str, number: &E164) -> Result<TwilioSimulator, SandboxError> {
    let account = AccountSid::parse(ACCOUNT_SID).map_err(SandboxError::tenant)?;
    let mut settings = TwilioSettings::new(account, AuthToken::new(AUTH_TOKEN), base_url);
    settings.numbers = vec![SimulatedNumber::at(number.clone(), base_url)];
    settings.address = free_port(plan.twilio_port)?;
    if plan.keep_simulators {
        settings.snapshot = Some(plan.data_dir.join("twilio-messages.jsonl"));
    }
    Ok(TwilioSimulator::start(settings).await?)
}

/// The loopback address with `wanted`, or with any free port where that is taken.
fn free_port(wanted: u16) -> Result<SocketAddr, SandboxError> {
    let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and_then(|listener| listener.local_addr());
    bind(wanted).or_else(|_| bind(0)).map_err(SandboxError::io("no free port on 127.0.0.1"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]
mod tests {
    use super::*;

    #[test]
    fn two_do_not_run_on_the_same_data() {
        let data_dir = std::env::temp_dir().join(format!("nmc-sandbox-lock-{}", std::process::id()));
        std::fs::create_dir_all(&data_dir).unwrap();
        let plan = Plan::new(data_dir.clone(), PathBuf::new());
        let first = lock(&plan).unwrap();
        let second = lock(&plan).unwrap_err().to_string();
        assert!(second.contains("runs already on the database nmc_sandbox"), "{second}");
        assert!(lock(&Plan { database: "nmc_demo", ..plan.clone() }).is_ok(), "the demo runs beside it");
        drop(first);
        // A process that another test is just starting has the file for a moment as well.
        let again = nmc_postgres::wait_until(Duration::from_secs(10), || lock(&plan).ok());
        assert!(again.is_some(), "whoever ended gave it back");
        std::fs::remove_dir_all(&data_dir).unwrap();
    }
}
