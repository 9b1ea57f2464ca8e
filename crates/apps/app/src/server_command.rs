use clap::{Parser, Subcommand};
use nmc_config::{Config, DatabaseConfig};
use nmc_db::Wakes;
use secrecy::ExposeSecret as _;

use crate::{
    AppError, StopOn,
    operators::{self, OperatorCommand},
    process::{pool_settings, stop_signal},
    serve,
};

/// NeverMissCall's HTTP server, and the commands by which operators set up businesses.
#[derive(Debug, Parser)]
#[command(name = "nmc-server", version)]
pub struct ServerCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Answer HTTP until SIGTERM or SIGINT.
    Serve {
        /// Also stop when standard input ends: for a program that starts this one.
        #[arg(long)]
        stop_with_stdin: bool,
    },
    /// Apply the migrations that are missing, as DATABASE_OWNER_URL.
    Migrate,
    /// Prepare a database server once, as a superuser: roles, the database, its extensions.
    Provision {
        /// The superuser's URL of any database on the server.
        #[arg(long, env = "DATABASE_SUPERUSER_URL", hide_env_values = true)]
        superuser_url: String,
        /// The database to make.
        #[arg(long, default_value = "nmc")]
        database: String,
    },
    /// Check the configuration and say what is wrong with it.
    CheckConfig,
    #[command(flatten)]
    Operator(OperatorCommand),
}

impl ServerCommand {
    /// Does what the command line asks.
    pub async fn run(self) -> Result<(), AppError> {
        match self.action {
            Action::Serve { stop_with_stdin } => {
                let config = Config::from_env()?;
                let stop_on = if stop_with_stdin { StopOn::EndOfInput } else { StopOn::Signals };
                // The whole server is one future, too large for a stack frame of the command's.
                Box::pin(serve(&config, stop_signal(stop_on)?)).await
            }
            Action::Migrate => migrate().await,
            Action::Provision { superuser_url, database } => provision(&superuser_url, &database).await,
            Action::CheckConfig => {
                Config::from_env()?;
                operators::say("the configuration is complete");
                Ok(())
            }
            Action::Operator(command) => {
                let config = DatabaseConfig::from_env()?;
                let db = nmc_db::Db::new(config.url.expose_secret(), pool_settings(&config), Wakes::new())?;
                operators::run(command, &db).await
            }
        }
    }
}

async fn migrate() -> Result<(), AppError> {
    let config = DatabaseConfig::from_env()?;
    let Some(owner) = config.owner_url else {
        return Err(AppError::Refused(
            "DATABASE_OWNER_URL is missing: the URL of the role that owns the tables".to_owned(),
        ));
    };
    nmc_db::migrate(owner.expose_secret()).await?;
    operators::say("the migrations are current");
    Ok(())
}

async fn provision(superuser_url: &str, database: &str) -> Result<(), AppError> {
    let Ok(server) = url::Url::parse(superuser_url) else {
        return Err(AppError::Refused("the superuser's URL is not a URL".to_owned()));
    };
    let url_of = |database: &str| {
        let mut url = server.clone();
        url.set_path(database);
        url.to_string()
    };
    nmc_db::provision(url_of, database).await?;
    operators::say("roles, database and extensions are there; set the roles' passwords, then run `nmc-server migrate`");
    Ok(())
}
