//! `cargo run`: the sandbox. `cargo run -- demo`: the main job, played and checked. `cargo run -- evaluate`: the score
//! of the test conversations.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use nmc_app::{AppError, DispatcherCommand, ServerCommand, run_program};
use nmc_kernel::Role;
use nmc_sandbox::Evaluation;

/// The whole product on this machine, with nothing configured and no account anywhere.
#[derive(Debug, Parser)]
#[command(name = "nmc-sandbox", version)]
struct SandboxCommand {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Start everything and keep running until Ctrl-C (the default).
    Run,
    /// Play a missed call up to the delivered SMS and what can follow it, check every step, and stop.
    Demo,
    /// Play the test conversations of `evaluation/`, print the score, and fail where it is below the committed one.
    Evaluate(Evaluation),
    /// Print a token with which somebody of the example business signs in, for `Authorization: Bearer`.
    Token {
        /// As whom: OWNER or TECH.
        #[arg(long, value_parser = role)]
        role: Role,
        /// How long it holds.
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=525_600))]
        minutes: u32,
    },
    /// What `nmc-server` does; the sandbox starts itself as its server.
    #[command(hide = true)]
    Server(ServerCommand),
    /// What `nmc-dispatcher` does.
    #[command(hide = true)]
    Dispatcher(DispatcherCommand),
}

fn main() -> ExitCode {
    let command = SandboxCommand::parse();
    run_program(async {
        match command.action.unwrap_or(Action::Run) {
            Action::Run => nmc_sandbox::run().await.map_err(|error| refused(&error)),
            Action::Demo => nmc_sandbox::demo().await.map_err(|error| refused(&error)),
            Action::Evaluate(evaluation) => evaluation.run().await.map_err(|error| refused(&error)),
            Action::Token { role, minutes } => nmc_sandbox::token(role, minutes).map_err(|error| refused(&error)),
            Action::Server(server) => server.run().await,
            Action::Dispatcher(dispatcher) => Box::pin(dispatcher.run()).await,
        }
    })
}

fn role(word: &str) -> Result<Role, &'static str> {
    match word.to_ascii_uppercase().as_str() {
        "OWNER" => Ok(Role::Owner),
        "TECH" => Ok(Role::Tech),
        _ => Err("OWNER or TECH"),
    }
}

fn refused(error: &nmc_sandbox::SandboxError) -> AppError {
    AppError::Refused(error.to_string())
}
