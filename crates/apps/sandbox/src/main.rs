//! `cargo run`: the sandbox. `cargo run -- demo`: the main job, played and checked.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use nmc_app::{AppError, DispatcherCommand, ServerCommand, run_program};

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
            Action::Server(server) => server.run().await,
            Action::Dispatcher(dispatcher) => dispatcher.run().await,
        }
    })
}

fn refused(error: &nmc_sandbox::SandboxError) -> AppError {
    AppError::Refused(error.to_string())
}
