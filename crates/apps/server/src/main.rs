//! `nmc-server`; see `nmc_app::ServerCommand` for what it can do.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    nmc_app::run_program(nmc_app::ServerCommand::parse().run())
}
