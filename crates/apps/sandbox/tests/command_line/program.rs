//! A program as a child process: how it is started, and how it ended.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::Stdio,
    time::Duration,
};

use serde_json::Value;
use sqlx::PgConnection;
use tokio::{process::Command, time::timeout};

pub(crate) const ACCOUNT_SID: &str = "AC00000000000000000000000000000001";
pub(crate) const AUTH_TOKEN: &str = "a-test-auth-token";
pub(crate) const NOBODYS_ID: &str = "00000000-0000-7000-8000-000000000000";
/// What is waited for takes far less; a busy machine gets this long.
pub(crate) const BOUND: Duration = Duration::from_secs(30);

pub(crate) type Environment = Vec<(&'static str, String)>;

pub(crate) fn program(arguments: &[&str], environment: &Environment) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nmc-sandbox"));
    // Neither the environment of this process nor a settings file of the working directory decides anything.
    command.args(arguments).env_clear().envs(environment.iter().map(|(key, value)| (*key, value)));
    command.current_dir(env!("CARGO_TARGET_TMPDIR")).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) output: String,
    pub(crate) errors: String,
}

impl Ended {
    pub(crate) fn succeeded(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.output.trim().to_owned()
    }

    /// It failed with a reason, which is returned.
    pub(crate) fn refused(self) -> String {
        assert_eq!(self.code, Some(1), "{self:?}");
        assert!(!self.errors.trim().is_empty(), "{self:?}");
        self.errors
    }

    pub(crate) fn json_lines(self) -> Vec<Value> {
        self.succeeded().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

pub(crate) async fn run(arguments: &[&str], environment: &Environment) -> Ended {
    let output = timeout(BOUND, program(arguments, environment).output()).await.unwrap().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), output: text(output.stdout), errors: text(output.stderr) }
}

/// A whole configuration for this database, with addresses that are free.
pub(crate) fn configuration(database_url: String, http: SocketAddr, metrics: SocketAddr, twilio: &str) -> Environment {
    vec![
        ("DATABASE_URL", database_url),
        ("HTTP_ADDR", http.to_string()),
        ("METRICS_ADDR", metrics.to_string()),
        ("PUBLIC_BASE_URL", format!("http://{http}")),
        ("TWILIO_ACCOUNT_SID", ACCOUNT_SID.to_owned()),
        ("TWILIO_AUTH_TOKEN", AUTH_TOKEN.to_owned()),
        ("TWILIO_BASE_URL", twilio.to_owned()),
        ("CLERK_JWT_ISSUER", "http://127.0.0.1:9".to_owned()),
        ("CLERK_JWKS_URL", "http://127.0.0.1:9/.well-known/jwks.json".to_owned()),
        ("CLERK_AUTHORIZED_PARTIES", "https://app.example.com".to_owned()),
        ("CLERK_BASE_URL", "http://127.0.0.1:9".to_owned()),
        ("CLERK_SECRET_KEY", "sk_test_nobody".to_owned()),
        ("CLERK_WEBHOOK_SECRET", "whsec_Y2hhbmdlLW1lLWNoYW5nZS1tZS1jaGFuZ2U=".to_owned()),
        ("CALENDAR_FEED_KEY", "a key of at least thirty-two characters".to_owned()),
        ("RUST_LOG", "warn".to_owned()),
    ]
}

pub(crate) fn any_address() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind(any_address()).unwrap().local_addr().unwrap()
}

pub(crate) fn with(environment: &Environment, key: &'static str, value: &str) -> Environment {
    let kept = environment.iter().filter(|(name, _)| *name != key).cloned();
    kept.chain([(key, value.to_owned())]).collect()
}

pub(crate) async fn count(connection: &mut PgConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(connection).await.unwrap()
}
