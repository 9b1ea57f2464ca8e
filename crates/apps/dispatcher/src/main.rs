//! `nmc-dispatcher`; see `nmc_app::DispatcherCommand` for what it can do.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    nmc_app::run_program(nmc_app::DispatcherCommand::parse().run())
}
