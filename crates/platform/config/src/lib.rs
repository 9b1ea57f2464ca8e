//! What the programs are told from outside: every key, its type, its default and what it is for, declared once.
//!
//! The environment comes first, then an optional file of `KEY=value` lines for local use ([`Config::from_env`]). A wrong
//! or missing value stops the start, and all of them are reported at once. The same declarations give the table in
//! `docs/operations.md` ([`operations_table`]) and `.env.example` ([`env_example`]).
//!
//! To add a key: add a field with its doc comment to a group in `groups.rs`. Nothing else has to change.

mod docs;
mod env_file;
mod error;
mod groups;
mod kinds;
mod source;

pub use docs::{OPERATIONS_TABLE_BEGIN, OPERATIONS_TABLE_END, env_example, operations_table};
use env_file::EnvFile;
pub use error::{ConfigError, WrongKey};
pub use groups::{
    ClerkConfig, ComplianceConfig, Config, ConversationConfig, DatabaseConfig, EffectsConfig, HttpConfig, HttpLimits,
    ModelConfig, OutboxConfig, TelemetryConfig, TelephonyConfig, TwilioConfig,
};
pub use kinds::BaseUrl;
use source::Source;
pub use source::{Key, Presence};

impl Config {
    /// Reads the environment, and below it the file named by `NMC_ENV_FILE`, or `.env` in the working directory
    /// where there is one.
    pub fn from_env() -> Result<Self, ConfigError> {
        let file = EnvFile::find()?;
        Self::from_lookup(&|name| file.below_environment(name))
    }

    /// Reads every key through `lookup`; an empty value counts as not set.
    pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Self::checked(&mut Source::new(lookup))
    }

    /// Every key there is, in the order of the groups.
    pub fn keys() -> Vec<Key> {
        let mut source = Source::new(&|_| None);
        // The values do not matter here: reading is what declares the keys.
        let _ = Self::read(&mut source);
        source.into_keys()
    }

    fn checked(source: &mut Source<'_>) -> Result<Self, ConfigError> {
        let config = Self::read(source);
        if let Some(config) = &config {
            config.check_across_keys(source);
        }
        match config {
            Some(config) if source.wrong().is_empty() => Ok(config),
            _ => Err(ConfigError::Wrong(source.wrong().to_vec())),
        }
    }

    /// What no key can check alone.
    fn check_across_keys(&self, source: &mut Source<'_>) {
        if self.database.connections_min > self.database.connections_max {
            source.reject("DATABASE_CONNECTIONS_MIN", "at most DATABASE_CONNECTIONS_MAX");
        }
        if self.twilio.timeout >= self.effects.request_timeout {
            // The engine takes an attempt for over once its own time-out has passed: the client must have given up before.
            source.reject("TWILIO_TIMEOUT_SECONDS", "less than EFFECTS_REQUEST_TIMEOUT_SECONDS");
        }
        if self.clerk.timeout >= self.effects.request_timeout {
            source.reject("CLERK_TIMEOUT_SECONDS", "less than EFFECTS_REQUEST_TIMEOUT_SECONDS");
        }
        if self.model.base_url.is_some() && self.model.name.is_none() {
            source.reject("MODEL_NAME", "the name of the model that MODEL_BASE_URL has");
        }
        if self.http.addr.port() != 0 && self.http.addr == self.http.metrics_addr {
            source.reject("METRICS_ADDR", "another address than HTTP_ADDR");
        }
    }
}
