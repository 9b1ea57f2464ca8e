//! `cargo run --release -p nmc-bench`: measures the product's hot paths beside what the machine can do at best, and
//! prints one table. Keeps nothing but its two database clusters, empty.

mod bookings;
mod businesses;
mod calls;
mod cluster;
mod cost;
mod disk;
mod drain;
mod error;
mod events;
mod fairness;
mod growth;
mod memory;
mod pgbench;
mod pickup;
mod processor;
mod proxy;
mod race;
mod report;
mod run;
mod script;
mod shop;
mod stats;
mod texts;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use nmc_app::{AppError, DispatcherCommand, ServerCommand, run_program};

pub(crate) use error::BenchError;
use run::Part;

/// Measures the hot paths and prints a table.
#[derive(Debug, Parser)]
#[command(name = "nmc-bench", version)]
struct BenchCommand {
    /// Seconds of calls per rate.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=20))]
    seconds: u16,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// What a commit costs.
    Disk,
    /// Missed calls from the webhook to the sent text; memory and starts of the programs.
    Calls,
    /// Callers who text: from the time an answer is due to the answer; what a text asks of Postgres.
    Texts,
    /// What a missed call asks of Postgres: round trips, statements, commits.
    Cost,
    /// What a tenant in trouble costs the others.
    Fairness,
    /// How fast the outbox empties, beside the same SQL in pgbench.
    Drain,
    /// How long an event waits for its consumer.
    Pickup,
    /// The same at 4,000 events a second while somebody holds a snapshot.
    Snapshot,
    /// Bookings through the API, beside the same SQL in pgbench; what a booking asks of Postgres.
    Bookings,
    /// Many who want the same time.
    Race,
    /// Searches and bookings of a business alone, and among thousands of others.
    Growth,
    /// What `nmc-server` does; the benchmark starts itself as its server.
    #[command(hide = true)]
    Server(ServerCommand),
    /// What `nmc-dispatcher` does.
    #[command(hide = true)]
    Dispatcher(DispatcherCommand),
}

fn main() -> ExitCode {
    let BenchCommand { seconds, action } = BenchCommand::parse();
    run_program(async {
        let parts = match action {
            None => Part::ALL.to_vec(),
            Some(Action::Disk) => vec![Part::Disk],
            Some(Action::Calls) => vec![Part::Calls],
            Some(Action::Texts) => vec![Part::Texts],
            Some(Action::Cost) => vec![Part::Cost],
            Some(Action::Fairness) => vec![Part::Fairness],
            Some(Action::Drain) => vec![Part::Drain],
            Some(Action::Pickup) => vec![Part::Pickup],
            Some(Action::Snapshot) => vec![Part::Snapshot],
            Some(Action::Bookings) => vec![Part::Bookings],
            Some(Action::Race) => vec![Part::Race],
            Some(Action::Growth) => vec![Part::Growth],
            Some(Action::Server(server)) => return server.run().await,
            Some(Action::Dispatcher(dispatcher)) => return dispatcher.run().await,
        };
        run::run(&parts, usize::from(seconds)).await.map_err(|error| AppError::Refused(error.to_string()))
    })
}
